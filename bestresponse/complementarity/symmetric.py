"""Systems that are symmetric up to signs: L D L' in place of an LU, many times faster.

First-order conditions have a Jacobian of the form

    J = [ Q  A']        S J = [ Q   A']        S = diag(±1), found from the entries of J
        [−A  C ]              [ A  −C ]

Where Q and C are positive semidefinite, S (J + diag θ + δ I) with θ ≥ 0, δ > 0 is quasi-definite, and has a
decomposition L D L' in whatever order keeps L sparse. It is found without pivoting and so less exact than an LU:
whoever uses it has to look at the residual.

R. J. Vanderbei, Symmetric quasidefinite matrices, SIAM Journal on Optimization 5 (1995).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import qdldl
from scipy import sparse
from scipy.sparse import csgraph

from bestresponse.complementarity.problem import largest
from bestresponse.complementarity.sparsity import Cut, coordinates, cut, same_pattern, with_data
from bestresponse.typing import BoolVector, IntVector, Vector

SYMMETRIC = 1e-13  # S J and its transpose may differ by this share of the largest entry: rounding
SHIFT = 1e-8  # δ; without pivoting a smaller one costs more digits than refinement brings back


@dataclass(frozen=True)
class _Plan:
    """Where the entries of a Jacobian of one pattern go."""

    sign: Vector  # (n,) of the rows in S
    above: IntVector  # entries of J above the diagonal ...
    below: IntVector  # ... and their mirror images
    ratio: Vector  # ±1, what one is over the other where S J is symmetric
    is_upper: BoolVector  # of the entries of J, and of the diagonal after them
    triangle: Cut  # of those that are
    triangle_sign: Vector  # of their rows


class SymmetricMatrix:
    """Factorises S (J + diag θ + δ I) for Jacobians of (mostly) one pattern; its order is found once."""

    def __init__(self) -> None:
        self._pattern: sparse.csc_array | None = None
        self._plan: _Plan | None = None
        self._solver: qdldl.Solver | None = None

    def factorise(self, J: sparse.csc_array, theta: Vector) -> Callable[[Vector], Vector] | None:
        """Return r → (J + diag θ + δ I)⁻¹ r, valid until the next call; None where there is no such decomposition."""
        if self._pattern is None or not same_pattern(self._pattern, J):
            self._pattern, self._plan, self._solver = J.copy(), _planned(J), None
        plan = self._plan
        if plan is None or not _is_symmetric(plan, J):
            return None
        entries = plan.triangle.of(np.concatenate([J.data, theta + SHIFT])[plan.is_upper])
        upper = with_data(entries, plan.triangle_sign * entries.data)
        try:
            if self._solver is None:
                self._solver = qdldl.Solver(upper, upper=True)
            else:
                self._solver.update(upper, upper=True)
        except RuntimeError:  # a pivot is zero: the matrix is not quasi-definite
            self._solver = None
            return None
        solver = self._solver
        return lambda rhs: solver.solve(plan.sign * rhs)


def _planned(J: sparse.csc_array) -> _Plan | None:
    """Return the plan for J's pattern; None if no signs make J symmetric, or if it has no entries."""
    entry = sparse.csc_array((np.arange(J.nnz), J.indices, J.indptr), shape=J.shape)
    mirror = sparse.csc_array(entry.T)
    if not J.nnz or not same_pattern(J, mirror):
        return None
    rows, cols = coordinates(J)
    sign = _signs(rows, cols, J.data * J.data[mirror.data], J.shape[0])
    if sign is None:
        return None
    above = np.flatnonzero(rows < cols)
    everything = np.arange(J.shape[0])
    rows_and_diagonal, cols_and_diagonal = np.append(rows, everything), np.append(cols, everything)
    is_upper = rows_and_diagonal <= cols_and_diagonal
    triangle = cut(rows_and_diagonal[is_upper], cols_and_diagonal[is_upper], everything, everything, len(everything))
    return _Plan(
        sign=sign,
        above=above,
        below=mirror.data[above],
        ratio=(sign[rows] * sign[cols])[above],
        is_upper=is_upper,
        triangle=triangle,
        triangle_sign=sign[triangle.pattern.indices],
    )


def _signs(rows: IntVector, cols: IntVector, product: Vector, n: int) -> Vector | None:
    """Return s ∈ {±1}ⁿ with s_i s_j the sign of the product J_ij J_ji wherever that is not zero; None if there is none.

    Every variable stands twice in a graph, once for each sign it may have, and an entry of J joins what goes together.
    """
    tied = (rows != cols) & (product != 0)
    i, j, differ = rows[tied], cols[tied], n * (product[tied] < 0)
    ends = np.append(i, i + n), np.append(j + differ, j + n - differ)
    graph = sparse.coo_array((np.ones(2 * len(i)), ends), shape=(2 * n, 2 * n))
    _, part = csgraph.connected_components(graph, directed=False)
    if (part[:n] == part[n:]).any():
        return None
    return np.where(part[:n] < part[n:], 1.0, -1.0)


def _is_symmetric(plan: _Plan, J: sparse.csc_array) -> bool:
    difference = J.data[plan.above] - plan.ratio * J.data[plan.below]
    return largest(difference) <= SYMMETRIC * largest(J.data)
