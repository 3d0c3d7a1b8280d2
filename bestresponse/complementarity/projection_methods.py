"""Projection methods for variational inequalities: x in K with F(x)'(y − x) ≥ 0 for all y in K.

They need F and the projection P onto K, and no Jacobian. L is the Lipschitz constant of F on K, m its modulus of strong
monotony (F monotone: m = 0); all norms are Euclidean.

| method                        | assumption on F                        | step length λ                      |
|-------------------------------|----------------------------------------|------------------------------------|
| projected gradient            | strongly monotone and Lipschitz        | 0 < λ < 2 m / L²                   |
|                               | or cocoercive, say a convex gradient   | 0 < λ < 2 / L                      |
| extragradient                 | monotone and Lipschitz                 | 0 < λ < 1 / L                      |
| extragradient, λ not given    | monotone and locally Lipschitz         | found: λ ‖F(x) − F(y)‖ ≤ ν ‖x − y‖ |
| adaptive golden ratio         | monotone and locally Lipschitz         | found from the last two points     |

| method                 | evaluations of F, of P per iteration    | with F(x) = (x₂, −x₁), K the plane, shrinks by  |
|------------------------|-----------------------------------------|-------------------------------------------------|
| projected gradient     | 1, 1                                    | √(1 + λ²): it diverges, whatever λ              |
| extragradient          | 2, 2 (and more where λ is found)        | √(1 − λ² + λ⁴)                                  |
| adaptive golden ratio  | 1, 1                                    | found on the way: it converges                  |

G. M. Korpelevich, Matecon 12 (1976); the step rule as in B. He and L.-Z. Liao, J. Optimization Theory and Applications
112 (2002); Y. Malitsky, Golden ratio algorithms for variational inequalities, Math. Programming 184 (2020).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from bestresponse.complementarity.projection import Projection
from bestresponse.complementarity.projection_run import Limits, Operator, ProjectionResult, run
from bestresponse.errors import DataError
from bestresponse.typing import Vector

NU = 0.7  # of the extragradient's step rule, below 1
SHRINK = 0.6  # of its step where the rule is violated
SLACK, GROW = 0.4, 1.5  # of its next step where the rule held with this much to spare
SHORTEST = 1e-12  # a step that is no longer shortened
FIRST_MOVE = 1e-3  # with which the golden ratio method takes its first measure of F
GOLDEN = 0.5 * (1.0 + 5.0**0.5)
PHI = 1.5  # of the golden ratio method, above 1 and at most the golden ratio
LARGEST = 1e6  # its longest step


def projected_gradient(
    F: Operator, project: Projection, start: ArrayLike, step: float, *, limits: Limits | None = None
) -> ProjectionResult:
    """Return what x ← P(x − λ F(x)) finds; see the table above for the steps λ it needs.

    Raises DataError unless λ is positive and the start finite.
    """
    _refuse(step)

    def iterates(F: Operator, project: Projection, x: Vector) -> Iterator[tuple[Vector, float]]:
        while True:
            x = project(x - step * F(x))
            yield x, step

    return run("projected gradient", F, project, start, iterates, limits)


def extragradient(
    F: Operator, project: Projection, start: ArrayLike, step: float | None = None, *, limits: Limits | None = None
) -> ProjectionResult:
    """Return what y = P(x − λ F(x)), x ← P(x − λ F(y)) finds. Without a step λ, one is found: see NU.

    Raises DataError unless λ is positive and the start finite.
    """
    if step is not None:
        _refuse(step)

    def iterates(F: Operator, project: Projection, x: Vector) -> Iterator[tuple[Vector, float]]:
        length = 1.0 if step is None else step
        while True:
            F_x = F(x)
            y = project(x - length * F_x)
            F_y = F(y)
            while step is None and length > SHORTEST and not (_strain(length, x - y, F_x - F_y) <= NU):
                length *= SHRINK
                y = project(x - length * F_x)
                F_y = F(y)
            strain = _strain(length, x - y, F_x - F_y)
            x = project(x - length * F_y)
            yield x, length
            if step is None and strain <= SLACK:
                length *= GROW

    return run("extragradient", F, project, start, iterates, limits)


def adaptive_golden_ratio(
    F: Operator, project: Projection, start: ArrayLike, *, phi: float = PHI, limits: Limits | None = None
) -> ProjectionResult:
    """Return what Malitsky's adaptive golden ratio method finds; it needs no step and searches for none.

        λₖ = min(ρ λₖ₋₁, φ θₖ₋₁ / (4 λₖ₋₁) · ‖xₖ − xₖ₋₁‖² / ‖F(xₖ) − F(xₖ₋₁)‖², λ_max),   ρ = 1/φ + 1/φ²
        x̄ₖ = ((φ − 1) xₖ + x̄ₖ₋₁) / φ,   xₖ₊₁ = P(x̄ₖ − λₖ F(xₖ)),   θₖ = φ λₖ / λₖ₋₁

    Raises DataError unless 1 < φ ≤ (1 + √5) / 2 and the start is finite.
    """
    if not (1.0 < phi <= GOLDEN):
        raise DataError(f"φ must be above 1 and at most the golden ratio {GOLDEN:.6f}, not {phi}")
    rho = 1.0 / phi + 1.0 / phi**2

    def iterates(F: Operator, project: Projection, first: Vector) -> Iterator[tuple[Vector, float]]:
        last, F_last = first, F(first)
        x = project(last - FIRST_MOVE * F_last)
        F_x = F(x)
        step = min(np.sqrt(_flatness(x - last, F_x - F_last)), 1.0)
        centre, theta = x, 1.0
        while True:
            longest = phi * theta / (4.0 * step) * _flatness(x - last, F_x - F_last)
            theta, step = phi / step, min(rho * step, longest, LARGEST)
            theta *= step
            centre = ((phi - 1.0) * x + centre) / phi
            last, F_last = x, F_x
            x = project(centre - step * F_x)
            F_x = F(x)
            yield x, step

    return run("adaptive golden ratio", F, project, start, iterates, limits)


def _strain(length: float, dx: Vector, dF: Vector) -> float:
    """Return λ ‖dF‖ / ‖dx‖, zero where F does not change."""
    change = length * _length(dF)
    return 0.0 if change == 0.0 else change / max(_length(dx), 1e-300)


def _flatness(dx: Vector, dF: Vector) -> float:
    """Return ‖dx‖² / ‖dF‖², inf where F does not change."""
    change = _length(dF)
    return np.inf if change == 0.0 else (_length(dx) / change) ** 2


def _length(vector: Vector) -> float:
    return float(np.linalg.norm(vector))


def _refuse(step: float) -> None:
    if not (0.0 < step < np.inf):
        raise DataError(f"the step length must be positive, not {step}")
