"""Traffic whose demand depends on what a trip costs: those who stay at home are traffic on links of their own.

Of the trips that an OD pair of a class might make at no cost, e are not made. An excess-demand link takes these; its
"travel cost" is the inverse demand at the trips made, which rises with e. A user equilibrium of fixed potential demand
over roads and excess-demand links is the equilibrium of elastic demand (Gartner, Transportation Science 14, 1980).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bestresponse.errors import DataError
from bestresponse.player import Response
from bestresponse.typing import Vector
from networks.path_set import Path, collect_paths
from networks.road import RoadNetwork
from players.traffic.assignment import EXACT_GAP
from players.traffic.classes import Stations, VehicleClass
from players.traffic.player import Traffic
from players.traffic.report import TrafficReport, traffic_report

FREE_SHARE = 1e-6  # of the reference cost: what the last trip counted as potential is worth; travel times are positive


@dataclass(frozen=True)
class InverseDemand:
    """u(d) = reference (1 + (1 − d / d₀) / elasticity) [$] of every OD pair of a class, d₀ its stated demand.

    The elasticity of d at the reference cost is −elasticity. Raises DataError on values out of range.
    """

    elasticity: float  # [1] > 0
    reference: Vector  # (n_od,) [$] > 0

    def __post_init__(self) -> None:
        if not (0.0 < self.elasticity < np.inf):
            raise DataError(f"elasticity is {self.elasticity}; it must be positive and finite")
        for pair, cost in enumerate(self.reference.tolist()):
            if not (0.0 < cost < np.inf):
                raise DataError(f"reference cost of OD pair {pair} is {cost} $; it must be positive and finite")

    def potential(self, demand: Vector) -> Vector:
        """Return (n_od,) [veh/h] the most trips there may be, of a stated demand (n_od,)."""
        return demand * (1.0 + self.elasticity * (1.0 - FREE_SHARE))


def empty_road_cost(road: RoadNetwork, vehicles: VehicleClass) -> Vector:
    """Return (n_od,) [$] the least cost of driving time, at the class's value of time, if nobody else is there."""
    hours = vehicles.paths.links @ road.free_flow_h
    return vehicles.value_of_time * np.minimum.reduceat(hours, vehicles.paths.first_path[:-1])


class ElasticTraffic(Traffic):
    """Drivers in user equilibrium who stay at home where a trip costs more than it is worth to them.

    As `Traffic`, with a path and a link of staying at home for every OD pair of every class, after those of the road.
    Its own cost contains what the trips not made would have been worth. Reports are of the trips made.
    """

    def __init__(
        self,
        road: RoadNetwork,
        classes: Sequence[VehicleClass],
        inverse_demands: Sequence[InverseDemand],  # class by class
        stations: Stations | None = None,
        v2g: bool = True,
        tolerance: float = EXACT_GAP,  # [1] Wardrop gap of every answer
    ) -> None:
        self._on_road = Traffic(road, classes, stations, v2g).form
        homes = [_Homes(*each) for each in zip(classes, inverse_demands, strict=True)]
        wide = _with_homes(road, homes)
        first = np.cumsum([road.n_links, *(len(each.demand) for each in classes)])
        n = wide.n_links
        able = [home.able_to_stay(wide, int(start), n) for home, start in zip(homes, first[:-1], strict=True)]
        super().__init__(wide, able, stations, v2g, tolerance=tolerance)
        self._at_home = self.form.links[:, road.n_links :].sum(axis=1) > 0.0

    @property
    def has_ranges(self) -> bool:
        """False: ranges are of shares of a given number of vehicles."""
        return False

    def report(self, response: Response, price: Vector) -> TrafficReport:
        """Return the measures of the trips made, and what those not made would have been worth."""
        whole = super().report(response, price)
        flow = self.path_flow(response.plan)[~self._at_home]
        trips = np.add.reduceat(flow, self._on_road.first)
        made = traffic_report(replace(self._on_road, demand=trips), flow, price)
        n = self._on_road.n_links
        hours = self.form.link_time.integral(whole.link_flow)[n:]
        worth = float(hours @ np.array([each.value_of_time for each in self.form.classes])[self.form.class_of_group])
        by_class = {each.name: trips[self.form.class_of_group == k] for k, each in enumerate(self.form.classes)}
        return replace(made, wardrop_gap=whole.wardrop_gap, trips_made=by_class, forgone_usd_per_h=worth)


@dataclass(frozen=True)
class _Homes:
    """Where the drivers of one class stay who make no trip."""

    vehicles: VehicleClass
    inverse: InverseDemand

    def __post_init__(self) -> None:
        if np.shape(self.inverse.reference) != np.shape(self.vehicles.demand):
            raise DataError(
                f"class {self.vehicles.name!r}: reference costs have shape {np.shape(self.inverse.reference)}, "
                f"but there are {len(self.vehicles.demand)} OD pairs"
            )

    @property
    def free_h(self) -> Vector:
        """(n_od,) [h] what the first trip not made is worth, in the class's own time."""
        return FREE_SHARE * self.inverse.reference / self.vehicles.value_of_time

    def able_to_stay(self, wide: RoadNetwork, first_link: int, n_links: int) -> VehicleClass:
        """Return the class with its potential demand, and the path of staying at home last in every OD pair."""
        own, paths = self.vehicles.paths, list[Path]()
        for pair, begin in enumerate(own.first_path[:-1].tolist()):
            link = first_link + pair
            ends = (int(wide.tail[link]), int(wide.head[link]))
            paths += [*own.paths[begin : own.first_path[pair + 1]], Path(pair, ends, (link,))]
        known = collect_paths(own.od_pairs, paths, n_links, own.stations)
        return replace(self.vehicles, paths=known, demand=self.inverse.potential(self.vehicles.demand))


def _with_homes(road: RoadNetwork, homes: Sequence[_Homes]) -> RoadNetwork:
    """Return the network with a link from the origin of every OD pair of every class to a node of its own."""
    tail = np.concatenate([[origin for origin, _ in each.vehicles.paths.od_pairs] for each in homes]).astype(np.int64)
    head = int(road.nodes.max()) + 1 + np.arange(len(tail))
    stated = np.concatenate([each.vehicles.demand for each in homes])
    free = np.concatenate([each.free_h for each in homes])
    elasticity = np.concatenate([np.full(len(each.vehicles.demand), each.inverse.elasticity) for each in homes])
    one = np.ones(len(tail))
    return replace(
        road,
        nodes=np.concatenate([road.nodes, head]),
        tail=np.concatenate([road.tail, tail]),
        head=np.concatenate([road.head, head]),
        length_km=np.concatenate([road.length_km, 0.0 * one]),
        free_flow_h=np.concatenate([road.free_flow_h, free]),
        capacity_veh_per_h=np.concatenate([road.capacity_veh_per_h, np.where(stated > 0.0, stated, 1.0)]),
        bpr_coefficient=np.concatenate([road.bpr_coefficient, 1.0 / (elasticity * FREE_SHARE)]),
        bpr_power=np.concatenate([road.bpr_power, one]),
        toll=np.concatenate([road.toll, 0.0 * one]),
        xy=None,
    )
