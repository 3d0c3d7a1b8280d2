"""Mixed complementarity problems: find l ≤ x ≤ u with F(x) ≥ 0 at l, F(x) ≤ 0 at u and F(x) = 0 in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from bestresponse.errors import DataError, FormulationError
from bestresponse.typing import BoolVector, IntVector, Vector

Jacobian: TypeAlias = sparse.csr_array | sparse.csc_array
SparseArray: TypeAlias = sparse.sparray | sparse.spmatrix
Names: TypeAlias = Sequence[str] | Callable[[int], str]


@dataclass(frozen=True, eq=False)
class ComplementarityProblem:
    """l ≤ x ≤ u ⊥ F(x), with bounds that may be infinite, and equal where a variable is fixed.

    `function` and `jacobian` take the point and a smoothing parameter μ ≥ 0. μ = 0 is the problem itself; the
    interior point passes its current μ, so that a function with a kink may offer a smoother one on the way. The
    Jacobian may store zeros; it is handled fastest if it stores the same entries at every point.

    `separable` marks variables that meet one another in the Jacobian only on its diagonal (thousands of path
    flows, say); linear systems are then solved on the others, by a Schur complement.

    Raises DataError where a bound is NaN or of a wrong shape, FormulationError where no x can satisfy the bounds.
    """

    lower: Vector  # (n,) may be −inf
    upper: Vector  # (n,) may be +inf
    function: Callable[[Vector, float], Vector]  # (x, μ) → (n,)
    jacobian: Callable[[Vector, float], Jacobian]  # (x, μ) → (n, n)
    names: Names  # of the variables, each standing for its row of F too
    separable: BoolVector | None = None  # (n,)

    @classmethod
    def of(
        cls,
        F: Callable[[Vector], ArrayLike],  # x → (n,)
        J: Callable[[Vector], ArrayLike | SparseArray],  # x → (n, n), its derivative, dense or sparse
        lower: ArrayLike,  # (n,) −inf where there is no bound
        upper: ArrayLike,  # (n,) +inf where there is no bound
        *,
        names: Names | None = None,  # "x[0]", "x[1]", ... if not given
    ) -> ComplementarityProblem:
        """Return the problem of plain functions of x, neither smoothed nor sparse in any particular way.

        Raises DataError or FormulationError as the class does, DataError also if F or J is no function.
        """
        if not (callable(F) and callable(J)):
            raise DataError(f"F and J must be functions of x, not {type(F).__name__} and {type(J).__name__}")
        return cls(
            lower=np.asarray(lower, dtype=float),
            upper=np.asarray(upper, dtype=float),
            function=lambda x, smoothing: np.asarray(F(x), dtype=float),
            jacobian=lambda x, smoothing: compressed(J(x)),
            names=(lambda i: f"x[{i}]") if names is None else names,
        )

    def __post_init__(self) -> None:
        lower, upper = np.array(self.lower, dtype=float), np.array(self.upper, dtype=float)
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", upper)
        if lower.ndim != 1 or lower.shape != upper.shape:
            raise DataError(f"bounds must be two vectors of one length, not of shapes {lower.shape} and {upper.shape}")
        if not callable(self.names) and len(self.names) != len(lower):
            raise DataError(f"{len(self.names)} names were given for {len(lower)} variables")
        mask = self.separable
        if mask is not None and (mask.shape != lower.shape or mask.dtype != np.bool_):
            raise DataError(f"separable must hold {len(lower)} booleans, not {mask.dtype} of shape {mask.shape}")
        self._refuse_impossible_bounds()

    def _refuse_impossible_bounds(self) -> None:
        for what, bound in (("lower", self.lower), ("upper", self.upper)):
            if np.isnan(bound).any():
                raise DataError(f"the {what} bound of {self.name_of(int(np.argmax(np.isnan(bound))))} is not a number")
        impossible = (self.lower > self.upper) | (self.lower == np.inf) | (self.upper == -np.inf)
        if impossible.any():
            i = int(np.argmax(impossible))
            raise FormulationError(
                f"{self.name_of(i)}: lower bound {self.lower[i]:g} and upper bound {self.upper[i]:g} leave no value"
            )

    @property
    def size(self) -> int:
        """The number of variables, and of rows of F."""
        return len(self.lower)

    @property
    def eliminated(self) -> BoolVector:
        """(n,) the separable variables, as a mask that is always there."""
        return np.zeros(self.size, dtype=bool) if self.separable is None else self.separable

    def name_of(self, index: int) -> str:
        """Return the name of variable `index` and of its row."""
        return self.names(index) if callable(self.names) else self.names[index]

    def value(self, x: Vector, smoothing: float = 0.0) -> Vector:
        """Return F(x), (n,). It may hold NaN where F is undefined: whoever takes a step has to look."""
        with np.errstate(all="ignore"):
            return np.asarray(self.function(x, smoothing), dtype=float)

    def check_point(self, x: Vector) -> None:
        """Raise DataError, naming an entry, unless x is a point of the right size without NaN."""
        if x.shape != (self.size,):
            raise DataError(f"a point of this problem has shape ({self.size},), not {x.shape}")
        if not np.isfinite(x).all():
            i = int(np.argmin(np.isfinite(x)))
            raise DataError(f"the starting point is not finite in {self.name_of(i)}: {x[i]}")

    def check_functions(self, x: Vector) -> None:
        """Raise FormulationError, naming a row, unless F and its Jacobian have values and the right shape at x."""
        F = self.value(x)
        if F.shape != (self.size,):
            raise FormulationError(f"the function returned shape {F.shape} where ({self.size},) is needed")
        if not np.isfinite(F).all():
            i = int(np.argmin(np.isfinite(F)))
            raise FormulationError(f"the function is not finite at the starting point in row {self.name_of(i)}: {F[i]}")
        J = self.jacobian(x, 0.0)
        if not sparse.issparse(J) or J.format not in ("csr", "csc"):
            raise FormulationError(f"the Jacobian must be a sparse array in csr or csc format, not {type(J).__name__}")
        if J.shape != (self.size, self.size):
            raise FormulationError(f"the Jacobian has shape {J.shape} where ({self.size}, {self.size}) is needed")
        if not np.isfinite(J.data).all():
            row = int(J.tocoo().row[np.argmin(np.isfinite(J.tocoo().data))])
            raise FormulationError(f"the Jacobian is not finite at the starting point in row {self.name_of(row)}")


def compressed(J: ArrayLike | SparseArray, name: str = "the Jacobian") -> Jacobian:
    """Return a dense or sparse matrix in compressed rows. Raises DataError if it is no matrix."""
    matrix = J if sparse.issparse(J) else np.asarray(J, dtype=float)
    if matrix.ndim != 2:
        raise DataError(f"{name} must be a matrix, not an array of shape {matrix.shape}")
    return matrix if isinstance(matrix, sparse.csr_array | sparse.csc_array) else sparse.csr_array(matrix)


def middle(problem: ComplementarityProblem, x: Vector, F: Vector) -> Vector:
    """Return mid(x − l, x − u, F), (n,): zero in every row where x solves the problem."""
    return np.clip(F, x - problem.upper, x - problem.lower)


def largest(vector: Vector) -> float:
    """Return the largest entry in absolute value, zero for none, NaN if there is a NaN."""
    return float(np.abs(vector).max(initial=0.0))


def natural_residual(problem: ComplementarityProblem, x: Vector) -> float:
    """Return max |mid(x − l, x − u, F(x))|, the distance from a solution in the problem's own units."""
    return largest(middle(problem, x, problem.value(x)))


def worst_rows(problem: ComplementarityProblem, x: Vector, k: int = 5) -> tuple[tuple[str, float], ...]:
    """Return the k rows with the largest natural residual, worst first, as (name, residual)."""
    return by_size(problem, np.abs(middle(problem, x, problem.value(x))), k)


def by_size(problem: ComplementarityProblem, size: Vector, k: int) -> tuple[tuple[str, float], ...]:
    """Return the names of the k largest (or NaN) entries of `size`, largest first, with their values."""
    order: IntVector = np.argsort(-np.nan_to_num(size, nan=np.inf), kind="stable")[:k]
    return tuple((problem.name_of(int(i)), float(size[i])) for i in order)
