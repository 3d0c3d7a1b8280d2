"""Is this matrix the derivative of that function? Central differences, column by column.

Two step lengths tell how far the differences themselves can be trusted: D(h) − D(h/2) measures their curvature
error, the size of the terms of a row measures their rounding. An entry contradicts them if it is off by more than
both.
"""

from __future__ import annotations

import numpy as np

from bestresponse.complementarity.problem import ComplementarityProblem
from bestresponse.errors import FormulationError
from bestresponse.typing import Vector

STEP = 1e-4  # of max(1, |x|)
INSET = 1.0  # distance kept from the bounds, at most a quarter of the box
SPREAD = 0.1  # the point is moved this far at random: at a start of zeros many wrong terms vanish
CURVATURE = 10.0  # times |D(h) − D(h/2)| is forgiven
RELATIVE = 1e-6  # of the entry is forgiven
ROUNDING = 100.0 * np.finfo(float).eps  # of the row's terms, over h, is forgiven


def check_jacobian(problem: ComplementarityProblem, start: Vector, seed: int = 0) -> None:
    """Raise FormulationError, naming the worst row and column, if J contradicts finite differences of F near `start`.

    It costs four evaluations of F per variable that is not fixed. Where F or J changes its formula within the step
    (a kink), the answer may be wrong.
    """
    x, inset = _inner_point(problem, start, seed), _inset(problem)
    F, J = problem.value(x), problem.jacobian(x, 0.0).tocsc()
    terms = np.maximum(np.abs(F), abs(J) @ np.abs(x))
    worst, where = 1.0, (-1, -1, 0.0, 0.0)  # error over what is forgiven; row, column, stated, measured
    for j in map(int, np.flatnonzero(problem.lower < problem.upper)):
        h = float(min(STEP * max(1.0, abs(x[j])), 0.5 * inset[j]))
        coarse, measured = _slope(problem, x, j, h), _slope(problem, x, j, 0.5 * h)
        stated = J[:, [j]].toarray()[:, 0]
        forgiven = CURVATURE * np.abs(coarse - measured) + RELATIVE * np.maximum(np.abs(stated), np.abs(measured))
        forgiven += ROUNDING * np.maximum(terms, 1e-300) / h
        error = np.abs(stated - measured) / forgiven
        error[~np.isfinite(measured) | ~np.isfinite(coarse)] = 0.0  # F is undefined there: nothing to compare with
        i = int(np.argmax(error))
        if error[i] > worst:
            worst, where = float(error[i]), (i, j, float(stated[i]), float(measured[i]))
    row, column, said, found = where
    if row >= 0:
        raise FormulationError(
            f"the Jacobian contradicts finite differences, worst in row {problem.name_of(row)} and column "
            f"{problem.name_of(column)} (entry [{row}, {column}]): it says {said:.6g}, differences of F say {found:.6g}"
        )


def _inner_point(problem: ComplementarityProblem, start: Vector, seed: int) -> Vector:
    """Return a point near `start`, off the bounds by as much as the interior point keeps, where F has a value."""
    inset = _inset(problem)
    x = np.clip(start, problem.lower + inset, problem.upper - inset)
    moved = x + inset * np.random.default_rng(seed).uniform(-SPREAD, SPREAD, len(x))
    return moved if np.isfinite(problem.value(moved)).all() else x


def _inset(problem: ComplementarityProblem) -> Vector:
    return np.minimum(INSET, 0.25 * (problem.upper - problem.lower))


def _slope(problem: ComplementarityProblem, x: Vector, j: int, h: float) -> Vector:
    step = np.zeros_like(x)
    step[j] = h
    return (problem.value(x + step) - problem.value(x - step)) / (2.0 * h)
