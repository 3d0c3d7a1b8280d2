"""The paths in use, pair by pair, as flat arrays; finding cheaper ones, dropping unused ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bestresponse.typing import IntVector, Vector
from networks.compiled import compiled, inlined
from networks.shortest_paths import ForwardStar, Trees, Workspace, grow_tree
from networks.typing import Index32
from players.traffic.network_assignment.problem import Demand

ROOM = 4096  # links of the paths found, for a start


class Columns(NamedTuple):
    """Paths with their flows, the paths of a pair side by side, their links one path after the other."""

    first: IntVector  # (n_pairs + 1,) the paths first[k]:first[k + 1] belong to pair k
    start: IntVector  # (n_paths + 1,) the links links[start[p]:start[p + 1]] belong to path p
    flow: Vector  # (n_paths,) [veh/h]
    links: Index32


class Found(NamedTuple):
    """A cheaper path for some pairs of a block of origins."""

    start: IntVector  # (pairs of the block + 1,) empty where the pair has none
    links: Index32


def no_columns(n_pairs: int) -> Columns:
    """Return the columns of pairs that have none."""
    return Columns(np.zeros(n_pairs + 1, np.int64), np.zeros(1, np.int64), np.zeros(0), np.zeros(0, np.int32))


@compiled
def find_cheaper(
    star: ForwardStar, cost: Vector, demand: Demand, columns: Columns, trees: Trees, work: Workspace,
    begin: int, end: int, saving: float, least: Vector,
) -> Found:  # fmt: skip
    """Return a shortest path for every pair of the origins begin:end whose own paths all cost more than it.

    A path counts as cheaper if it saves more than the share `saving`. The costs of the shortest paths are
    written to `least` (n_pairs,), inf where there is no path.
    """
    offset = demand.first[begin]
    start = np.zeros(demand.first[end] - offset + 1, np.int64)
    links = np.empty(ROOM, np.int32)
    used = 0
    for origin in range(begin, end):
        into = trees.into[origin]
        grow_tree(star, cost, demand.origin[origin], trees.order[origin], into, work)
        for pair in range(demand.first[origin], demand.first[origin + 1]):
            node = demand.destination[pair]
            least[pair] = work.distance[node]
            if work.distance[node] * (1.0 + saving) < _cheapest(columns, pair, cost):
                if used + len(into) > len(links):
                    links = np.concatenate((links, np.empty_like(links), np.empty_like(into)))
                while into[node] >= 0:
                    links[used] = into[node]
                    used += 1
                    node = star.tail[into[node]]
            start[pair - offset + 1] = used
    return Found(start, links[:used])


@inlined
def _cheapest(columns: Columns, pair: int, cost: Vector) -> float:
    """Return the cost of the cheapest path that the pair has, inf if it has none."""
    lowest = np.inf
    for path in range(columns.first[pair], columns.first[pair + 1]):
        lowest = min(lowest, path_cost(columns, path, cost))
    return lowest


@inlined
def path_cost(columns: Columns, path: int, cost: Vector) -> float:
    """Return the sum of the costs of a path's links."""
    total = 0.0
    for place in range(columns.start[path], columns.start[path + 1]):
        total += cost[columns.links[place]]
    return total


@compiled
def renewed(columns: Columns, found: Found, trips: Vector) -> Columns:
    """Return the columns without those that carry no flow and with those found; a pair's very first takes its trips."""
    n_pairs, room = len(trips), len(columns.flow) + len(trips)
    first, start = np.zeros(n_pairs + 1, np.int64), np.zeros(room + 1, np.int64)
    flow, links = np.empty(room), np.empty(len(columns.links) + len(found.links), np.int32)
    path = 0
    for pair in range(n_pairs):
        for old in range(columns.first[pair], columns.first[pair + 1]):
            if columns.flow[old] > 0.0:
                flow[path] = columns.flow[old]
                start[path + 1] = _copy(columns.links, columns.start[old], columns.start[old + 1], links, start[path])
                path += 1
        if found.start[pair] < found.start[pair + 1]:
            flow[path] = trips[pair] if path == first[pair] else 0.0
            start[path + 1] = _copy(found.links, found.start[pair], found.start[pair + 1], links, start[path])
            path += 1
        first[pair + 1] = path
    return Columns(first, start[: path + 1].copy(), flow[:path].copy(), links[: start[path]].copy())


@inlined
def _copy(source: Index32, begin: int, end: int, target: Index32, place: int) -> int:
    """Copy source[begin:end] to the target from `place` on; return the place after it."""
    for k in range(begin, end):
        target[place] = source[k]
        place += 1
    return place


@compiled
def link_flows(columns: Columns, n_links: int) -> Vector:
    """Return (n_links,) the sums of the flows of all paths over each link."""
    total = np.zeros(n_links)
    for path in range(len(columns.flow)):
        for place in range(columns.start[path], columns.start[path + 1]):
            total[columns.links[place]] += columns.flow[path]
    return total
