"""Static traffic assignment: a road network, trips between its nodes, and what drivers count as cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bestresponse.errors import DataError
from bestresponse.typing import IntVector, Vector
from networks.road import MINUTES_PER_HOUR, RoadNetwork
from networks.shortest_paths import ForwardStar, forward_star
from players.traffic.network_assignment.link_costs import LinkCosts

NAMED_PAIRS = 3  # in a message about many


class Demand(NamedTuple):
    """Trips, pairs with the same origin side by side."""

    origin: IntVector  # (n_origins,) node positions
    first: IntVector  # (n_origins + 1,) the pairs first[k]:first[k + 1] start at origin k
    destination: IntVector  # (n_pairs,) node positions
    trips: Vector  # (n_pairs,) [veh/h] > 0


@dataclass(frozen=True, eq=False)
class AssignmentProblem:
    """Who drives where, on what, at which cost."""

    name: str
    star: ForwardStar
    costs: LinkCosts
    demand: Demand
    pairs: tuple[tuple[int, int], ...]  # (n_pairs,) the node numbers of every pair in `demand`

    @classmethod
    def of(
        cls,
        road: RoadNetwork,
        trips: Mapping[tuple[int, int], float],  # (origin, destination) -> [veh/h]
        toll_weight: float = 0.0,  # [min per unit of toll]
        distance_weight: float = 0.0,  # [min/km]
    ) -> AssignmentProblem:
        """Return the assignment of trips to a road network at the cost time + toll_weight toll + distance_weight km.

        Raises DataError for powers in (0, 1), whose slope is infinite on an empty road, for costs below 0, for trips
        from or to nodes that the network lacks, trips within a node, and numbers of trips that are not positive.
        """
        star = forward_star(road)
        pairs = tuple(sorted(trips))
        return cls(
            road.name, star, _costs(road, star, toll_weight, distance_weight), _demand(road, pairs, trips), pairs
        )

    def check_reached(self, least: Vector) -> None:
        """Raise DataError if there is no path for some pair: `least` (n_pairs,) is not finite there."""
        lost = np.flatnonzero(~np.isfinite(least))
        if lost.size:
            named = ", ".join(f"{o} to {d}" for o, d in (self.pairs[k] for k in lost[:NAMED_PAIRS].tolist()))
            more = f" and {lost.size - NAMED_PAIRS} more pairs" if lost.size > NAMED_PAIRS else ""
            closed = int(np.count_nonzero(~self.star.through))
            why = f"; trips may only start or end at {closed} of the nodes, not pass them" if closed else ""
            raise DataError(f"road network {self.name!r}: no route from {named}{more}, but there are trips{why}")


def _costs(road: RoadNetwork, star: ForwardStar, toll_weight: float, distance_weight: float) -> LinkCosts:
    minutes = road.free_flow_h * MINUTES_PER_HOUR
    congested = minutes * road.bpr_coefficient
    rise = np.where(road.bpr_power > 0.0, congested, 0.0)  # with the power 0 it is there on an empty link, too
    constant = minutes + (congested - rise) + toll_weight * road.toll + distance_weight * road.length_km
    for link in np.flatnonzero(~((constant >= 0.0) & np.isfinite(constant)))[:1].tolist():
        where = f"road network {road.name!r}, link {road.link_names[link]}"
        raise DataError(f"{where}: the cost of the empty link is {constant[link]:g}; allowed: 0 or more")
    for link in np.flatnonzero((rise > 0.0) & (road.bpr_power < 1.0))[:1].tolist():
        where = f"road network {road.name!r}, link {road.link_names[link]}"
        raise DataError(f"{where}: power is {road.bpr_power[link]:g}; allowed: 1 or more, or 0 for a constant time")
    k = star.link
    power = np.where(rise > 0.0, road.bpr_power, 1.0)  # 0 would make 0 · ∞ of the slope of an empty link
    return LinkCosts(constant[k], rise[k], road.capacity_veh_per_h[k], power[k])


def _demand(road: RoadNetwork, pairs: tuple[tuple[int, int], ...], trips: Mapping[tuple[int, int], float]) -> Demand:
    if not pairs:
        raise DataError(f"road network {road.name!r}: there are no trips between different nodes")
    position = road.node_index
    for pair in pairs:
        where = f"road network {road.name!r}, trips from {pair[0]} to {pair[1]}"
        for node in pair:
            if node not in position:
                raise DataError(f"{where}: the network has no node {node}")
        if not (0.0 < trips[pair] < np.inf and pair[0] != pair[1]):
            raise DataError(f"{where}: {trips[pair]}; allowed: positive numbers, between different nodes")
    ends = np.array([(position[origin], position[destination]) for origin, destination in pairs])
    starts = np.flatnonzero(np.diff(ends[:, 0], prepend=-1))
    return Demand(
        ends[starts, 0], np.append(starts, len(ends)), ends[:, 1].copy(), np.array([trips[pair] for pair in pairs])
    )
