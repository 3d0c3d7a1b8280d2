"""The road half of a grown market: junctions, trips, and where stations stand.

- Junctions: as many to a station as in the reference case, and enough for the ends of the trips.
- Trips lead from one corner of the city to its far half, every origin to every destination, about two destinations to
  an origin. The city is stretched until a share `BEYOND` of the OD pairs, as in the reference case, is out of reach
  without a charge, the nearest of them just so. Numbers of vehicles vary by `UNEVEN` among pairs.
- Stations: first the few that the long trips need, then junctions by chance, the more vehicles would pass the likelier.
- Capacities: one factor for all, so that a vehicle finds the usual load over capacity that it finds in the reference
  case, vehicles spread evenly over the routes of their pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, sqrt
from typing import Any

import numpy as np

from bestresponse.errors import DataError
from bestresponse.typing import Vector
from experiments.case_schema import Case, od_name
from networks.road import RoadNetwork, load_road
from networks.routes import Route, base_routes
from networks.synthetic_road import synthetic_road

BEYOND = 1 / 9
JUST_BEYOND = 1.02  # of the range
UNEVEN = 2.0  # vehicles of the largest OD pair over those of the smallest
SAFETY = 0.98  # of the range, used where stations are placed
FEWEST_PILES = 2  # of a station


@dataclass(frozen=True, eq=False)
class TrafficPlan:
    """A road with the trips on it and the stations beside it."""

    road: RoadNetwork
    origins: tuple[int, ...]
    destinations: tuple[int, ...]
    ev_veh_per_h: Vector  # (n_od_pairs,)
    fv_veh_per_h: Vector  # (n_od_pairs,)
    stations: tuple[int, ...]  # their nodes
    capacity_factor: float

    @property
    def od_pairs(self) -> list[tuple[int, int]]:
        """Every origin to every destination, origin by origin."""
        return _pairs(self.origins, self.destinations)


def plan_traffic(
    reference: Case, n_stations: int, n_pairs: int, *, seed: int, rng: np.random.Generator, total: float
) -> TrafficPlan:
    """Return the road of a seed with so many stations and OD pairs, and `total` times the reference's traffic.

    Raises DataError where so few stations cannot serve the long trips.
    """
    usual = load_road(reference.road.network)
    n_origins = _origins(n_pairs)
    n_destinations = n_pairs // n_origins
    n_nodes = max(ceil(usual.n_nodes * n_stations / len(reference.stations)), 4 * n_destinations)
    road = synthetic_road(n_nodes, seed)
    origins, destinations = _ends(road, n_origins, n_destinations, rng)
    pairs = _pairs(origins, destinations)
    vehicles, demand = reference.vehicles, reference.demand
    range_km = vehicles.battery_kwh * (1 - vehicles.range_anxiety) / vehicles.consumption_kwh_per_km
    routes = base_routes(road, pairs, reference.road.base_routes)
    road = _stretched(road, routes, range_km)
    ev, fv = (_uneven(total * sum(all_of), n_pairs, rng) for all_of in (demand.ev_by_pair, demand.fv_by_pair))
    stations = _sites(road, routes, ev, SAFETY * range_km, n_stations, rng)
    there = base_routes(usual, demand.od_pairs, reference.road.base_routes)
    usual_load = _usual_load(usual, there, np.add(demand.ev_by_pair, demand.fv_by_pair))
    factor = _usual_load(road, routes, ev + fv) / usual_load * reference.road.capacity_factor
    return TrafficPlan(road, origins, destinations, ev, fv, stations, factor)


def demand_table(plan: TrafficPlan) -> dict[str, Any]:
    """Return the table [demand]."""
    names = [od_name(pair) for pair in plan.od_pairs]
    return {
        "origins": list(plan.origins),
        "destinations": list(plan.destinations),
        "ev_veh_per_h": float(plan.ev_veh_per_h.mean()),
        "fv_veh_per_h": float(plan.fv_veh_per_h.mean()),
        "ev_by_od": dict(zip(names, plan.ev_veh_per_h.tolist(), strict=True)),
        "fv_by_od": dict(zip(names, plan.fv_veh_per_h.tolist(), strict=True)),
    }


def station_defaults(reference: Case, share: float) -> dict[str, float]:
    """Return the table [station_defaults] of stations with a share of the usual size, but two piles at least."""
    usual = reference.station_defaults
    share = max(share, FEWEST_PILES * usual.pile_kw / usual.capacity_kw)
    same = {"pile_kw": usual.pile_kw}
    return {key: share * value for key, value in usual.model_dump(exclude={"pile_kw"}).items()} | same


def waiting(reference: Case, equipment: dict[str, float]) -> dict[str, float]:
    """Return the table [waiting]: a station with half the piles has a queue with half as many, twice as fast."""
    share = equipment["capacity_kw"] / reference.station_defaults.capacity_kw
    usual = reference.waiting
    return usual.model_dump() | {
        "slope_h_per_veh": usual.slope_h_per_veh / share,
        "capacity_veh": usual.capacity_veh * share,
    }


def _origins(n_pairs: int) -> int:
    """The divisor nearest to the number of origins if every one had twice as many destinations."""
    return min((n for n in range(1, n_pairs + 1) if n_pairs % n == 0), key=lambda n: abs(n - sqrt(n_pairs / 2)))


def _ends(
    road: RoadNetwork, n_origins: int, n_destinations: int, rng: np.random.Generator
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Origins in the corner at the origin, destinations anywhere in the half that is farther from it."""
    along = np.argsort((np.zeros((1, 2)) if road.xy is None else road.xy).sum(axis=1))
    by_place = road.nodes[along]
    far = by_place[road.n_nodes // 2 :]
    destinations = np.sort(rng.choice(far, n_destinations, replace=False))
    return tuple(np.sort(by_place[:n_origins]).tolist()), tuple(destinations.tolist())


def _pairs(origins: Sequence[int], destinations: Sequence[int]) -> list[tuple[int, int]]:
    return [(start, end) for start in origins for end in destinations]


def _stretched(road: RoadNetwork, routes: Sequence[Sequence[Route]], range_km: float) -> RoadNetwork:
    """The road with lengths and times multiplied so that the right share of OD pairs is out of reach."""
    shortest = sorted((min(_length(road, route) for route in of_pair) for of_pair in routes), reverse=True)
    factor = JUST_BEYOND * range_km / shortest[max(1, round(BEYOND * len(shortest))) - 1]
    return replace(
        road,
        length_km=road.length_km * factor,
        free_flow_h=road.free_flow_h * factor,
        xy=None if road.xy is None else road.xy * factor,
    )


def _length(road: RoadNetwork, route: Route) -> float:
    return float(sum(road.length_km[road.link_index[link]] for link in pairwise(route)))


def _uneven(total: float, n: int, rng: np.random.Generator) -> Vector:
    """(n,) positive numbers with this sum."""
    found = UNEVEN ** rng.uniform(0.0, 1.0, n)
    return np.asarray(found * total / found.sum())


def _usual_load(road: RoadNetwork, routes: Sequence[Sequence[Route]], veh_per_h: Vector) -> float:
    """The flow over capacity that a vehicle meets on the average kilometre, vehicles spread evenly over routes."""
    flow = np.zeros(road.n_links)
    for of_pair, vehicles in zip(routes, veh_per_h.tolist(), strict=True):
        for route in of_pair:
            for link in pairwise(route):
                flow[road.link_index[link]] += vehicles / len(of_pair)
    kilometres = flow * road.length_km
    return float(kilometres @ (flow / road.capacity_veh_per_h) / kilometres.sum())


def _sites(
    road: RoadNetwork,
    routes: Sequence[Sequence[Route]],
    veh_per_h: Vector,
    range_km: float,
    n_stations: int,
    rng: np.random.Generator,
) -> tuple[int, ...]:
    """Nodes for so many stations, in their order."""
    needed = _for_long_trips(road, routes, range_km)
    if len(needed) > n_stations:
        raise DataError(f"stations: given {n_stations}, must be at least {len(needed)} for the trips beyond the range")
    weight = np.full(road.n_nodes, 1e-9)
    for of_pair, vehicles in zip(routes, veh_per_h.tolist(), strict=True):
        for route in of_pair:
            for node in route[1:-1]:
                weight[road.node_index[node]] += vehicles / len(of_pair)
    weight[[road.node_index[node] for node in needed]] = 0.0
    more = rng.choice(road.nodes, n_stations - len(needed), replace=False, p=weight / weight.sum())
    return tuple(sorted([*needed, *more.tolist()]))


def _for_long_trips(road: RoadNetwork, routes: Sequence[Sequence[Route]], range_km: float) -> list[int]:
    """Nodes at one of which every pair with no route within the range can charge, chosen greedily."""
    helpers = [
        {node for route in of_pair for node in _halfway(road, route, range_km)}
        for of_pair in routes
        if min(_length(road, route) for route in of_pair) > range_km
    ]
    chosen: list[int] = []
    while helpers:
        counts: dict[int, int] = {}
        for nodes in helpers:
            for node in sorted(nodes):
                counts[node] = counts.get(node, 0) + 1
        best = max(counts, key=lambda node: (counts[node], -node))
        chosen.append(best)
        helpers = [nodes for nodes in helpers if best not in nodes]
    return chosen


def _halfway(road: RoadNetwork, route: Route, range_km: float) -> set[int]:
    """The inner nodes of a route from which both its ends are within the range."""
    km = np.cumsum([0.0, *(road.length_km[road.link_index[link]] for link in pairwise(route))])
    return {node for node, at in zip(route[1:-1], km[1:-1], strict=True) if max(at, km[-1] - at) <= range_km}
