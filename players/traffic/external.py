"""Any traffic assignment as a player: a function from prices to flows and energies, such as another program's.

In a module of one's own, which a case file chooses by `[players] traffic = "my_module:my_traffic"`:

    def my_traffic(setting):
        nodes = [station.node for station in setting.stations]

        def assign(price):
            ...  # run the program at these prices
            return Assigned(trade, cost, link_flow)

        return ExternalTraffic(assign, station_goods(nodes, setting.v2g))
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bestresponse.errors import DataError, SolverError
from bestresponse.player import Anchor, Response, Signal
from bestresponse.typing import Vector
from players.traffic.hull import Hull

TOLERANCE = 1e-12  # of outlays, relative to max(1 $/h, |outlay|)
ROUND_LIMIT = 100  # questions for one answer with an anchor


@dataclass(frozen=True)
class Assigned:
    """What an assignment finds at given prices."""

    trade: Vector  # (n_goods,) [kW] in the order of the player's goods: charged energy > 0, discharged energy < 0
    cost: float  # [$/h] what the equilibrium minimises besides price · trade: ω (Σ∫t + waiting) + degradation
    link_flow: Vector | None = None  # (n_links,) [veh/h] if it is to be reported


@dataclass(frozen=True)
class Approximation:
    """How the last answer with an anchor was found."""

    rounds: int  # questions to the assignment
    gap: float  # [$/h] no plan has an outlay (anchor included) smaller by more


class ExternalTraffic:
    """Drivers whose equilibrium is found by a function `assign(price) -> Assigned`, prices in the order of `goods`.

    The function knows no anchor. With `proximal` the player offers one all the same: it looks for the best mixture of
    the answers heard so far (Frank–Wolfe, fully corrective), asks at the prices that the anchor makes of it, and goes
    on until the next answer is no better by more than the tolerance. The `bound` of its response and `last` say how
    good the mixture is. That needs an assignment that minimises cost + price · trade, as a user equilibrium with one
    value of time does. Without `proximal` schemes that need anchors refuse the player by name.

    It states no block, so the coordinator alone finds and certifies the market. Of its plan the results know trades
    and, if told, "link_flow" [veh/h]; a subclass with a method `report`, as `Traffic` has it, tells more.
    """

    def __init__(
        self,
        assign: Callable[[Vector], Assigned],
        goods: Sequence[str],
        name: str = "Traffic",
        proximal: bool = True,
        tolerance: float = TOLERANCE,
        round_limit: int = ROUND_LIMIT,
    ) -> None:
        if not (tolerance > 0 and round_limit >= 1):
            raise DataError(f"{name}: tolerance {tolerance} must be positive and round_limit {round_limit} at least 1")
        self.assign = assign
        self.goods = tuple(goods)
        self.name = name
        self.accepts_anchor = proximal
        self.tolerance, self.round_limit = tolerance, round_limit
        self.last: Approximation | None = None
        self._heard: Hull | None = None  # the answers that the last mixture was made of

    def best_response(self, signal: Signal) -> Response:
        """Return what the assignment finds, with an anchor the best mixture of what it finds.

        Raises SolverError naming the player for an answer of the wrong shape or without finite numbers.
        """
        if signal.anchor is None:
            return _response(self._ask(signal.price))
        return self._mixture(signal.price, signal.anchor)

    def memory(self) -> dict[str, Vector]:
        """Return the answers that the last mixture was made of: where the next search starts."""
        return {} if self._heard is None else self._heard.arrays()

    def recall(self, memory: Mapping[str, Vector]) -> None:
        """Go on from what `memory` returned."""
        self._heard = Hull.of(memory) if memory else None

    def _mixture(self, price: Vector, anchor: Anchor) -> Response:
        hull = self._ask(price) if self._heard is None else self._heard
        for rounds in itertools.count(1):
            weight = hull.best(price, anchor)
            plan = hull.mixed(weight)
            seen = price + anchor.price(plan.trade[0])
            answer = self._ask(seen)
            gap = max(0.0, _outlay(plan, seen) - _outlay(answer, seen))
            outlay = _outlay(plan, price) + anchor.cost(plan.trade[0])
            close = gap <= self.tolerance * max(1.0, abs(outlay))
            if close or hull.holds(answer) or rounds == self.round_limit:
                break
            hull = hull.only(weight > 0.0).beside(answer)
        self._heard = hull
        self.last = Approximation(rounds, gap)
        return _response(plan, bound=outlay - gap)

    def _ask(self, price: Vector) -> Hull:
        """The assignment's answer, as a hull of one."""
        found = self.assign(price.copy())
        trade = np.array(found.trade, dtype=float)
        if trade.shape != (len(self.goods),):
            raise SolverError(f"{self.name}: the assignment told trades of shape {trade.shape}, not {len(self.goods)}")
        link_flow = np.zeros(0) if found.link_flow is None else np.array(found.link_flow, dtype=float)
        for what, value in (("trade", trade), ("cost", found.cost), ("link_flow", link_flow)):
            if not np.isfinite(value).all():
                raise SolverError(f"{self.name}: the assignment's {what} is not a finite number")
        return Hull(trade[None], np.array([found.cost], dtype=float), link_flow[None])


def _outlay(plan: Hull, price: Vector) -> float:
    return float(plan.cost[0] + price @ plan.trade[0])


def _response(plan: Hull, bound: float | None = None) -> Response:
    told = {"link_flow": plan.link_flow[0]} if plan.link_flow.size else {}
    return Response(plan.trade[0], float(plan.cost[0]), told, bound=bound)
