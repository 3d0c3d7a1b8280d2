"""What flows ask of currents: the one curved relation of the branch-flow equations, relaxed to a convex one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from bestresponse.typing import IntVector, SparseMatrix, Vector


@dataclass(frozen=True, eq=False)
class FlowCones:
    """Rows g(x) = (P² + Q²) / (base u) − L ≤ 0, one for every line, of a program in x.

    P [kW] and Q [kvar] are the flow where the line begins, u [p.u.] the squared voltage there, L [kVA] the squared
    current in per unit times the base. g is convex for u > 0 and homogeneous: g(x) = ∇g(x)·x.
    """

    n: int  # entries of x
    P: IntVector  # (n_lines,) positions in x
    Q: IntVector
    u: IntVector
    L: IntVector
    base_kva: float
    usual_multiplier: Vector  # (n_lines,) [$/h per kVA] size of the multipliers: what the losses of L cost

    @property
    def size(self) -> int:
        """The number of rows."""
        return len(self.P)

    def value(self, x: Vector) -> Vector:
        """Return (n_lines,) g(x) [kVA]."""
        return (x[self.P] ** 2 + x[self.Q] ** 2) / (self.base_kva * x[self.u]) - x[self.L]

    def gradient(self, x: Vector) -> SparseMatrix:
        """Return (n_lines, n) the derivative of every row, with the same entries at every point."""
        P, Q, u = x[self.P], x[self.Q], self.base_kva * x[self.u]
        by_u = -(P**2 + Q**2) / (u * x[self.u])
        values = np.concatenate([2 * P / u, 2 * Q / u, by_u, -np.ones(self.size)])
        rows = np.tile(np.arange(self.size), 4)
        places = (rows, np.concatenate([self.P, self.Q, self.u, self.L]))
        return sparse.csr_array((values, places), shape=(self.size, self.n))

    def curvature(self, x: Vector, weight: Vector) -> SparseMatrix:
        """Return (n, n) Σ weight · ∇²g(x), with the same entries at every point."""
        P, Q, u = x[self.P], x[self.Q], x[self.u]
        scale = 2 * weight / (self.base_kva * u)
        PP, Pu, Qu, uu = scale, -scale * P / u, -scale * Q / u, scale * (P**2 + Q**2) / u**2
        rows = np.concatenate([self.P, self.Q, self.P, self.u, self.Q, self.u, self.u])
        columns = np.concatenate([self.P, self.Q, self.u, self.P, self.u, self.Q, self.u])
        values = np.concatenate([PP, PP, Pu, Pu, Qu, Qu, uu])
        return sparse.csr_array((values, (rows, columns)), shape=(self.n, self.n))
