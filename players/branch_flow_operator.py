"""The distribution system operator with losses: branch flows, their currents relaxed to second-order cones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, NoReturn

import cvxpy as cp
import numpy as np
from scipy import sparse

from bestresponse.errors import FormulationError
from bestresponse.player import Block, Response, Signal
from bestresponse.typing import SparseMatrix, Vector
from players.cone_solver import ConeSolution, ConeSolver
from players.feeder_operator import FeederOperator
from players.flow_cones import FlowCones
from players.quadratic_solver import Counters, Solution
from players.reports import GridReport

MULTIPLIER = "cone_multiplier"  # of the plan and of the block: one for every line [$/h per kVA]

USUAL_PRICE = 0.1  # [$/kWh]
LEAST_R_PU = 1e-3  # a smaller resistance counts as this in the scale of multipliers; else its cone is met too loosely


class BranchFlowOperator(FeederOperator):
    """Delivers energy from the root to the buses and buys what is lost on the way (Farivar and Low 2013).

    maximise  Σ λₙ yₙ + τ (p^T − Σ r L) − c^T p^T
    subject to  active and reactive balance at every bus; a line delivers P − r L and Q − x L where it ends
                u_j = u_i − 2 (r P + x Q) + (r² + x²) L along every line
                P² + Q² ≤ u_i L                   (an equation in the AC power flow, here relaxed)
                limits of lines where they begin, of u, p^T, q^T, q^s as in eqs. (9e–9i)

    L is the squared current. The import good receives p^T less all losses, so that Σ yₙ still is what it gives. The
    relaxation is exact where more current only costs, which `exactness_gap` measures.
    """

    conformance_exceptions: ClassVar = {
        "block's set": "the cones are no rows of the block: they stand in it by their multipliers and slacks"
    }

    def current(self) -> cp.Expression:
        """Return (n_lines,) [kVA] squared currents in per unit times the base."""
        return cp.Variable(self.feeder.n_lines, name="L", bounds=[0, None])

    @cached_property
    def cones(self) -> FlowCones:
        """The relation of flows, voltages and currents."""
        at, lines = self.program.variables, np.arange(self.feeder.n_lines)
        P, Q, u, L = (at[name].start for name in ("P", "Q", "u", "L"))
        begin = u + self.feeder.line_from
        lost = USUAL_PRICE * np.maximum(self.feeder.r_pu, LEAST_R_PU)
        return FlowCones(self.program.n, P + lines, Q + lines, begin, L + lines, self.feeder.base_kva, lost)

    def violation(self, plan: Mapping[str, Vector]) -> float:
        """Return the largest violation of any row, bound or cone by the plan, relative to its scale."""
        x = self.program.stack(plan)
        beyond = self.cones.value(x) / self.program.scale[self.cones.L]
        return float(np.max(beyond, initial=self.program.violation(x)))  # NaN if anything is

    def block(self) -> Block:
        """Return the problem for the monolith; its last variables are m ≥ 0 of the cones, with ∇g'm and −g ⊥ m."""
        linear, cones = super().block(), self.cones
        n, k = linear.size, cones.size

        def gradient(x: Vector, smoothing: float) -> Vector:
            own = linear.gradient(x[:n], smoothing) + cones.gradient(x[:n]).T @ x[n:]
            return np.concatenate([own, -cones.value(x[:n])])

        def jacobian(x: Vector, smoothing: float) -> SparseMatrix:
            slope = cones.gradient(x[:n])
            rows: list[list[Any]] = [[cones.curvature(x[:n], x[n:]), slope.T], [-slope, None]]
            return sparse.csr_array(sparse.block_array(rows))

        def widened(matrix: SparseMatrix) -> SparseMatrix:
            return sparse.csr_array(sparse.hstack([matrix, sparse.csr_array((matrix.shape[0], k))]))

        return replace(
            linear,
            variables={**linear.variables, MULTIPLIER: k},
            lower=np.concatenate([linear.lower, np.zeros(k)]),
            upper=np.concatenate([linear.upper, np.full(k, np.inf)]),
            A=widened(linear.A),
            G=widened(linear.G),
            trade=widened(linear.trade),
            cost=lambda x: linear.cost(x[:n]),
            gradient=gradient,
            jacobian=jacobian,
            scale=np.concatenate([linear.scale, cones.usual_multiplier]),
            separable=np.zeros(n + k, dtype=bool),
            labels={**linear.labels, MULTIPLIER: self.feeder.line_names},
        )

    def exactness_gap(self, plan: Mapping[str, Vector]) -> float:
        """Return [kVA] by how much a current exceeds what its flow asks for, at most: zero for an AC power flow."""
        return float(np.max(-self.cones.value(self.program.stack(plan)), initial=0.0))

    def report(self, response: Response, import_price: float, delivery_price: Mapping[str, float]) -> GridReport:
        """Return what every operator reports, losses, and how exact the relaxation is."""
        found, plan = super().report(response, import_price, delivery_price), response.plan
        starts = plan["u"][self.feeder.line_from]
        loss = 2 * plan[MULTIPLIER] * plan["P"] / (self.feeder.base_kva * starts)
        parts = self.price_parts(response.duals, import_price, loss)
        return replace(
            found,
            losses_kw=float(self.feeder.r_pu @ plan["L"]),
            exactness_gap_kva=self.exactness_gap(plan),
            price_parts=dict(zip(self.feeder.buses, parts, strict=True)),
        )

    @cached_property
    def _reference(self) -> NoReturn:
        raise FormulationError(f"{self.name}: branch flows have no path by CVXPY, only solver='persistent'")

    @property
    def _is_linear(self) -> bool:
        """Never: the cones are not."""
        return False

    def _solver(self, H: SparseMatrix, counters: Counters) -> ConeSolver:
        return ConeSolver(self.program, self.cones, H, counters)

    def _slope(self, solution: Solution) -> Vector:
        return self.cones.gradient(solution.x).T @ _multipliers(solution)

    def _response(self, solution: Solution, signal: Signal, weight: Vector | None) -> Response:
        answer = super()._response(solution, signal, weight)
        return replace(answer, plan={**answer.plan, MULTIPLIER: _multipliers(solution)})


def _multipliers(solution: Solution) -> Vector:
    """Return (n_lines,) those of the cones. Raises FormulationError for a solution that knows none."""
    if not isinstance(solution, ConeSolution):
        raise FormulationError("a solution of branch flows has the multipliers of its cones")
    return solution.m
