"""Restarts around a plain iteration z ← T(z): from the average of an epoch, or from Halpern's anchor.

    average   z₀ = a;  z_k = T(z_{k−1});                                  next a = (z₁ + … + z_k)/k
              residual of the average: ‖z_k − z₀‖/k, exact where T is affine
    Halpern   z₀ = a;  z_{k+1} = a/(k+2) + (k+1)/(k+2) (2T(z_k) − z_k);   next a = T(z_k)
              residual: ‖z_k − T(z_k)‖

An epoch ends when its residual has fallen to 0.2 of its first one, or to 0.8 and no longer falls, or when the epoch is
36 % of all sweeps. The rule is that of PDLP (Applegate et al. 2021), which measures a duality gap and has other
numbers; these are the defaults of its successor cuPDLP. Halpern's restarts are those of Lu and Yang (2024).

Assumption: T is firmly nonexpansive in some norm and has a fixed point, as pdhg with step < 1, exchange and sharing
are if costs are convex. Then both converge, however epochs end: every point of an epoch is at most as far from every
fixed point z* as its anchor is, and the next anchor a⁺ satisfies ‖a⁺ − z*‖² ≤ ‖a − z*‖² − ‖z − T(z)‖² with z = a or
z = z_k. So over infinitely many epochs residuals vanish and anchors converge; in an epoch that never ends, the plain
iteration converges, and so does Halpern's (Wittmann 1992).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bestresponse.schemes.protocol import Ask, Iteration, Sweep
from bestresponse.typing import Vector

SUFFICIENT, NECESSARY, LONGEST = 0.2, 0.8, 0.36


def epoch_ends(number: int, length: int, first: float, last: float, now: float) -> bool:
    """Return whether an epoch ends at sweep `number` after `length` sweeps with these residuals."""
    stopped_falling = now <= NECESSARY * first and now > last
    return length > 1 and (now <= SUFFICIENT * first or stopped_falling or length >= max(LONGEST * number, 2))


class RestartedAverage:
    """The state stacks z, the anchor, the mean of the epoch, and the epoch's length, first and last residual."""

    def __init__(self, plain: Iteration) -> None:
        self.plain = plain

    def state(self, price: Vector, trades: Mapping[str, Vector]) -> Vector:
        """Return the beginning of an epoch."""
        return _begin(self.plain.state(price, trades), vectors=3)

    def sweep(self, number: int, state: Vector, ask: Ask) -> Sweep:
        """Apply T, average, and go on from the average at the end of an epoch."""
        (z, anchor, mean), (length, first, last) = _split(state, vectors=3)
        sweep = self.plain.sweep(number, z, ask)
        length += 1
        mean = mean + (sweep.image - mean) / length
        now = float(np.linalg.norm(self.plain.metric() * (sweep.image - anchor))) / length
        if length == 1:
            first = now
        if epoch_ends(number, length, first, last, now):
            return replace(sweep, image=_begin(mean, vectors=3))
        return replace(sweep, image=np.concatenate([sweep.image, anchor, mean, [length, first, now]]))

    def metric(self) -> Vector:
        """Return the metric of the plain iteration for every vector, and ones."""
        return np.concatenate([np.tile(self.plain.metric(), 3), np.ones(3)])


class RestartedHalpern:
    """The state stacks z, the anchor and the epoch's length, first and last residual."""

    def __init__(self, plain: Iteration) -> None:
        self.plain = plain

    def state(self, price: Vector, trades: Mapping[str, Vector]) -> Vector:
        """Return the beginning of an epoch."""
        return _begin(self.plain.state(price, trades), vectors=2)

    def sweep(self, number: int, state: Vector, ask: Ask) -> Sweep:
        """Apply 2T − 1, mix with the anchor, and go on from T at the end of an epoch."""
        (z, anchor), (k, first, last) = _split(state, vectors=2)
        sweep = self.plain.sweep(number, z, ask)
        now = float(np.linalg.norm(self.plain.metric() * (sweep.image - z)))
        if k == 0:
            first = now
        if epoch_ends(number, k + 1, first, last, now):
            return replace(sweep, image=_begin(sweep.image, vectors=2))
        mixed = (anchor + (k + 1) * (2 * sweep.image - z)) / (k + 2)
        return replace(sweep, image=np.concatenate([mixed, anchor, [k + 1, first, now]]))

    def metric(self) -> Vector:
        """Return the metric of the plain iteration for every vector, and ones."""
        return np.concatenate([np.tile(self.plain.metric(), 2), np.ones(3)])


def _begin(z: Vector, vectors: int) -> Vector:
    return np.concatenate([*[z] * vectors, np.zeros(3)])


def _split(state: Vector, vectors: int) -> tuple[list[Vector], tuple[int, float, float]]:
    length, first, last = (float(value) for value in state[-3:])
    return np.split(state[:-3], vectors), (round(length), first, last)
