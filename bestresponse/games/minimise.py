"""The cheapest point of a smooth convex cost on a polyhedron.

One variable: Newton's method for the marginal cost, kept within an interval that shrinks. More: Newton's method with
exact quadratic programs; where that does not end at a point that meets the optimality conditions, the
complementarity engine solves those instead.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from bestresponse.complementarity.problem import ComplementarityProblem
from bestresponse.complementarity.solve import solve_mcp
from bestresponse.errors import SolverError
from bestresponse.games.quadratic import quadratic_program
from bestresponse.typing import Vector

TOLERANCE = 1e-11  # natural residual of the optimality conditions
STEPS = 30  # of Newton's method
SMALL_STEP = 1e-13  # relative; a Newton step below it is rounding
LARGEST = 1e12  # a one-dimensional minimiser beyond this counts as none
ROUNDING = 1e-12  # relative; rows that cross by no more leave one point

Gradient = Callable[[Vector], Vector]


def minimise(
    name: str,  # whose problem it is, for messages
    gradient: Gradient,  # (n,) → (n,)
    hessian: Gradient,  # (n,) → (n, n)
    bounds: tuple[Vector, Vector],
    rows: tuple[Vector, Vector],  # G (m, n) and h (m,) of G y ≤ h
) -> tuple[Vector, Vector]:
    """Return the minimiser (n,) and the multipliers (m,) ≥ 0 of the rows. Raises SolverError if there is none."""
    if len(bounds[0]) == 1:
        return _on_interval(name, gradient, hessian, bounds, rows)
    return _by_newton(gradient, hessian, bounds, rows) or _by_kkt(name, gradient, hessian, bounds, rows)


def _by_newton(
    gradient: Gradient, hessian: Gradient, bounds: tuple[Vector, Vector], rows: tuple[Vector, Vector]
) -> tuple[Vector, Vector] | None:
    """Return minimiser and multipliers, or None where full Newton steps do not lead to one."""
    lower, upper = bounds
    (G, h), n = rows, len(lower)
    low, high = np.isfinite(lower), np.isfinite(upper)
    everything = np.vstack([G, -np.eye(n)[low], np.eye(n)[high]])
    limits = np.concatenate([h, -lower[low], upper[high]])
    y = np.clip(np.zeros(n), lower, upper)
    for _ in range(STEPS):
        with np.errstate(all="ignore"):
            slope, curvature = gradient(y), hessian(y)
        if not (np.isfinite(slope).all() and np.isfinite(curvature).all()):
            return None
        found = quadratic_program(curvature, slope - curvature @ y, everything, limits)
        if found is None:
            return None
        moved = float(np.max(np.abs(found[0] - y)))
        y = np.clip(found[0], lower, upper)
        if moved <= SMALL_STEP * max(1.0, float(np.max(np.abs(y)))):
            multipliers = found[1][: len(h)]
            rest = np.clip(gradient(y) + G.T @ multipliers, y - upper, y - lower)
            misfit = np.concatenate([rest, np.minimum(multipliers, h - G @ y)])
            scale = max(1.0, float(np.max(np.abs(slope))), float(np.max(np.abs(h), initial=0.0)))
            return (y, multipliers) if np.max(np.abs(misfit)) <= TOLERANCE * scale else None
    return None


def _on_interval(
    name: str, gradient: Gradient, hessian: Gradient, bounds: tuple[Vector, Vector], rows: tuple[Vector, Vector]
) -> tuple[Vector, Vector]:
    slope, h = rows[0][:, 0], rows[1]
    ends = np.divide(h, slope, out=np.full(len(h), np.nan), where=slope != 0.0)
    low = float(np.max(ends[slope < 0.0], initial=bounds[0][0]))
    high = float(np.min(ends[slope > 0.0], initial=bounds[1][0]))
    if not (low <= high + ROUNDING * max(1.0, abs(low))) or not (h[slope == 0.0] >= -ROUNDING).all():
        raise SolverError(f"{name} has no plan left: its rows and bounds ask for at least {low:g} and at most {high:g}")
    point = _root(name, lambda y: gradient(np.array([y]))[0], lambda y: hessian(np.array([y]))[0, 0], low, high)
    multipliers = np.zeros(len(h))
    force = -float(gradient(np.array([point]))[0])  # what a row that stops the player has to hold against
    stopping = np.flatnonzero((ends == point) & (slope * force > 0.0))
    if len(stopping) and point not in (bounds[0][0], bounds[1][0]):
        multipliers[stopping[0]] = force / slope[stopping[0]]
    return np.array([point]), multipliers


def _root(name: str, f: Callable[[float], float], slope: Callable[[float], float], low: float, high: float) -> float:
    """Return where the increasing function f changes sign within [low, high], an end if it does not."""
    with np.errstate(all="ignore"):
        low, high = _finite(name, f, low, high)
        at_low, at_high = f(low), f(high)
        if np.isnan(at_high) or (np.isnan(at_low) and low == high):
            raise SolverError(f"{name}: the marginal cost is not a number between {low:g} and {high:g}")
        if at_low >= 0.0:
            return low
        if at_high <= 0.0:
            return high
        y = 0.5 * (low + high)
        while True:
            value = f(y)
            if np.isnan(value):
                raise SolverError(f"{name}: the marginal cost is not a number at {y:g}")
            low, high = (y, high) if value < 0.0 else (low, y)
            step = y - value / slope(y)
            after = step if low < step < high else 0.5 * (low + high)
            if value == 0.0 or abs(after - y) <= 2e-16 * max(abs(y), 1e-300) or after in (low, high):
                return after if value != 0.0 else y
            y = after


def _finite(name: str, f: Callable[[float], float], low: float, high: float) -> tuple[float, float]:
    """Return a finite interval that holds the minimiser. Raises SolverError if the cost falls for ever."""
    reach = 1.0
    while not np.isfinite(low) or not np.isfinite(high):
        a = low if np.isfinite(low) else min(-reach, high - reach if np.isfinite(high) else 0.0)
        b = high if np.isfinite(high) else max(reach, low + reach if np.isfinite(low) else 0.0)
        if (np.isfinite(low) or f(a) < 0.0) and (np.isfinite(high) or f(b) > 0.0):
            return a, b
        if reach > LARGEST:
            raise SolverError(f"{name}: the cost has no minimum; it falls beyond {reach:g}")
        reach *= 4.0
    return low, high


def _by_kkt(
    name: str, gradient: Gradient, hessian: Gradient, bounds: tuple[Vector, Vector], rows: tuple[Vector, Vector]
) -> tuple[Vector, Vector]:
    """Solve gradient(y) + G'z ⊥ lower ≤ y ≤ upper and h − G y ⊥ z ≥ 0."""
    (G, h), n = rows, len(bounds[0])
    m = len(h)
    skew = np.block([[np.zeros((n, n)), G.T], [-G, np.zeros((m, m))]])
    constant = np.concatenate([np.zeros(n), h])

    def function(w: Vector, smoothing: float) -> Vector:
        F = skew @ w + constant
        F[:n] += gradient(w[:n])
        return F

    def jacobian(w: Vector, smoothing: float) -> sparse.csr_array:
        J = skew.copy()
        J[:n, :n] = hessian(w[:n])
        return full_csr(J)

    problem = ComplementarityProblem(
        np.concatenate([bounds[0], np.zeros(m)]),
        np.concatenate([bounds[1], np.full(m, np.inf)]),
        function,
        jacobian,
        lambda i: f"variable {i + 1}" if i < n else f"row {i - n + 1}",
    )
    result = solve_mcp(problem, tolerance=TOLERANCE)
    if not result.converged:
        raise SolverError(f"{name} found no best response: {result.reason}")
    return result.x[:n], result.x[n:]


def full_csr(matrix: Vector) -> sparse.csr_array:
    """Return a dense matrix as a sparse one that stores every entry, so that its pattern never changes."""
    rows, columns = matrix.shape
    indices = np.tile(np.arange(columns), rows)
    return sparse.csr_array((matrix.ravel(), indices, columns * np.arange(rows + 1)), shape=matrix.shape)
