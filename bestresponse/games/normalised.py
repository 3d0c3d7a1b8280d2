"""All players at once: the game as one complementarity problem, with one multiplier for every shared row.

    gradientᵢ(x) + Gᵢ'zᵢ + G'λ / wᵢ  ⊥  lowerᵢ ≤ xᵢ ≤ upperᵢ      for every player i
    hᵢ − Gᵢ x ≥ 0  ⊥  zᵢ ≥ 0                                      its own rows
    h − G x ≥ 0   ⊥  λ ≥ 0                                        the shared rows

Without shared rows its solutions are the Nash equilibria; with them the normalised ones of Rosen (1965), which for
weights of one are the variational equilibria (Facchinei and Kanzow 2010). It never asks for a best response.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from bestresponse.complementarity.problem import ComplementarityProblem
from bestresponse.complementarity.result import MCPResult
from bestresponse.complementarity.solve import TOLERANCE, solve_mcp
from bestresponse.games.certificate import GameCertificate, GameTolerances, certify_game, stacked_weights
from bestresponse.games.game import Game
from bestresponse.games.minimise import full_csr
from bestresponse.typing import Vector


@dataclass(frozen=True)
class GameSolution:
    """A joint plan with its multipliers, how it was found, and the judgement on it."""

    x: Vector  # (n,)
    own: Mapping[str, Vector]  # player → multipliers of its own rows
    shared: Vector  # (n_shared,) common multipliers; player i sees them divided by its weight
    residual: float  # natural residual of the complementarity problem, recomputed
    certificate: GameCertificate
    mcp: MCPResult

    @property
    def solved(self) -> bool:
        """Whether the complementarity problem is solved and the certificate says the same."""
        return self.mcp.converged and self.certificate.is_normalised


def solve_game(
    game: Game,
    start: Vector | None = None,  # (n,) near which to look; none: cold
    weights: Mapping[str, float] | None = None,  # player → weight > 0, 1 if not given
    tolerance: float = TOLERANCE,
    tolerances: GameTolerances | None = None,
) -> GameSolution:
    """Return the normalised equilibrium, or the best point found; `solved` says which.

    Raises DataError on weights that are not positive, FormulationError if the game cannot be evaluated.
    """
    problem = game_problem(game, weights)
    n = game.layout.size
    first = None if start is None else np.concatenate([start, np.zeros(problem.size - n)])
    result = solve_mcp(problem, first, tolerance)
    x, own, shared = np.split(result.x, [n, problem.size - len(game.shared)])
    edges = np.cumsum([len(player.rows) for player in game.players])[:-1]
    return GameSolution(
        x=x,
        own=dict(zip(game.layout.sizes, np.split(own, edges), strict=True)),
        shared=shared,
        residual=result.residual,
        certificate=certify_game(game, x, tolerances, weights),
        mcp=result,
    )


def game_problem(game: Game, weights: Mapping[str, float] | None = None) -> ComplementarityProblem:
    """Return the complementarity problem in x, the players' own multipliers and the common ones, in this order."""
    n = game.layout.size
    G = np.vstack([*[player.rows.G for player in game.players], game.shared.G])
    h = np.concatenate([*[player.rows.h for player in game.players], game.shared.h])
    push = _push(game, stacked_weights(game, weights))
    linear = np.block([[np.zeros((n, n)), push], [-G, np.zeros((len(h), len(h)))]])
    constant = np.concatenate([np.zeros(n), h])

    def function(w: Vector, smoothing: float) -> Vector:
        F = linear @ w + constant
        F[:n] += game.gradient(w[:n])
        return F

    def jacobian(w: Vector, smoothing: float) -> sparse.csr_array:
        J = linear.copy()
        J[:n, :n] = game.jacobian(w[:n])
        return full_csr(J)

    names = [*game.labels, *[f"{p.name}: {row}" for p in game.players for row in p.rows.names], *game.shared.names]
    return ComplementarityProblem(
        np.concatenate([game.lower, np.zeros(len(h))]),
        np.concatenate([game.upper, np.full(len(h), np.inf)]),
        function,
        jacobian,
        names,
    )


def _push(game: Game, weights: Vector) -> Vector:
    """Return (n, n_multipliers) how every multiplier enters the players' stationarity: a row binds its owner only."""
    columns = []
    for player in game.players:
        own = np.zeros((len(player.rows), len(weights)))
        own[:, player.place] = player.rows.G[:, player.place]
        columns.append(own)
    return np.vstack([*columns, game.shared.G / weights]).T
