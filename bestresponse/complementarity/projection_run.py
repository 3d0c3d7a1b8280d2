"""The loop around every projection method: it counts, watches the natural residual, and says how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from bestresponse.complementarity.projection import Projection, vi_residual
from bestresponse.errors import DataError
from bestresponse.typing import Vector

Operator: TypeAlias = Callable[[Vector], Vector]
Iterates: TypeAlias = Callable[[Operator, Projection, Vector], Iterator[tuple[Vector, float]]]

GROWN = 1e8  # times the first natural residual (or 1): the iterates are lost


class ProjectionStatus(Enum):
    """How a projection method ended."""

    SOLVED = "the natural residual meets the tolerance"
    ITERATION_LIMIT = "the iteration limit was reached first"
    TIME_LIMIT = "the time limit was reached first"
    DIVERGED = "the natural residual grew without limit: F or the step length is not as the method assumes"
    NOT_FINITE = "F or the projection returned a value that is not finite"


@dataclass(frozen=True)
class Limits:
    """When to stop, and whom to tell. Raises DataError where a limit is not positive."""

    tolerance: float = 1e-8  # on the natural residual max |x − P(x − F(x))|
    iterations: int = 100_000
    seconds: float = np.inf
    on_iteration: Callable[[Vector, float, float], None] = lambda x, residual, step: None

    def __post_init__(self) -> None:
        for name in ("tolerance", "iterations", "seconds"):
            if not (getattr(self, name) > 0):
                raise DataError(f"the limit on {name} must be positive, not {getattr(self, name)}")


@dataclass(frozen=True)
class ProjectionResult:
    """The best point found, how good it is, and how it came about."""

    x: Vector  # (n,) with the least natural residual of all iterates
    residual: float  # natural residual, recomputed at x
    status: ProjectionStatus
    reason: str  # a sentence with the evidence
    method: str
    iterations: int
    evaluations: int  # of F by the method itself, those for the residual not counted
    projections: int  # likewise
    residuals: Vector  # (iterations,) natural residual after every iteration
    steps: Vector  # (iterations,) step lengths
    seconds: float

    @property
    def converged(self) -> bool:
        """Whether x is a solution to the tolerance asked for."""
        return self.status is ProjectionStatus.SOLVED


class Counted:
    """A function that counts its calls."""

    def __init__(self, function: Callable[[Vector], Vector]) -> None:
        self.calls = 0
        self._function = function

    def __call__(self, x: Vector) -> Vector:
        """Return the function's value."""
        self.calls += 1
        return np.asarray(self._function(x), dtype=float)


def run(
    method: str, F: Operator, project: Projection, start: ArrayLike, iterates: Iterates, limits: Limits | None
) -> ProjectionResult:
    """Return the best of a method's iterates. Only the natural residual decides, never the length of a step."""
    began = time.perf_counter()
    limits = limits or Limits()
    first = _checked(F, project, start)
    counted_F, counted_project = Counted(F), Counted(project)
    best, least = first, vi_residual(F, project, first)
    lost = GROWN * max(1.0, least)
    residuals: list[float] = []
    steps: list[float] = []
    status = ProjectionStatus.SOLVED if least <= limits.tolerance else None
    following = iterates(counted_F, counted_project, first)
    while status is None:
        x, step = next(following)
        residual = vi_residual(F, project, x)
        residuals.append(residual)
        steps.append(step)
        limits.on_iteration(x, residual, step)
        if residual < least:
            best, least = x, residual
        status = _status(residual, lost, len(steps), time.perf_counter() - began, limits)
    recomputed = vi_residual(F, project, best)
    return ProjectionResult(
        x=best,
        residual=recomputed,
        status=status,
        reason=f"{status.value} ({method}, {len(steps)} iterations: natural residual {recomputed:.1e} "
        f"{'≤' if recomputed <= limits.tolerance else 'against'} {limits.tolerance:.1e})",
        method=method,
        iterations=len(steps),
        evaluations=counted_F.calls,
        projections=counted_project.calls,
        residuals=np.array(residuals),
        steps=np.array(steps),
        seconds=time.perf_counter() - began,
    )


def _checked(F: Operator, project: Projection, start: ArrayLike) -> Vector:
    given = np.asarray(start, dtype=float)
    if given.ndim != 1 or not np.isfinite(given).all():
        raise DataError(f"the start must be a vector of finite numbers, not {given}")
    x = np.asarray(project(given), dtype=float)
    _refuse("the projection", x, given)
    _refuse("F", np.asarray(F(x), dtype=float), given)
    return x


def _refuse(what: str, value: Vector, given: Vector) -> None:
    if value.shape != given.shape:
        raise DataError(f"{what} returned shape {value.shape} where the start has {given.shape}")
    if not np.isfinite(value).all():
        raise DataError(f"{what} is not finite at the start in entry {int(np.argmin(np.isfinite(value)))}")


def _status(residual: float, lost: float, iterations: int, seconds: float, limits: Limits) -> ProjectionStatus | None:
    if residual <= limits.tolerance:
        return ProjectionStatus.SOLVED
    if not np.isfinite(residual):
        return ProjectionStatus.NOT_FINITE
    if residual > lost:
        return ProjectionStatus.DIVERGED
    if iterations >= limits.iterations:
        return ProjectionStatus.ITERATION_LIMIT
    return ProjectionStatus.TIME_LIMIT if seconds > limits.seconds else None
