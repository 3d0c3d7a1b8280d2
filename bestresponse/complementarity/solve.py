"""Solving a mixed complementarity problem: one good method, and a ladder of others for the day it fails.

1. where a start is given: semismooth Newton steps from it (crossover), else a polish of it; later an interior point
   that stays near it;
2. a problem that turns out to be the first-order conditions of a quadratic program: PIQP, then a polish;
3. the interior point from a cold start, ending in a polish;
4. semismooth Newton from an early interior iterate;
5. the proximal point method.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from bestresponse.complementarity.infeasibility import suspects
from bestresponse.complementarity.interior_point import (
    MARGIN,
    InteriorResult,
    IterationRecord,
    Outcome,
    interior_point,
)
from bestresponse.complementarity.jacobian_check import check_jacobian as compare_with_differences
from bestresponse.complementarity.newton import semismooth_newton
from bestresponse.complementarity.polish import Polished, polish
from bestresponse.complementarity.preprocessing import reduce
from bestresponse.complementarity.problem import (
    ComplementarityProblem,
    Names,
    SparseArray,
    by_size,
    largest,
    middle,
    natural_residual,
)
from bestresponse.complementarity.proximal import proximal_point
from bestresponse.complementarity.quadratic_program import quadratic_program
from bestresponse.complementarity.result import Attempt, MCPResult, Status
from bestresponse.errors import DataError
from bestresponse.typing import Vector

logger = logging.getLogger(__name__)

TOLERANCE = 1e-10
BARELY = 0.1  # share of the tolerance above which it is only just met
WORST = 5  # rows listed
WARM_MARGIN = 1e-2  # smallest slack and multiplier of an interior point that starts near a solution
CROSSOVER_STEPS = 15  # one to four are the rule
START = "none: the start is the best point known"
CROSSOVER = "crossover: semismooth Newton from the given start"
POLISH = "polish of the given start"
WARM = "interior point from the given start"
QUADRATIC = "quadratic program, by PIQP and a polish"
INTERIOR = "interior point"
NEWTON = "semismooth Newton from an interior iterate"
PROXIMAL = "proximal point method"
AGAIN = "one step more"


Report = Callable[[IterationRecord], None]


@overload
def solve_mcp(
    F: Callable[[Vector], ArrayLike],
    J: Callable[[Vector], ArrayLike | SparseArray],
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    start: ArrayLike | None = None,
    tolerance: float = TOLERANCE,
    names: Names | None = None,
    check_jacobian: bool = False,
    recognise: bool = True,
    time_limit: float = np.inf,
    on_iteration: Report = ...,
) -> MCPResult: ...


@overload
def solve_mcp(
    problem: ComplementarityProblem,
    start: ArrayLike | None = None,
    tolerance: float = TOLERANCE,
    *,
    check_jacobian: bool = False,
    recognise: bool = True,
    time_limit: float = np.inf,
    on_iteration: Report = ...,
) -> MCPResult: ...


def solve_mcp(*stated: Any, **options: Any) -> MCPResult:
    """Return l ≤ x ≤ u with F(x) ≥ 0 at l, ≤ 0 at u, = 0 in between; or the best point found, and why it is none.

        solve_mcp(F, J, lower, upper)       plain functions: x → F(x) (n,), x → its Jacobian (n, n), dense or sparse
        solve_mcp(problem)                  a ComplementarityProblem, which can also be smoothed and eliminated from

    start: (n,) another method's answer, to be finished from there; none: the interior point starts cold.
    tolerance: on the natural residual max |mid(x − l, x − u, F(x))|, in the problem's own units.
    names: of the variables and their rows, for messages ("x[0]", ... if not given).
    check_jacobian: compare J with finite differences of F first.
    recognise: quadratic programs, of whose solver there is no trace; False: the methods for any problem only.
    time_limit: [s].  on_iteration: called with every record of the interior point's trace.

    Raises DataError for bounds, a start or a tolerance that cannot be; FormulationError for l > u, F or J of the wrong
    shape or not finite at the start, or a Jacobian found to contradict F. A problem that cannot be solved is no
    error but a result whose `converged` is False and whose `reason` says why.
    """
    named = {key: options.pop(key) for key in ("F", "J", "lower", "upper", "names") if key in options}
    if not stated or not isinstance(stated[0], ComplementarityProblem):
        return _solve(ComplementarityProblem.of(*stated, **named), **options)
    if named:
        raise DataError(f"a ComplementarityProblem holds its own {' and '.join(named)}: state them there")
    return _solve(*stated, **options)


def _solve(
    problem: ComplementarityProblem,
    start: ArrayLike | None = None,
    tolerance: float = TOLERANCE,
    *,
    check_jacobian: bool = False,
    recognise: bool = True,
    time_limit: float = np.inf,
    on_iteration: Report = lambda record: None,
) -> MCPResult:
    if not (tolerance > 0):
        raise DataError(f"the tolerance on the natural residual must be positive, not {tolerance}")
    began = time.perf_counter()
    given = np.zeros(problem.size) if start is None else np.asarray(start, dtype=float)
    problem.check_point(given)
    first = np.clip(given, problem.lower, problem.upper)
    problem.check_functions(first)
    if check_jacobian:
        compare_with_differences(problem, first)
    reduced = reduce(problem)
    ladder = _Ladder(reduced.problem, tolerance, lambda: time.perf_counter() - began > time_limit, on_iteration)
    ladder.climb(reduced.shorten(first), start is not None, recognise)

    x = reduced.lengthen(ladder.best.x)
    errors = np.abs(middle(problem, x, problem.value(x)))
    residual = largest(errors)
    status = ladder.status(residual)
    named = ladder.suspects() if status is Status.INFEASIBLE else ()
    return MCPResult(
        x=x,
        residual=residual,
        status=status,
        reason=_reason(status, residual, tolerance, ladder.attempts, named),
        method=ladder.method,
        attempts=tuple(ladder.attempts),
        trace=ladder.interior.trace if ladder.interior else (),
        factorisations=sum(attempt.factorisations for attempt in ladder.attempts),
        seconds=time.perf_counter() - began,
        worst=by_size(problem, errors, WORST),
        suspects=named,
    )


class _Ladder:
    """Tries one method after another until one meets the tolerance, and keeps the best point."""

    def __init__(
        self,
        problem: ComplementarityProblem,
        tolerance: float,
        is_over: Callable[[], bool],
        on_iteration: Report,
    ) -> None:
        self.attempts: list[Attempt] = []
        self.method = START
        self.best: Polished
        self.interior: InteriorResult | None = None
        self._problem = problem
        self._tolerance = tolerance
        self._is_over = is_over
        self._on_iteration = on_iteration

    def climb(self, start: Vector, is_warm: bool, recognise: bool) -> None:
        """Try the methods in order."""
        self.best = Polished(start, natural_residual(self._problem, start), 0)
        for method, found, outcome in self._methods(start, is_warm, recognise):
            self.attempts.append(Attempt(method, outcome, found.residual, found.factorisations))
            logger.info("%s: %s (natural residual %.1e)", method, outcome, found.residual)
            if not (found.residual >= self.best.residual):
                self.best, self.method = found, method
            if self.best.residual <= self._tolerance or self._is_over() or self._is_infeasible:
                break
        if BARELY * self._tolerance < self.best.residual <= self._tolerance:
            self._take_one_more_step()

    def _take_one_more_step(self) -> None:
        """A Newton step near the solution gives most digits there are, for one factorisation."""
        again = polish(self._problem, self.best.x, tolerance=0.0, max_steps=1)
        self.attempts.append(Attempt(AGAIN, "a step beyond the tolerance", again.residual, again.factorisations))
        self.best = again  # never worse

    def _methods(self, start: Vector, is_warm: bool, recognise: bool) -> Iterator[tuple[str, Polished, str]]:
        if is_warm:
            yield CROSSOVER, *self._told(semismooth_newton(self._problem, start, self._tolerance, CROSSOVER_STEPS))
            yield POLISH, *self._told(polish(self._problem, start, self._tolerance))
        program = quadratic_program(self._problem, start) if recognise else None
        point = None if program is None else program.solve(self._tolerance)
        if point is not None:
            yield QUADRATIC, *self._told(polish(self._problem, point, self._tolerance))
        if is_warm:
            yield WARM, *self._from_inside(start, WARM_MARGIN)
        yield INTERIOR, *self._from_inside(np.zeros_like(start), MARGIN)
        early = start if self.interior is None else self.interior.early
        yield NEWTON, *self._told(semismooth_newton(self._problem, early, self._tolerance, is_over=self._is_over))
        yield PROXIMAL, *self._told(proximal_point(self._problem, early, self._tolerance, is_over=self._is_over))

    def _from_inside(self, start: Vector, margin: float) -> tuple[Polished, str]:
        self.interior = interior_point(
            self._problem,
            start,
            self._tolerance,
            margin=margin,
            on_iteration=self._on_iteration,
            is_over=self._is_over,
        )
        best = self.interior.best or self.best
        return Polished(best.x, best.residual, self.interior.factorisations), self.interior.outcome.value

    def _told(self, found: Polished) -> tuple[Polished, str]:
        solved = found.residual <= self._tolerance
        return found, "the tolerance is met" if solved else "the tolerance is not met"

    @property
    def _is_infeasible(self) -> bool:
        return self.interior is not None and self.interior.outcome is Outcome.DIVERGED

    def status(self, residual: float) -> Status:
        """Return how it ended, given the natural residual of the full problem."""
        if residual <= self._tolerance:
            return Status.SOLVED
        if self._is_infeasible:
            return Status.INFEASIBLE
        return Status.TIME_LIMIT if self._is_over() else Status.NOT_SOLVED

    def suspects(self) -> tuple[tuple[str, float], ...]:
        """Return the rows whose multipliers grew largest in the interior point."""
        return suspects(self._problem, self.interior.point) if self.interior else ()


def _reason(
    status: Status, residual: float, tolerance: float, attempts: list[Attempt], named: tuple[tuple[str, float], ...]
) -> str:
    comparison = "≤" if residual <= tolerance else "against"
    evidence = [f"natural residual {residual:.1e} {comparison} {tolerance:.1e}"]
    evidence += [f"{attempt.method}: {attempt.outcome}" for attempt in attempts]
    if named:
        evidence.append("largest: " + ", ".join(name for name, _ in named[:3]))
    return f"{status.value} ({'; '.join(evidence)})"
