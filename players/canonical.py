"""A convex quadratic program in canonical form, with its trades: what a CVXPY problem is compiled into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from bestresponse.complementarity.sparsity import coordinates, with_data
from bestresponse.typing import SparseMatrix, Vector


@dataclass(frozen=True)
class ScaledProgram:
    """The set of a program with every variable in units of its size and every row in units of its largest term."""

    size: Vector  # (n,) s in x = s x̃
    row_size: Vector  # (m,) equalities first, then inequalities
    rows: SparseMatrix  # (m, n)
    right: Vector  # (m,)
    n_equalities: int
    lower: Vector
    upper: Vector


@dataclass(frozen=True)
class CanonicalProgram:
    """minimise ½ x'Px + q'x + constant over A x = b, G x ≤ h, lower ≤ x ≤ upper; trades are T x + t₀."""

    variables: Mapping[str, slice]
    equalities: Mapping[str, slice]
    inequalities: Mapping[str, slice]
    P: SparseMatrix  # (n, n) symmetric, positive semidefinite
    q: Vector
    constant: float
    A: SparseMatrix
    b: Vector
    G: SparseMatrix
    h: Vector
    lower: Vector
    upper: Vector
    trade: SparseMatrix  # (n_goods, n)
    trade_offset: Vector
    scale: Vector  # (n,) typical size of every variable

    @property
    def n(self) -> int:
        """The number of variables."""
        return len(self.q)

    @property
    def is_linear(self) -> bool:
        """Whether the cost has no quadratic part."""
        return self.P.nnz == 0

    @cached_property
    def row_scale(self) -> tuple[Vector, Vector]:
        """Typical size of the rows of A and of G: the largest coefficient times the variable's scale."""
        return _row_scale(self.A, self.scale), _row_scale(self.G, self.scale)

    @cached_property
    def scaled(self) -> ScaledProgram:
        """The set in scaled units, as the solvers see it."""
        row_size = np.concatenate(self.row_scale)
        rows = sparse.csr_array(sparse.vstack([self.A, self.G])) if len(row_size) else sparse.csr_array((0, self.n))
        return ScaledProgram(
            size=self.scale,
            row_size=row_size,
            rows=with_data(rows, rows.data * self.scale[rows.indices] / row_size[coordinates(rows)[0]]),
            right=np.concatenate([self.b, self.h]) / row_size,
            n_equalities=len(self.b),
            lower=self.lower / self.scale,
            upper=self.upper / self.scale,
        )

    @cached_property
    def scaled_trade(self) -> SparseMatrix:
        """(n_goods, n) the trades of the variables in scaled units."""
        return with_data(self.trade, self.trade.data * self.scale[self.trade.indices])

    @cached_property
    def price_to_cost(self) -> SparseMatrix:
        """(n, n_goods) what prices add to the linear cost of every variable."""
        return sparse.csr_array(self.trade.T)

    def curvature(self, weight: Vector | None) -> SparseMatrix:
        """Return (n, n) the Hessian of cost plus anchor."""
        if weight is None:
            return self.P
        pull = self.price_to_cost
        weighted = with_data(pull, pull.data * weight[pull.indices])
        return sparse.csr_array(self.P + weighted @ self.trade)

    def cost(self, x: Vector) -> float:
        """Return the cost [$/h] at x."""
        return float(0.5 * x @ (self.P @ x) + self.q @ x + self.constant)

    def violation(self, x: Vector) -> float:
        """Return the largest violation of any row or bound at x, relative to the scale of the row or variable."""
        equality_scale, inequality_scale = self.row_scale
        parts = [
            np.abs(self.A @ x - self.b) / equality_scale,
            (self.G @ x - self.h) / inequality_scale,
            (self.lower - x) / self.scale,
            (x - self.upper) / self.scale,
        ]
        return float(np.max(np.concatenate(parts), initial=0.0))  # NaN if anything is

    def stack(self, plan: Mapping[str, Vector]) -> Vector:
        """Return (n,) the plan's variables in canonical order."""
        return np.concatenate([plan[name] for name in self.variables])

    def split(self, x: Vector) -> dict[str, Vector]:
        """Return the variables by name."""
        return {name: x[where] for name, where in self.variables.items()}

    def lower_bound(self, x: Vector, y: Vector, z: Vector, H: SparseMatrix, c: Vector) -> float:
        """Return a lower bound of ½ x'Hx + c'x over the set, from a point and multipliers y, z (weak duality).

        A variable without a finite bound is taken to stay within ten times its size here; what is left of its
        reduced cost at a solution is rounding.
        """
        z = np.maximum(z, 0.0)
        Hx = H @ x
        reduced = Hx + c + self.A.T @ y + self.G.T @ z
        reach = 10.0 * (np.abs(x) + self.scale)
        low = np.where(np.isfinite(self.lower), self.lower, -reach)
        high = np.where(np.isfinite(self.upper), self.upper, reach)
        inside = np.minimum(reduced * low, reduced * high).sum()
        return float(inside - 0.5 * x @ Hx - self.b @ y - self.h @ z)


def _row_scale(matrix: SparseMatrix, scale: Vector) -> Vector:
    sizes = np.zeros(matrix.shape[0])
    np.maximum.at(sizes, coordinates(matrix)[0], np.abs(matrix.data) * scale[matrix.indices])
    return np.where(sizes > 0, sizes, 1.0)
