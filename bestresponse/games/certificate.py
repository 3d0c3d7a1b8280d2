"""The certificate of a game: what every player could gain by deviating alone, asked afresh.

Nobody's own account is trusted: costs are evaluated at the joint point, best responses are computed there, and
every bound and row is checked. For rows that are shared, a second question is whether one vector of multipliers
serves all players (a normalised equilibrium, Rosen 1965) or every player has its own (a generalised one).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from bestresponse.certificate import Gain
from bestresponse.errors import DataError, SolverError
from bestresponse.games.game import PLAN, Game, SmoothPlayer
from bestresponse.typing import BoolVector, IntVector, Vector

ACTIVE = 1e-7  # relative slack below which a bound or row counts as active


@dataclass(frozen=True)
class GameTolerances:
    """What counts as solved, all relative."""

    gain: float = 1e-9  # to max(1, |cost|); also how negative a gain may look
    violation: float = 1e-9  # of bounds and rows, to their scale
    multipliers: float = 1e-7  # misfit of one vector of multipliers for all, to the size of the gradients


@dataclass(frozen=True)
class GameCertificate:
    """A judgement on a joint plan."""

    gains: Mapping[str, Gain]  # by player
    moves: Mapping[str, float]  # how far every best response lies from the plan, relative to max(1, |plan|)
    violation: float  # of the worst bound or row
    multiplier_misfit: float | None  # of one vector of multipliers for all; None without shared rows
    tolerances: GameTolerances

    @property
    def largest_gain(self) -> float:
        """The worst relative gain of any player; NaN if any is."""
        return float(np.max([gain.relative for gain in self.gains.values()]))

    @property
    def holds(self) -> bool:
        """Whether it is a (generalised) Nash equilibrium to the tolerances."""
        return not self.objections()

    @property
    def is_normalised(self) -> bool:
        """Whether, moreover, one vector of multipliers of the shared rows serves every player."""
        misfit = self.multiplier_misfit
        return self.holds and (misfit is None or misfit <= self.tolerances.multipliers)

    def objections(self) -> list[str]:
        """Return a sentence for every part that is not within its tolerance."""
        limit = self.tolerances
        found = []
        if not self.violation <= limit.violation:
            found.append(f"a bound or row is violated by {self.violation:.1e} (allowed {limit.violation:.0e})")
        for name, gain in self.gains.items():
            if not gain.relative <= limit.gain:
                found.append(f"{name} could gain {gain.relative:.1e} by deviating (allowed {limit.gain:.0e})")
            if not gain.relative >= -limit.gain:
                found.append(f"the plan of {name} is better than its best response by {-gain.relative:.1e}: infeasible")
        return found

    def __str__(self) -> str:
        if not self.holds:
            return "Not certified: " + "; ".join(self.objections()) + "."
        kind = "" if self.multiplier_misfit is None else "; one vector of multipliers of the shared rows serves all"
        if not self.is_normalised:
            kind = f"; the shared rows have no common multipliers (misfit {self.multiplier_misfit:.1e})"
        return f"Certified: no player can gain more than {max(self.largest_gain, 0.0):.1e} by deviating alone{kind}."


def certify_game(
    game: Game,
    x: Vector,  # (n,) what everybody plays
    tolerances: GameTolerances | None = None,
    weights: Mapping[str, float] | None = None,  # of the players in the common multipliers, 1 if not given
) -> GameCertificate:
    """Return the certificate of a joint plan; a player without a best response gains without limit (∞ or NaN).

    Raises DataError if x has a wrong shape.
    """
    x = np.asarray(x, dtype=float)
    if x.shape != (game.layout.size,):
        raise DataError(f"a joint plan of this game has shape ({game.layout.size},), not {x.shape}")
    gains, moves = {}, {}
    for player in game.players:
        gains[player.name], moves[player.name] = _gain(player, x)
    misfit = common_multipliers(game, x, weights)[1] if len(game.shared) else None
    return GameCertificate(gains, moves, game.violation(x), misfit, tolerances or GameTolerances())


def _gain(player: SmoothPlayer, x: Vector) -> tuple[Gain, float]:
    cost, violation = player.playing(x).cost, player.violation_at(x)
    try:
        best = player.answer(x)
    except SolverError:
        return Gain(np.nan, np.nan, cost, violation), np.nan
    own = x[player.place]
    move = float(np.max(np.abs(best.plan[PLAN] - own))) / max(1.0, float(np.max(np.abs(own))))
    gain = cost - best.cost
    return Gain(gain, gain / max(1.0, abs(cost)), cost, violation), move


def common_multipliers(game: Game, x: Vector, weights: Mapping[str, float] | None = None) -> tuple[Vector, float]:
    """Return multipliers (n_shared,) ≥ 0 that best serve every player at x, and their misfit.

    They solve the least-squares problem of all players' stationarity with non-negative multipliers on what is
    active at x; the misfit is the largest entry of what is left, relative to max(1, largest gradient). With weights
    wᵢ player i sees λ / wᵢ.
    """
    columns, shared = _forces(game, x, weights)
    gradient = game.gradient(x)
    if not np.isfinite(gradient).all():
        return np.full(len(game.shared), np.nan), np.nan
    scale = max(1.0, float(np.max(np.abs(gradient))))
    solution, _ = nnls(columns, -gradient / scale) if columns.shape[1] else (np.zeros(0), 0.0)
    multipliers = np.zeros(len(game.shared))
    multipliers[shared] = scale * solution[: len(shared)]
    return multipliers, float(np.max(np.abs(columns @ solution + gradient / scale)))


def _forces(game: Game, x: Vector, weights: Mapping[str, float] | None) -> tuple[Vector, IntVector]:
    """Return one column (n,) for everything active that may push, the shared rows first, and which of those are."""
    push = np.eye(len(x))
    active: IntVector = np.flatnonzero(_is_active(game.shared.h - game.shared.G @ x, game.shared.h))
    columns = [game.shared.G[k] / stacked_weights(game, weights) for k in active]
    columns += [push[j] for j in np.flatnonzero(_is_active(game.upper - x, x))]
    columns += [-push[j] for j in np.flatnonzero(_is_active(x - game.lower, x))]
    for player in game.players:
        for row in player.rows.G[_is_active(player.rows.h - player.rows.G @ x, player.rows.h)]:
            column = np.zeros(len(x))
            column[player.place] = row[player.place]
            columns.append(column)
    return np.array(columns).T.reshape(len(x), -1), active


def _is_active(slack: Vector, scale: Vector) -> BoolVector:
    return slack <= ACTIVE * np.maximum(1.0, np.abs(scale))


def stacked_weights(game: Game, weights: Mapping[str, float] | None) -> Vector:
    """Return (n,) the weight of the player who decides on every variable.

    Raises DataError for an unknown player or a weight that is not positive.
    """
    given = dict(weights or {})
    if unknown := [name for name in given if name not in game.layout.sizes]:
        raise DataError(f"a weight is given for {unknown[0]!r}; the players are {', '.join(game.layout.sizes)}")
    if wrong := [name for name, weight in given.items() if not 0 < weight < np.inf]:
        raise DataError(f"the weight of {wrong[0]} is {given[wrong[0]]}; weights must be positive numbers")
    return np.concatenate([np.full(size, given.get(name, 1.0)) for name, size in game.layout.sizes.items()])
