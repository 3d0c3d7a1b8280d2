"""Exact answers of a convex quadratic program that is asked again and again with another linear term.

Between two sweeps the active set hardly changes, so the answer is the solution of one linear (KKT) system whose
factors are kept: guess the active set of the last answer, solve, correct the set where a bound is violated or a
multiplier has the wrong sign, and verify every row, bound and sign. Where that fails, PIQP solves the program
and its active set is polished in the same way. An interior point alone would leave errors of 1e-7 in the
trades, which would be the floor of everything above.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import piqp
from scipy import sparse
from scipy.sparse.linalg import SuperLU, splu

from bestresponse.complementarity.sparsity import blocks, coordinates
from bestresponse.errors import SolverError
from bestresponse.market import MONEY_SCALE
from bestresponse.typing import BoolVector, IntVector, SparseMatrix, Vector
from players.canonical import CanonicalProgram

REGULARISATION = 1e-9
TOLERANCE = 1e-11  # on rows, bounds and signs, in scaled units
NEARLY_SOLVED = 1e-8  # residuals at which PIQP's point at the floor of rounding still counts as an (inexact) answer
MAX_UPDATES = 6  # of the active set, before PIQP is asked
CACHED_FACTORS = 8
PIVOT = 0.1  # of the largest entry of its column: a diagonal entry that large is the pivot, which keeps factors sparse

FREE, AT_LOWER, AT_UPPER = 0, -1, 1


@dataclass
class Counters:
    """How the answers were found; `inexact` counts those that only PIQP's own accuracy stands for."""

    answers: int = 0
    factorisations: int = 0
    interior_point: int = 0
    inexact: int = 0


@dataclass(frozen=True)
class Solution:
    """A point and the multipliers of A x = b and G x ≤ h, in the program's own units."""

    x: Vector
    y: Vector
    z: Vector


@dataclass(frozen=True)
class Hint:
    """The active set of an answer and its point, from which the next search starts. It belongs to the set, not to H."""

    side: IntVector  # (n + m,) of every variable and row: FREE, AT_LOWER or AT_UPPER
    w: Vector  # (n + m,) x, y, z stacked, in scaled units


@dataclass
class _Point:
    """x, y, z stacked (scaled units), and what is left of the conditions there."""

    w: Vector
    left: Vector  # (n + m,) Hx + c + A'y + G'z, A x − b and G x − h, stacked


@dataclass
class QuadraticSolver:
    """Solves min ½ x'Hx + c'x over one program's set, for one H and any c.

    The answer depends on c and on `hint`, the last answer's active set, and on nothing else: the factors that are
    kept follow from the active set.
    """

    program: CanonicalProgram
    H: SparseMatrix
    counters: Counters = field(default_factory=Counters)
    hint: Hint | None = None

    def __post_init__(self) -> None:
        set_ = self.program.scaled
        self._n, self._me, self._mi = self.program.n, set_.n_equalities, len(set_.right) - set_.n_equalities
        self._s, self._r, self._B, self._rhs = set_.size, set_.row_size, set_.rows, set_.right
        self._lower, self._upper = set_.lower, set_.upper
        self._K, self._K_shifted = self._kkt_matrices()
        self._fixed = self._lower == self._upper
        self._open = np.flatnonzero(~self._fixed)
        self._trading = np.unique(self.program.scaled_trade.indices)
        self._at_fixed = np.where(self._fixed, self._lower, 0.0)
        self._factors: OrderedDict[bytes, SuperLU] = OrderedDict()
        self._last: tuple[Vector, IntVector] | None = None  # the last linear term and the active set of its solution
        self._sensitivities: OrderedDict[bytes, Vector] = OrderedDict()

    def solve(self, c: Vector) -> Solution:
        """Return the solution for the linear term c [$/h per unit]. Raises SolverError if PIQP fails."""
        return self._unscaled(self._answer(c).w)

    def sensitivity(self, c: Vector) -> Vector:
        """Return (n_goods, n_goods) ∂trade/∂price at the solution for c, while the active set is what it is.

        Raises as `solve`.
        """
        last = self._last
        side = last[1] if last is not None and np.array_equal(c, last[0]) else self._answer(c).side
        key = side.tobytes()
        if key not in self._sensitivities:
            self._sensitivities[key] = self._moves(side)
            if len(self._sensitivities) > CACHED_FACTORS:
                self._sensitivities.popitem(last=False)
        return self._sensitivities[key]

    def _moves(self, side: IntVector) -> Vector:
        """How the trades of the solution move with prices: what a push on a free variable that trades moves of them."""
        trade, kept = self.program.scaled_trade, np.flatnonzero(self._keep(side))
        pushed = np.intersect1d(self._trading, kept, assume_unique=True)
        place = np.searchsorted(kept, pushed)
        push = np.zeros((len(kept), len(pushed)), order="F")
        push[place, np.arange(len(pushed))] = 1.0 / MONEY_SCALE
        moved = np.zeros((self._n, len(pushed)))
        moved[pushed] = self._factor(side, kept).solve(push)[place]
        by_push = np.zeros((self._n, trade.shape[0]))
        by_push[pushed] = -(trade @ moved).T
        return np.asarray(trade @ by_push)

    def _keep(self, side: IntVector) -> BoolVector:
        """The variables that are free and the rows that hold as equations."""
        return np.concatenate([side[: self._n] == FREE, side[self._n :] != FREE])

    def _answer(self, c: Vector) -> Hint:
        """The active set of the solution and its point, which become the hint."""
        self.counters.answers += 1
        scaled = self._s * c / MONEY_SCALE
        found = None if self.hint is None else self._from_active_set(scaled, self.hint)
        self.hint = found or self._from_interior_point(scaled)
        self._last = c, self.hint.side
        return self.hint

    def _from_active_set(self, c: Vector, hint: Hint) -> Hint | None:
        """Primal-dual active-set steps from the hint's active set; None if they do not settle."""
        side, constant = hint.side, np.concatenate([c, -self._rhs])
        for _ in range(MAX_UPDATES):
            point = self._equality_solution(side, constant, hint.w)
            if point is None:
                return None
            corrected = self._corrected(side, point)
            if np.array_equal(corrected, side):
                return Hint(side, point.w)
            side = corrected
        return None

    def _equality_solution(self, side: IntVector, constant: Vector, near: Vector) -> _Point | None:
        """Solve with the active bounds and rows as equations; None if they contradict one another."""
        n = self._n
        keep = self._keep(side)
        kept, w = np.flatnonzero(keep), np.where(keep, near, 0.0)
        np.copyto(w[:n], self._lower, where=side[:n] == AT_LOWER)
        np.copyto(w[:n], self._upper, where=side[:n] == AT_UPPER)
        factors, before = self._factor(side, kept), np.inf
        while True:
            left = self._K @ w + constant
            error = left[kept]
            size = np.abs(error).max(initial=0.0)
            if size <= 0.01 * TOLERANCE or not size < 0.5 * before:  # refining helps no more
                return _Point(w, left) if size <= TOLERANCE else None
            before = size
            w[kept] -= factors.solve(error)

    def _corrected(self, side: IntVector, point: _Point) -> IntVector:
        """The active set after one primal-dual update; the same set where everything is verified."""
        n, me = self._n, self._me
        x, z = point.w[:n], point.w[n + me :]
        gradient, row_error = point.left[:n], point.left[n + me :]
        new = side.copy()
        bounds = new[:n]
        free = side[:n] == FREE
        bounds[free & (x < self._lower - TOLERANCE)] = AT_LOWER
        bounds[free & (x > self._upper + TOLERANCE)] = AT_UPPER
        bounds[(side[:n] == AT_LOWER) & (gradient < -TOLERANCE) & ~self._fixed] = FREE
        bounds[(side[:n] == AT_UPPER) & (gradient > TOLERANCE) & ~self._fixed] = FREE
        rows = new[n + me :]
        active = side[n + me :] != FREE
        rows[~active & (row_error > TOLERANCE)] = AT_UPPER
        rows[active & (z < -TOLERANCE)] = FREE
        return new

    def _from_interior_point(self, c: Vector) -> Hint:
        """PIQP's solution, its active set polished by the same KKT system where that verifies."""
        self.counters.interior_point += 1
        result, status = self._ask_piqp(c)
        x, low, high = self._at_fixed.copy(), self._fixed.copy(), np.zeros(self._n, dtype=bool)
        x[self._open] = result.x
        y, z = np.array(result.y), np.array(result.z_u)[: self._mi]
        slack = self._rhs[self._me :] - self._B[self._me :] @ x
        low[self._open] = np.array(result.z_bl) > (x - self._lower)[self._open]  # an infinite bound is never near
        high[self._open] = np.array(result.z_bu) > (self._upper - x)[self._open]
        side = np.zeros(self._n + len(self._r), dtype=np.int64)
        side[: self._n][high] = AT_UPPER
        side[: self._n][low] = AT_LOWER
        side[self._n : self._n + self._me] = AT_UPPER
        side[self._n + self._me :][z > slack] = AT_UPPER
        near = Hint(side, np.concatenate([x, y, z]))
        polished = self._from_active_set(c, near)
        if polished is not None:
            return polished
        if status != piqp.PIQP_SOLVED and not max(result.info.primal_res, result.info.dual_res) <= NEARLY_SOLVED:
            raise _failure(status)
        self.counters.inexact += 1
        return near

    def _ask_piqp(self, c: Vector) -> tuple[piqp.Result, piqp.Status]:
        """PIQP's answer for the variables that are not fixed: it may call a program infeasible for a fixed one.

        Where it does not reach its tolerance it is asked again with more regularisation, which suits redundant rows.
        At its iteration limit it may stand at the floor of rounding: then the polish decides. It is set up anew every
        time: it is seldom asked, and an updated solver would scale the program by its first linear term.
        """
        fixed = np.concatenate([self._at_fixed, np.zeros(len(self._r))])
        linear = (c + (self._K @ fixed)[: self._n])[self._open]
        solver = self._set_up_piqp(linear)
        status = solver.solve()
        if status != piqp.PIQP_SOLVED:
            solver = self._set_up_piqp(linear, regularisation=1e-8)
            status = solver.solve()
            if status not in (piqp.PIQP_SOLVED, piqp.PIQP_MAX_ITER_REACHED):
                raise _failure(status)
        return solver.result, status

    def _set_up_piqp(self, linear: Vector, regularisation: float = 1e-10) -> piqp.SparseSolver:
        solver = piqp.SparseSolver()
        solver.settings.eps_abs = solver.settings.eps_rel = 1e-10
        solver.settings.eps_duality_gap_abs = solver.settings.eps_duality_gap_rel = 1e-10
        solver.settings.max_iter = 200
        solver.settings.reg_lower_limit = regularisation
        sides = self._rhs - self._B @ self._at_fixed
        curvature, equalities, inequalities = self._open_parts
        solver.setup(
            curvature,
            linear,
            equalities,
            sides[: self._me],
            inequalities,
            np.full(self._mi, -np.inf),
            sides[self._me :],
            self._lower[self._open],
            self._upper[self._open],
        )
        return solver

    @cached_property
    def _open_parts(self) -> list[sparse.csc_matrix]:
        """H, A and G in the columns of the variables that are not fixed, H in their rows, too."""
        rows = (self._open, self._n + np.arange(self._me), self._n + self._me + np.arange(self._mi))
        return blocks(sparse.csc_array(self._K), self._open, rows)

    def _kkt_matrices(self) -> tuple[SparseMatrix, sparse.csc_array]:
        """[[H, B'], [B, 0]] in scaled units, and the same with the diagonal shifted, of which there are factors."""
        n, m = self._n, len(self._r)
        H, B, unit = self.H.tocoo(), self._B.tocoo(), np.arange(n + m)
        (h_row, h_column), (b_row, b_column) = H.coords, B.coords
        rows = np.concatenate([h_row, b_column, b_row + n, unit])
        columns = np.concatenate([h_column, b_row + n, b_column, unit])
        H_data = self._s[h_row] * H.data * self._s[h_column] / MONEY_SCALE
        data = np.concatenate([H_data, B.data, B.data, np.zeros(n + m)])
        K = sparse.csr_array((data, (rows, columns)), shape=(n + m, n + m))
        row, column = coordinates(K)
        shift = np.where(row < n, REGULARISATION, -REGULARISATION) * (row == column)
        return K, sparse.csc_array((K.data + shift, K.indices, K.indptr), shape=K.shape)  # columns are rows

    def _factor(self, side: IntVector, kept: IntVector) -> SuperLU:
        key = side.tobytes()
        if key in self._factors:
            self._factors.move_to_end(key)
            return self._factors[key]
        self.counters.factorisations += 1
        (active,) = blocks(self._K_shifted, kept, [kept])
        factors = splu(active, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=PIVOT)  # it is symmetric
        self._factors[key] = factors
        if len(self._factors) > CACHED_FACTORS:
            self._factors.popitem(last=False)
        return factors

    def _unscaled(self, w: Vector) -> Solution:
        n, me = self._n, self._me
        duals = MONEY_SCALE * w[n:] / self._r
        return Solution(self._s * w[:n], duals[:me], duals[me:])


def _failure(status: piqp.Status) -> SolverError:
    return SolverError(f"PIQP ended with {str(status).rsplit('.', 1)[-1]} instead of a solution")
