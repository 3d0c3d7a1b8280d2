"""What given link flows are worth, whoever found them: no code in common with the algorithms but the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from bestresponse.errors import DataError
from bestresponse.typing import IntVector, Vector
from networks.road import MINUTES_PER_HOUR, RoadNetwork


@dataclass(frozen=True)
class Evaluation:
    """How far link flows are from a user equilibrium, and what they cost; minutes are the time unit."""

    relative_gap: float  # [1] (total_cost − shortest_cost) / total_cost; means little where conservation is violated
    beckmann: float  # [veh·min] Σ ∫₀^v cost
    total_travel_time: float  # [veh·min] Σ v t, without tolls and distance
    total_cost: float  # [veh·min] Σ v c, with tolls and distance at their weights: TSTT
    shortest_cost: float  # [veh·min] Σ trips times the cost of the cheapest path at these flows: SPTT
    conservation_error: float  # [veh/h] largest of: what a node's flows fail to balance; what a flow lies below 0


def evaluate(
    road: RoadNetwork,
    trips: Mapping[tuple[int, int], float],  # (origin, destination) -> [veh/h]
    link_flow: Vector,  # (n_links,) [veh/h]
    toll_weight: float = 0.0,  # [min per unit of toll]
    distance_weight: float = 0.0,  # [min/km]
) -> Evaluation:
    """Return what the flows of all links are worth, NaN or infinity where a cost is too large for a number.

    Raises DataError on a wrong number of flows, or without trips.
    """
    if not trips:
        raise DataError("there are no trips to evaluate flows for")
    if np.shape(link_flow) != (road.n_links,):
        raise DataError(f"flows have shape {np.shape(link_flow)}, but there are {road.n_links} links")
    minutes = road.free_flow_h * MINUTES_PER_HOUR
    money = toll_weight * road.toll + distance_weight * road.length_km
    flow = np.maximum(link_flow, 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        congestion = road.bpr_coefficient * (flow / road.capacity_veh_per_h) ** road.bpr_power
    time = minutes * (1.0 + congestion)
    integral = money + minutes * (1.0 + congestion / (road.bpr_power + 1.0))
    total = float((time + money) @ flow)
    shortest = _shortest_cost(road, trips, time + money)
    return Evaluation(
        relative_gap=(total - shortest) / total if total > 0.0 else 0.0,
        beckmann=float(integral @ flow),
        total_travel_time=float(time @ flow),
        total_cost=total,
        shortest_cost=shortest,
        conservation_error=_conservation_error(road, trips, link_flow),
    )


def _ends(road: RoadNetwork) -> tuple[IntVector, IntVector]:
    """Return the vertices that links leave and enter. A node that none may pass has two: trips start at n + node."""
    position = road.node_index
    tail, head = (np.array([position[node] for node in side.tolist()]) for side in (road.tail, road.head))
    return np.where(road.tail < road.first_through_node, road.n_nodes + tail, tail), head


def _start(road: RoadNetwork, node: int) -> int:
    return road.node_index[node] + (road.n_nodes if node < road.first_through_node else 0)


def _shortest_cost(road: RoadNetwork, trips: Mapping[tuple[int, int], float], cost: Vector) -> float:
    graph = sparse.csr_array((cost, _ends(road)), shape=(2 * road.n_nodes, 2 * road.n_nodes))
    origins = sorted({origin for origin, _ in trips})
    distance = dijkstra(graph, indices=[_start(road, origin) for origin in origins])
    row = {origin: k for k, origin in enumerate(origins)}
    rows, columns = zip(*((row[o], road.node_index[d]) for o, d in trips), strict=True)
    return float(distance[list(rows), list(columns)] @ np.array(list(trips.values())))


def _conservation_error(road: RoadNetwork, trips: Mapping[tuple[int, int], float], link_flow: Vector) -> float:
    tail, head = _ends(road)
    surplus = np.zeros(2 * road.n_nodes)  # what leaves each vertex and did not enter it
    np.add.at(surplus, tail, link_flow)
    np.subtract.at(surplus, head, link_flow)
    for (origin, destination), number in trips.items():
        surplus[_start(road, origin)] -= number
        surplus[road.node_index[destination]] += number
    return float(max(np.abs(surplus).max(), -link_flow.min(), 0.0))
