"""Algorithm 1: every way an electric vehicle can drive a base route with at most two stops (A1-A4, Table I)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

import numpy as np

from networks.errors import NetworkDataError
from networks.path_set import ENERGY_TOLERANCE, Path, PathSet, Stop, Vehicle, collect_paths
from networks.road import RoadNetwork
from networks.routes import Route, base_routes
from networks.typing import Vector

__all__ = ["Path", "PathSet", "Route", "Stop", "Vehicle", "base_routes", "electric_paths", "fuel_paths"]

_PATTERNS_WITHOUT_V2G = ((), (True,), (True, True))  # Table I, 0, 1-1, 1-2: do the stops charge?
_PATTERNS_WITH_V2G = (*_PATTERNS_WITHOUT_V2G, (False,), (True, False), (False, True))  # and 2, 3, 4


def electric_paths(
    road: RoadNetwork,
    od_pairs: Sequence[tuple[int, int]],
    routes: Sequence[Sequence[Route]],
    stations: Sequence[int],
    vehicle: Vehicle,
    v2g: bool,
) -> PathSet:
    """Return every energy-feasible path over the base routes (Algorithm 1); without V2G none that discharges.

    `routes[k]` are the base routes of `od_pairs[k]`. A station at the origin or the destination is no stop.
    Raises NetworkDataError for a station on no node or given twice, and for an OD pair without a feasible path.
    """
    check_stations(road, stations)
    patterns = _PATTERNS_WITH_V2G if v2g else _PATTERNS_WITHOUT_V2G
    paths: list[Path] = []
    for od, pair in enumerate(od_pairs):
        found = [path for route in routes[od] for path in _stop_choices(road, od, route, stations, vehicle, patterns)]
        if not found:
            raise NetworkDataError(_why_infeasible(road, pair, routes[od], stations, vehicle))
        paths.extend(found)
    return collect_paths(od_pairs, paths, road.n_links, stations)


def fuel_paths(
    road: RoadNetwork,
    od_pairs: Sequence[tuple[int, int]],
    routes: Sequence[Sequence[Route]],
    stations: Sequence[int] = (),
) -> PathSet:
    """Return the base routes as paths without stops; the stations only set the number of (empty) columns."""
    check_stations(road, stations)
    paths = [Path(od, route, _links(road, route)) for od in range(len(od_pairs)) for route in routes[od]]
    return collect_paths(od_pairs, paths, road.n_links, stations)


def _stop_choices(
    road: RoadNetwork,
    od: int,
    route: Route,
    stations: Sequence[int],
    vehicle: Vehicle,
    patterns: Sequence[tuple[bool, ...]],
) -> Iterator[Path]:
    """Yield the feasible paths over one route: each choice of stations, each pattern."""
    links = _links(road, route)
    energy = energy_used(road, links, vehicle)
    places = _possible_stops(route, stations)
    for pattern in patterns:
        for chosen in combinations(places, len(pattern)):
            stops = drive(route, energy, chosen, pattern, vehicle)
            if stops is not None:
                yield Path(od, route, links, stops)


def drive(
    route: Route, energy: Vector, chosen: tuple[int, ...], pattern: tuple[bool, ...], vehicle: Vehicle
) -> tuple[Stop, ...] | None:
    """Return the stops with their energies from one forward traversal, or None if (2) fails on a leg.

    `energy` (n_nodes,) [kWh] is what has been used up to each node of the route without stops; `chosen` are the
    positions of the stops on the route.
    """
    B, reserve = vehicle.battery_kwh, vehicle.reserve_kwh
    soc = B  # A2
    position = 0
    stops: list[Stop] = []
    for k, (place, charges) in enumerate(zip(chosen, pattern, strict=True)):
        soc -= energy[place] - energy[position]
        if charges:
            departure = B  # A4
        elif vehicle.post_discharge == "level":
            departure = vehicle.post_discharge_kwh  # A3
        else:
            following = chosen[k + 1] if k + 1 < len(chosen) else len(route) - 1
            departure = reserve + (energy[following] - energy[place])
        traded = departure - soc if charges else soc - departure
        # A discharge leaves the reserve at least, so energy to give is all that (2) asks for.
        if not (soc >= reserve - ENERGY_TOLERANCE and traded > ENERGY_TOLERANCE):
            return None
        stops.append(Stop(route[place], charges, float(traded)))
        soc, position = departure, place
    arrival = soc - (energy[-1] - energy[position])
    return tuple(stops) if arrival >= reserve - ENERGY_TOLERANCE else None


def _links(road: RoadNetwork, route: Route) -> tuple[int, ...]:
    return tuple(road.link_index[pair] for pair in pairwise(route))


def energy_used(road: RoadNetwork, links: Sequence[int], vehicle: Vehicle) -> Vector:
    """Return the energy [kWh] used from the origin to every node of a route."""
    km = road.length_km[np.array(links, dtype=np.int64)]
    return vehicle.consumption_kwh_per_km * np.concatenate([[0.0], np.cumsum(km)])


def _possible_stops(route: Route, stations: Sequence[int]) -> list[int]:
    """Return the positions on the route of its stations, its two ends left out."""
    return [position for position in range(1, len(route) - 1) if route[position] in stations]


def check_stations(road: RoadNetwork, stations: Sequence[int]) -> None:
    for k, node in enumerate(stations):
        if node not in road.node_index:
            raise NetworkDataError(f"station {k + 1}: road network {road.name!r} has no node {node}")
        if node in stations[:k]:
            raise NetworkDataError(f"station {k + 1}: there is a station at node {node} already")


def _why_infeasible(
    road: RoadNetwork, pair: tuple[int, int], routes: Sequence[Route], stations: Sequence[int], vehicle: Vehicle
) -> str:
    """Return the message for an OD pair that no electric vehicle can serve."""
    usable = vehicle.battery_kwh - vehicle.reserve_kwh
    needed, route = min((_least_range(road, route, stations, vehicle), route) for route in routes)
    on_route = [route[position] for position in _possible_stops(route, stations)]
    return (
        f"OD pair {pair[0]}-{pair[1]}: no energy-feasible path for electric vehicles on its {len(routes)} base routes; "
        f"a full battery gives {usable:g} kWh above the range-anxiety reserve, but even the best choice of at most "
        f"two charging stops has a leg of {needed:g} kWh (route {'-'.join(map(str, route))}, stations on it: "
        f"{', '.join(map(str, on_route)) or 'none'}); add stations or base routes, or enlarge the battery"
    )


def _least_range(road: RoadNetwork, route: Route, stations: Sequence[int], vehicle: Vehicle) -> float:
    """Return the longest leg [kWh] of a route under the choice of at most two stops that makes it shortest."""
    energy = energy_used(road, _links(road, route), vehicle)
    places = _possible_stops(route, stations)
    return min(float(np.max(np.diff(energy[[0, *chosen, -1]]))) for n in range(3) for chosen in combinations(places, n))
