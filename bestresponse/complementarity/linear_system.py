"""The linear systems of an interior point: (J + diag θ) d = r, the separable variables eliminated by hand.

With the coupled variables c and the separable ones s, whose block of J is diagonal,

    [ K_cc  K_cs ] [d_c]   [r_c]        S = K_cc − K_cs D⁻¹ K_sc             one sparse LU, of S
    [ K_sc   D   ] [d_s] = [r_s]        S d_c = r_c − K_cs D⁻¹ r_s,   d_s = D⁻¹ (r_s − K_sc d_c)

A general ordering does not find this elimination, although S is far smaller and hardly denser. Where K is symmetric up
to signs there is no need of it: an L D L' is tried first, and the LU only where it turns out too rough.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from bestresponse.complementarity.problem import largest
from bestresponse.complementarity.sparsity import Cut, coordinates, cut, same_pattern, with_data
from bestresponse.complementarity.symmetric import SymmetricMatrix
from bestresponse.errors import FormulationError
from bestresponse.typing import BoolVector, IntVector, Vector

SHIFTS = (1e-10, 1e-8, 1e-6)  # δ, added to the diagonal before factorising and undone by refinement
REFINED = 1e-12  # a residual this small next to the right side needs no further refinement
MAX_REFINEMENTS = 4
ROUGH = 1e-8  # a residual this large after refinement asks for an LU


Solve: TypeAlias = Callable[[Vector], Vector]  # r → d, roughly


class SingularError(Exception):
    """The matrix has no LU decomposition; a larger shift may help. Never leaves this package."""


@dataclass(frozen=True)
class _Plan:
    """Where the entries of a Jacobian of one pattern go."""

    J: sparse.csc_array  # the pattern
    columns: IntVector  # the coupled variables, in the order in which S has its columns
    is_ordered: bool  # whether that order is one that keeps the LU of S sparse
    cc: Cut
    cs: Cut
    sc: Cut
    ss: Cut  # diagonal, with an entry for every separable variable


class NewtonMatrix:
    """Factorises J + diag θ + δ I, again and again for Jacobians of (mostly) one pattern, and counts how often."""

    def __init__(self, separable: BoolVector) -> None:
        self.factorisations = 0
        self._separable = np.flatnonzero(separable)
        self._coupled = np.flatnonzero(~separable)
        self._plan: _Plan | None = None
        self._found_order = self._coupled[:0]
        self._symmetric = SymmetricMatrix()

    def factorise(self, J: sparse.csc_array, theta: Vector) -> Factors:
        """Return a solver for (J + diag θ) d = r, valid until the next call.

        Raises SingularError if there is no decomposition; the solver may, too, if that shows only then.
        """
        if self.factorisations == 0:
            _refuse_neighbours(*coordinates(J), self._separable)
        solve_symmetric = self._symmetric.factorise(J, theta)
        if solve_symmetric is None:
            return Factors(J, theta, self._unsymmetric(J, theta))
        self.factorisations += 1
        return Factors(J, theta, solve_symmetric, lambda: self._unsymmetric(J, theta))

    def _unsymmetric(self, J: sparse.csc_array, theta: Vector) -> Solve:
        """Return r → d by an LU. δ grows a hundredfold, twice, if that breaks down."""
        for shift in SHIFTS[:-1]:
            try:
                return self._factorise(J, theta, shift)
            except SingularError:
                continue
        return self._factorise(J, theta, SHIFTS[-1])

    def _factorise(self, J: sparse.csc_array, theta: Vector, shift: float) -> Solve:
        plan = self._plan = self._plan_for(J)
        entries = np.concatenate([J.data, theta + shift])
        schur, pivot = plan.cc.of(entries), plan.ss.of(entries).data
        if not np.all(np.abs(pivot) > 0):
            raise SingularError("a separable variable has a zero or undefined pivot")
        K_cs, K_sc = plan.cs.of(entries), plan.sc.of(entries)
        if len(pivot):
            schur = schur - K_cs @ with_data(K_sc, K_sc.data / pivot[K_sc.indices])
        lu = sparse_lu(schur, is_ordered=plan.is_ordered)
        self.factorisations += 1
        if not plan.is_ordered and lu is not None:
            self._found_order = self._coupled[np.argsort(lu.perm_c)]
        return _Eliminated(self._coupled, plan.columns, self._separable, pivot, K_cs, K_sc, lu)

    def _plan_for(self, J: sparse.csc_array) -> _Plan:
        """Return the plan for J's pattern; from its second use on in the order COLAMD has found: half of the work."""
        if self._plan is None or not same_pattern(self._plan.J, J):
            return self._planned(J, self._coupled, is_ordered=False)
        if not self._plan.is_ordered and len(self._found_order):
            return self._planned(J, self._found_order, is_ordered=True)
        return self._plan

    def _planned(self, J: sparse.csc_array, columns: IntVector, is_ordered: bool) -> _Plan:
        n = J.shape[0]
        rows, cols = coordinates(J)
        _refuse_neighbours(rows, cols, self._separable)
        rows, cols = np.append(rows, np.arange(n)), np.append(cols, np.arange(n))  # θ + δ follows J.data
        s, c = self._separable, self._coupled
        return _Plan(
            J=J.copy(),
            columns=columns,
            is_ordered=is_ordered,
            ss=cut(rows, cols, s, s, n),
            cc=cut(rows, cols, c, columns, n),
            cs=cut(rows, cols, c, s, n),
            sc=cut(rows, cols, s, columns, n),
        )


class Factors:
    """A factorised K = J + diag θ; the shifts are undone, and the digits brought back, by refinement."""

    def __init__(
        self,
        J: sparse.csc_array,
        theta: Vector,
        solve: Solve,
        better: Callable[[], Solve] | None = None,  # makes a way to solve that is more exact; asked if need be
    ) -> None:
        self._J = J
        self._theta = theta
        self.once = solve
        self._better = better

    def solve(self, rhs: Vector) -> Vector:
        """Return d with (J + diag θ) d = rhs. Raises SingularError where that shows only now."""
        d, residual = self._refined(rhs)
        if self._better is not None and not (residual <= ROUGH * largest(rhs)):
            self.once, self._better = self._better(), None
            d, _ = self._refined(rhs)
        return d

    def _refined(self, rhs: Vector) -> tuple[Vector, float]:
        """Return d, refined as long as each step halves the residual, and the largest entry of that."""
        d = self.once(rhs)
        residual = self._residual(rhs, d)
        size = largest(residual)
        for _ in range(MAX_REFINEMENTS):
            if size <= REFINED * largest(rhs):
                break
            with np.errstate(invalid="ignore", over="ignore"):
                refined = d + self.once(residual)
            left = self._residual(rhs, refined)
            if not (largest(left) <= 0.5 * size):
                break
            d, residual, size = refined, left, largest(left)
        return d, size

    def _residual(self, rhs: Vector, d: Vector) -> Vector:
        with np.errstate(invalid="ignore", over="ignore"):  # a breakdown shows as NaN, which no step survives
            return rhs - self._J @ d - self._theta * d


@dataclass(frozen=True)
class _Eliminated:
    """Solves with K = J + diag θ + δ I by the elimination above."""

    rows: IntVector  # the coupled variables, in the order of the rows of S
    columns: IntVector  # and in the order of its columns
    separable: IntVector
    pivot: Vector
    K_cs: sparse.csc_array
    K_sc: sparse.csc_array
    lu: linalg.SuperLU | None  # of the Schur complement; none if every variable is separable

    def __call__(self, rhs: Vector) -> Vector:
        d = np.empty_like(rhs)
        if not len(self.separable) and self.lu is not None:
            d[self.columns] = self.lu.solve(rhs[self.rows])
            return d
        r_s = rhs[self.separable]
        r_c = rhs[self.rows] - self.K_cs @ (r_s / self.pivot)
        d_c = r_c if self.lu is None else self.lu.solve(r_c)
        d[self.columns] = d_c
        d[self.separable] = (r_s - self.K_sc @ d_c) / self.pivot
        return d


def sparse_lu(matrix: sparse.csc_array, *, is_ordered: bool = False) -> linalg.SuperLU | None:
    """Return the LU decomposition, None for an empty matrix. Raises SingularError where there is none."""
    if matrix.shape[0] == 0:
        return None
    try:
        return linalg.splu(matrix, permc_spec="NATURAL" if is_ordered else "COLAMD")
    except RuntimeError as reason:  # SuperLU's way to say that a pivot is exactly zero
        raise SingularError(str(reason)) from reason


def _refuse_neighbours(rows: IntVector, cols: IntVector, separable: IntVector) -> None:
    off = np.flatnonzero((rows != cols) & np.isin(rows, separable) & np.isin(cols, separable))
    if len(off):
        i, j = int(rows[off[0]]), int(cols[off[0]])
        raise FormulationError(
            f"variables {i} and {j} are marked separable, yet the Jacobian has an entry in row {i}, column {j}"
        )
