"""The nearest point in a box or a polyhedron, and the residual of a variational inequality that follows from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import piqp
from numpy.typing import ArrayLike
from scipy import sparse

from bestresponse.complementarity.kkt import kkt_problem
from bestresponse.complementarity.polish import polish
from bestresponse.complementarity.polyhedron import Polyhedron
from bestresponse.complementarity.problem import largest
from bestresponse.errors import SolverError
from bestresponse.typing import Vector

Projection: TypeAlias = Callable[[Vector], Vector]

PRECISION = 1e-10  # asked of PIQP
FLOOR = 1e-8  # its smallest regularisation: with less it wanders where rows are redundant
POLISHED = 1e-13  # natural residual, relative to the point, at which the polish of its answer stops


def box_projection(lower: ArrayLike, upper: ArrayLike) -> Projection:
    """Return the function that maps a point to the nearest one with lower ≤ x ≤ upper."""
    low, up = np.asarray(lower, dtype=float), np.asarray(upper, dtype=float)
    return lambda x: np.clip(x, low, up)


def polyhedron_projection(polyhedron: Polyhedron) -> Projection:
    """Return the function that maps a point to the nearest one in the polyhedron.

    It raises SolverError where there is none.
    """
    is_box = not len(polyhedron.b) and not len(polyhedron.h)
    return box_projection(polyhedron.lower, polyhedron.upper) if is_box else _QuadraticProjection(polyhedron)


class _QuadraticProjection:
    """min ½ ‖x − point‖² over a polyhedron, by PIQP, its answer polished on the rows that are active there.

    PIQP keeps its factorisation plan from point to point. Fixed variables are left out: it may call a program with
    them infeasible that is none.
    """

    def __init__(self, polyhedron: Polyhedron) -> None:
        self._set = polyhedron
        self._open = polyhedron.lower < polyhedron.upper
        self._solver: piqp.SparseSolver | None = None

    def __call__(self, point: Vector) -> Vector:
        """Return the nearest point inside. Raises SolverError if there is none."""
        if not np.isfinite(point).all():
            return np.full(self._set.size, np.nan)
        start = self._ask(point)
        tolerance = POLISHED * max(1.0, float(np.max(np.abs(point), initial=0.0)))
        conditions = kkt_problem(lambda x: x - point, lambda x: sparse.eye_array(len(x), format="csr"), self._set)
        return polish(conditions, start, tolerance).x[: self._set.size]

    def _ask(self, point: Vector) -> Vector:
        """Return PIQP's x, and its multipliers of the rows, one after the other."""
        if self._solver is None:
            self._solver = self._set_up(point)
        else:
            self._solver.update(c=-point[self._open])
        status = self._solver.solve()
        if status not in (piqp.PIQP_SOLVED, piqp.PIQP_MAX_ITER_REACHED):
            raise SolverError(f"no projection: PIQP ended with {str(status).rsplit('.', 1)[-1]}; is the set empty?")
        found = self._solver.result
        x = self._set.lower.copy()
        x[self._open] = found.x
        return np.concatenate([x, found.y, np.array(found.z_u)[: len(self._set.h)]])

    def _set_up(self, point: Vector) -> piqp.SparseSolver:
        at, inside = self._set, self._open
        fixed = np.where(inside, 0.0, at.lower)
        solver = piqp.SparseSolver()
        settings = solver.settings
        settings.eps_abs = settings.eps_rel = settings.eps_duality_gap_abs = settings.eps_duality_gap_rel = PRECISION
        settings.reg_lower_limit = FLOOR
        settings.max_iter = 200
        solver.setup(
            sparse.csc_matrix(sparse.eye_array(int(inside.sum()))),
            -point[inside],
            sparse.csc_matrix(at.A[:, inside]),
            at.b - at.A @ fixed,
            sparse.csc_matrix(at.G[:, inside]),
            np.full(len(at.h), -np.inf),
            at.h - at.G @ fixed,
            at.lower[inside],
            at.upper[inside],
        )
        return solver


def vi_residual(F: Callable[[Vector], ArrayLike], project: Projection, x: Vector) -> float:
    """Return max |x − P(x − F(x))|: zero exactly at the solutions of the variational inequality of F and P's set."""
    return largest(x - project(x - np.asarray(F(x), dtype=float)))
