"""The proximal point method: a sequence of strongly monotone problems F(x) + τ (x − x_k), each solved exactly.

R. T. Rockafellar, Monotone operators and the proximal point algorithm, SIAM J. Control Optim. 14 (1976). Slow,
but its problems are regular where those of the interior point are not: the last resort.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import sparse

from bestresponse.complementarity.interior_point import interior_point
from bestresponse.complementarity.polish import Polished, polish
from bestresponse.complementarity.problem import ComplementarityProblem, Jacobian, natural_residual
from bestresponse.typing import Vector

MAX_ROUNDS = 10
TAU = 1.0  # weight of the first round
DECREASE = 0.3  # of τ from round to round


def proximal_point(
    problem: ComplementarityProblem,
    start: Vector,  # (n,)
    tolerance: float = 1e-10,
    max_rounds: int = MAX_ROUNDS,
    is_over: Callable[[], bool] = lambda: False,
) -> Polished:
    """Return the best point found. Not reaching the tolerance is no error."""
    x = np.clip(start, problem.lower, problem.upper)
    best = Polished(x, natural_residual(problem, x), 0)
    tau, factorisations = TAU, 0
    for _ in range(max_rounds):
        if best.residual <= tolerance or is_over():
            break
        inner = interior_point(proximal_problem(problem, x, tau), x, tolerance, is_over=is_over)
        factorisations += inner.factorisations
        x = inner.point.x if inner.best is None else inner.best.x
        polished = polish(problem, x, tolerance)
        factorisations += polished.factorisations
        best = polished if polished.residual < best.residual else best
        tau *= DECREASE
    return Polished(best.x, best.residual, factorisations)


def proximal_problem(problem: ComplementarityProblem, centre: Vector, tau: float) -> ComplementarityProblem:
    """Return the problem with F(x) + τ (x − centre) in place of F."""

    def function(x: Vector, smoothing: float) -> Vector:
        return problem.function(x, smoothing) + tau * (x - centre)

    def jacobian(x: Vector, smoothing: float) -> Jacobian:
        return (problem.jacobian(x, smoothing) + tau * sparse.eye_array(problem.size, format="csr")).tocsr()

    return replace(problem, function=function, jacobian=jacobian)
