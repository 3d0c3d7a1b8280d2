"""What the linearisation of a game predicts, to be held against what its dynamics do.

Near an equilibrium a best-response dynamic is x ← x* + T'(x*) (x − x*): it converges where the spectral radius of
T' is below one, and then gains that factor a sweep. T' comes from the players' optimality conditions (sensitivities
on what is strictly active). The derivative of the game's map F says the rest: see `bestresponse.map_diagnosis`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from bestresponse.errors import DataError, SolverError
from bestresponse.games.dynamics import ORDERS, sweep
from bestresponse.games.game import Game, SmoothPlayer
from bestresponse.linear_rate import ROUNDING, linear_rate
from bestresponse.map_diagnosis import MapDiagnosis, diagnose_map, sample
from bestresponse.typing import Vector

ACTIVE = 1e-7  # relative slack below which a bound or row counts as active
STRICT = 1e-8  # multiplier, relative to the gradient, above which something active stays active
NEAR = 1e-2  # relative moves up to which a play counts as near its equilibrium


@dataclass(frozen=True)
class Rates:
    """The linear rate of one best-response dynamic near an equilibrium: above one it runs away."""

    order: str
    predicted: float  # spectral radius of the linearised map
    free: float  # the same as if no bound or row were active, a matter of the costs alone
    measured: float | None  # from a play started nearby; None where it ended too soon to tell
    moves: Vector  # (n_sweeps,) of that play, relative; empty where none was asked for


@dataclass(frozen=True)
class GameDiagnosis:
    """Rates of the dynamics at an equilibrium, and what the game's map says."""

    rates: tuple[Rates, ...]
    map: MapDiagnosis
    degenerate: tuple[str, ...]  # players with something active without force: the prediction is one-sided there


def diagnose_game(game: Game, x: Vector, *, measure: bool = True, seed: int = 0) -> GameDiagnosis:
    """Return predicted and measured rates at the equilibrium x, and the diagnosis of the game's map around it."""
    orders = [order for order in ORDERS if order != "damped"]
    plays = {order: play_nearby(game, x, order, seed) if measure else np.zeros(0) for order in orders}
    rates = [
        Rates(
            order,
            predicted=spectral_radius(linearised_map(game, x, order)),
            free=spectral_radius(linearised_map(game, x, order, free=True)),
            measured=linear_rate(moves),
            moves=moves,
        )
        for order, moves in plays.items()
    ]
    degenerate = tuple(player.name for player in game.players if _active(player, x)[1])
    return GameDiagnosis(tuple(rates), diagnose_map(game.jacobian, sample(game.lower, game.upper, x, seed)), degenerate)


def spectral_radius(matrix: Vector) -> float:
    """Return the largest absolute eigenvalue."""
    return float(np.max(np.abs(np.linalg.eigvals(matrix)), initial=0.0))


def linearised_map(game: Game, x: Vector, order: str, damping: float = 0.5, free: bool = False) -> Vector:
    """Return (n, n) the derivative of one sweep of the given order at the equilibrium x.

    With `free` all bounds and rows are ignored: the rate of the same costs on the whole space.
    Raises DataError on an unknown order.
    """
    if order not in ORDERS:
        raise DataError(f"order {order!r}; allowed: {', '.join(ORDERS)}")
    together = np.vstack([response_jacobian(player, x, free) for player in game.players])
    if order == "jacobi":
        return together
    if order == "damped":
        return (1.0 - damping) * np.eye(len(x)) + damping * together
    earlier = np.zeros_like(together)  # what a player hears of those who have already answered in this sweep
    for player in game.players:
        at = player.place
        earlier[at, : at.start] = together[at, : at.start]
    return np.asarray(np.linalg.solve(np.eye(len(x)) - earlier, together - earlier), dtype=float)


def response_jacobian(player: SmoothPlayer, x: Vector, free: bool = False) -> Vector:
    """Return (n_own, n) how a best response changes with the rivals' plans, what is strictly active staying so.

    It solves the derivative of the optimality conditions, `[H A'; A 0] [dxᵢ; dz] = −[C; A₋ᵢ] dx₋ᵢ`.
    """
    at, n = player.place, len(x)
    A = np.zeros((0, n)) if free else _active(player, x)[0]
    J = player.cost.jacobian(x)
    rivals = np.ones(n, dtype=bool)
    rivals[at] = False
    own, m = J.shape[0], len(A)
    system = np.block([[J[:, at], A[:, at].T], [A[:, at], np.zeros((m, m))]])
    change = np.linalg.lstsq(system, -np.vstack([J[:, rivals], A[:, rivals]]), rcond=None)[0]
    answer: Vector = np.zeros((own, n))
    answer[:, rivals] = change[:own]
    return answer


def _active(player: SmoothPlayer, x: Vector) -> tuple[Vector, bool]:
    """Return the rows (m, n) of what holds the player with force at x, and whether something active has none."""
    at, eye = player.place, np.eye(len(x))[player.place]
    own = x[at]
    G = np.vstack([player.rows.G, player.shared.G, eye, -eye])
    h = np.concatenate([player.rows.h, player.shared.h, player.upper, -player.lower])
    with np.errstate(invalid="ignore"):
        near = h - G @ x <= ACTIVE * np.maximum(1.0, np.abs(np.where(np.isfinite(h), h, 0.0)))
    near &= np.abs(G[:, at]).max(axis=1) > 0.0
    rows = G[near]
    if not len(rows):
        return rows, False
    gradient = player.cost.gradient(x)
    force, _ = nnls(rows[:, at].T, -gradient / max(1.0, float(np.max(np.abs(gradient)))))
    held = force > STRICT
    fixed = bool((player.lower == player.upper).any() and (own == player.lower).all())
    return rows[held], bool((~held).any()) and not fixed


def play_nearby(game: Game, x: Vector, order: str, seed: int = 0, sweeps: int = 120) -> Vector:
    """Return the relative moves of a play started next to x, until rounding or the end of the neighbourhood."""
    direction = np.random.default_rng(seed).uniform(-1, 1, len(x))
    far, near = 1e-4, 1e-8  # the nearer start where the play runs away too soon
    moves = _moves_from(game, x, far * direction, order, sweeps)
    return moves if linear_rate(moves) is not None else _moves_from(game, x, near * direction, order, sweeps)


def _moves_from(game: Game, x: Vector, offset: Vector, order: str, sweeps: int) -> Vector:
    """Return the relative moves of a play started next to x, until rounding or until it has left the neighbourhood."""
    size = max(1.0, float(np.max(np.abs(x))))
    y = np.clip(x + size * offset, game.lower, game.upper)
    moves: list[float] = []
    while len(moves) < sweeps:
        try:
            image = sweep(game, y, order)
        except SolverError:  # rivals leave a player no plan: the neighbourhood has ended
            break
        moves.append(float(np.linalg.norm(image - y)) / size)
        if not ROUNDING < moves[-1] < NEAR:
            break
        y = image
    return np.array(moves)
