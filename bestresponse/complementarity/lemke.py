"""Lemke's complementary pivoting for w = M z + q, z ≥ 0, w ≥ 0, z'w = 0.

    w − M z − e z₀ = q                          z₀ is artificial: large, it makes w feasible
    z₀ enters, the w that is most negative leaves
    loop: the complement of what left enters; the lexicographic ratio test says who leaves
        z₀ leaves:      its solution
        nobody leaves:  a ray

The lexicographic rule breaks ties so that no basis comes twice; the plain ratio test can cycle.

C. E. Lemke, Bimatrix equilibrium points and mathematical programming, Management Science 11 (1965); ray and rule as in
R. W. Cottle, J.-S. Pang, R. E. Stone, The Linear Complementarity Problem (1992), sections 4.4 and 4.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from bestresponse.typing import IntVector, Vector

PIVOT = 1e-11  # smaller entries of the entering column, next to the largest of the matrix, count as zero
TIE = 1e-12  # ratios this close, relatively, are ties


class PathEnd(Enum):
    """How Lemke's path ended."""

    SOLUTION = "the artificial variable left the basis"
    RAY = "no variable limits the entering one"
    LIMIT = "the pivot limit was reached"


@dataclass(frozen=True)
class LemkePath:
    """Where the path ended."""

    end: PathEnd
    z: Vector  # (n,)
    direction: Vector | None  # (n,) of z along the ray, if it is one
    pivots: int


def lemke(M: Vector, q: Vector, max_pivots: int) -> LemkePath:
    """Return the end of the path for a dense (n, n) matrix M and (n,) vector q."""
    tableau = _Tableau(M, q)
    if not (q < 0).any():
        return LemkePath(PathEnd.SOLUTION, np.zeros(len(q)), None, 0)
    leaving = tableau.enter(tableau.artificial, tableau.most_negative_row())
    for pivots in range(1, max_pivots):
        entering = tableau.complement(leaving)
        row = tableau.ratio_test(entering)
        if row is None:
            return LemkePath(PathEnd.RAY, tableau.z(), tableau.ray(entering), pivots)
        leaving = tableau.enter(entering, row)
        if leaving == tableau.artificial:
            return LemkePath(PathEnd.SOLUTION, tableau.z(), None, pivots + 1)
    return LemkePath(PathEnd.LIMIT, tableau.z(), None, max_pivots)


class _Tableau:
    """B⁻¹ [I, −M, −e, q]: columns w₁ ... wₙ, z₁ ... zₙ, z₀, and the values of the basic variables."""

    def __init__(self, M: Vector, q: Vector) -> None:
        n = self.n = len(q)
        self.artificial = 2 * n
        self._entries = np.hstack([np.eye(n), -M, -np.ones((n, 1)), q[:, None]])
        self._zero = PIVOT * max(1.0, float(np.max(np.abs(M), initial=0.0)))
        self._basis: IntVector = np.arange(n)

    def complement(self, variable: int) -> int:
        """Return zᵢ for wᵢ and wᵢ for zᵢ."""
        return (variable + self.n) % (2 * self.n)

    def most_negative_row(self) -> int:
        """Return the row with the least value; of several the last, whose row of [q, I] is lexicographically least."""
        values = self._entries[:, -1]
        return int(np.flatnonzero(values == values.min())[-1])

    def ratio_test(self, entering: int) -> int | None:
        """Return the row whose variable becomes zero first as `entering` grows, ties broken lexicographically."""
        column = self._entries[:, entering]
        rows = np.flatnonzero(column > self._zero)
        rows = self._least(rows, column, self._entries[:, -1])
        if (self._basis[rows] == self.artificial).any():
            return int(rows[self._basis[rows] == self.artificial][0])
        for k in range(self.n):  # the columns of B⁻¹ stand where those of w were
            if len(rows) <= 1:
                break
            rows = self._least(rows, column, self._entries[:, k])
        return int(rows[0]) if len(rows) else None

    @staticmethod
    def _least(rows: IntVector, column: Vector, key: Vector) -> IntVector:
        if not len(rows):
            return rows
        ratios = key[rows] / column[rows]
        least = ratios.min()
        return rows[ratios <= least + TIE * max(1.0, abs(least))]

    def enter(self, entering: int, row: int) -> int:
        """Exchange `entering` for the basic variable of `row`; return the one that left."""
        T = self._entries
        T[row] /= T[row, entering]
        others = T[:, entering].copy()
        others[row] = 0.0
        T -= np.outer(others, T[row])
        leaving = int(self._basis[row])
        self._basis[row] = entering
        return leaving

    def z(self) -> Vector:
        """Return (n,) the values of z."""
        return self._z_part(self._entries[:, -1])

    def ray(self, entering: int) -> Vector:
        """Return (n,) how z changes as `entering` grows."""
        direction = self._z_part(-self._entries[:, entering])
        if self.n <= entering < 2 * self.n:
            direction[entering - self.n] = 1.0
        return direction

    def _z_part(self, values: Vector) -> Vector:
        z = np.zeros(self.n)
        is_z = (self._basis >= self.n) & (self._basis < 2 * self.n)
        z[self._basis[is_z] - self.n] = values[is_z]
        return z
