"""Trees of buses: pointing lines away from the root, finding loops, connected parts and orders of visit."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from networks.typing import BoolVector, IntVector


class Forest(Protocol):
    """Buses and lines that point away from the tops of their trees."""

    @property
    def n_buses(self) -> int:
        """The number of buses."""
        ...

    @property
    def n_lines(self) -> int:
        """The number of lines."""
        ...

    @property
    def line_from(self) -> IntVector:
        """(n_lines,) the bus where each line begins."""
        ...

    @property
    def line_to(self) -> IntVector:
        """(n_lines,) the bus where it ends."""
        ...

    @property
    def outward_lines(self) -> IntVector:
        """(n_lines,) the lines in an order in which each comes after the line that feeds it."""
        ...


@dataclass(frozen=True)
class Search:
    """What a breadth-first search from the root found."""

    reversed: BoolVector  # (n_lines,) whether the line is written towards the root
    reached: BoolVector  # (n_buses,)
    loop: tuple[int, ...]  # lines of the first loop found, in order; empty for a tree


def search_from(root: int, n_buses: int, start: IntVector, end: IntVector) -> Search:
    """Return how the lines (start[k], end[k]) spread from the root."""
    lines_at: list[list[tuple[int, int]]] = [[] for _ in range(n_buses)]
    for k, (i, j) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        lines_at[i].append((k, j))
        lines_at[j].append((k, i))
    feeding: dict[int, tuple[int, int]] = {root: (-1, root)}  # bus -> (line, bus) it is fed by
    queue = deque([root])
    turned = np.zeros(len(start), dtype=bool)
    loop: tuple[int, ...] = ()
    while queue and not loop:
        bus = queue.popleft()
        for line, other in lines_at[bus]:
            if line == feeding[bus][0]:
                continue
            if other in feeding:
                loop = _loop(feeding, line, bus, other)
                break
            feeding[other] = (line, bus)
            turned[line] = start[line] != bus
            queue.append(other)
    return Search(turned, np.array([bus in feeding for bus in range(n_buses)]), loop)


def _loop(feeding: dict[int, tuple[int, int]], line: int, bus: int, other: int) -> tuple[int, ...]:
    """Return the lines of the loop that `line` closes between two buses fed from the root."""
    ways = [_way_up(feeding, bus), _way_up(feeding, other)]
    while ways[0] and ways[1] and ways[0][-1] == ways[1][-1]:
        for way in ways:
            way.pop()
    return (line, *ways[1], *reversed(ways[0]))


def _way_up(feeding: dict[int, tuple[int, int]], bus: int) -> list[int]:
    way = []
    while feeding[bus][0] >= 0:
        line, bus = feeding[bus]
        way.append(line)
    return way


def lines_from_the_top(n_buses: int, line_from: IntVector, line_to: IntVector) -> IntVector:
    """Return the lines in an order in which each comes after the line that feeds it.

    Lines that no bus without a feeding line leads to, or that feed a bus already fed, are left out: a result shorter
    than the input says that the lines are no forest.
    """
    lines_out: list[list[int]] = [[] for _ in range(n_buses)]
    for k, i in enumerate(line_from.tolist()):
        lines_out[i].append(k)
    fed = np.zeros(n_buses, dtype=bool)
    fed[line_to] = True
    queue = deque(np.flatnonzero(~fed).tolist())
    seen = set(queue)
    order: list[int] = []
    while queue:
        for line in lines_out[queue.popleft()]:
            bus = int(line_to[line])
            if bus not in seen:
                seen.add(bus)
                order.append(line)
                queue.append(bus)
    return np.array(order, dtype=np.int64)


def component_labels(n_buses: int, line_from: IntVector, line_to: IntVector) -> IntVector:
    """Return (n_buses,): the number of each bus's connected part, parts numbered in the order of their first buses."""
    graph = sparse.coo_array((np.ones(len(line_from)), (line_from, line_to)), shape=(n_buses, n_buses))
    labels = csgraph.connected_components(graph, directed=False)[1]
    _, first, position = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[position].astype(np.int64)
