"""Solving a mixed complementarity problem: one good method, and a ladder of others for the day it fails.

1. where a start is given: polish it (crossover), then an interior point that stays near it;
2. the interior point from a cold start, ending in a polish;
3. semismooth Newton from an early interior iterate;
4. the proximal point method.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

import numpy as np

from bestresponse.complementarity.infeasibility import suspects
from bestresponse.complementarity.interior_point import (
    MARGIN,
    InteriorResult,
    IterationRecord,
    Outcome,
    interior_point,
)
from bestresponse.complementarity.newton import semismooth_newton
from bestresponse.complementarity.polish import Polished, polish
from bestresponse.complementarity.preprocessing import reduce
from bestresponse.complementarity.problem import ComplementarityProblem, natural_residual, worst_rows
from bestresponse.complementarity.proximal import proximal_point
from bestresponse.complementarity.result import Attempt, MCPResult, Status
from bestresponse.errors import DataError
from bestresponse.typing import Vector

logger = logging.getLogger(__name__)

TOLERANCE = 1e-10
WARM_MARGIN = 1e-2  # smallest slack and multiplier of an interior point that starts near a solution
START = "none: the start is the best point known"
CROSSOVER = "crossover: polish of the given start"
WARM = "interior point from the given start"
INTERIOR = "interior point"
NEWTON = "semismooth Newton from an interior iterate"
PROXIMAL = "proximal point method"


def solve_mcp(
    problem: ComplementarityProblem,
    start: Vector | None = None,  # (n,) another method's answer, for a crossover; none: start cold
    tolerance: float = TOLERANCE,  # on the natural residual, in the problem's own units
    *,
    time_limit: float = np.inf,  # [s]
    on_iteration: Callable[[IterationRecord], None] = lambda record: None,  # called by the interior point
) -> MCPResult:
    """Return the solution, or the best point found with the reason why it is none.

    Raises DataError or FormulationError if the problem cannot be evaluated at the start; a problem that cannot be
    solved is no error but a result whose `converged` is False.
    """
    if not (tolerance > 0):
        raise DataError(f"the tolerance on the natural residual must be positive, not {tolerance}")
    began = time.perf_counter()
    given = np.zeros(problem.size) if start is None else np.asarray(start, dtype=float)
    problem.check_point(given)
    first = np.clip(given, problem.lower, problem.upper)
    problem.check_functions(first)
    reduced = reduce(problem)
    ladder = _Ladder(reduced.problem, tolerance, lambda: time.perf_counter() - began > time_limit, on_iteration)
    ladder.climb(reduced.shorten(first), is_warm=start is not None)

    x = reduced.lengthen(ladder.best.x)
    residual = natural_residual(problem, x)
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
        worst=worst_rows(problem, x),
        suspects=named,
    )


class _Ladder:
    """Tries one method after another until one meets the tolerance, and keeps the best point."""

    def __init__(
        self,
        problem: ComplementarityProblem,
        tolerance: float,
        is_over: Callable[[], bool],
        on_iteration: Callable[[IterationRecord], None],
    ) -> None:
        self.attempts: list[Attempt] = []
        self.method = START
        self.best: Polished
        self.interior: InteriorResult | None = None
        self._problem = problem
        self._tolerance = tolerance
        self._is_over = is_over
        self._on_iteration = on_iteration

    def climb(self, start: Vector, is_warm: bool) -> None:
        """Try the methods in order."""
        self.best = Polished(start, natural_residual(self._problem, start), 0)
        for method, found, outcome in self._methods(start, is_warm):
            self.attempts.append(Attempt(method, outcome, found.residual, found.factorisations))
            logger.info("%s: %s (natural residual %.1e)", method, outcome, found.residual)
            if not (found.residual >= self.best.residual):
                self.best, self.method = found, method
            if self.best.residual <= self._tolerance or self._is_over() or self._is_infeasible:
                break

    def _methods(self, start: Vector, is_warm: bool) -> Iterator[tuple[str, Polished, str]]:
        if is_warm:
            yield CROSSOVER, *self._told(polish(self._problem, start, self._tolerance))
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
