"""Linear complementarity problems: z ≥ 0, w = M z + q ≥ 0, z'w = 0.

| method     | right for                    | assumption              | where it ends                               |
|------------|------------------------------|-------------------------|---------------------------------------------|
| "lemke"    | small ones (dense, n ≤ 300)  | none to run;            | at a solution or on a ray, which for such M |
|            |                              | M copositive-plus       | proves that there is no solution            |
| "interior" | sparse ones, of any size     | M positive semidefinite | at a solution, or where multipliers diverge |

Lemke's path may be exponentially long (Murty 1978, Fathi 1979), or end on a ray that proves nothing. Where nobody asked
for a method, the interior point is then tried, too.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from bestresponse.complementarity.lemke import PathEnd, lemke
from bestresponse.complementarity.polish import polish
from bestresponse.complementarity.problem import (
    ComplementarityProblem,
    Names,
    SparseArray,
    by_size,
    compressed,
    natural_residual,
)
from bestresponse.complementarity.result import Status
from bestresponse.complementarity.solve import TOLERANCE, solve_mcp
from bestresponse.errors import DataError
from bestresponse.typing import Vector

SMALL = 300  # rows up to which pivoting is the first choice
PIVOTS_PER_ROW = 10  # a path that is not exponentially long needs one to three
CONTRADICTION = 1e-9  # rounding forgiven in the proof that there is no solution

Method = Literal["lemke", "interior"]


class LCPStatus(Enum):
    """How a solve ended."""

    SOLVED = "the natural residual meets the tolerance"
    INFEASIBLE = "there is no solution: no z ≥ 0 has M z + q ≥ 0, as a combination of the named rows proves"
    RAY = "Lemke's path ended on a ray: for this matrix that proves nothing, there may be a solution"
    PIVOT_LIMIT = "the pivot limit was reached first"
    DIVERGED = "there seems to be no solution: rows stay violated while multipliers grow without limit"
    NOT_SOLVED = "no method met the tolerance"


@dataclass(frozen=True)
class LCPResult:
    """The best point found, how good it is, and how it came about."""

    z: Vector  # (n,) ≥ 0
    w: Vector  # (n,) M z + q
    residual: float  # natural residual max |min(z, w)|, recomputed at z
    status: LCPStatus
    reason: str  # a sentence with the evidence
    method: str
    pivots: int  # of Lemke's method
    factorisations: int  # of the interior point, or of the polish after Lemke's method
    seconds: float
    named: tuple[tuple[str, float], ...] = ()  # rows that contradict one another, with their weights

    @property
    def converged(self) -> bool:
        """Whether z is a solution to the tolerance asked for."""
        return self.status is LCPStatus.SOLVED


def solve_lcp(
    M: ArrayLike | SparseArray,  # (n, n)
    q: ArrayLike,  # (n,)
    *,
    method: Method | None = None,  # "lemke", "interior"; none: by size
    tolerance: float = TOLERANCE,  # on the natural residual max |min(z, M z + q)|
    names: Names | None = None,  # of the rows
    max_pivots: int | None = None,  # of Lemke's method; 10 n if not given
) -> LCPResult:
    """Return z ≥ 0 with M z + q ≥ 0 and z'(M z + q) = 0, or the best point found with the reason why it is none.

    Raises DataError for shapes that do not fit, entries that are not finite, or an unknown method.
    """
    began = time.perf_counter()
    problem = linear_problem(M, q, names)
    if not (tolerance > 0):
        raise DataError(f"the tolerance on the natural residual must be positive, not {tolerance}")
    if method not in (None, "lemke", "interior"):
        raise DataError(f"the methods for linear complementarity problems are 'lemke' and 'interior', not {method!r}")
    if method == "interior" or (method is None and problem.size > SMALL):
        found = _from_inside(problem, tolerance)
    else:
        found = _pivoted(problem, tolerance, PIVOTS_PER_ROW * problem.size if max_pivots is None else max_pivots)
        if method is None and found.status not in (LCPStatus.SOLVED, LCPStatus.INFEASIBLE):
            found = _better(found, _from_inside(problem, tolerance))
    return replace(found, seconds=time.perf_counter() - began)


def _better(first: LCPResult, second: LCPResult) -> LCPResult:
    """The second result if it is better than the first; its sentence then begins with what the first had to say."""
    if not second.residual < first.residual:
        return first
    return replace(second, reason=f"{second.reason}; before that: {first.reason}", pivots=first.pivots)


def linear_problem(M: ArrayLike | SparseArray, q: ArrayLike, names: Names | None = None) -> ComplementarityProblem:
    """Return 0 ≤ x ⊥ M x + q. Raises DataError where M is not square, q does not fit or an entry is not finite."""
    matrix, constant = compressed(M, "M"), np.asarray(q, dtype=float)
    if constant.ndim != 1 or matrix.shape != (len(constant), len(constant)):
        raise DataError(f"M must be (n, n) where q is (n,), not {matrix.shape} where q is {constant.shape}")
    for what, entries in (("M", matrix.data), ("q", constant)):
        if not np.isfinite(entries).all():
            raise DataError(f"{what} has an entry that is not finite: {entries[~np.isfinite(entries)][0]}")
    n = len(constant)
    return ComplementarityProblem(
        lower=np.zeros(n),
        upper=np.full(n, np.inf),
        function=lambda x, smoothing: matrix @ x + constant,
        jacobian=lambda x, smoothing: matrix,
        names=(lambda i: f"row {i}") if names is None else names,
    )


def _pivoted(problem: ComplementarityProblem, tolerance: float, max_pivots: int) -> LCPResult:
    origin = np.zeros(problem.size)
    M, q = problem.jacobian(origin, 0.0).toarray(), problem.value(origin)
    path = lemke(M, q, max_pivots)
    polished = polish(problem, path.z, tolerance) if path.end is PathEnd.SOLUTION else None
    x = np.maximum(path.z, 0.0) if polished is None else polished.x
    weights = np.zeros(problem.size) if path.direction is None else contradiction(M, q, path.direction)
    status = {
        PathEnd.SOLUTION: LCPStatus.NOT_SOLVED,
        PathEnd.RAY: LCPStatus.INFEASIBLE if weights.any() else LCPStatus.RAY,
        PathEnd.LIMIT: LCPStatus.PIVOT_LIMIT,
    }[path.end]
    named = tuple(entry for entry in by_size(problem, weights, problem.size) if entry[1] > 0)
    told = f"Lemke's method: {path.end.value} after {path.pivots} pivots"
    factorisations = 0 if polished is None else polished.factorisations
    return _result(problem, x, tolerance, status, "lemke", told, path.pivots, factorisations, named)


def _from_inside(problem: ComplementarityProblem, tolerance: float) -> LCPResult:
    mcp = solve_mcp(problem, tolerance=tolerance, recognise=False)
    status = LCPStatus.DIVERGED if mcp.status is Status.INFEASIBLE else LCPStatus.NOT_SOLVED
    told = "; ".join(f"{attempt.method}: {attempt.outcome}" for attempt in mcp.attempts)
    return _result(problem, mcp.x, tolerance, status, "interior", told, 0, mcp.factorisations, mcp.suspects)


def _result(
    problem: ComplementarityProblem,
    z: Vector,
    tolerance: float,
    otherwise: LCPStatus,  # the status where z is no solution
    method: str,
    told: str,
    pivots: int,
    factorisations: int,
    named: tuple[tuple[str, float], ...],
) -> LCPResult:
    residual = natural_residual(problem, z)
    solved = residual <= tolerance
    status = LCPStatus.SOLVED if solved else otherwise
    evidence = [f"natural residual {residual:.1e} {'≤' if solved else 'against'} {tolerance:.1e}", told]
    if named and not solved:
        evidence.append("rows: " + ", ".join(name for name, _ in named[:5]))
    return LCPResult(
        z=z,
        w=problem.value(z),
        residual=residual,
        status=status,
        reason=f"{status.value} ({'; '.join(evidence)})",
        method=method,
        pivots=pivots,
        factorisations=factorisations,
        seconds=0.0,
        named=() if solved else named,
    )


def contradiction(M: Vector, q: Vector, direction: Vector) -> Vector:
    """Return weights y ≥ 0 of rows with M'y ≤ 0 and q'y < 0, zeros where `direction` is none.

    For z ≥ 0 with M z + q ≥ 0 it would follow that 0 ≤ y'(M z + q) = (M'y)'z + q'y < 0.
    """
    y = np.maximum(direction, 0.0) / max(float(np.max(direction, initial=0.0)), 1e-300)
    y[y < CONTRADICTION] = 0.0
    proves = (M.T @ y <= CONTRADICTION * (np.abs(M).T @ y)).all() and q @ y < -CONTRADICTION * (np.abs(q) @ y)
    return y if proves else np.zeros_like(y)
