"""The linear systems of an interior point: (J + diag θ) d = r, the separable variables eliminated by hand.

With the coupled variables c and the separable ones s, whose block of J is diagonal,

    [ K_cc  K_cs ] [d_c]   [r_c]        S = K_cc − K_cs D⁻¹ K_sc             one sparse LU, of S
    [ K_sc   D   ] [d_s] = [r_s]        S d_c = r_c − K_cs D⁻¹ r_s,   d_s = D⁻¹ (r_s − K_sc d_c)

A general ordering does not find this elimination, although S is far smaller and hardly denser.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from bestresponse.complementarity.sparsity import column_starts, coordinates, scatter
from bestresponse.errors import FormulationError
from bestresponse.typing import BoolVector, IntVector, Vector

REFINED = 1e-12  # a residual this small next to the right side needs no further refinement
MAX_REFINEMENTS = 4
SHIFTS = (1e-10, 1e-8, 1e-6)  # δ, added to the diagonal before factorising and undone by refinement


class SingularError(Exception):
    """The matrix has no LU decomposition; a larger shift may help. Never leaves this package."""


@dataclass(frozen=True)
class _Plan:
    """Where every entry of a Jacobian's pattern goes in the Schur complement."""

    indices: IntVector  # the Jacobian's pattern, in compressed columns
    indptr: IntVector
    diagonal: IntVector  # entries of J.data that stand on the diagonal of the separable block
    diagonal_place: IntVector  # their variables, counted among the separable ones
    coupled: IntVector  # entries of J.data in K_cc
    left: IntVector  # entries in K_cs
    left_column: IntVector  # their columns, counted among the separable variables
    right: IntVector  # entries in K_sc
    product_left: IntVector  # every product of an entry of K_cs (position in `left`) ...
    product_right: IntVector  # ... with one of K_sc (position in `right`)
    target: IntVector  # entry of S that takes each of: K_cc, the diagonal, the products
    K_cs: sparse.csr_array  # patterns
    K_cs_order: IntVector  # the order of `left` in the rows of K_cs
    K_sc: sparse.csr_array
    S: sparse.csc_array


class NewtonMatrix:
    """Factorises J + diag θ + δ I, again and again for Jacobians of (mostly) one pattern, and counts how often."""

    def __init__(self, separable: BoolVector) -> None:
        self.factorisations = 0
        self._is_separable = separable
        self._separable = np.flatnonzero(separable)
        self._coupled = np.flatnonzero(~separable)
        self._plan: _Plan | None = None

    def factorise(self, J: sparse.csc_array, theta: Vector) -> Factors:
        """Return a solver for (J + diag θ) d = r. δ grows a hundredfold, twice, if the LU breaks down.

        Raises SingularError if there is no decomposition even then.
        """
        for shift in SHIFTS[:-1]:
            try:
                return self._factorise(J, theta, shift)
            except SingularError:
                continue
        return self._factorise(J, theta, SHIFTS[-1])

    def _factorise(self, J: sparse.csc_array, theta: Vector, shift: float) -> Factors:
        plan = self._plan_for(J)
        diagonal = theta + shift
        pivot = diagonal[self._separable] + scatter(plan.diagonal_place, J.data[plan.diagonal], len(self._separable))
        if not np.all(np.abs(pivot) > 0):
            raise SingularError("a separable variable has a zero or undefined pivot")
        left, right = J.data[plan.left], J.data[plan.right]
        products = (left / pivot[plan.left_column])[plan.product_left] * right[plan.product_right]
        entries = np.concatenate([J.data[plan.coupled], diagonal[self._coupled], -products])
        S = plan.S.copy()
        S.data = scatter(plan.target, entries, len(plan.S.data))
        K_cs, K_sc = plan.K_cs.copy(), plan.K_sc.copy()
        K_cs.data, K_sc.data = left[plan.K_cs_order], right
        self.factorisations += 1
        return Factors(J, theta, self._coupled, self._separable, pivot, K_cs, K_sc, sparse_lu(S))

    def _plan_for(self, J: sparse.csc_array) -> _Plan:
        plan = self._plan
        if plan is None or not np.array_equal(plan.indptr, J.indptr) or not np.array_equal(plan.indices, J.indices):
            plan = self._plan = _make_plan(J, self._is_separable)
        return plan


@dataclass(frozen=True)
class Factors:
    """A factorised K = J + diag θ (+ δ I, undone by refinement)."""

    J: sparse.csc_array
    theta: Vector
    coupled: IntVector
    separable: IntVector
    pivot: Vector
    K_cs: sparse.csr_array
    K_sc: sparse.csr_array
    lu: linalg.SuperLU | None  # of the Schur complement; none if every variable is separable

    def solve(self, rhs: Vector) -> Vector:
        """Return d with (J + diag θ) d = rhs, refined as long as each step halves the residual."""
        goal = REFINED * np.max(np.abs(rhs), initial=0.0)
        d = self._solve_once(rhs)
        residual = rhs - self.J @ d - self.theta * d
        size = np.max(np.abs(residual), initial=0.0)
        for _ in range(MAX_REFINEMENTS):
            if size <= goal:
                break
            refined = d + self._solve_once(residual)
            residual = rhs - self.J @ refined - self.theta * refined
            refined_size = np.max(np.abs(residual), initial=0.0)
            if not (refined_size < size):
                break
            d, halved, size = refined, refined_size <= 0.5 * size, refined_size
            if not halved:
                break
        return d

    def _solve_once(self, rhs: Vector) -> Vector:
        d = np.empty_like(rhs)
        r_s = rhs[self.separable]
        r_c = rhs[self.coupled] - self.K_cs @ (r_s / self.pivot)
        d_c = r_c if self.lu is None else self.lu.solve(r_c)
        d[self.coupled] = d_c
        d[self.separable] = (r_s - self.K_sc @ d_c) / self.pivot
        return d


def sparse_lu(matrix: sparse.csc_array) -> linalg.SuperLU | None:
    """Return the LU decomposition, None for an empty matrix. Raises SingularError where there is none."""
    if matrix.shape[0] == 0:
        return None
    try:
        return linalg.splu(matrix, permc_spec="COLAMD")
    except RuntimeError as reason:  # SuperLU's way to say that a pivot is exactly zero
        raise SingularError(str(reason)) from reason


def _make_plan(J: sparse.csc_array, separable: BoolVector) -> _Plan:
    rows, cols = coordinates(J)
    n_s, n_c = int(separable.sum()), int((~separable).sum())
    place = np.where(separable, np.cumsum(separable), np.cumsum(~separable)) - 1
    s_row, s_col = separable[rows], separable[cols]
    coupled, left, right, diagonal = (
        np.flatnonzero(block) for block in (~s_row & ~s_col, ~s_row & s_col, s_row & ~s_col, s_row & s_col)
    )
    _refuse_neighbours(rows[diagonal], cols[diagonal])
    right = right[np.argsort(place[rows[right]], kind="stable")]
    left_column = place[cols[left]]
    right_starts = column_starts(place[rows[right]], n_s)
    product_left, product_right = _pairs(left_column, right_starts)

    every_row = [place[rows[coupled]], np.arange(n_c), place[rows[left]][product_left]]
    every_col = [place[cols[coupled]], np.arange(n_c), place[cols[right]][product_right]]
    key, target = np.unique(np.concatenate(every_col) * n_c + np.concatenate(every_row), return_inverse=True)
    S = sparse.csc_array(
        (np.zeros(len(key)), (key % max(n_c, 1)).astype(np.int32), column_starts(key // max(n_c, 1), n_c)),
        shape=(n_c, n_c),
    )
    left_order = np.argsort(place[rows[left]], kind="stable")
    return _Plan(
        indices=J.indices.astype(np.int64),
        indptr=J.indptr.astype(np.int64),
        diagonal=diagonal,
        diagonal_place=place[rows[diagonal]],
        coupled=coupled,
        left=left,
        left_column=left_column,
        right=right,
        product_left=product_left,
        product_right=product_right,
        target=target,
        K_cs=_rows_pattern(place[rows[left]][left_order], left_column[left_order], (n_c, n_s)),
        K_cs_order=left_order,
        K_sc=_rows_pattern(place[rows[right]], place[cols[right]], (n_s, n_c)),
        S=S,
    )


def _rows_pattern(rows: IntVector, cols: IntVector, shape: tuple[int, int]) -> sparse.csr_array:
    return sparse.csr_array((np.ones(len(rows)), cols.astype(np.int32), column_starts(rows, shape[0])), shape=shape)


def _pairs(column: IntVector, starts: IntVector) -> tuple[IntVector, IntVector]:
    """Return all pairs (position in `column`, position in the run starts[c]:starts[c + 1] of its c)."""
    count = np.diff(starts)[column]
    first = np.repeat(np.arange(len(column)), count)
    within = np.arange(len(first)) - np.repeat(np.cumsum(count) - count, count)
    return first, starts[column][first] + within


def _refuse_neighbours(rows: IntVector, cols: IntVector) -> None:
    off = np.flatnonzero(rows != cols)
    if len(off):
        i, j = int(rows[off[0]]), int(cols[off[0]])
        raise FormulationError(
            f"variables {i} and {j} are marked separable, yet the Jacobian has an entry in row {i}, column {j}"
        )
