"""What the linearisation of a game predicts, to be held against what its dynamics do.

Near an equilibrium a best-response dynamic is x ← x* + T'(x*) (x − x*): it converges where the spectral radius of
T' is below one, and then gains that factor a sweep. T' comes from the players' optimality conditions (sensitivities
on what is strictly active). The derivative of the game's map F (all players' own gradients) says the rest: F is
monotone where its symmetric part is positive semidefinite on the feasible directions, a potential exists where the
derivative itself is symmetric everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.linalg import null_space
from scipy.optimize import nnls

from bestresponse.errors import DataError, SolverError
from bestresponse.games.dynamics import ORDERS, sweep
from bestresponse.games.game import Game, SmoothPlayer
from bestresponse.games.rate import ROUNDING, linear_rate
from bestresponse.typing import Vector

ACTIVE = 1e-7  # relative slack below which a bound or row counts as active
STRICT = 1e-8  # multiplier, relative to the gradient, above which something active stays active
SYMMETRIC = 1e-9  # relative asymmetry, or curvature, that counts as rounding
NEAR = 1e-2  # relative moves up to which a play counts as near its equilibrium
P_MATRIX_LIMIT = 12  # variables up to which all principal minors are looked at


@dataclass(frozen=True)
class MapDiagnosis:
    """What the derivative of a map F says, over all sampled points."""

    smallest_eigenvalue: float  # of the symmetric part, on the feasible directions
    asymmetry: float  # ‖J − J'‖ / ‖J‖ in the Frobenius norm
    size: float  # of the largest entry of the derivative, in whose digits an eigenvalue is more than rounding
    principal_minors_positive: bool | None  # None where there are too many to look at
    points: int  # sampled

    @property
    def is_monotone(self) -> bool:
        """Whether F is monotone at every sampled point."""
        return self.smallest_eigenvalue >= -SYMMETRIC * self.size

    @property
    def is_strongly_monotone(self) -> bool:
        """Whether F is strongly monotone at every sampled point."""
        return self.smallest_eigenvalue > SYMMETRIC * self.size

    @property
    def has_potential(self) -> bool:
        """Whether the derivative is symmetric at every sampled point: players minimise one common function."""
        return self.asymmetry <= SYMMETRIC

    def hints(self) -> list[str]:
        """Return what this says about how many solutions there are, in sentences."""
        where = f"at all {self.points} sampled points"
        if self.is_strongly_monotone:
            found = [
                f"The map is strongly monotone {where}: where that holds everywhere there is one solution at most."
            ]
        elif self.is_monotone:
            found = [f"The map is monotone {where} but not strongly: the solutions form a convex set, maybe a point."]
        else:
            found = ["The map is not monotone: several solutions are possible, projection methods may diverge."]
        if self.principal_minors_positive:
            found.append(f"All principal minors are positive {where}: bounds alone leave one solution (P-matrix).")
        if self.has_potential:
            found.append("The derivative is symmetric: a potential exists, and solutions are its stationary points.")
        return found


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


def diagnose_map(
    jacobian: Callable[[Vector], Vector],
    points: list[Vector],
    equations: Vector | None = None,  # (n_equations, n) rows that every feasible direction d leaves at zero: E d = 0
) -> MapDiagnosis:
    """Return the worst of what the derivative says over the points at which it is finite.

    Raises DataError if it is finite at none.
    """
    matrices = [matrix for matrix in map(jacobian, points) if np.isfinite(matrix).all()]
    if not matrices:
        raise DataError("the derivative of the map is finite at none of the points given")
    few = len(matrices[0]) <= P_MATRIX_LIMIT
    return MapDiagnosis(
        smallest_eigenvalue=min(smallest_symmetric_eigenvalue(matrix, equations) for matrix in matrices),
        asymmetry=max(asymmetry(matrix) for matrix in matrices),
        size=max(float(np.max(np.abs(matrix), initial=0.0)) for matrix in matrices),
        principal_minors_positive=all(map(_is_p_matrix, matrices)) if few else None,
        points=len(matrices),
    )


def smallest_symmetric_eigenvalue(matrix: Vector, equations: Vector | None = None) -> float:
    """Return the smallest eigenvalue of the symmetric part of a matrix on the directions d with E d = 0.

    Infinite where the equations leave no direction.
    """
    basis = np.eye(len(matrix)) if equations is None else null_space(equations)
    if basis.shape[1] == 0:
        return np.inf
    return float(np.linalg.eigvalsh(basis.T @ (0.5 * (matrix + matrix.T)) @ basis)[0])


def asymmetry(matrix: Vector) -> float:
    """Return ‖J − J'‖ / ‖J‖ in the Frobenius norm, zero for the zero matrix."""
    size = float(np.linalg.norm(matrix))
    return float(np.linalg.norm(matrix - matrix.T)) / size if size else 0.0


def sample(lower: Vector, upper: Vector, x: Vector, seed: int = 0, count: int = 20) -> list[Vector]:
    """Return x and `count` points between the bounds, within a factor of two of |x| where those are infinite."""
    rng = np.random.default_rng(seed)
    reach = 2.0 * np.maximum(np.abs(x), 1e-3 * max(1.0, float(np.max(np.abs(x), initial=0.0))))
    low = np.where(np.isfinite(lower), np.maximum(lower, x - reach), x - reach)
    high = np.where(np.isfinite(upper), np.minimum(upper, x + reach), x + reach)
    return [x, *(low + rng.random((count, len(x))) * (high - low))]


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


def measured_rate(game: Game, x: Vector, order: str, seed: int = 0) -> float | None:
    """Return the factor by which a sweep shrinks (or grows) the moves of a play started next to x.

    None if fewer than six sweeps lie between the start and rounding or the end of the neighbourhood.
    """
    return linear_rate(play_nearby(game, x, order, seed))


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


def _is_p_matrix(matrix: Vector) -> bool:
    return all(np.linalg.det(matrix[np.ix_(chosen, chosen)]) > 0.0 for chosen in _subsets(len(matrix)))


def _subsets(n: int) -> Iterator[tuple[int, ...]]:
    for size in range(1, n + 1):
        yield from combinations(range(n), size)
