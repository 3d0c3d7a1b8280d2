"""Link costs that rise with the link's own flow, as compiled code reads them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bestresponse.typing import Vector
from networks.compiled import compiled, inlined


class LinkCosts(NamedTuple):
    """cost(v) = constant + rise (v / capacity)^power, link by link in star order."""

    constant: Vector  # (n_links,) [min] free-flow time, and tolls and distance at their weights
    rise: Vector  # (n_links,) [min] free-flow time times the BPR coefficient
    capacity: Vector  # (n_links,) [veh/h]
    power: Vector  # (n_links,) [1] >= 1


class LinkState(NamedTuple):
    """Flows with the costs and slopes that go with them; compiled code changes all three together."""

    flow: Vector  # (n_links,) [veh/h]
    cost: Vector  # (n_links,) [min]
    slope: Vector  # (n_links,) [min per veh/h]


def link_state(costs: LinkCosts, flow: Vector) -> LinkState:
    """Return the state at given flows."""
    state = LinkState(flow, np.empty_like(flow), np.empty_like(flow))
    set_flows(costs, state, flow)
    return state


@compiled
def set_flows(costs: LinkCosts, state: LinkState, flow: Vector) -> None:
    """Change all flows of a state."""
    for link in range(len(flow)):
        set_flow(costs, state, link, flow[link])


@inlined
def set_flow(costs: LinkCosts, state: LinkState, link: int, flow: float) -> None:
    """Change the flow of one link; four is so frequent a power that it has formulas of its own."""
    state.flow[link] = flow
    share = max(flow, 0.0) / costs.capacity[link]  # rounding may leave a flow a little below zero
    power = costs.power[link]
    lower = share * share * share if power == 4.0 else share ** (power - 1.0)
    state.cost[link] = costs.constant[link] + costs.rise[link] * lower * share
    state.slope[link] = costs.rise[link] * power * lower / costs.capacity[link]
