"""Newton directions of the interior point, and the weighted correctors that lengthen their step.

J. Gondzio, Multiple centrality corrections in a primal-dual method for linear programming, Computational
Optimization and Applications 6 (1996); the weights follow M. Colombo and J. Gondzio (2008), same journal, 41.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from bestresponse.complementarity.linear_system import Factors, SingularError
from bestresponse.complementarity.pairs import Direction, Pairs, Point, to_boundary
from bestresponse.complementarity.problem import ComplementarityProblem
from bestresponse.typing import Vector

FRACTION = 0.995  # of the way to the boundary
CORRECTORS = 12  # at most; a factorisation costs as much as many solves
CORRIDOR = (0.1, 10.0)  # products of slack and multiplier that a corrector leaves alone, times the target
WEIGHTS = (1.0, 0.75, 0.5, 0.25, 0.1)
WORTH = 1.01  # a corrector is kept if it makes the step longer by this factor


@dataclass(frozen=True)
class Linearisation:
    """F at a point, and its Newton matrix factorised."""

    problem: ComplementarityProblem
    pairs: Pairs
    point: Point
    smoothing: float
    F: Vector  # (n,)
    J: sparse.csc_array
    theta: Vector  # (n_pairs,) z / s
    factors: Factors

    def direction(self, residual: Vector, change: Vector) -> Direction:
        """Return the direction with J dx − Σ ±dz = −residual and z ds + s dz = change.

        Raises SingularError where it is not finite.
        """
        dx = self.factors.solve(self.pairs.spread(change / self.point.s) - residual)
        if not np.isfinite(dx).all():
            raise SingularError("the Newton direction is not finite")
        ds = self.pairs.gather(dx)
        return Direction(dx, ds, change / self.point.s - self.theta * ds)

    def newton(self, target: float) -> Direction:
        """Return the Newton direction that aims at s · z = target in every pair."""
        return self.direction(self.residual, target - self.point.s * self.point.z)

    @property
    def residual(self) -> Vector:
        """(n,) rF = F − zl + zu."""
        return self.F - self.pairs.spread(self.point.z)


def safe_length(point: Point, direction: Direction) -> float:
    """Return the step, at most 1, that stays a little off the boundary."""
    return min(1.0, FRACTION * to_boundary(point, direction))


def corrected(model: Linearisation, direction: Direction, target: float) -> Direction:
    """Return the direction with correctors added, each one solve and kept only if the step grows."""
    length = safe_length(model.point, direction)
    for _ in range(CORRECTORS):
        trial = min(1.0, max(1.5 * length, length + 0.3))
        corrector = _corrector(model, direction, trial, target)
        if length > 1.0 / WORTH or corrector is None:
            break
        lengths = {w: safe_length(model.point, direction.plus(corrector, w)) for w in _weights(trial)}
        weight = max(lengths, key=lambda w: lengths[w])
        if not (lengths[weight] >= WORTH * length):
            break
        direction, length = direction.plus(corrector, weight), lengths[weight]
    return direction


def _weights(trial: float) -> list[float]:
    return [weight for weight in WEIGHTS if weight >= 0.5 * trial**2]


def _corrector(model: Linearisation, direction: Direction, trial: float, target: float) -> Direction | None:
    """Return the direction that mends, at a longer step, outlying products and the curvature of F.

    None where F is undefined at that step.
    """
    point = model.point
    products = (point.s + trial * direction.ds) * (point.z + trial * direction.dz)
    low, high = (bound * target for bound in CORRIDOR)
    change = np.maximum(np.clip(products, low, high) - products, -high)
    F = model.problem.value(point.x + trial * direction.dx, model.smoothing)
    if not np.isfinite(F).all():
        return None
    return model.direction(F - model.F - trial * (model.J @ direction.dx), change)
