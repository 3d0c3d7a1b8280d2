"""Shortest-path trees on big road networks, compiled: Dijkstra's algorithm that starts from the tree of the last time.

Travel times change little between two iterations of a traffic assignment, and with them the tree of shortest paths.
The remembered tree, relabelled at the new times, is improved by scanning every node once in the order in which
Dijkstra's algorithm settled them; nodes whose label falls after their scan go to a heap and are settled as in
Dijkstra's algorithm. The labels are exact in any case: the search ends when no link can improve one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from networks.compiled import compiled, inlined
from networks.road import RoadNetwork
from networks.typing import BoolVector, Index32, IntVector, Vector

FORGET_SHARE = 16  # a tree that leaves more than this fraction of the nodes to the heap is grown anew the next time
NOWHERE = -1


class ForwardStar(NamedTuple):
    """A directed graph whose links are numbered in the order of the node they leave: "star order"."""

    first: IntVector  # (n_nodes + 1,) the links first[i]:first[i + 1] leave node i
    tail: IntVector  # (n_links,)
    head: IntVector  # (n_links,)
    through: BoolVector  # (n_nodes,) whether a path may pass; others only start or end there
    link: IntVector  # (n_links,) the number that the road network gives to each link

    def to_road_order(self, values: Vector) -> Vector:
        """Return link values in star order in the order of the road network."""
        result = np.empty_like(values)
        result[self.link] = values
        return result


class Trees(NamedTuple):
    """One remembered tree of shortest paths for every origin."""

    order: Index32  # (n_origins, n_nodes) nodes as settled, closest first; −1 after the last, or at 0: nothing known
    into: Index32  # (n_origins, n_nodes) the link that enters every node, −1 at the origin and where no path leads


class Workspace(NamedTuple):
    """Memory of one thread for one search at a time."""

    distance: Vector  # (n_nodes,) from the origin, inf where no path leads
    scanned: BoolVector  # (n_nodes,)
    heap_key: Vector  # (2 n_links + 1,)
    heap_node: IntVector  # (2 n_links + 1,)


def forward_star(road: RoadNetwork, reverse: bool = False) -> ForwardStar:
    """Return the graph of a road network, if so asked with all links reversed; its nodes are positions in `road.nodes`.

    On the reversed graph the tree of an "origin" holds the shortest paths to it.
    """
    position, sides = road.node_index, (road.head, road.tail) if reverse else (road.tail, road.head)
    tail, head = (np.array([position[node] for node in side.tolist()]) for side in sides)
    link = np.argsort(tail, kind="stable")
    first = np.searchsorted(tail[link], np.arange(road.n_nodes + 1))
    return ForwardStar(first, tail[link], head[link], road.nodes >= road.first_through_node, link)


def dead_ends(star: ForwardStar) -> BoolVector:
    """Return (n_nodes,) whether all links of a node lead to and from one and the same neighbour."""
    n_nodes = len(star.through)
    sides = np.concatenate([[star.tail, star.head], [star.head, star.tail]], axis=1)
    node, _ = np.unique(sides, axis=1)
    return np.bincount(node, minlength=n_nodes) <= 1


def no_trees(n_origins: int, star: ForwardStar) -> Trees:
    """Return room for a tree per origin; nothing is known yet."""
    shape = (n_origins, len(star.through))
    return Trees(np.full(shape, NOWHERE, np.int32), np.full(shape, NOWHERE, np.int32))


def workspace(star: ForwardStar) -> Workspace:
    """Return the memory that a search on this graph needs."""
    n_nodes, room = len(star.through), 2 * len(star.head) + 1
    return Workspace(np.empty(n_nodes), np.empty(n_nodes, np.bool_), np.empty(room), np.empty(room, np.int64))


@compiled
def grow_tree(star: ForwardStar, cost: Vector, origin: int, order: Index32, into: Index32, work: Workspace) -> None:
    """Fill `work.distance` and `into` with the shortest paths from one origin at link costs >= 0 in star order.

    `order` and `into` (n_nodes,) hold the tree of the last time and are brought up to date; order[0] = −1: no tree.
    """
    distance, scanned = work.distance, work.scanned
    distance[:] = np.inf
    distance[origin] = 0.0
    remembered = order[0] == origin
    scanned[:] = not remembered
    waiting = 0
    if remembered:
        _relabel(star, cost, order, into, distance)
        for place in range(len(order)):
            node = order[place]
            if node < 0:
                break
            scanned[node] = True
            if star.through[node] or node == origin:
                waiting = _scan(star, cost, node, into, work, waiting)
    else:
        into[:] = NOWHERE
        order[:] = NOWHERE
        waiting = push(work.heap_key, work.heap_node, waiting, 0.0, origin)
    settled = 0
    while waiting > 0:
        key, node = work.heap_key[0], work.heap_node[0]
        waiting = pop(work.heap_key, work.heap_node, waiting)
        if key > distance[node]:
            continue
        if not remembered:
            order[settled] = node
        settled += 1
        if star.through[node] or node == origin:
            waiting = _scan(star, cost, node, into, work, waiting)
    if remembered and settled * FORGET_SHARE > len(order):
        order[0] = NOWHERE


@inlined
def _relabel(star: ForwardStar, cost: Vector, order: Index32, into: Index32, distance: Vector) -> None:
    """Label the nodes with their distances in the remembered tree, inf where a parent comes after its child."""
    for place in range(1, len(order)):
        node = order[place]
        if node < 0:
            break
        link = into[node]
        distance[node] = distance[star.tail[link]] + cost[link]


@inlined
def _scan(star: ForwardStar, cost: Vector, node: int, into: Index32, work: Workspace, waiting: int) -> int:
    """Improve the labels that the links out of a node can improve; return the new number of waiting nodes."""
    label = work.distance[node]
    for link in range(star.first[node], star.first[node + 1]):
        end = star.head[link]
        reached = label + cost[link]
        if reached < work.distance[end]:
            work.distance[end] = reached
            into[end] = link
            if work.scanned[end]:
                waiting = push(work.heap_key, work.heap_node, waiting, reached, end)
    return waiting


@inlined
def push(key: Vector, node: IntVector, size: int, new_key: float, new_node: int) -> int:
    """Add to a binary heap; return its new size."""
    place = size
    while place > 0:
        parent = (place - 1) >> 1
        if key[parent] <= new_key:
            break
        key[place], node[place] = key[parent], node[parent]
        place = parent
    key[place], node[place] = new_key, new_node
    return size + 1


@inlined
def pop(key: Vector, node: IntVector, size: int) -> int:
    """Remove the smallest of a binary heap; return its new size."""
    size -= 1
    last_key, last_node = key[size], node[size]
    place, child = 0, 1
    while child < size:
        if child + 1 < size and key[child + 1] < key[child]:
            child += 1
        if last_key <= key[child]:
            break
        key[place], node[place] = key[child], node[child]
        place, child = child, 2 * child + 1
    key[place], node[place] = last_key, last_node
    return size
