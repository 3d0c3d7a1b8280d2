"""The last digits: Newton's method on the rows that are active at the natural residual.

    active = rows where mid(x − l, x − u, F) is x − l or x − u: the variable goes to that bound
    the others:  (J_free + d I) dx_free = −F_free − J_free,active dx_active,   d = min(1e-6, damping · residual)

A semismooth Newton method on mid(x − l, x − u, F(x)) = 0 without globalisation: it is meant for points near a
solution, which is where an interior point ends, and where a coordinator's answer stands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from bestresponse.complementarity.linear_system import NewtonMatrix, SingularError, sparse_lu
from bestresponse.complementarity.problem import ComplementarityProblem, largest, middle
from bestresponse.typing import BoolVector, Vector

MAX_STEPS = 15
PATIENCE = 5  # steps without a better point, after which none is expected
DAMPING = 1e-3
SHIFT = 1e-10  # on the diagonal, where rows that depend on one another leave the matrix singular
LOST = 1e3  # a residual this much larger than at the start was never seen to come back


@dataclass(frozen=True)
class Polished:
    """The best point a polish has seen."""

    x: Vector  # (n,) within its bounds
    residual: float  # natural residual at x
    factorisations: int


def polish(
    problem: ComplementarityProblem,
    start: Vector,  # (n,)
    tolerance: float = 1e-10,
    max_steps: int = MAX_STEPS,
    damping: float = DAMPING,  # zero takes exact steps, however long
) -> Polished:
    """Return the best of up to `max_steps` active-set Newton iterates, `start` among them.

    It stops early at a natural residual of `tolerance`, or where it is lost or gets no better. Neither is an error.
    """
    x = np.clip(start, problem.lower, problem.upper)
    F = problem.value(x)
    residual = first = largest(middle(problem, x, F))
    best = Polished(x, residual, 0)
    factorisations = 0
    while best.residual > tolerance and factorisations < max_steps and residual <= LOST * first:
        if factorisations - best.factorisations >= PATIENCE:
            break
        try:
            x = x + _newton_step(problem, x, F, min(1e-6, damping * residual))
        except SingularError:
            break
        factorisations += 1
        x = np.clip(x, problem.lower, problem.upper)
        F = problem.value(x)
        residual = largest(middle(problem, x, F))
        if residual < best.residual:
            best = Polished(x, residual, factorisations)
    return Polished(best.x, best.residual, factorisations)


def moves(
    problem: ComplementarityProblem,
    x: Vector,  # (n,) a solution
    push: Vector,  # (n, k)
) -> Vector:
    """Return (n, k) by how much the solution moves per unit of each column added to F, while the same rows are active.

    Raises SingularError where that does not say.
    """
    free = np.flatnonzero(~_active(problem, x, problem.value(x)))
    J = problem.jacobian(x, 0.0).tocsc()[:, free][free]
    factors = sparse_lu(sparse.csc_array(J + SHIFT * sparse.eye_array(len(free))))
    moved = np.zeros_like(push)
    if factors is not None:
        moved[free] = factors.solve(-push[free])
    if not np.isfinite(moved).all():
        raise SingularError("the solution moves without limit")
    return moved


def _active(problem: ComplementarityProblem, x: Vector, F: Vector) -> BoolVector:
    return (x - problem.lower <= F) | (x - problem.upper >= F)


def _newton_step(problem: ComplementarityProblem, x: Vector, F: Vector, shift: float) -> Vector:
    to_lower, to_upper = x - problem.lower, x - problem.upper
    active = _active(problem, x, F)
    J = problem.jacobian(x, 0.0).tocsc()
    dx = np.where(active, -np.clip(F, to_upper, to_lower), 0.0)
    rhs = -(F + J @ dx)
    free = np.flatnonzero(~active)
    matrix = NewtonMatrix(_worth_eliminating(problem.eliminated[free]))
    dx[free] = matrix.factorise(J[:, free][free].tocsc(), np.full(len(free), shift)).solve(rhs[free])
    if not np.isfinite(dx).all():
        raise SingularError("the polish has no finite step")
    return dx


def _worth_eliminating(separable: BoolVector) -> BoolVector:
    """Return the variables to eliminate: the separable ones if they are most, else none.

    Their pivots are as small as the shift here, which costs digits; a large LU costs more only where they are many.
    """
    return separable if 2 * separable.sum() > len(separable) else np.zeros_like(separable)
