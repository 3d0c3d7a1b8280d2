"""Signs that a problem has no solution: rows stay violated while multipliers grow without limit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bestresponse.complementarity.pairs import Pairs, Point
from bestresponse.complementarity.problem import ComplementarityProblem, by_size
from bestresponse.typing import Vector

LIMITLESS = 1e8  # a variable or multiplier of a scaled problem this large has no limit ...
GROWN = 1e4  # ... if it is also this many times as large as anything was at the start
VIOLATED = 1e-6  # a residual below this may be rounding
PATIENCE = 10  # iterations over which the residual must not have fallen by a tenth


def size(point: Point) -> float:
    """Return the largest variable or multiplier, at least 1."""
    return float(max(np.max(np.abs(point.x), initial=1.0), np.max(point.z, initial=1.0)))


def diverges(residuals: Sequence[float], first: Point, now: Point) -> bool:
    """Return whether the residual (one entry per iteration) is stuck while the point has grown without limit."""
    if len(residuals) <= PATIENCE:
        return False
    is_stuck = residuals[-1] > max(VIOLATED, 0.9 * residuals[-1 - PATIENCE])
    return is_stuck and size(now) > max(LIMITLESS, GROWN * size(first))


def suspects(problem: ComplementarityProblem, point: Point, k: int = 8) -> tuple[tuple[str, float], ...]:
    """Return the names of the variables that are largest, or whose bounds have the largest multipliers.

    Multipliers of rows are variables of a complementarity problem: where the rows of a model contradict one
    another, theirs are the variables that grow.
    """
    pairs = Pairs.of(problem)
    multiplier: Vector = pairs.total(point.z)
    grown = np.maximum(np.abs(point.x), multiplier)
    return tuple(entry for entry in by_size(problem, grown, k) if entry[1] > 1e-3 * float(np.max(grown)))
