"""Small strictly convex quadratic programs, exactly: least distance programming on non-negative least squares.

With the Cholesky factor H = L L', u = L'(y + H⁻¹g) turns  min ½ y'Hy + g'y  subject to  G y ≤ h  into the search for
the point of a polyhedron nearest to the origin, which one call of non-negative least squares solves (Lawson and
Hanson 1974, chapter 23). What it finds active is then solved once more as equations, to full accuracy.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import nnls

from bestresponse.typing import BoolVector, Vector

POSITIVE = 1e-12  # multipliers above this share of the largest one belong to active rows


def quadratic_program(H: Vector, g: Vector, G: Vector, h: Vector) -> tuple[Vector, Vector] | None:
    """Return the minimiser (n,) and the multipliers (m,) ≥ 0, or None where H is not positive definite or nothing fits.

    All rows of h must be finite.
    """
    try:
        L = np.linalg.cholesky(H)
    except np.linalg.LinAlgError:
        return None
    free = np.asarray(-np.linalg.solve(H, g), dtype=float)
    if (G @ free <= h).all():
        return free, np.zeros(len(h))
    E = -solve_triangular(L, G.T, lower=True).T  # rows E u ≥ f
    f = G @ free - h
    size = np.maximum(np.linalg.norm(E, axis=1), 1e-300)
    stacked = np.vstack([(E / size[:, None]).T, f / size])
    dual, misfit = nnls(stacked, np.append(np.zeros(len(g)), 1.0), maxiter=50 * max(stacked.shape))
    if not misfit > 1e-10:
        return None
    return _on_rows(H, g, G, h, dual > POSITIVE * float(np.max(dual)))


def _on_rows(H: Vector, g: Vector, G: Vector, h: Vector, active: BoolVector) -> tuple[Vector, Vector]:
    """Return minimiser and multipliers with the active rows as equations."""
    A, n = G[active], len(g)
    system = np.block([[H, A.T], [A, np.zeros((len(A), len(A)))]])
    solution = np.linalg.lstsq(system, np.concatenate([-g, h[active]]), rcond=None)[0]
    multipliers = np.zeros(len(h))
    multipliers[active] = np.maximum(solution[n:], 0.0)
    return solution[:n], multipliers
