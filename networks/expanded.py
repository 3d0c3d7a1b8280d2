"""The expanded road network of the paper's Figure 1: to stop at a station is to drive through a virtual node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from networks.errors import NetworkDataError
from networks.path_set import Path
from networks.road import RoadNetwork
from networks.typing import IntVector, Vector

Activity: TypeAlias = Literal["", "+", "-"]  # drive on, charge, discharge


class ExpandedNode(NamedTuple):
    """A road node i ("") or its virtual nodes i⁺ ("+", charge) and i⁻ ("-", discharge)."""

    node: int
    activity: Activity = ""

    def __str__(self) -> str:
        return f"{self.node}{self.activity}"


@dataclass(frozen=True, eq=False)
class ExpandedNetwork:
    """The road network with the virtual nodes of its stations.

    At a station node i there are arcs i→i⁺ and i→i⁻ without length, and for every road link (i, j) arcs i⁺→j and
    i⁻→j that are the same piece of road: a vehicle on them counts in the flow of (i, j).
    """

    nodes: tuple[ExpandedNode, ...]
    tail: tuple[ExpandedNode, ...]  # (n_arcs,)
    head: tuple[ExpandedNode, ...]  # (n_arcs,)
    road_link: IntVector  # (n_arcs,) position of the road link the arc lies on; -1 for i→i⁺ and i→i⁻
    length_km: Vector  # (n_arcs,) [km]
    free_flow_h: Vector  # (n_arcs,) [h]

    @property
    def n_arcs(self) -> int:
        """Return the number of arcs."""
        return len(self.tail)

    @cached_property
    def arc_index(self) -> dict[tuple[ExpandedNode, ExpandedNode], int]:
        """Return the mapping (tail, head) -> arc."""
        return {ends: arc for arc, ends in enumerate(zip(self.tail, self.head, strict=True))}

    def arcs(self, walk: Sequence[ExpandedNode]) -> IntVector:
        """Return the arcs a walk uses; raises NetworkDataError if two nodes in a row are joined by none."""
        for ends in pairwise(walk):
            if ends not in self.arc_index:
                raise NetworkDataError(f"the expanded network has no arc {ends[0]}→{ends[1]}")
        return np.array([self.arc_index[ends] for ends in pairwise(walk)], dtype=np.int64)


def expand(road: RoadNetwork, stations: Sequence[int]) -> ExpandedNetwork:
    """Return the expanded network of a road network with stations at the given nodes.

    Raises NetworkDataError for a station at no node of the network.
    """
    for node in stations:
        if node not in road.node_index:
            raise NetworkDataError(f"station at node {node}: road network {road.name!r} has no such node")
    activities: dict[int, tuple[Activity, ...]] = dict.fromkeys(road.nodes.tolist(), ("",))
    activities |= dict.fromkeys(stations, ("", "+", "-"))
    detours = [(ExpandedNode(i), ExpandedNode(i, activity)) for i in stations for activity in activities[i][1:]]
    drives = [
        (ExpandedNode(i, activity), ExpandedNode(j), link)
        for link, (i, j) in enumerate(zip(road.tail.tolist(), road.head.tolist(), strict=True))
        for activity in activities[i]
    ]
    links = np.array([link for _, _, link in drives], dtype=np.int64)
    no_length = np.zeros(len(detours))
    return ExpandedNetwork(
        nodes=tuple(ExpandedNode(i, activity) for i in activities for activity in activities[i]),
        tail=tuple(tail for tail, _ in detours) + tuple(tail for tail, _, _ in drives),
        head=tuple(head for _, head in detours) + tuple(head for _, head, _ in drives),
        road_link=np.concatenate([np.full(len(detours), -1, dtype=np.int64), links]),
        length_km=np.concatenate([no_length, road.length_km[links]]),
        free_flow_h=np.concatenate([no_length, road.free_flow_h[links]]),
    )


def walk_of(path: Path) -> tuple[ExpandedNode, ...]:
    """Return the nodes of the expanded network a path drives through."""
    stops = dict(zip(path.stop_places, path.stops, strict=True))
    walk: list[ExpandedNode] = []
    for place, node in enumerate(path.nodes):
        walk.append(ExpandedNode(node))
        if place in stops:
            walk.append(ExpandedNode(node, "+" if stops[place].charges else "-"))
    return tuple(walk)
