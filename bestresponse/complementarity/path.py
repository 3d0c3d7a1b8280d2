"""PATH, the reference solver for complementarity problems, through GAMSPy: optional, `pip install bestresponse[path]`.

GAMSPy knows formulas, not Python functions. A problem whose F is affine is one GAMS model; any other is solved by a
sequence of them, the Josephy–Newton method:

    loop:  solve  l ≤ x ≤ u ⊥ F(xₖ) + J(xₖ)(x − xₖ)  by PATH;  xₖ₊₁ = x

The licence that comes with GAMSPy solves models of at most 1000 rows, and expires. Nothing here is imported unless
asked for, and no other part of the package needs it.

N. H. Josephy, Newton's method for generalized equations, University of Wisconsin, 1979.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from bestresponse.complementarity.problem import ComplementarityProblem, natural_residual, worst_rows
from bestresponse.complementarity.result import Attempt, MCPResult, Status
from bestresponse.errors import DataError, SolverError
from bestresponse.typing import Vector

TOLERANCE = 1e-9  # PATH's own default is 1e-6; the Newton steps around it go further
PATH_TOLERANCE = 1e-12  # of every linearised problem
MAX_STEPS = 30
LICENSED_ROWS = 1000
METHOD = "PATH on linearised problems"
MISSING = (
    "PATH needs the package GAMSPy, which is not installed: pip install 'bestresponse[path]'. "
    f"The licence that comes with it is limited to {LICENSED_ROWS} rows and expires"
)


@dataclass(frozen=True)
class AffineProblem:
    """l ≤ x ≤ u ⊥ M x + q, and where to start."""

    M: sparse.coo_array  # (n, n)
    q: Vector
    lower: Vector
    upper: Vector
    start: Vector

    def labels(self) -> list[str]:
        """Return the labels under which GAMS knows the variables."""
        return [str(i) for i in range(len(self.q))]

    def matrix_records(self) -> list[tuple[str, str, float]]:
        """Return the entries of M as GAMS records: row, column, value."""
        rows, columns = self.M.coords
        return [(str(i), str(j), float(value)) for i, j, value in zip(rows, columns, self.M.data, strict=True)]

    @staticmethod
    def vector_records(values: Vector) -> list[tuple[str, float]]:
        """Return the entries of a vector as GAMS records. Infinite ones stay infinite: GAMS knows ±inf."""
        return [(str(i), float(value)) for i, value in enumerate(values)]


def linearised(problem: ComplementarityProblem, x: Vector) -> AffineProblem:
    """Return the affine problem that agrees with `problem` to first order at x."""
    J = sparse.coo_array(problem.jacobian(x, 0.0))
    J.sum_duplicates()
    J.eliminate_zeros()
    return AffineProblem(J, problem.value(x) - J @ x, problem.lower, problem.upper, x)


def solve_with_path(
    problem: ComplementarityProblem,
    start: ArrayLike | None = None,  # (n,)
    tolerance: float = TOLERANCE,  # on the natural residual
    *,
    max_steps: int = MAX_STEPS,
    solve_affine: Callable[[AffineProblem], Vector] | None = None,  # none: PATH
) -> MCPResult:
    """Return the best point of the Josephy–Newton method with PATH inside; its residual is recomputed here.

    Raises SolverError where GAMSPy is not installed, or where GAMS refuses (for its licence, say), with GAMS's words;
    DataError or FormulationError for a problem that cannot be evaluated at the start.
    """
    began = time.perf_counter()
    if not (tolerance > 0):
        raise DataError(f"the tolerance on the natural residual must be positive, not {tolerance}")
    ask = solve_affine or Gams().solve
    given = np.zeros(problem.size) if start is None else np.asarray(start, dtype=float)
    problem.check_point(given)
    x = np.clip(given, problem.lower, problem.upper)
    problem.check_functions(x)
    best, least, steps = x, natural_residual(problem, x), 0
    while least > tolerance and steps < max_steps:
        x = np.clip(ask(linearised(problem, x)), problem.lower, problem.upper)
        steps += 1
        residual = natural_residual(problem, x)
        if not np.isfinite(residual):
            break
        if residual < least:
            best, least = x, residual
    return _result(problem, best, tolerance, steps, time.perf_counter() - began)


def _result(problem: ComplementarityProblem, x: Vector, tolerance: float, steps: int, seconds: float) -> MCPResult:
    residual = natural_residual(problem, x)
    status = Status.SOLVED if residual <= tolerance else Status.NOT_SOLVED
    compared = f"natural residual {residual:.1e} {'≤' if status is Status.SOLVED else 'against'} {tolerance:.1e}"
    outcome = f"{steps} linearised problems"
    return MCPResult(
        x=x,
        residual=residual,
        status=status,
        reason=f"{status.value} ({compared}; {METHOD}: {outcome})",
        method=METHOD,
        attempts=(Attempt(METHOD, outcome, residual, 0),),
        trace=(),
        factorisations=0,
        seconds=seconds,
        worst=worst_rows(problem, x),
    )


class Gams:
    """GAMSPy, imported when this is made. Pass `solve` to `solve_with_path` to learn afterwards what PATH itself took.

    Raises SolverError with the way to install GAMSPy where it is missing.
    """

    def __init__(self) -> None:
        self.seconds = 0.0  # that PATH reports to have taken, without GAMS around it
        self._gamspy = load_gamspy()

    def solve(self, affine: AffineProblem) -> Vector:
        """Return PATH's solution of an affine problem. Raises SolverError with GAMS's words where it refuses."""
        try:
            x, seconds = _solve_model(self._gamspy, affine)
        except Exception as refusal:  # GAMSPy's errors share no base but Exception
            raise SolverError(refused(affine, refusal)) from refusal
        self.seconds += seconds
        return x


def load_gamspy() -> ModuleType:
    """Return the module gamspy. Raises SolverError with the way to install it where it is missing."""
    try:
        return importlib.import_module("gamspy")
    except ImportError as missing:
        raise SolverError(f"{MISSING} (Python says: {missing})") from missing


def refused(affine: AffineProblem, refusal: Exception) -> str:
    """Return what to tell where GAMS did not solve a model: its words, and what limits the licence."""
    n = len(affine.q)
    told = f"GAMS did not solve the model of {n} rows: {refusal}"
    if n > LICENSED_ROWS:
        told += f". The licence that comes with GAMSPy is limited to {LICENSED_ROWS} rows"
    return f"{told}. That licence expires, too: see `gamspy show license`"


def _solve_model(gamspy: Any, affine: AffineProblem) -> tuple[Vector, float]:
    """Return the solution of l ≤ x ≤ u ⊥ M x + q as a GAMS model, every row matched to its x, and PATH's time."""
    m = gamspy.Container()
    i = gamspy.Set(m, "i", records=affine.labels())
    j = gamspy.Alias(m, "j", i)
    M = gamspy.Parameter(m, "M", domain=[i, j], records=affine.matrix_records())
    q = gamspy.Parameter(m, "q", domain=[i], records=affine.vector_records(affine.q))
    low = gamspy.Parameter(m, "low", domain=[i], records=affine.vector_records(affine.lower))
    up = gamspy.Parameter(m, "up", domain=[i], records=affine.vector_records(affine.upper))
    first = gamspy.Parameter(m, "first", domain=[i], records=affine.vector_records(affine.start))
    x = gamspy.Variable(m, "x", domain=[i])
    x.lo[i], x.up[i], x.l[i] = low[i], up[i], first[i]
    row = gamspy.Equation(m, "row", domain=[i], type="nonbinding")  # its sense follows from the bounds of x
    row[i] = gamspy.Sum(j, M[i, j] * x[j]) + q[i] == gamspy.Number(0)
    model = gamspy.Model(m, "affine", problem="MCP", matches={row: x})
    model.solve(solver="PATH", solver_options={"convergence_tolerance": PATH_TOLERANCE})
    levels = x.records.set_index("i")["level"]
    return np.array([float(levels.get(label, 0.0)) for label in affine.labels()]), float(model.solve_model_time)
