"""Exact answers of a program with flow cones that is asked again and again with another linear term.

Newton's method on the optimality conditions starts from the last answer, which is near between two sweeps. Where it
does not arrive, Clarabel solves the program, and the same Newton steps take its answer to the last digits; where its
answer is too rough for them, the interior point of `bestresponse.complementarity` goes on from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import clarabel
import numpy as np
from scipy import sparse

from bestresponse.complementarity.linear_system import SingularError
from bestresponse.complementarity.polish import MAX_STEPS, Polished, moves, polish
from bestresponse.complementarity.problem import ComplementarityProblem
from bestresponse.complementarity.solve import solve_mcp
from bestresponse.errors import SolverError
from bestresponse.market import MONEY_SCALE
from bestresponse.typing import SparseMatrix, Vector
from players.canonical import CanonicalProgram
from players.flow_cones import FlowCones
from players.quadratic_solver import Counters, Hint, Solution

TOLERANCE = 1e-11  # natural residual in scaled units
NEARLY_SOLVED = 1e-7  # at which an answer still counts, as an inexact one
CLARABEL_TOLERANCE = 1e-12  # it stops earlier where rounding lets it come no nearer
STEPS_FROM_LAST = 6
CONE_FLOW_KW = 100.0  # a usual flow, for the scale of the cones


@dataclass(frozen=True)
class ConeSolution(Solution):
    """A point with the multipliers of A x = b, G x ≤ h and the cones, in the program's own units."""

    m: Vector


@dataclass
class ConeSolver:
    """Solves min ½ x'Hx + c'x over a program's set and cones, for one H and any c.

    Unknowns are x, the multipliers m ≥ 0 of the cones, y of A x = b and z ≥ 0 of G x ≤ h, stacked.
    """

    program: CanonicalProgram
    cones: FlowCones
    H: SparseMatrix
    counters: Counters = field(default_factory=Counters)
    hint: Hint | None = None  # the last answer, stacked, in scaled units
    _last: tuple[Vector, Vector] | None = None  # the last linear term and its answer

    def solve(self, c: Vector) -> ConeSolution:
        """Return the solution for the linear term c [$/h per unit]. Raises SolverError if there is none."""
        x, m, y, z = self._parts(self._answer(c) * self._scale)
        return ConeSolution(x, y, z, m)

    def sensitivity(self, c: Vector) -> Vector:
        """Return (n_goods, n_goods) ∂trade/∂price at the solution for c, while the same bounds and rows hold.

        Raises SolverError as `solve`, and where the conditions, linearised there, do not say.
        """
        last = self._last
        w = last[1] if last is not None and np.array_equal(c, last[0]) else self._answer(c)
        trade = self.program.scaled_trade
        push = np.zeros((len(w), trade.shape[0]))
        push[: self.program.n] = trade.T.toarray()
        try:
            moved = moves(self._conditions(c), w, push / MONEY_SCALE)
        except SingularError as error:
            raise SolverError(str(error)) from error
        self.counters.factorisations += 1
        return np.asarray(push.T @ moved)

    def _answer(self, c: Vector) -> Vector:
        """The stacked solution in scaled units, which becomes the hint."""
        self.counters.answers += 1
        found = self._found(self._conditions(c), c)
        self.hint = Hint(np.zeros(0, dtype=np.int64), found)
        self._last = c, found
        return found

    def _found(self, problem: ComplementarityProblem, c: Vector) -> Vector:
        """The stacked solution in scaled units."""
        if self.hint is not None:
            near = self._polished(problem, self.hint.w, STEPS_FROM_LAST)
            if near.residual <= TOLERANCE:
                return near.x
        self.counters.interior_point += 1
        start, status = self._by_clarabel(c)
        found = self._polished(problem, start / self._scale, MAX_STEPS)
        if found.residual <= TOLERANCE:
            return found.x
        other = solve_mcp(problem, start=start / self._scale, tolerance=TOLERANCE)
        if not other.residual <= NEARLY_SOLVED:
            raise SolverError(f"Clarabel ended with status {status}, the interior point with {other.reason}")
        self.counters.inexact += not other.converged
        return other.x

    def _parts(self, w: Vector) -> tuple[Vector, Vector, Vector, Vector]:
        """Return x, m, y, z of a stacked solution."""
        n, k, me = self.program.n, self.cones.size, len(self.program.b)
        return w[:n], w[n : n + k], w[n + k : n + k + me], w[n + k + me :]

    def _polished(self, problem: ComplementarityProblem, start: Vector, steps: int) -> Polished:
        found = polish(problem, start, TOLERANCE, steps)
        self.counters.factorisations += found.factorisations
        return found

    def _conditions(self, c: Vector) -> ComplementarityProblem:
        """The optimality conditions as a complementarity problem, in scaled units.

        H x + c + ∇g'm + A'y + G'z ⊥ lower ≤ x ≤ upper,  −g(x) ⊥ m ≥ 0,  b − A x = 0,  h − G x ⊥ z ≥ 0
        """
        program, cones, scale = self.program, self.cones, self._scale
        constant = np.concatenate([c, np.zeros(cones.size), program.b, program.h])

        def function(w: Vector, smoothing: float) -> Vector:
            w = w * scale
            x, m, _, _ = self._parts(w)
            F = self._linear @ w + constant
            F[: cones.n] += cones.gradient(x).T @ m
            F[cones.n : cones.n + cones.size] -= cones.value(x)
            return F * scale / MONEY_SCALE

        def jacobian(w: Vector, smoothing: float) -> sparse.csc_array:
            x, m, _, _ = self._parts(w * scale)
            slope = cones.gradient(x)
            rows: list[list[Any]] = [[cones.curvature(x, m), slope.T], [-slope, None]]
            own = sparse.coo_array(sparse.block_array(rows))
            own = sparse.coo_array((own.data, own.coords), shape=self._linear.shape)
            S = sparse.diags_array(scale)
            return sparse.csc_array(S @ (self._linear + own) @ S / MONEY_SCALE)

        lower, upper = self._bounds
        return ComplementarityProblem(lower / scale, upper / scale, function, jacobian, str)

    @cached_property
    def _linear(self) -> SparseMatrix:
        """The part of the conditions that is the same everywhere."""
        program = self.program
        nothing = sparse.csr_array((self.cones.size, self.cones.size))
        rows: list[list[Any]] = [
            [self.H, None, program.A.T, program.G.T],
            [None, nothing, None, None],
            [-program.A, None, None, None],
            [-program.G, None, None, None],
        ]
        return sparse.csr_array(sparse.block_array(rows))

    @cached_property
    def _scale(self) -> Vector:
        program = self.program
        of_rows = (MONEY_SCALE / size for size in program.row_scale)
        return np.concatenate([program.scale, self.cones.usual_multiplier, *of_rows])

    @cached_property
    def _bounds(self) -> tuple[Vector, Vector]:
        program, k = self.program, self.cones.size
        free, least = np.full(len(program.b), -np.inf), np.zeros(len(program.h))
        lower = np.concatenate([program.lower, np.zeros(k), free, least])
        return lower, np.concatenate([program.upper, np.full(len(lower) - program.n, np.inf)])

    def _by_clarabel(self, c: Vector) -> tuple[Vector, str]:
        """The stacked solution as Clarabel has it, and its status."""
        program = self.program
        self._clarabel.update(q=program.scale * c / MONEY_SCALE)
        found = self._clarabel.solve()
        x, dual = np.array(found.x) * program.scale, np.array(found.z) * MONEY_SCALE
        me, mi, k = len(program.b), len(program.h), self.cones.size
        row_scale = np.concatenate(program.row_scale)
        rows = dual[: me + mi] / row_scale
        corner = dual[len(dual) - 4 * k :].reshape(k, 4)
        m = (corner[:, 0] + corner[:, 3]) * self._cone_scale
        return np.concatenate([x, m, rows]), str(found.status)

    @property
    def _cone_scale(self) -> float:
        """What L is multiplied by, and base u divided by, in the cones: both are then of the size of a flow."""
        return self.cones.base_kva / CONE_FLOW_KW

    @cached_property
    def _clarabel(self) -> Any:
        """The program in scaled units: rows of A, of G, bounds, and ‖(2P, 2Q, L' − U)‖ ≤ L' + U for every line."""
        set_, cones = self.program.scaled, self.cones
        n, k = self.program.n, cones.size
        above, below = np.flatnonzero(np.isfinite(set_.lower)), np.flatnonzero(np.isfinite(set_.upper))
        unit = sparse.eye_array(n, format="csr")
        flows = sparse.block_array([[unit[cones.P]], [unit[cones.Q]], [unit[cones.L]], [unit[cones.u]]], format="csr")
        flows = sparse.csr_array(flows @ sparse.diags_array(set_.size))
        P, Q = 2 * flows[:k], 2 * flows[k : 2 * k]
        current = self._cone_scale * flows[2 * k : 3 * k]
        voltage = cones.base_kva / self._cone_scale * flows[3 * k :]
        stacked = sparse.vstack([current + voltage, P, Q, current - voltage]).tocsr()
        by_line = np.arange(4 * k).reshape(4, k).T.ravel()
        rows = sparse.vstack([set_.rows, -unit[above], unit[below], -stacked[by_line]])
        right = np.concatenate([set_.right, -set_.lower[above], set_.upper[below], np.zeros(4 * k)])
        n_inequalities = len(set_.right) - set_.n_equalities + len(above) + len(below)
        settings = clarabel.DefaultSettings()
        settings.verbose, settings.presolve_enable, settings.max_threads = False, False, 1
        settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = CLARABEL_TOLERANCE
        kinds = [clarabel.ZeroConeT(set_.n_equalities), clarabel.NonnegativeConeT(n_inequalities)]
        kinds += [clarabel.SecondOrderConeT(4)] * k
        S = sparse.diags_array(set_.size)
        H = sparse.triu(S @ self.H @ S / MONEY_SCALE, format="csc")
        return clarabel.DefaultSolver(
            sparse.csc_matrix(H), np.zeros(n), sparse.csc_matrix(rows), right, kinds, settings
        )
