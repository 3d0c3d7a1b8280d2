"""Sensitivities in fewer dimensions.

Goods that a player trades in lockstep have the same rows and columns up to the sign. A load serving entity takes at a
bus what it sells there, so that half of its goods go with the other half.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy.linalg import inv

from bestresponse.typing import IntVector, Vector

DIGITS = 12  # significant ones, in which rows and columns have to be equal


@dataclass(frozen=True)
class Lockstep:
    """A matrix R M R' (n, n): goods that move at all go with one of k, in its direction or against it."""

    n: int
    moving: IntVector  # (n_moving,) the goods that do, in order
    group: IntVector  # (n_moving,) which of the k each of them goes with
    sign: Vector  # (n_moving,) 1 or -1, the only entries of R
    M: Vector  # (k, k)

    @classmethod
    def of(cls, S: Vector) -> Lockstep:
        """Return S (n, n) in that form."""
        by_rows, by_columns = _probes(len(S))
        made = S @ by_rows + by_columns @ S
        moving = np.flatnonzero(made)
        direction, length = np.sign(made[moving]), np.abs(made[moving])
        power = 10.0 ** np.floor(np.log10(length))
        _, first, group = np.unique(np.round(length / power, DIGITS) * power, return_index=True, return_inverse=True)
        leader = moving[first]
        sign = direction * direction[first][group]
        return cls(len(S), moving, group, sign, S.take(leader, 0).take(leader, 1))

    def damped(self, rho: Vector, whole: float) -> Lockstep:
        """Return N = S (whole + ρ S)⁻¹ of this matrix S, for ρ (n,) and whole > 0.

        It is R M (whole + R'ρR M)⁻¹ R'. Raises LinAlgError where there is no inverse.
        """
        k = len(self.M)
        inner = np.bincount(self.group, rho[self.moving], minlength=k)[:, None] * self.M
        inner.flat[:: k + 1] += whole
        return replace(self, M=self.M @ inv(inner, overwrite_a=True, check_finite=False))

    def __matmul__(self, v: Vector) -> Vector:
        """Return (n,) the product with v (n,)."""
        gathered = np.bincount(self.group, self.sign * v[self.moving], minlength=len(self.M))
        product = np.zeros(self.n)
        product[self.moving] = self.sign * (self.M @ gathered)[self.group]
        return product

    def among(self, n: int, at: IntVector) -> Vector:
        """Return it (n, n) among all goods of a market, of which its own stand at `at`."""
        if not len(self.M):
            return np.zeros((n, n))
        group, sign = np.zeros(n, dtype=np.int64), np.zeros(n)
        group[at[self.moving]], sign[at[self.moving]] = self.group, self.sign
        return (self.M.take(group, 0) * sign[:, None]).take(group, 1) * sign


@cache
def _probes(n: int) -> Vector:
    """Two vectors of which rows and columns (n,) make the same only if they are equal."""
    return np.random.default_rng(n).standard_normal((2, n))
