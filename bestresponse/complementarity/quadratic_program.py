"""Problems that are the first-order conditions of a convex quadratic program, for which there are faster solvers.

    min ½ x'Qx + c'x   over lower ≤ x ≤ upper, A x + a = 0, G x + g ≥ 0 (or ≤ 0)

    Q x + c − A'y − G'z  ⊥  lower ≤ x ≤ upper
    A x + a              ⊥  y free
    G x + g              ⊥  z ≥ its lower bound (or ≤ its upper one)

Nobody has to say so: F is affine if its Jacobian explains how it differs between two points, and signs that make the
Jacobian symmetric tell variables from multipliers. PIQP answers, a polish adds digits where they lack, and the natural
residual of the problem itself is the judge: what was taken for a program and is none costs time, never correctness.

R. Schwan, Y. Jiang, D. Kuhn, C. N. Jones, PIQP: A proximal interior-point quadratic programming solver, IEEE
Conference on Decision and Control (2023).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import piqp
from scipy import sparse

from bestresponse.complementarity.problem import ComplementarityProblem, largest
from bestresponse.complementarity.sparsity import blocks, coordinates
from bestresponse.complementarity.symmetric import symmetry
from bestresponse.typing import BoolVector, IntVector, Vector

ROUNDING = 1e-12  # relative, of what the Jacobian does not explain
STRICTER = 0.1  # PIQP's tolerance over the one asked for, which is on another residual
MAX_ITERATIONS = 100


@dataclass(frozen=True)
class QuadraticProgram:
    """The program behind a complementarity problem, whose entries are shared out among variables and multipliers."""

    matrix: sparse.csc_array  # (n, n) Jacobian of F
    base: Vector  # (n,) zero, but where a multiplier has a bound: there it is that bound
    constant: Vector  # (n,) F at the base
    lower: Vector  # (n,)
    upper: Vector  # (n,)
    variables: IntVector
    equations: IntVector  # by their free multipliers
    inequalities: IntVector  # by their multipliers, which have one bound

    def solve(self, tolerance: float) -> Vector | None:
        """Return variables and multipliers as one point, (n,), within its bounds; None where PIQP has none."""
        x, y, z = self.variables, self.equations, self.inequalities
        curvature, equations, inequalities = blocks(self.matrix, x, (x, y, z))
        right, at_least = -self.constant[z], np.isfinite(self.lower[z])
        limits = (inequalities, np.where(at_least, right, -np.inf), np.where(at_least, np.inf, right))
        solver = piqp.SparseSolver()
        solver.settings.eps_abs = solver.settings.eps_rel = STRICTER * tolerance
        solver.settings.max_iter = MAX_ITERATIONS
        solver.setup(curvature, self.constant[x], equations, -self.constant[y], *limits, self.lower[x], self.upper[x])
        if solver.solve() not in (piqp.PIQP_SOLVED, piqp.PIQP_MAX_ITER_REACHED):
            return None
        found, point = solver.result, self.base.copy()
        point[x] = found.x
        point[y] = -found.y
        point[z] += found.z_l - found.z_u
        return np.clip(point, self.lower, self.upper) if np.isfinite(point).all() else None


def quadratic_program(problem: ComplementarityProblem, near: Vector) -> QuadraticProgram | None:
    """Return the program whose first-order conditions the problem is, looked for at `near` (n,); None if it is none."""
    affine = _affine(problem, near)
    if affine is None:
        return None
    matrix, constant = affine
    bounds = np.isfinite(problem.lower).astype(int) + np.isfinite(problem.upper)
    is_multiplier = _multipliers(matrix, may_be=bounds < 2)
    if is_multiplier is None or is_multiplier.all():
        return None
    bound = np.where(np.isfinite(problem.lower), problem.lower, problem.upper)
    base = np.where(is_multiplier & (bounds > 0), bound, 0.0)
    return QuadraticProgram(
        matrix=matrix,
        base=base,
        constant=constant + matrix @ base,
        lower=problem.lower,
        upper=problem.upper,
        variables=np.flatnonzero(~is_multiplier),
        equations=np.flatnonzero(is_multiplier & (bounds == 0)),
        inequalities=np.flatnonzero(is_multiplier & (bounds > 0)),
    )


def _affine(problem: ComplementarityProblem, near: Vector) -> tuple[sparse.csc_array, Vector] | None:
    """Return M and q of F(x) = M x + q; None if the Jacobian does not explain F at another point within the bounds."""
    other = np.clip(near + 1.0 + np.linspace(0.0, 1.0, problem.size), problem.lower, problem.upper)
    matrix = problem.jacobian(near, 0.0).tocsc()
    here, there = problem.value(near), problem.value(other)
    constant = here - matrix @ near
    if not largest(there - matrix @ other - constant) <= ROUNDING * (1.0 + max(largest(here), largest(there))):
        return None
    return matrix, constant


def _multipliers(matrix: sparse.csc_array, may_be: BoolVector) -> BoolVector | None:
    """Return which entries are multipliers, (n,), so that matrix = [Q −A'; A 0] with Q = Q'; None if there are none."""
    found = symmetry(matrix)
    if found is None or not found.holds(matrix):
        return None
    rows, columns = coordinates(matrix)
    must_not = ~may_be
    must_not[rows[(found.sign[rows] == found.sign[columns]) & (matrix.data != 0)]] = True  # they have a curvature
    balance = np.bincount(found.family, found.sign * must_not)
    if not np.array_equal(np.abs(balance), np.bincount(found.family, must_not)):
        return None  # curvature on both sides
    return found.sign * np.where(balance < 0, -1.0, 1.0)[found.family] < 0
