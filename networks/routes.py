"""The K shortest simple routes of a road network, ties with the last one included."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from heapq import heappop, heappush
from itertools import pairwise
from math import inf
from typing import NamedTuple, TypeAlias

from networks.errors import NetworkDataError
from networks.road import RoadNetwork

Route: TypeAlias = tuple[int, ...]  # node numbers, origin first, no node twice

TIE = 1e-9  # relative difference of free-flow times below which two routes count as equally fast


def base_routes(road: RoadNetwork, od_pairs: Sequence[tuple[int, int]], k: int) -> tuple[tuple[Route, ...], ...]:
    """Return for every OD pair its routes in the order of free-flow time (then of node numbers).

    These are the k fastest simple routes and every further one that is as fast as the k-th, so that the set does
    not depend on how ties are broken; fewer than k if the network has no more. Nodes below the network's first
    through node are only origins or destinations. Raises NetworkDataError naming an OD pair that has an unknown
    node, equal ends or no route.
    """
    if not (k >= 1):
        raise NetworkDataError(f"number of base routes is {k}; allowed: whole numbers from 1")
    outgoing, incoming = _adjacency(road)
    return tuple(_fastest_routes(road, outgoing, incoming, origin, destination, k) for origin, destination in od_pairs)


_Adjacency: TypeAlias = dict[int, dict[int, float]]  # node -> neighbour -> free-flow time [h]


class _Candidate(NamedTuple):
    """A route that is the fastest of a subset of routes: those sharing its start but not leaving it by `banned`."""

    time: float
    route: Route
    deviation: int  # position of the last node of the shared start
    banned: frozenset[int]  # next nodes the subset excludes there


def _fastest_routes(
    road: RoadNetwork, outgoing: _Adjacency, incoming: _Adjacency, origin: int, destination: int, k: int
) -> tuple[Route, ...]:
    """Return one OD pair's routes by the partition method of Yen and Lawler.

    The fastest route splits the others into disjoint subsets: those that share its first nodes and then leave it.
    Every subset's fastest route is a candidate; the best candidate is the next route, and splits its own subset.
    """
    for node in (origin, destination):
        if node not in outgoing:
            raise NetworkDataError(f"OD pair {origin}-{destination}: road network {road.name!r} has no node {node}")
    if origin == destination:
        raise NetworkDataError(f"OD pair {origin}-{destination}: origin and destination are the same node")
    closed = {node for node in outgoing if node < road.first_through_node} - {origin, destination}
    remaining = _times_to(incoming, destination, closed)
    if origin not in remaining:
        raise NetworkDataError(
            f"OD pair {origin}-{destination}: no route leads from {origin} to {destination} in {road.name!r}"
        )

    candidates: list[_Candidate] = []

    def add_candidate(start: Route, banned: frozenset[int]) -> None:
        rest = _fastest_completion(outgoing, remaining, start[-1], destination, closed.union(start), banned)
        if rest:
            route = start + rest
            heappush(candidates, _Candidate(_time(outgoing, route), route, len(start) - 1, banned))

    add_candidate((origin,), frozenset())
    routes: list[Route] = []
    last_time = inf
    while candidates and candidates[0].time <= last_time:
        best = heappop(candidates)
        routes.append(best.route)
        if len(routes) == k:
            last_time = best.time * (1.0 + TIE)
        for position in range(best.deviation, len(best.route) - 1):
            banned = best.banned if position == best.deviation else frozenset()
            add_candidate(best.route[: position + 1], banned | {best.route[position + 1]})
    return tuple(routes)


def _adjacency(road: RoadNetwork) -> tuple[_Adjacency, _Adjacency]:
    outgoing: _Adjacency = {node: {} for node in road.nodes.tolist()}
    incoming: _Adjacency = {node: {} for node in road.nodes.tolist()}
    for i, j, time in zip(road.tail.tolist(), road.head.tolist(), road.free_flow_h.tolist(), strict=True):
        outgoing[i][j] = incoming[j][i] = time
    return outgoing, incoming


def _times_to(incoming: _Adjacency, destination: int, closed: Collection[int]) -> dict[int, float]:
    """Return the fastest time to the destination from every node that reaches it (Dijkstra, backwards)."""
    settled: dict[int, float] = {}
    queue = [(0.0, destination)]
    while queue:
        time, node = heappop(queue)
        if node in settled:
            continue
        settled[node] = time
        for previous, link_time in incoming[node].items():
            if previous not in settled and previous not in closed:
                heappush(queue, (time + link_time, previous))
    return settled


def _fastest_completion(
    outgoing: _Adjacency,
    remaining: dict[int, float],
    start: int,
    destination: int,
    closed: set[int],
    banned: Collection[int],
) -> Route:
    """Return the fastest route from the start, without the start itself, or () if there is none.

    It avoids the closed nodes, and its first link does not lead to a banned node. A* search: the time that would
    remain if no node were closed never overestimates.
    """
    parent: dict[int, int] = {}
    queue = [
        (time + remaining[node], time, node, start)
        for node, time in outgoing[start].items()
        if node not in banned and node not in closed and node in remaining
    ]
    queue.sort()
    while queue:
        _, time, node, previous = heappop(queue)
        if node in parent:
            continue
        parent[node] = previous
        if node == destination:
            return _trace_back(parent, start, destination)
        for following, link_time in outgoing[node].items():
            if following not in parent and following not in closed and following in remaining:
                elapsed = time + link_time
                heappush(queue, (elapsed + remaining[following], elapsed, following, node))
    return ()


def _trace_back(parent: dict[int, int], start: int, destination: int) -> Route:
    nodes = [destination]
    while parent[nodes[-1]] != start:
        nodes.append(parent[nodes[-1]])
    return tuple(reversed(nodes))


def _time(outgoing: _Adjacency, route: Route) -> float:
    return sum(outgoing[i][j] for i, j in pairwise(route))
