"""Semismooth Newton on the Fischer–Burmeister equations, with a line search: a second method, started warm.

    φ(a, b) = a + b − √(a² + b²) = 0  ⇔  a ≥ 0, b ≥ 0, ab = 0
    lower bound:  Φ = φ(x − l, F);    upper: Φ = −φ(u − x, −F);    both: Φ = φ(x − l, −φ(u − x, −F));    none: Φ = F

S. C. Billups, Algorithms for complementarity problems and generalized equations, University of Wisconsin, 1995.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bestresponse.complementarity.linear_system import NewtonMatrix, SingularError
from bestresponse.complementarity.polish import Polished, polish
from bestresponse.complementarity.problem import ComplementarityProblem, natural_residual
from bestresponse.typing import Vector

MAX_STEPS = 50
SUFFICIENT = 1e-4  # share of the linear decrease of the merit function a step must reach
SHORTEST_STEP = 1e-8
POLISH_BELOW = 1e-3  # natural residual from which every step ends with a short polish


def semismooth_newton(
    problem: ComplementarityProblem,
    start: Vector,  # (n,) best near a solution: from far away it often ends in a local minimum of the merit
    tolerance: float = 1e-10,  # on the natural residual
    max_steps: int = MAX_STEPS,
    is_over: Callable[[], bool] = lambda: False,
) -> Polished:
    """Return the best point found. Not reaching the tolerance is no error."""
    matrix = NewtonMatrix(np.zeros(problem.size, dtype=bool))
    x = np.clip(start, problem.lower, problem.upper)
    best = Polished(x, natural_residual(problem, x), 0)
    polishing = 0
    while best.residual > tolerance and matrix.factorisations < max_steps and not is_over():
        step = _step(problem, x, matrix)
        if step is None:
            break
        x = step
        residual = natural_residual(problem, x)
        if residual < POLISH_BELOW:
            polished = polish(problem, x, tolerance)
            polishing += polished.factorisations
        else:
            polished = Polished(np.clip(x, problem.lower, problem.upper), residual, 0)
        if polished.residual < best.residual:
            best = polished
    return Polished(best.x, best.residual, matrix.factorisations + polishing)


def _step(problem: ComplementarityProblem, x: Vector, matrix: NewtonMatrix) -> Vector | None:
    """Return the next point along the Newton direction, else along steepest descent, None if neither descends."""
    F = problem.value(x)
    phi, by_x, by_F = fischer_burmeister(problem, x, F)
    J = problem.jacobian(x, 0.0).tocsc()
    merit = 0.5 * phi @ phi
    gradient = by_x * phi + J.T @ (by_F * phi)
    directions = [-gradient]
    rows = J.copy()
    rows.data = J.data * by_F[J.indices]
    try:
        directions.insert(0, -matrix.factorise(rows, by_x).solve(phi))
    except SingularError:
        pass
    for direction in directions:
        slope = float(gradient @ direction)
        length = 1.0
        while slope < 0 and length > SHORTEST_STEP:
            new = x + length * direction
            changed = fischer_burmeister(problem, new, problem.value(new))[0]
            if 0.5 * changed @ changed <= merit + SUFFICIENT * length * slope:
                return new
            length *= 0.5
    return None


def fischer_burmeister(problem: ComplementarityProblem, x: Vector, F: Vector) -> tuple[Vector, Vector, Vector]:
    """Return Φ and its derivatives by x and by F, each (n,): an element of the generalised Jacobian is Φ_x + Φ_F J."""
    value, by_x, by_F = F.copy(), np.zeros_like(x), np.ones_like(x)
    up = np.isfinite(problem.upper)
    phi, by_a, by_b = _phi(problem.upper[up] - x[up], -F[up])
    value[up], by_x[up], by_F[up] = -phi, by_a, by_b
    low = np.isfinite(problem.lower)
    phi, by_a, by_b = _phi(x[low] - problem.lower[low], value[low])
    value[low], by_x[low], by_F[low] = phi, by_a + by_b * by_x[low], by_b * by_F[low]
    return value, by_x, by_F


def _phi(a: Vector, b: Vector) -> tuple[Vector, Vector, Vector]:
    root = np.hypot(a, b)
    with np.errstate(divide="ignore", invalid="ignore"):
        to_a, to_b = np.where(root > 0, a / root, np.sqrt(0.5)), np.where(root > 0, b / root, np.sqrt(0.5))
    return a + b - root, 1.0 - to_a, 1.0 - to_b
