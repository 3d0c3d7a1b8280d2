"""Traffic assignment over all routes of a network: routes are generated when they become the cheapest.

The restricted equilibrium over the routes found so far is solved by the traffic player; then shortest paths at
its travel times either prove it an equilibrium over all routes or name the routes to add.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from bestresponse.errors import DataError, SolverError
from bestresponse.player import Response, Signal
from bestresponse.typing import IntVector, Vector
from networks.paths import fuel_paths
from networks.road import RoadNetwork
from networks.routes import Route
from players.traffic.classes import VehicleClass
from players.traffic.player import Traffic
from players.traffic.travel_time import LinkTime

RESTRICTED_SHARE = 0.1  # the restricted problems are solved to this share of the last gap over all routes


@dataclass(frozen=True)
class RouteEquilibrium:
    """A user equilibrium over all routes."""

    link_flow: Vector  # (n_links,) [veh/h]
    beckmann_h: float  # [h·veh/h] Σ ∫₀^v t
    gap: float  # [1] Σ f (C − μ) / Σ f C, μ the cheapest of all routes
    routes: tuple[tuple[Route, ...], ...]  # the routes found, by OD pair
    gaps: tuple[float, ...]  # after every round of route generation, the last one above
    player: Traffic  # over these routes
    response: Response  # its answer, with the flow of every route


def assign_all_routes(
    road: RoadNetwork,
    od_pairs: Sequence[tuple[int, int]],
    demand: Vector,  # (n_od,) [veh/h]
    tolerance: float = 1e-6,
    method: str = "newton",
    round_limit: int = 100,
) -> RouteEquilibrium:
    """Return the user equilibrium of one class of fuel vehicles over all routes.

    Raises DataError when an OD pair cannot be reached, SolverError when the gap stays above the tolerance.
    """
    link_time = LinkTime.of(road)
    demand = np.asarray(demand, dtype=float)
    _, fastest = _fastest_routes(road, od_pairs, link_time.value(np.zeros(road.n_links)))
    routes = [[route] for route in fastest]
    flows = [[flow] for flow in demand]
    gap, gaps = 1.0, []
    for _ in range(round_limit):
        player = _player(road, od_pairs, routes, demand, method, max(RESTRICTED_SHARE * min(gap, 0.1), 1e-12))
        player.start_from(np.array([flow for group in flows for flow in group]))
        response = player.best_response(Signal(np.zeros(0)))
        link_flow = response.plan["link_flow"]
        times = link_time.value(link_flow)
        least, fastest = _fastest_routes(road, od_pairs, times)
        spent = float(times @ link_flow)
        gap = (spent - float(least @ demand)) / spent if spent > 0.0 else 0.0
        gaps.append(gap)
        if gap <= tolerance:
            frozen = tuple(tuple(group) for group in routes)
            return RouteEquilibrium(link_flow, response.cost, gap, frozen, tuple(gaps), player, response)
        flows = _regroup(response.plan["path_flow"], routes)
        for known, group, route in zip(routes, flows, fastest, strict=True):
            if route not in known:
                known.append(route)
                group.append(0.0)
    raise SolverError(f"traffic over all routes: gap {gap:.3g} after {round_limit} rounds (wanted {tolerance:.3g})")


def _player(
    road: RoadNetwork,
    od_pairs: Sequence[tuple[int, int]],
    routes: Sequence[Sequence[Route]],
    demand: Vector,
    method: str,
    tolerance: float,
) -> Traffic:
    vehicles = VehicleClass("vehicles", 1.0, fuel_paths(road, od_pairs, routes), demand, electric=False)
    return Traffic(road, [vehicles], v2g=False, method=method, tolerance=tolerance)


def _regroup(path_flow: Vector, routes: Sequence[Sequence[Route]]) -> list[list[float]]:
    ends = np.cumsum([len(group) for group in routes])
    return [group.tolist() for group in np.split(path_flow, ends[:-1])]


def _fastest_routes(
    road: RoadNetwork, od_pairs: Sequence[tuple[int, int]], times: Vector
) -> tuple[Vector, list[Route]]:
    """Return the least travel time (n_od,) [h] and a fastest route of every OD pair."""
    least, routes = np.empty(len(od_pairs)), []
    trees: dict[int, tuple[Vector, IntVector]] = {}
    for k, (origin, destination) in enumerate(od_pairs):
        if origin not in trees:
            trees[origin] = _tree(road, origin, times)
        distance, before = trees[origin]
        least[k] = distance[road.node_index[destination]]
        if not np.isfinite(least[k]):
            raise DataError(f"road network {road.name!r}: no route from {origin} to {destination}")
        routes.append(_walk_back(road, before, origin, destination))
    return least, routes


def _tree(road: RoadNetwork, origin: int, times: Vector) -> tuple[Vector, IntVector]:
    """Return distances and predecessors from one origin; nodes below the first through node end routes only."""
    position = road.node_index
    usable = (road.tail >= road.first_through_node) | (road.tail == origin)
    ends = [np.array([position[int(node)] for node in side[usable]], dtype=np.int64) for side in (road.tail, road.head)]
    graph = sparse.csr_array((times[usable], (ends[0], ends[1])), shape=(road.n_nodes, road.n_nodes))
    distance, before = dijkstra(graph, indices=np.array([position[origin]]), return_predecessors=True)
    return distance[0], before[0]


def _walk_back(road: RoadNetwork, before: IntVector, origin: int, destination: int) -> Route:
    route, at = [destination], road.node_index[destination]
    while route[-1] != origin:
        at = int(before[at])
        route.append(int(road.nodes[at]))
    return tuple(reversed(route))
