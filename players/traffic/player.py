"""Traffic as a player: drivers in user equilibrium who buy and sell energy at stations, eqs. (3)-(8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bestresponse.errors import DataError, SolverError
from bestresponse.player import ANCHORED, PLAIN, Block, Response, Signal
from bestresponse.typing import Vector
from networks.road import RoadNetwork
from networks.trips import TripSearch
from players import goods
from players.traffic.assignment import EXACT_GAP, ROUNDING_GAP, Assignment, assign, feasible_flow
from players.traffic.block import traffic_block
from players.traffic.classes import Stations, VehicleClass, at_one_value_of_time
from players.traffic.columns import Columns
from players.traffic.problem import Problem, State
from players.traffic.report import TrafficReport, traffic_report
from players.traffic.resources import Marginal, ResourceForm
from players.traffic.sensitivity import sensitivity
from players.traffic.travel_time import LinkTime

ROUND_LIMIT = 200  # of assignments to the paths in use, each followed by a search for cheaper ones


def station_goods(nodes: Sequence[int], v2g: bool) -> tuple[str, ...]:
    """Return the names of the goods traded at stations: "charging[node]" of all, then "discharging[node]" if V2G."""
    families = (goods.charging, goods.discharging) if v2g else (goods.charging,)
    return tuple(family(node) for family in families for node in nodes)


class Traffic:
    """All drivers together. Takes charged energy (trade > 0) and gives discharged energy (trade < 0) [kW].

    With one value of time among the electric classes its own cost is the potential
    ω (Σ∫t + Σ∫w + Σ f·dwell) + degradation, not what drivers pay, and the user equilibrium minimises its outlay.
    Fuel classes may have any value of time: their rows are scaled to ω, which their equilibrium does not notice.
    With several values of time among electric classes it minimises nothing: its cost is then what drivers bear
    apart from prices, Σ f (C − price · q), and its gain is the excess cost Σ f (C − μ).

    With searches the drivers choose among all routes: an answer is an equilibrium over every energy-feasible trip, its
    bound and the gain count all of them, and the paths of the classes are only those to start with. Paths are then
    numbered as they are found, and plans made before a path was found are shorter than those made after.

    As a system optimum drivers heed on every link t + v t′ and at every station w + x w′, what one more vehicle costs
    all vehicles there, in place of t and w. The least outlay is then what all drivers together can reach at given
    prices, with every hour counted at ω, those of fuel classes too: with several values of time there is no convex
    optimum. Reports state the times met; duals, bounds, gains and Wardrop gaps are those of the costs heeded.

    A response's plan holds "path_flow" [veh/h] (classes stacked), "link_flow" [veh/h] and "visits" [veh/h]; its duals
    "demand" [$] (the cheapest path cost of every OD pair and class; fuel classes scaled to ω), "link" (ω t) and
    "station" (ω w) [$]. The last path flows start the next search, which changes the answer by no more than the
    tolerance. Raises DataError on inconsistent data, SolverError when no equilibrium is found.
    """

    def __init__(
        self,
        road: RoadNetwork,
        classes: Sequence[VehicleClass],
        stations: Stations | None = None,
        v2g: bool = True,
        method: str = "newton",  # see assignment.METHODS
        tolerance: float = EXACT_GAP,  # [1] Wardrop gap of every answer
        iteration_limit: int = 1000,
        name: str = "Traffic",
        searches: Sequence[TripSearch] | None = None,  # class by class; None: the paths of the classes are all
        system_optimum: bool = False,
    ) -> None:
        if np.any(road.toll != 0.0):
            raise DataError(f"road network {road.name!r} has tolls; path costs here have no toll term, set them to 0")
        stations = Stations.none() if stations is None else stations
        self.name = name
        self.road = road
        self._met = link_time, felt = LinkTime.of(road), stations
        if system_optimum:
            link_time, felt = LinkTime.of(road.with_marginal_times()), stations.with_marginal_waiting()
            classes = at_one_value_of_time(classes)
        self._columns = Columns(link_time, classes, felt, v2g, searches)
        self.goods = station_goods(stations.nodes, v2g)
        self.method = method
        self.tolerance = tolerance
        self.iteration_limit = iteration_limit
        self.last: Assignment | None = None  # of the last answer: iterations and Wardrop gap
        self._starts: dict[str, Vector] = {}  # path flows of the last answers, by the kind of the signal

    @property
    def form(self) -> ResourceForm:
        """The paths in use. With searches they change from answer to answer."""
        return self._columns.form

    @property
    def form_as_met(self) -> ResourceForm:
        """The paths in use with the times that drivers meet, which are not all that they heed in a system optimum."""
        link_time, stations = self._met
        return replace(self.form, link_time=link_time, stations=stations)

    @property
    def knows_all_paths(self) -> bool:
        """Whether `form` holds every path there is; with searches it holds those in use."""
        return not self._columns.generated

    @property
    def has_ranges(self) -> bool:
        """Whether all path flows that give the same link flows, visits and trades are answers alike."""
        return True

    @property
    def minimises(self) -> bool:
        """Whether the user equilibrium has the smallest outlay: with one value of time among electric classes."""
        return self.form.has_potential

    @property
    def conformance_exceptions(self) -> Mapping[str, str]:
        """The checks of a price-taking minimiser that do not apply, with the reason."""
        found = {}
        if self._columns.generated:
            found["shape"] = "with every path found plans and block become longer"
        if not self.form.has_potential:
            reason = "electric classes of different values of time are in equilibrium but minimise nothing together"
            found |= {"envelope": reason, "slopes down": reason}
        return found

    def start_from(self, path_flow: Vector) -> None:
        """Start the next search from given path flows (n_paths,) [veh/h]. Raises DataError if they miss the demand."""
        flow = self.path_flow({"path_flow": path_flow})
        self._starts = dict.fromkeys((ANCHORED, PLAIN), self._columns.of_found(feasible_flow(self.form, flow)))

    def path_flow(self, plan: Mapping[str, Vector]) -> Vector:
        """Return (form.n_paths,) [veh/h] the flow that a plan gives to every path in use."""
        return self._columns.of_form(plan["path_flow"])

    def forget(self) -> None:
        """Start the next search from the paths that are cheapest on an empty road."""
        self._starts = {}

    def memory(self) -> dict[str, Any]:
        """Return the last path flows and the paths found: what an answer depends on besides the signal."""
        starts = {"path_flow": self._starts.copy()} if self._starts else {}
        return starts | self._columns.memory()

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Go on from what `memory` returned."""
        self._columns.recall(memory)
        self._starts = dict(memory.get("path_flow", {}))

    def best_response(self, signal: Signal) -> Response:
        """Return the user equilibrium at the signal's prices (and anchor)."""
        for _ in range(ROUND_LIMIT):
            start = self._start(signal)  # first: it may take paths back into use, of which the problem then knows
            problem = self._problem(signal)
            found = self._assigned(problem, start)
            self._starts[signal.kind] = self._columns.of_found(found.state.flow)
            cheapest = self._columns.cheapest(found.state)
            state = found.state if cheapest is None else problem.beside(found.state, cheapest.minimum)
            if cheapest is None or state.gap <= self.tolerance or not self._columns.add(found.state, cheapest):
                self._columns.note_use(state.flow)
                self.last = replace(found, state=state)
                return self._response(problem, state)
        raise SolverError(f"{self.name}: there still were cheaper routes after {ROUND_LIMIT} rounds of search")

    def sensitivity(self, signal: Signal) -> Vector:
        """Return (n_goods, n_goods) [kW per $/kWh] ∂trade/∂price while drivers use the paths that they use."""
        if (start := self._start(signal)) is not None:
            problem = self._problem(signal)
            if (state := problem.state(start)).gap <= ROUNDING_GAP:
                return sensitivity(problem, state)
        flow = self.path_flow(self.best_response(signal).plan)
        problem = self._problem(signal)
        return sensitivity(problem, problem.state(flow))

    def _start(self, signal: Signal) -> Vector | None:
        """Path flows (form.n_paths,) to start from: of the last answer to a signal of that kind, or of the other."""
        starts = self._starts
        flow = starts.get(signal.kind, next(iter(starts.values()), None))
        return None if flow is None else self._columns.of_form(flow)

    def _assigned(self, problem: Problem, start: Vector | None) -> Assignment:
        try:
            found = assign(problem, start, self.method, self.tolerance, self.iteration_limit)
        except np.linalg.LinAlgError as error:
            raise SolverError(f"{self.name}: method {self.method!r} met a singular system: {error}") from error
        if not (found.state.gap <= max(self.tolerance, ROUNDING_GAP)):
            raise SolverError(
                f"{self.name}: method {self.method!r} left a Wardrop gap of {found.state.gap:.3g} after "
                f"{found.iterations} iterations (wanted {self.tolerance:.3g}); use method 'newton' or a wider tolerance"
            )
        return found

    def gain(self, plan: Mapping[str, Vector], price: Vector) -> float:
        """Return [$/h] what drivers could gain at given prices by leaving the plan: the excess cost Σ f (C − μ) ≥ 0.

        With one value of time among electric classes it bounds from above what the plan's outlay exceeds the least
        outlay by.
        """
        flow = self.path_flow(plan)
        problem = self._problem(Signal(price))
        state = problem.state(flow)
        cheapest = self._columns.cheapest(state)
        return self._excess(state if cheapest is None else problem.beside(state, cheapest.minimum))

    def violation(self, plan: Mapping[str, Vector]) -> float:
        """Return the largest violation of sign, demand, link and station rows, relative to max(1 veh/h, the flow)."""
        flow = self.path_flow(plan)
        form = self.form
        served = np.add.reduceat(flow, form.first)
        link_flow, visits, _ = form.split(form.use_by_resource @ flow)
        pairs = (
            (np.minimum(flow, 0.0), np.zeros_like(flow)),
            (served, form.demand),
            (plan["link_flow"], link_flow),
            (plan["visits"], visits),
        )
        worst = [np.max(np.abs(a - b) / np.maximum(1.0, np.abs(b)), initial=0.0) for a, b in pairs]
        return float(np.max(worst))  # not Python's max, which can lose a NaN

    def report(self, response: Response, price: Vector) -> TrafficReport:
        """Return gap, costs, shares and used paths of a response at the prices (n_goods,) of its goods."""
        flow = self.path_flow(response.plan)
        heeded = Problem(self.form, Marginal(self.form, price)).state(flow)
        return replace(traffic_report(self.form_as_met, flow, price), wardrop_gap=heeded.gap)

    def block(self) -> Block:
        """Return the player's problem for the monolith, see `traffic_block`; with searches, over all paths found."""
        block = traffic_block(self._columns.whole_form(), self.road.link_names, self._columns.names)
        return replace(block, is_whole=self.knows_all_paths)

    def _problem(self, signal: Signal) -> Problem:
        price, anchor = np.asarray(signal.price, dtype=float), signal.anchor
        vectors = [price] if anchor is None else [price, anchor.weight, anchor.target]
        if any(np.shape(each) != (len(self.goods),) for each in vectors):
            raise DataError(
                f"{self.name}: signal of lengths {[np.shape(v) for v in vectors]} for {len(self.goods)} goods"
            )
        for each in vectors:
            if not np.isfinite(each).all():
                raise SolverError(
                    f"{self.name}: the signal of {self.goods[int(np.argmin(np.isfinite(each)))]} is not finite"
                )
        return Problem(self.form, Marginal(self.form, price, anchor))

    def _response(self, problem: Problem, state: State) -> Response:
        form, price, anchor = self.form, problem.marginal.price, problem.marginal.anchor
        link_flow, visits, trade = form.split(state.levels)
        cost = form.own_cost(state.flow, link_flow, visits)
        pull = 0.0 if anchor is None else anchor.cost(trade)
        time, waiting, _ = form.split(state.marginal)
        return Response(
            trade=trade.copy(),
            cost=cost,
            plan={
                "path_flow": self._columns.of_found(state.flow),
                "link_flow": link_flow.copy(),
                "visits": visits.copy(),
            },
            duals={"demand": state.minimum * form.group_money, "link": time.copy(), "station": waiting.copy()},
            bound=cost + float(price @ trade) + pull - self._excess(state),
        )

    def _excess(self, state: State) -> float:
        flow = state.flow if self.form.has_potential else state.flow / self.form.scale
        return float(flow @ (state.cost - state.minimum[self.form.group]))
