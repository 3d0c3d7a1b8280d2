"""The equilibrium problem at given prices: path costs as a function of path flows, and how far flows are from it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bestresponse.typing import IntVector, Vector
from players.traffic.line_search import root
from players.traffic.resources import Marginal, ResourceForm


@dataclass(frozen=True)
class State:
    """Path flows with everything that follows from them."""

    flow: Vector  # (n_paths,) [veh/h]
    levels: Vector  # (n_resources,) link flows, station visits, trades
    marginal: Vector  # (n_resources,) [$ per unit]
    cost: Vector  # (n_paths,) [$] scaled path costs
    minimum: Vector  # (n_groups,) [$] the cheapest path of every group
    gap: float  # [1] Wardrop gap Σ f (C − μ) / Σ f |C|, every class at its own value of time


@dataclass(frozen=True)
class Problem:
    """Path costs F(f) = constant + L g(Mᵀ f) at one set of marginal costs g."""

    form: ResourceForm
    marginal: Marginal

    def state(self, flow: Vector) -> State:
        """Return the path flows' levels, costs and Wardrop gap."""
        form = self.form
        levels = form.use_by_resource @ flow
        marginal = self.marginal.value(levels)
        cost = form.constant + form.charge @ marginal
        minimum = np.minimum.reduceat(cost, form.first)
        return State(flow, levels, marginal, cost, minimum, self._gap(flow, cost, minimum))

    def beside(self, state: State, minimum: Vector) -> State:
        """Return the state judged by the cheapest of more paths (n_groups,) [$] than these."""
        return replace(state, minimum=minimum, gap=self._gap(state.flow, state.cost, minimum))

    def _gap(self, flow: Vector, cost: Vector, minimum: Vector) -> float:
        vehicles = flow / self.form.scale  # times a scaled cost: $/h at the class's own value of time
        paid = float(vehicles @ np.abs(cost))
        excess = float(vehicles @ (cost - minimum[self.form.group]))
        return excess / paid if paid != 0.0 else excess

    def cheapest(self, state: State) -> IntVector:
        """Return (n_groups,) the first of the cheapest paths of every group."""
        form = self.form
        ties = np.flatnonzero(state.cost <= state.minimum[form.group])[::-1]
        best = np.empty(len(form.first), dtype=np.int64)
        best[form.group[ties]] = ties  # read backwards: the first of equals is written last
        return best

    def all_or_nothing(self, state: State) -> Vector:
        """Return (n_paths,) the flows with every vehicle on a cheapest path."""
        flow = np.zeros(self.form.n_paths)
        flow[self.cheapest(state)] = self.form.demand
        return flow

    def curvature(self, state: State, one: Vector, other: Vector) -> float:
        """Return [$/h] oneᵀ (dF/df) other for two directions of path flows."""
        form = self.form
        slope = self.marginal.derivative(state.levels)
        return float((form.charge_by_resource @ one) @ (slope * (form.use_by_resource @ other)))

    def step_length(self, state: State, direction: Vector, accept: float = 1e-6) -> float:
        """Return α in [0, 1] where moving on along the direction no longer pays: direction · F(f + α direction) = 0.

        With a potential this is its minimum along the direction. A full step is taken if it pays to its end, and
        any α where |slope| ≤ accept · |slope at 0|. Returns 0 if the direction does not pay at all. The direction
        must keep every group's sum.
        """
        form = self.form
        change, charged = form.use_by_resource @ direction, form.charge_by_resource @ direction
        start = float(direction @ (state.cost - state.minimum[form.group]))  # μ only keeps digits from cancelling
        if not (start < 0.0):
            return 0.0

        def slope(step: float) -> float:
            return start + float((self.marginal.value(state.levels + step * change) - state.marginal) @ charged)

        end = slope(1.0)
        return 1.0 if end <= -accept * start else root(slope, start, end, -accept * start)
