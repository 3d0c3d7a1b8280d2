"""Cheapest legs of electric vehicles between one node and all others: shortest-path trees where they will do.

A leg is a simple path within an energy budget. Where no link costs less than nothing (links to nodes that none may
pass aside) a shortest-path tree answers, and the ends that its path reaches on too much energy (or on none, before a
charge) are searched again with labels, as all ends are where some link costs less than nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from networks.compiled import compiled
from networks.leg_labels import Labels, simple_paths
from networks.path_set import ENERGY_TOLERANCE
from networks.prospects import prospects
from networks.shortest_paths import NOWHERE, ForwardStar, Workspace, grow_tree, no_trees, workspace
from networks.typing import BoolVector, Index32, IntVector, Vector


@dataclass(frozen=True)
class Budget:
    """What a leg may use, and which nodes it may join to the root."""

    most: float  # [kWh]
    ends: IntVector  # node positions
    moving: bool = False  # whether it must use some energy: a full battery cannot be charged

    def allows(self, energy: Vector) -> BoolVector:
        """Return whether each energy [kWh] is within the budget."""
        return (energy <= self.most) & (energy > (ENERGY_TOLERANCE if self.moving else -np.inf))


@dataclass(frozen=True, eq=False)
class Legs:
    """The cheapest legs between a root and the ends of a budget, until the root is searched again."""

    cost: Vector  # (n_nodes,) inf at nodes that are no end or out of reach
    star: ForwardStar
    into: Index32  # (n_nodes,) the tree's links
    labels: Labels | None
    label: Mapping[int, int]  # end → label, where the tree is not the answer
    backward: bool

    def links(self, node: int) -> list[int]:
        """Return the road's links of the leg between the root and an end, in the order in which they are driven."""
        found = self._links_of_label(node) if node in self.label else self._links_of_tree(node)
        road_links = self.star.link[found].tolist()
        return road_links if self.backward else road_links[::-1]

    def _links_of_tree(self, node: int) -> list[int]:
        found: list[int] = []
        while (link := int(self.into[node])) >= 0:
            found.append(link)
            node = int(self.star.tail[link])
        return found

    def _links_of_label(self, node: int) -> list[int]:
        found: list[int] = []
        label = self.label[node]
        while self.labels is not None and (link := int(self.labels.link[label])) >= 0:
            found.append(link)
            label = int(self.labels.parent[label])
        return found


class Graph(NamedTuple):
    """A road network in one direction."""

    star: ForwardStar
    energy: Vector  # (n_links,) [kWh] >= 0 in star order


class Root:
    """A node where legs start, or end if the graph is the reversed one, with the memory of its tree."""

    def __init__(self, graph: Graph, reverse: Graph, node: int, backward: bool = False) -> None:
        self._graph, self._reverse, self._node, self._backward = graph, reverse, node, backward
        trees = no_trees(1, graph.star)
        self._order, self._into = trees.order[0], trees.into[0]
        self._passed = graph.star.through[graph.star.head]  # the others can only be the last link

    def search(self, link_cost: Vector, budgets: Sequence[Budget], work: Workspace) -> list[Legs]:
        """Return the cheapest legs at link costs (n_links,) in the order of the road network, for each budget."""
        star, energy = self._graph
        cost = link_cost[star.link]
        by_tree = bool(cost[self._passed].min(initial=0.0) >= 0.0)
        if by_tree:
            self._order[0] = NOWHERE  # grown anew: what was searched before must not decide between equals
            grow_tree(star, cost, self._node, self._order, self._into, work)
        results: list[Vector] = []
        missing: list[IntVector] = []
        for budget in budgets:
            result = np.full(len(star.through), np.inf)
            ends = budget.ends[budget.ends != self._node]
            if by_tree:
                ends = ends[np.isfinite(work.distance[ends])]
                good = budget.allows(along_tree(star, self._into, energy, ends))
                result[ends[good]] = work.distance[ends[good]]
                ends = ends[~good]
            results.append(result)
            missing.append(ends[self._thriftiest.energy[ends] <= budget.most] if len(ends) else ends)
        labels, label = self._by_labels(link_cost, budgets, results, missing, work)
        return [
            Legs(result, star, self._into, labels, each, self._backward)
            for result, each in zip(results, label, strict=True)
        ]

    def _by_labels(
        self,
        link_cost: Vector,
        budgets: Sequence[Budget],
        results: list[Vector],
        missing: list[IntVector],
        work: Workspace,
    ) -> tuple[Labels | None, list[dict[int, int]]]:
        """Complete the results of ends that no tree could reach; return the labels and those of the ends."""
        lengths = [len(ends) for ends in missing]
        if not any(lengths):
            return None, [{} for _ in budgets]
        (star, energy), (reverse_star, reverse_energy) = self._graph, self._reverse
        cost, reverse_cost = link_cost[star.link], link_cost[reverse_star.link]
        ends = np.concatenate(missing)
        most = np.repeat([budget.most for budget in budgets], lengths)
        moving = np.repeat([budget.moving for budget in budgets], lengths)
        known = along_tree(star, self._thriftiest.into, cost, ends)
        known[moving & (self._thriftiest.energy[ends] <= ENERGY_TOLERANCE)] = np.inf
        bounds = prospects(reverse_star, reverse_cost, reverse_energy, ends, most, known, work)
        labels, best = simple_paths(star, cost, energy, self._node, ends, most, moving, bounds)
        found: list[dict[int, int]] = []
        for result, own_ends, own in zip(results, missing, np.split(best, np.cumsum(lengths)[:-1]), strict=True):
            reached = own >= 0
            result[own_ends[reached]] = labels.cost[own[reached]]
            found.append(dict(zip(own_ends[reached].tolist(), own[reached].tolist(), strict=True)))
        return labels, found

    @cached_property
    def _thriftiest(self) -> Thriftiest:
        star, energy = self._graph
        trees, work = no_trees(1, star), workspace(star)
        grow_tree(star, energy, self._node, trees.order[0], trees.into[0], work)
        return Thriftiest(work.distance - ENERGY_TOLERANCE, trees.into[0])


class Thriftiest(NamedTuple):
    """The legs that take the least energy."""

    energy: Vector  # (n_nodes,) [kWh] what is needed, less the tolerance; inf out of reach
    into: Index32  # (n_nodes,) the tree's links


@compiled
def along_tree(star: ForwardStar, into: Index32, values: Vector, ends: IntVector) -> Vector:
    """Return (n,) the sums of link values on the tree's paths between the root and some nodes."""
    total = np.zeros(len(ends))
    for k in range(len(ends)):
        node = ends[k]
        while into[node] >= 0:
            total[k] += values[into[node]]
            node = star.tail[into[node]]
    return total
