"""What the derivative of a map F says: of a game (all players' own gradients), or of a market.

F is monotone where its symmetric part is positive semidefinite on the feasible directions; a potential exists where
the derivative itself is symmetric everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.linalg import null_space

from bestresponse.errors import DataError
from bestresponse.typing import Vector

SYMMETRIC = 1e-9  # relative asymmetry, or curvature, that counts as rounding
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


def _is_p_matrix(matrix: Vector) -> bool:
    return all(np.linalg.det(matrix[np.ix_(chosen, chosen)]) > 0.0 for chosen in _subsets(len(matrix)))


def _subsets(n: int) -> Iterator[tuple[int, ...]]:
    for size in range(1, n + 1):
        yield from combinations(range(n), size)
