"""Variational inequalities over polyhedra: x in K with F(x)'(y − x) ≥ 0 for all y in K, by their multipliers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bestresponse.complementarity.kkt import kkt_problem
from bestresponse.complementarity.polyhedron import Polyhedron
from bestresponse.complementarity.problem import ComplementarityProblem, Names, SparseArray
from bestresponse.complementarity.projection import Projection, polyhedron_projection, vi_residual
from bestresponse.complementarity.result import MCPResult, Status
from bestresponse.complementarity.solve import TOLERANCE, solve_mcp
from bestresponse.errors import SolverError
from bestresponse.typing import Vector


@dataclass(frozen=True)
class VIResult:
    """The best point found, its multipliers, how good it is, and how it came about."""

    x: Vector  # (n,)
    equality_multipliers: Vector  # (n_equalities,) y of A x = b
    inequality_multipliers: Vector  # (n_inequalities,) z ≥ 0 of G x ≤ h
    bound_multipliers: Vector  # (n,) F + A'y + G'z: ≥ 0 at the lower bound, ≤ 0 at the upper, 0 in between
    residual: float  # natural residual max |x − P(x − F(x))|, recomputed at x with a projection onto K
    violation: float  # the largest of any row or bound
    status: Status
    reason: str  # a sentence with the evidence
    mcp: MCPResult  # of the complementarity problem in (x, y, z)
    seconds: float

    @property
    def converged(self) -> bool:
        """Whether x is a solution to the tolerance asked for."""
        return self.status is Status.SOLVED


def solve_vi(
    F: Callable[[Vector], ArrayLike],  # x → (n,)
    J: Callable[[Vector], ArrayLike | SparseArray],  # x → (n, n), dense or sparse
    A: ArrayLike | SparseArray | None = None,  # (n_equalities, n) of A x = b
    b: ArrayLike | None = None,
    G: ArrayLike | SparseArray | None = None,  # (n_inequalities, n) of G x ≤ h
    h: ArrayLike | None = None,
    lower: ArrayLike | None = None,  # (n,) −inf where there is none
    upper: ArrayLike | None = None,  # (n,) +inf where there is none
    *,
    start: ArrayLike | None = None,  # (n,) a point near the solution; none: start cold
    tolerance: float = TOLERANCE,  # on the natural residuals of the inequality and of its complementarity problem
    names: Names | None = None,  # of the variables; rows are called A[0], ..., G[0], ...
    check_jacobian: bool = False,  # compare J with finite differences of F first
    time_limit: float = np.inf,  # [s]
) -> VIResult:
    """Return x in K = {A x = b, G x ≤ h, lower ≤ x ≤ upper} with F(x)'(y − x) ≥ 0 for all y in K, and multipliers.

    Solved as the complementarity problem in x and the multipliers of all rows, then judged by a projection onto K,
    which knows nothing of that problem. F should be monotone on K; nothing else is assumed.

    Raises DataError or FormulationError for parts that do not fit together, or for F or J that cannot be evaluated;
    an inequality that cannot be solved is no error but a result whose `converged` is False.
    """
    began = time.perf_counter()
    polyhedron = Polyhedron.of(A, b, G, h, lower, upper)
    n = polyhedron.size
    alone = ComplementarityProblem.of(F, J, polyhedron.lower, polyhedron.upper, names=names)
    given = np.zeros(n) if start is None else np.asarray(start, dtype=float)
    alone.check_point(given)
    alone.check_functions(np.clip(given, alone.lower, alone.upper))
    problem = kkt_problem(F, J, polyhedron, names)
    mcp = solve_mcp(
        problem,
        None if start is None else np.concatenate([given, np.zeros(problem.size - n)]),
        tolerance,
        check_jacobian=check_jacobian,
        time_limit=time_limit,
    )
    x, y, z = np.split(mcp.x, [n, n + len(polyhedron.b)])
    residual, found = _judged(alone.value, polyhedron_projection(polyhedron), x)
    status = mcp.status if not mcp.converged or residual <= tolerance else Status.NOT_SOLVED
    return VIResult(
        x=x,
        equality_multipliers=y,
        inequality_multipliers=z,
        bound_multipliers=problem.value(mcp.x)[:n],
        residual=residual,
        violation=polyhedron.violation(x),
        status=status,
        reason=f"{status.value} ({found} against {tolerance:.1e}; its complementarity problem: {mcp.reason})",
        mcp=mcp,
        seconds=time.perf_counter() - began,
    )


def _judged(F: Callable[[Vector], Vector], project: Projection, x: Vector) -> tuple[float, str]:
    """Return the natural residual, NaN where there is no projection, and words for it."""
    try:
        residual = vi_residual(F, project, x)
    except SolverError as reason:
        return np.nan, str(reason)
    return residual, f"natural residual {residual:.1e}"
