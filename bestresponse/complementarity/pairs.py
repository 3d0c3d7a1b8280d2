"""The pairs of slack and multiplier that belong to finite bounds, and the point an interior method moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bestresponse.complementarity.problem import ComplementarityProblem
from bestresponse.typing import IntVector, Vector


@dataclass(frozen=True)
class Pairs:
    """One pair for every finite bound, the lower bounds first: s = ±(x − bound) ≥ 0 and its multiplier z ≥ 0."""

    n: int  # variables
    n_lower: int  # pairs that belong to lower bounds
    variable: IntVector  # (n_pairs,)
    bound: Vector  # (n_pairs,)
    sign: Vector  # (n_pairs,) +1 lower, −1 upper

    @classmethod
    def of(cls, problem: ComplementarityProblem) -> Pairs:
        """Return the pairs of a problem."""
        low = np.flatnonzero(np.isfinite(problem.lower))
        up = np.flatnonzero(np.isfinite(problem.upper))
        return cls(
            n=problem.size,
            n_lower=len(low),
            variable=np.concatenate([low, up]),
            bound=np.concatenate([problem.lower[low], problem.upper[up]]),
            sign=np.concatenate([np.ones(len(low)), -np.ones(len(up))]),
        )

    def gather(self, x: Vector) -> Vector:
        """Return (n_pairs,) the change of every slack when x changes by `x`."""
        return self.sign * x[self.variable]

    def spread(self, value: Vector) -> Vector:
        """Return (n,) what `value` of every pair adds up to in the rows, upper bounds counting negative."""
        return self.total(self.sign * value)

    def total(self, value: Vector) -> Vector:
        """Return (n,) the sum of `value` over the one or two pairs of every variable."""
        rows = np.zeros(self.n)
        k = self.n_lower
        rows[self.variable[:k]] = value[:k]
        rows[self.variable[k:]] += value[k:]
        return rows


@dataclass(frozen=True)
class Point:
    """Where an interior method stands. The slacks are kept: x − l cancels long before s does."""

    x: Vector  # (n,)
    s: Vector  # (n_pairs,) > 0
    z: Vector  # (n_pairs,) > 0

    @property
    def mu(self) -> float:
        """The mean product s · z; zero without bounds."""
        return float(self.s @ self.z) / max(len(self.s), 1)

    @property
    def smallest_product(self) -> float:
        """The smallest product s · z; inf without bounds."""
        return float(np.min(self.s * self.z, initial=np.inf))

    def move(self, direction: Direction, length: float) -> Point:
        """Return the point `length` along a direction."""
        return Point(
            self.x + length * direction.dx,
            self.s + length * direction.ds,
            self.z + length * direction.dz,
        )


@dataclass(frozen=True)
class Direction:
    """A direction for x, slacks and multipliers."""

    dx: Vector
    ds: Vector
    dz: Vector

    def plus(self, other: Direction, weight: float) -> Direction:
        """Return this direction plus `weight` times another."""
        return Direction(
            self.dx + weight * other.dx,
            self.ds + weight * other.ds,
            self.dz + weight * other.dz,
        )


def to_boundary(point: Point, direction: Direction) -> float:
    """Return how far along the direction the first slack or multiplier becomes zero, inf if none does."""
    fastest = -min((direction.ds / point.s).min(initial=0.0), (direction.dz / point.z).min(initial=0.0))
    return 1.0 / float(fastest) if fastest > 0 else np.inf


def starting_point(problem: ComplementarityProblem, pairs: Pairs, start: Vector, margin: float) -> Point:
    """Return `start` moved into the interior of the box, with multipliers that fit F there.

    Every slack is at least `margin` (or a quarter of the box), every multiplier max(±F, 0) + margin.
    """
    inset = np.minimum(margin, 0.25 * (problem.upper - problem.lower))
    x = np.clip(start, problem.lower + inset, problem.upper - inset)
    s = pairs.sign * (x[pairs.variable] - pairs.bound)
    F = problem.value(x)
    return Point(x, s, np.maximum(pairs.gather(F), 0.0) + margin)
