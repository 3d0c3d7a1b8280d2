"""Rates of a catalogued problem, published, predicted and measured side by side, and what its map says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bestresponse.errors import DataError
from bestresponse.games import linear_rate
from bestresponse.games.diagnostics import diagnose_game
from bestresponse.map_diagnosis import MapDiagnosis, diagnose_map, sample
from bestresponse.typing import Vector
from experiments.catalogue.games import GameModel
from experiments.catalogue.map_model import MapModel
from experiments.catalogue.projection_rates import projection_rates
from experiments.catalogue.schema import Entry
from experiments.catalogue.solving import Solved, model_of, solve

FREE = "_free"  # ends the name of a rate that ignores bounds and rows
EIGENVALUE = "smallest_eigenvalue"


@dataclass(frozen=True)
class RateRow:
    """One rate three ways, None where it is not known."""

    name: str
    published: float | None
    predicted: float | None
    measured: float | None
    moves: tuple[float, ...] = ()  # of the sweeps that it was measured on


@dataclass(frozen=True)
class Diagnosis:
    """What can be said about a problem before and after its dynamics are run."""

    solved: Solved  # by the usual method
    rates: tuple[RateRow, ...]
    map: MapDiagnosis | None  # None where the problem has no map of moderate size
    hints: tuple[str, ...]


def diagnose(entry: Entry) -> Diagnosis:
    """Return the diagnosis of an entry at the solution of its usual method.

    Raises DataError if that method finds none.
    """
    solved = solve(entry)
    if not solved.certified:
        raise DataError(f"{entry.slug}: there is no solution to diagnose: {solved.found.certificate['statement']}")
    model = model_of(entry)
    if isinstance(model, GameModel):
        return _of_game(entry, model, solved)
    if isinstance(model, MapModel):
        return _of_map(entry, model, solved)
    from experiments.catalogue.linear_market import LinearMarketModel

    if isinstance(model, LinearMarketModel):
        found = {rate.scheme: rate for rate in model.rates()}
        predicted = {name: rate.predicted for name, rate in found.items() if rate.predicted is not None}
        return Diagnosis(solved, _rows(entry, predicted, {name: rate.moves for name, rate in found.items()}), None, ())
    hint = "Every link's time depends on its own flow alone: Beckmann's potential exists, and link flows are unique."
    return Diagnosis(solved, (), None, (hint,))


def _of_game(entry: Entry, model: GameModel, solved: Solved) -> Diagnosis:
    x = solved.found.x
    found = diagnose_game(model.game, x)
    predicted: dict[str, float] = {rate.order: rate.predicted for rate in found.rates}
    predicted |= {rate.order + FREE: rate.free for rate in found.rates if abs(rate.free - rate.predicted) > 1e-9}
    predicted |= {EIGENVALUE: found.map.smallest_eigenvalue} if EIGENVALUE in entry.rates else {}
    hints = found.map.hints()
    if found.degenerate:
        hints.append(f"Bounds or rows are active without force for {', '.join(found.degenerate)}: rates are one-sided.")
    if len(model.game.shared):
        tight = model.game.shared.h - model.game.shared.G @ x <= 1e-7 * np.maximum(1.0, np.abs(model.game.shared.h))
        slack = "is active: beside the normalised equilibrium there is in general a continuum of generalised ones"
        rest = "is slack here: this equilibrium is one of the game without it"
        hints.append(f"A shared row {slack if tight.any() else rest}.")
    rates = _rows(entry, predicted, {rate.order: rate.moves for rate in found.rates})
    return Diagnosis(solved, rates, found.map, tuple(hints))


def _of_map(entry: Entry, model: MapModel, solved: Solved) -> Diagnosis:
    unknowns = model.complete(solved.found.x)
    fixed = np.eye(len(unknowns))[model.lower == model.upper]
    points = sample(model.lower, model.upper, unknowns)
    found = diagnose_map(model.jacobian, points, fixed if len(fixed) else None)
    rates = projection_rates(model, unknowns)
    hints = [*found.hints(), f"Projection methods take steps of {rates.step:.3g} here."]
    if rates.degenerate:
        hints.append(f"Bounds hold {', '.join(rates.degenerate)} without force: rates are one-sided.")
    return Diagnosis(solved, _rows(entry, rates.predicted, rates.residuals), found, tuple(hints))


def _rows(entry: Entry, predicted: dict[str, float], plays: dict[str, Vector]) -> tuple[RateRow, ...]:
    rows = []
    for name in dict.fromkeys([*entry.rates, *predicted]):
        published, moves = entry.rates.get(name), plays.get(name, np.zeros(0))
        rows.append(
            RateRow(
                name,
                published=None if published is None else published.value,
                predicted=predicted.get(name),
                measured=linear_rate(moves),
                moves=tuple(moves.tolist()),
            )
        )
    return tuple(rows)
