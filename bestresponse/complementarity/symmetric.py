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

from bestresponse.complementarity.problem import Jacobian, largest
from bestresponse.complementarity.sparsity import Cut, coordinates, cut, same_pattern, with_data
from bestresponse.typing import BoolVector, IntVector, Vector

SYMMETRIC = 1e-13  # S J and its transpose may differ by this share of the largest entry: rounding
SHIFT = 1e-8  # δ; without pivoting a smaller one costs more digits than refinement brings back


@dataclass(frozen=True)
class Symmetry:
    """Signs of the rows of a matrix that would make it symmetric, and where its mirror images stand."""

    sign: Vector  # (n,) ±1; those of one family may all be turned around
    family: IntVector  # (n,) number of the family: entries of the matrix join its members
    above: IntVector  # entries of J above the diagonal ...
    below: IntVector  # ... and their mirror images
    ratio: Vector  # ±1, what one is over the other where S J is symmetric

    def holds(self, J: Jacobian) -> bool:
        """Return whether S J is symmetric but for rounding, J being of the same pattern."""
        difference = J.data[self.above] - self.ratio * J.data[self.below]
        return largest(difference) <= SYMMETRIC * largest(J.data)


@dataclass(frozen=True)
class _Plan:
    """Where the entries of a Jacobian of one pattern go."""

    symmetry: Symmetry
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
        if plan is None or not plan.symmetry.holds(J):
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
        return lambda rhs: solver.solve(plan.symmetry.sign * rhs)


def symmetry(J: sparse.csc_array) -> Symmetry | None:
    """Return the signs that the entries of J ask for; None if no signs make it symmetric, or if it has no entries."""
    entry = sparse.csc_array((np.arange(J.nnz), J.indices, J.indptr), shape=J.shape)
    mirror = sparse.csc_array(entry.T)
    if not J.nnz or not same_pattern(J, mirror):
        return None
    rows, cols = coordinates(J)
    signs = _signs(rows, cols, J.data * J.data[mirror.data], J.shape[0])
    if signs is None:
        return None
    sign, family = signs
    above = np.flatnonzero(rows < cols)
    return Symmetry(sign, family, above, mirror.data[above], (sign[rows] * sign[cols])[above])


def _planned(J: sparse.csc_array) -> _Plan | None:
    found = symmetry(J)
    if found is None:
        return None
    rows, cols = coordinates(J)
    everything = np.arange(J.shape[0])
    rows_and_diagonal, cols_and_diagonal = np.append(rows, everything), np.append(cols, everything)
    is_upper = rows_and_diagonal <= cols_and_diagonal
    triangle = cut(rows_and_diagonal[is_upper], cols_and_diagonal[is_upper], everything, everything, len(everything))
    return _Plan(found, is_upper, triangle, triangle_sign=found.sign[triangle.pattern.indices])


def _signs(rows: IntVector, cols: IntVector, product: Vector, n: int) -> tuple[Vector, IntVector] | None:
    """Return s ∈ {±1}ⁿ with s_i s_j the sign of the product J_ij J_ji wherever that is not zero, and the families.

    Every variable stands twice in a graph, once for each sign it may have, and an entry of J joins what goes together.
    The entries come in the order of their columns. None if there is no such s.
    """
    tied = (rows != cols) & (product != 0)
    i, j, differ = rows[tied], cols[tied], n * (product[tied] < 0)
    ends = np.concatenate([i + differ, i + n - differ]).astype(np.int32)
    after = np.cumsum(np.bincount(j, minlength=n))
    starts = np.concatenate([[0], after, len(i) + after]).astype(np.int32)
    graph = sparse.csr_array(
        (np.ones(len(ends)), ends.astype(np.int32), starts.astype(np.int32)), shape=(2 * n, 2 * n)
    )  # symmetric, as J's pattern is
    _, part = csgraph.connected_components(graph, connection="strong")  # the graph is symmetric
    plus, minus = part[:n], part[n:]
    if (plus == minus).any():
        return None
    return np.where(plus < minus, 1.0, -1.0), np.minimum(plus, minus)
