"""From a catalogue entry to a model, a solution, and the comparison with what is published."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bestresponse.errors import DataError
from experiments.catalogue import games, maps
from experiments.catalogue.models import Found, Model, Named
from experiments.catalogue.schema import Answer, Entry


@dataclass(frozen=True)
class Solved:
    """A catalogued problem, solved or not."""

    entry: Entry
    method: str
    labels: tuple[str, ...]
    found: Found
    matches: tuple[Answer, ...]  # the published answers that it meets
    seconds: float
    weights: Mapping[str, float] = field(default_factory=dict)  # of a normalised equilibrium; empty: all one

    @property
    def certified(self) -> bool:
        """Whether the certificate holds."""
        return bool(self.found.certificate["holds"])

    @property
    def matches_published(self) -> bool:
        """Whether it meets one of the published answers."""
        return bool(self.matches)

    def data(self) -> dict[str, Any]:
        """Return the solution as plain data, as it goes into a JSON file."""
        found = self.found
        return {
            "slug": self.entry.slug,
            "method": self.method,
            "status": found.status,
            "weights": dict(self.weights),
            "variables": list(self.labels),
            "x": found.x.tolist(),
            "prices": {name: list(values) for name, values in found.prices.items()},
            "multipliers": {name: list(values) for name, values in found.multipliers.items()},
            "quantities": {name: list(values) for name, values in found.quantities.items()},
            "residual": found.residual,
            "residual_meaning": found.residual_meaning,
            "certificate": found.certificate,
            "matches_published": self.matches_published,
            "matches": [answer.meaning for answer in self.matches],
            "unique": self.entry.unique,
            "seconds": self.seconds,
            "moves": list(found.moves),
        }


def model_of(entry: Entry) -> Model:
    """Return the problem of an entry, built. What few problems need is imported when one does."""
    problem = entry.problem
    match problem.kind:
        case "cournot":
            return games.cournot(problem, entry.start)
        case "quadratic_game":
            return games.quadratic(problem, entry.start)
        case "linear_complementarity":
            return maps.linear(problem)
        case "polynomial_complementarity":
            return maps.polynomial(problem)
        case "leontief_economy":
            return maps.economy(problem)
        case "spatial_price":
            return maps.spatial(problem)
        case "transport":
            return maps.transport(problem)
        case "bimatrix":
            return maps.bimatrix(problem)
        case "path_traffic":
            return maps.traffic(problem)
        case "road_network":
            from experiments.catalogue.roads import RoadModel

            return RoadModel(problem.network)
        case "linear_market":
            from experiments.catalogue.linear_market import LinearMarketModel

            return LinearMarketModel(np.array(problem.columns))


def methods(entry: Entry) -> tuple[str, ...]:
    """Return the methods that an entry can be solved by, the usual one first."""
    return model_of(entry).methods


def solve(entry: Entry, method: str | None = None, weights: Sequence[float] | None = None) -> Solved:
    """Return the solution of an entry by a method (the usual one if none is given), compared with what is published.

    weights: of a normalised equilibrium, one for every player in order; none: all one.

    Raises DataError for a method that this problem has not, or weights that it cannot have.
    """
    model: Model = model_of(entry)
    stated: Mapping[str, float] = {}
    if weights is not None:
        weighted = _as_game(entry, model).weighted(weights)
        model, stated = weighted, weighted.weights
    method = method or model.methods[0]
    if method not in model.methods:
        given = " with weights" if stated else ""
        raise DataError(f"{entry.slug} cannot be solved by {method!r}{given}; allowed: {', '.join(model.methods)}")
    began = time.perf_counter()
    found = model.solve(method)
    seconds = time.perf_counter() - began
    matches = tuple(answer for answer in entry.answers if meets(found, answer))
    return Solved(entry, method, model.labels, found, matches, seconds, stated)


def _as_game(entry: Entry, model: Model) -> games.GameModel:
    if not isinstance(model, games.GameModel):
        raise DataError(f"weights: {entry.slug} is no game with shared rows but of kind {entry.problem.kind}")
    return model


def meets(found: Found, answer: Answer) -> bool:
    """Return whether everything that an answer states is found, within its accuracy."""
    parts: list[tuple[Named, Named]] = [
        (found.prices, answer.prices),
        (found.multipliers, answer.multipliers),
        (found.quantities, answer.quantities),
    ]
    if answer.x is not None and not _close(found.x, answer.x, answer.accuracy):
        return False
    return all(_all_close(have, want, answer.accuracy) for have, want in parts)


def _all_close(have: Mapping[str, Any], want: Mapping[str, Any], accuracy: float) -> bool:
    return all(name in have and _close(have[name], values, accuracy) for name, values in want.items())


def _close(have: Any, want: Any, accuracy: float) -> bool:
    a, b = np.asarray(have, dtype=float), np.asarray(want, dtype=float)
    return a.shape == b.shape and bool((np.abs(a - b) <= accuracy * np.maximum(1.0, np.abs(b))).all())
