"""A load serving entity that meets household demand of constant elasticity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bestresponse.errors import DataError, FormulationError
from bestresponse.player import PLAIN, Anchor, Response, Signal
from bestresponse.typing import Vector
from players import goods
from players.elastic_households import ElasticDemand
from players.load_serving_entity import LoadServingEntity
from players.reports import EntityReport


class ElasticEntity:
    """A load serving entity that expects the household price to fall by θ |P′(S)| per kW of its own sales s.

    S is what households use (`signal.others`, which a scheme has to tell: `sharing`, or `gauss_seidel` with households
    asked before entities), so its first-order condition is P(S) + θ P′(S) s = marginal cost where all agree on S:
    Cournot competition on a curved demand. In between it minimises the outlay of the price taker `inside` plus
    ½ θ |P′(S)| s², a quadratic program that changes with S. It states no block: the term P′(S) s joins its variables
    with those of the households, for which blocks have no place.
    """

    def __init__(self, inside: LoadServingEntity, demand: ElasticDemand, conduct: float, households: str) -> None:
        if inside.conduct != 0:
            raise DataError(f"{inside.name}: the entity inside must be a price taker, given conduct {inside.conduct}")
        self.inside = inside
        self.demand = demand
        self.conduct = conduct
        self.households = households  # the name of that player
        self.name, self.goods = inside.name, inside.goods
        self._sold = [self.goods.index(goods.household(bus)) for bus in demand.buses]

    def best_response(self, signal: Signal) -> Response:
        """Return the plan with the smallest outlay, mark-up cost included.

        Raises as `ConvexProgram.best_response`, and FormulationError if θ > 0 and the signal does not tell S.
        """
        slope = self._slope(signal.others)
        kept = self.inside.memory() if signal.kind == PLAIN else None
        answer = self.inside.best_response(_with_curvature(signal, slope))
        if kept is not None:  # inside, the question was an anchored one: it must not move those that come
            self.inside.recall(kept)
        return replace(answer, cost=answer.cost + float(0.5 * slope @ answer.trade**2), bound=None)

    def sensitivity(self, signal: Signal) -> Vector:
        """Return (n_goods, n_goods) ∂trade/∂price while households use what they use. Raises as above."""
        return self.inside.sensitivity(_with_curvature(signal, self._slope(signal.others)))

    def violation(self, plan: Mapping[str, Vector]) -> float:
        """Return the largest violation of any row or bound by the plan."""
        return self.inside.violation(plan)

    def memory(self) -> dict[str, Any]:
        """Return what an answer depends on besides the signal."""
        return self.inside.memory()

    def recall(self, memory: Mapping[str, Vector]) -> None:
        """Go on from what `memory` returned."""
        self.inside.recall(memory)

    def report(self, response: Response) -> EntityReport:
        """Return generation, shedding and what they cost."""
        return self.inside.report(response)

    def _slope(self, others: Mapping[str, Response]) -> Vector:
        """(n_goods,) θ |P′(S)| of household goods, 0 of the others."""
        slope = np.zeros(len(self.goods))
        if self.conduct == 0:
            return slope
        if self.households not in others:
            raise FormulationError(
                f"it has to hear what {self.households} use, which this scheme does not tell it: use 'sharing', or "
                f"'gauss_seidel' with {self.households} asked before {self.name}"
            )
        slope[self._sold] = self.conduct * self.demand.slope(others[self.households].plan["use"])
        return slope


def _with_curvature(signal: Signal, slope: Vector) -> Signal:
    """The signal with an anchor that adds ½ slope · trade² to what its own adds, a constant apart."""
    anchor = signal.anchor
    if anchor is None:
        return replace(signal, anchor=Anchor(slope, np.zeros_like(slope)))
    weight = anchor.weight + slope
    target = np.divide(anchor.weight * anchor.target, weight, out=np.zeros_like(weight), where=weight > 0)
    return replace(signal, anchor=Anchor(weight, target))
