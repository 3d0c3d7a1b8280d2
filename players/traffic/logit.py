"""Logit stochastic user equilibrium: drivers choose paths by a logit model of costs that depend on what all choose.

Flows f = d softmax(−C(f) / τ) minimise the potential of the user equilibrium plus Σ τ f ln(f / d) (Fisk,
Transportation Research B 14, 1980), which is strictly convex in path flows. Newton's method runs on the costs c that
drivers believe in, f = d softmax(−c / τ), until they are those that they cause: flows stay positive, however small,
and the linear system is as large as there are links, stations and goods.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy import sparse

from bestresponse.errors import DataError, SolverError
from bestresponse.player import ANCHORED, PLAIN, Block, Response, Signal
from bestresponse.typing import SparseMatrix, Vector
from networks.road import RoadNetwork
from players.traffic.assignment import feasible_flow
from players.traffic.classes import Stations, VehicleClass
from players.traffic.logit_choice import LogitChoice
from players.traffic.player import Traffic
from players.traffic.problem import Problem
from players.traffic.report import TrafficReport

NEWTON_LIMIT = 60
CHANGE = 1e-10  # of a level, relative to max(1 unit, the level), by a Newton step that is the last
GAIN = 1e-9  # of the outlay, that it may leave to be gained
COOLING = 4.0  # how many times smaller the spread of choice becomes at once
HALVINGS = 40
SUFFICIENT = 1e-4  # share of the slope that a step must gain
ROUNDING = 1e-13  # relative to the outlay: a gain that cannot be seen
EXCESS_SCALE = 1.0  # [$] a typical excess cost


class LogitTraffic(Traffic):
    """Drivers in logit stochastic user equilibrium on given paths; `Traffic` is the limit of a large theta.

    Its own cost is the potential plus Σ f ln(f / d) / theta, which contains what variety is worth to drivers. The duals
    "demand" are the satisfactions, and a plan holds the "excess" [$] too, what every path costs more than that. Gain,
    bound and the gap reported count how far flows are from the logit choice at their costs. Raises DataError if
    electric classes differ in their value of time, for then there is no such potential.
    """

    def __init__(
        self,
        road: RoadNetwork,
        classes: Sequence[VehicleClass],
        stations: Stations | None = None,
        v2g: bool = True,
        theta: float = 0.2,  # [1/$] > 0
    ) -> None:
        super().__init__(road, classes, stations, v2g)
        if not (0.0 < theta < np.inf):
            raise DataError(f"theta is {theta}; it must be positive and finite")
        if not self.minimises:
            values = sorted({each.value_of_time for each in classes if each.electric})
            raise DataError(f"logit choice needs electric classes of one value of time; these have {values}")
        self._choice = LogitChoice(self.form, theta)
        self._believed: dict[str, Vector] = {}  # (n_paths,) [$] costs of the last answers, by the kind of the signal

    @property
    def has_ranges(self) -> bool:
        """False: path flows are unique."""
        return False

    @property
    def conformance_exceptions(self) -> Mapping[str, str]:
        """The checks of a price-taking minimiser that do not apply, with the reason."""
        reason = "flows are positive by a curved row of the block, not by a bound"
        return {**super().conformance_exceptions, "block's set": reason}

    def start_from(self, path_flow: Vector) -> None:
        """Start the next search from given path flows (n_paths,) [veh/h]. Raises DataError if they miss the demand."""
        flow = feasible_flow(self.form, self.path_flow({"path_flow": path_flow}))
        self._believed = dict.fromkeys((ANCHORED, PLAIN), self._choice.cost_of(flow))

    def forget(self) -> None:
        """Start the next search from the costs of an empty road."""
        self._believed = {}

    def memory(self) -> dict[str, Vector]:
        """Return the costs last believed in, by the kind of the signal."""
        return dict(self._believed)

    def recall(self, memory: Mapping[str, Vector]) -> None:
        """Go on from what `memory` returned."""
        self._believed = dict(memory)

    def best_response(self, signal: Signal) -> Response:
        """Return the stochastic user equilibrium at the signal's prices (and anchor)."""
        problem = self._problem(signal)
        empty = problem.state(np.zeros(self.form.n_paths)).cost
        last = self._believed.get(signal.kind, next(iter(self._believed.values()), empty))
        believed = self._settled(problem, self._choice, last)
        if believed is None:
            believed = self._cooled(problem, empty)
        self._believed[signal.kind] = believed
        return self._answer(problem, self._choice.at(believed).flow)

    def sensitivity(self, signal: Signal) -> Vector:
        """Return (n_goods, n_goods) [kW per $/kWh] ∂trade/∂price at the signal, anchor included. Raises as the answer.

        Costs C = M g and flows −Λ C move together: (1 + Mᵀ Λ M g′) ∂levels = −Mᵀ Λ M ∂price.
        """
        problem = self._problem(signal)
        flow = self.best_response(signal).plan["path_flow"]
        taken = self._choice.reaction(flow).of_resources()
        slope = problem.marginal.derivative(self.form.use_by_resource @ flow)
        first = len(slope) - self.form.n_goods
        return np.asarray(-np.linalg.solve(np.eye(len(slope)) + taken * slope, taken[:, first:])[first:])

    def _cooled(self, problem: Problem, believed: Vector) -> Vector:
        """Return the costs of the equilibrium, reached over those of drivers who care less and less about the rest."""
        spread = float(np.ptp(believed)) / float(self._choice.spread.min())
        for power in range(math.ceil(math.log(max(1.0, spread), COOLING)), -1, -1):
            found = self._settled(problem, LogitChoice(self.form, self._choice.theta / COOLING**power), believed)
            if found is None:
                raise SolverError(f"{self.name}: flows were still changing after {NEWTON_LIMIT} Newton steps")
            believed = found / COOLING if power else found  # where the same flows are chosen
        return believed

    def _settled(self, problem: Problem, choice: LogitChoice, believed: Vector) -> Vector | None:
        """Return the costs (n_paths,) that are believed in and caused; None if Newton's method does not settle."""
        for _ in range(NEWTON_LIMIT):
            believed, settled = self._newton_step(problem, choice, believed)
            if settled:
                return believed
        return None

    def gain(self, plan: Mapping[str, Vector], price: Vector) -> float:
        """Return [$/h] what the plan's outlay exceeds the least outlay by at most, at given prices."""
        flow = self.path_flow(plan)
        return self._choice.gain(flow, self._problem(Signal(price)).state(flow).cost)

    def report(self, response: Response, price: Vector) -> TrafficReport:
        """Return the measures of a response; its gap is the distance from the logit choice over what is paid."""
        flow = self.path_flow(response.plan)
        cost = self._problem(Signal(price)).state(flow).cost
        paid = float(flow @ np.abs(cost))
        gap = self._choice.gain(flow, cost) / max(paid, np.finfo(float).tiny)
        return replace(super().report(response, price), wardrop_gap=gap)

    def block(self) -> Block:
        """Return the block of the user equilibrium with the excess e of every path as a variable more.

        Its rows C − e − S and f − d exp(−e / τ) are monotone and smooth, with no logarithm of a flow.
        """
        plain, choice, n = super().block(), self._choice, self.form.n_paths
        m = plain.size
        one = sparse.eye_array(n, m)
        corner = np.arange(m, m + n)

        def cost(x: Vector) -> float:
            return plain.cost(x[:m]) + choice.entropy(np.maximum(x[:n], 0.0))

        def gradient(x: Vector, mu: float = 0.0) -> Vector:
            flow, excess = x[:n], x[m:]
            own = plain.gradient(x[:m], mu)
            own[:n] -= excess
            return np.concatenate([own, flow - choice.flow_of(excess)])

        def jacobian(x: Vector, mu: float = 0.0) -> SparseMatrix:
            inner = plain.jacobian(x[:m], mu)
            slope = sparse.csr_array((choice.slope_of(x[m:]), (corner - m, corner - m)), shape=(n, n))
            return sparse.csr_array(sparse.block_array([[inner, -one.T], [one, slope]], format="csr"))

        return replace(
            plain,
            variables={**plain.variables, "excess": n},
            lower=np.full(m + n, -np.inf),  # flows need no bound: they are positive by their own row
            upper=np.full(m + n, np.inf),
            A=_widened(plain.A, n),
            G=_widened(plain.G, n),
            trade=_widened(plain.trade, n),
            cost=cost,
            gradient=gradient,
            jacobian=jacobian,
            scale=np.append(plain.scale, np.full(n, EXCESS_SCALE)),
            separable=np.zeros(m + n, dtype=bool),
            labels={**plain.labels, "excess": plain.labels["path_flow"]},
        )

    def _newton_step(self, problem: Problem, choice: LogitChoice, believed: Vector) -> tuple[Vector, bool]:
        """Return costs nearer to those they cause, and whether there is hardly anything left to change or to gain.

        The step Δ solves Δ + M g′ Mᵀ Λ Δ = C − c. It is as short as makes the outlay, entropy included, fall.
        """
        flow = choice.at(believed).flow
        state, reaction = problem.state(flow), choice.reaction(flow)
        off, slope = state.cost - believed, problem.marginal.derivative(state.levels)
        pushed = self.form.use_by_resource @ reaction.to(off)
        taken = np.linalg.solve(np.eye(len(slope)) + reaction.of_resources() * slope, pushed)
        change = off - self.form.use @ (slope * taken)
        start, step = self._outlay(problem, choice, flow), 1.0
        moved = np.max(np.abs(taken) / np.maximum(1.0, np.abs(state.levels)), initial=0.0)
        if moved <= CHANGE and choice.gain(flow, state.cost) <= GAIN * max(1.0, abs(start)):
            return believed + change, True
        falls = float(reaction.to(change) @ off)
        for _ in range(HALVINGS):
            outlay = self._outlay(problem, choice, choice.at(believed + step * change).flow)
            if outlay <= start - SUFFICIENT * step * falls + ROUNDING * abs(start):
                break
            step /= 2.0
        return believed + step * change, False

    def _outlay(self, problem: Problem, choice: LogitChoice, flow: Vector) -> float:
        """Return [$/h] own cost, payments and the anchor's pull."""
        price, anchor = problem.marginal.price, problem.marginal.anchor
        link_flow, visits, trade = self.form.split(self.form.use_by_resource @ flow)
        pull = 0.0 if anchor is None else anchor.cost(trade)
        own = self.form.own_cost(flow, link_flow, visits) + choice.entropy(flow)
        return own + float(price @ trade) + pull

    def _answer(self, problem: Problem, flow: Vector) -> Response:
        state = problem.state(flow)
        plain, chosen = self._response(problem, state), self._choice.at(state.cost)
        return replace(
            plain,
            cost=plain.cost + self._choice.entropy(flow),
            plan={**plain.plan, "excess": chosen.excess},
            duals={**plain.duals, "demand": chosen.satisfaction * self.form.group_money},
            bound=self._outlay(problem, self._choice, flow) - self._choice.gain(flow, state.cost),
        )


def _widened(matrix: SparseMatrix, n: int) -> SparseMatrix:
    """Return the matrix with n columns of zeros more."""
    return sparse.csr_array(sparse.hstack([matrix, sparse.csr_array((matrix.shape[0], n))], format="csr"))
