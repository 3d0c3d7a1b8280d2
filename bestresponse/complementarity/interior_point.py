"""A primal-dual interior point for mixed complementarity problems.

    slacks s and multipliers z of all finite bounds are kept positive; F(x) − zl + zu → 0 and s z → 0
    loop:
        once μ = mean s z is small, and after each further factor of ten: polish
        stop if the polish meets the tolerance
        take a step

The polish, not the interior point, gives the last digits: where a pair has s = z = 0 at the solution, interior
iterates stall at 1e-6 or so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from bestresponse.complementarity.infeasibility import diverges
from bestresponse.complementarity.linear_system import NewtonMatrix
from bestresponse.complementarity.pairs import Pairs, Point, starting_point
from bestresponse.complementarity.polish import DAMPING, Polished, polish
from bestresponse.complementarity.problem import ComplementarityProblem, largest
from bestresponse.complementarity.steps import Step, find_step
from bestresponse.typing import Vector

logger = logging.getLogger(__name__)

MAX_ITERATIONS = 80
MARGIN = 1.0  # smallest slack and multiplier at the start
POLISH_BELOW = 1e-5  # μ at which the first polish is tried
EXACT_BELOW = 1e-9  # μ from which a polish may take exact steps
MU_LIMIT = 1e-14  # μ at which nothing more is to be gained
EARLY = 1e-2  # μ of the iterate that other methods may start from


class Outcome(Enum):
    """Why an interior point stopped."""

    SOLVED = "a polished iterate meets the tolerance"
    EXHAUSTED = "slacks and multipliers reached their limit, but no polished iterate meets the tolerance"
    ITERATIONS = "the iteration limit was reached"
    SHORT_STEP = "no step of useful length keeps slacks and multipliers balanced and the residual falling"
    SINGULAR = "the Newton matrix is singular"
    DIVERGED = "rows stay violated while multipliers grow without limit"
    INTERRUPTED = "the time limit was reached"


@dataclass(frozen=True)
class IterationRecord:
    """What one iteration of the interior point did."""

    iteration: int
    mu: float  # mean of s · z before the step
    residual: float  # ‖F − zl + zu‖ before the step, largest entry
    affine_step: float
    step: float
    largest_product: float  # of s · z, over μ
    smallest_product: float
    proximal: float  # τ
    factorisations: int  # so far, those of polishes included


@dataclass(frozen=True)
class InteriorResult:
    """Where the interior point ended, and the best polished point it saw."""

    outcome: Outcome
    point: Point
    early: Vector  # (n,) the first iterate with μ below 1e-2, else the last one
    best: Polished | None
    trace: tuple[IterationRecord, ...]
    factorisations: int


def interior_point(
    problem: ComplementarityProblem,
    start: Vector,  # (n,)
    tolerance: float = 1e-10,  # on the natural residual of a polished iterate
    *,
    margin: float = MARGIN,
    max_iterations: int = MAX_ITERATIONS,
    on_iteration: Callable[[IterationRecord], None] = lambda record: None,
    is_over: Callable[[], bool] = lambda: False,  # asked once an iteration: is the time up?
) -> InteriorResult:
    """Return the result of the interior point from `start`; not converging is an outcome, not an error.

    No variable may be fixed (l = u): solve_mcp takes those out first.
    """
    run = _Run(problem, start, tolerance, margin)
    outcome = None
    for _ in range(max_iterations):
        run.polish_if_due()
        outcome = run.solved() or run.exhausted() or (Outcome.INTERRUPTED if is_over() else run.advance(on_iteration))
        if outcome is not None:
            break
    return run.result(outcome or Outcome.ITERATIONS)


class _Run:
    """The moving parts of one run."""

    def __init__(self, problem: ComplementarityProblem, start: Vector, tolerance: float, margin: float) -> None:
        self._problem = problem
        self._tolerance = tolerance
        self._pairs = Pairs.of(problem)
        self._matrix = NewtonMatrix(problem.eliminated)
        self._first = self._point = starting_point(problem, self._pairs, start, margin)
        self._early: Vector | None = None
        self._best: Polished | None = None
        self._polish_below = POLISH_BELOW
        self._polish_cost = 0
        self._trace: list[IterationRecord] = []

    @property
    def _factorisations(self) -> int:
        return self._matrix.factorisations + self._polish_cost

    def polish_if_due(self) -> None:
        if self._point.mu < self._polish_below:
            self._polish_below = 0.1 * self._point.mu
            self._polish()

    def _polish(self) -> None:
        """Polish; late, where that is not enough, with exact steps: a nearly singular face may need long ones."""
        for damping in (DAMPING, 0.0):
            polished = polish(self._problem, self._point.x, self._tolerance, damping=damping)
            self._polish_cost += polished.factorisations
            if self._best is None or polished.residual < self._best.residual:
                self._best = polished
            if self.solved() or self._point.mu > EXACT_BELOW:
                break

    def solved(self) -> Outcome | None:
        return Outcome.SOLVED if self._best is not None and self._best.residual <= self._tolerance else None

    def exhausted(self) -> Outcome | None:
        if diverges([record.residual for record in self._trace], self._first, self._point):
            return Outcome.DIVERGED
        return Outcome.EXHAUSTED if len(self._point.s) and not (self._point.mu > MU_LIMIT) else None

    def advance(self, on_iteration: Callable[[IterationRecord], None]) -> Outcome | None:
        """Take one step; return why there is none."""
        if self._early is None and self._point.mu < EARLY:
            self._early = self._point.x
        step = find_step(self._problem, self._pairs, self._point, self._matrix)
        if step is None:
            return Outcome.SINGULAR
        self._trace.append(_record(len(self._trace), step, self._factorisations))
        logger.debug("%s", self._trace[-1])
        on_iteration(self._trace[-1])
        if not step.is_useful:
            return Outcome.SHORT_STEP
        self._point = self._point.move(step.direction, step.length)
        return None

    def result(self, outcome: Outcome) -> InteriorResult:
        if outcome is not Outcome.SOLVED:
            self._polish()
            outcome = self.solved() or outcome
        early = self._point.x if self._early is None else self._early
        return InteriorResult(outcome, self._point, early, self._best, tuple(self._trace), self._factorisations)


def _record(iteration: int, step: Step, factorisations: int) -> IterationRecord:
    point = step.model.point
    products = point.s * point.z / point.mu if len(point.s) else np.ones(1)
    return IterationRecord(
        iteration=iteration,
        mu=point.mu,
        residual=largest(step.model.residual),
        affine_step=step.affine_length,
        step=step.length,
        largest_product=float(np.max(products)),
        smallest_product=float(np.min(products)),
        proximal=step.proximal,
        factorisations=factorisations,
    )
