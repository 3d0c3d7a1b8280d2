"""Routes of a case that are generated: the searches of its classes, and the paths to start from."""

from __future__ import annotations

import numpy as np

from bestresponse.errors import DataError
from experiments.case_problems import Problem, Where
from experiments.case_schema import Case
from experiments.case_vehicles import ElectricClass
from networks.errors import NetworkDataError
from networks.path_set import PathSet, Vehicle
from networks.road import RoadNetwork
from networks.trips import StopCosts, TripSearch

GENERATED = "generated"  # the model of traffic whose drivers choose from all routes


def is_generated(case: Case) -> bool:
    """Whether drivers choose from all routes."""
    return case.players.traffic == GENERATED


def refuse_generated(case: Case, command: str) -> None:
    """Raise DataError where a command needs one fixed set of paths and the case has none."""
    if is_generated(case):
        raise DataError(
            f'{case.file}: players.traffic: given "generated", must be "enumerated" for {command}, '
            "which looks at one fixed set of paths"
        )


def trip_searches(case: Case, road: RoadNetwork, v2g: bool) -> tuple[TripSearch, ...]:
    """Return the searches of the electric classes in file order and of the fuel vehicles.

    Raises NetworkDataError for a policy of discharging that no search can follow.
    """
    return _searches(case, road, case.vehicles.electric_classes, v2g)


def _searches(case: Case, road: RoadNetwork, classes: tuple[ElectricClass, ...], v2g: bool) -> tuple[TripSearch, ...]:
    pairs, nodes = case.demand.od_pairs, tuple(station.node for station in case.stations)
    electric = [TripSearch(road, pairs, nodes, vehicle(each), v2g and each.discharges) for each in classes]
    return (*electric, TripSearch(road, pairs, nodes))


def first_paths(case: Case, road: RoadNetwork, searches: tuple[TripSearch, ...]) -> tuple[PathSet, ...]:
    """Return for each search the fastest trips on an empty road, stops included. Raises NetworkDataError if none is."""
    hours = _hours_at_stops(case)
    return tuple(search.path_set(search.cheapest(road.free_flow_h, hours)) for search in searches)


def unreachable(case: Case, road: RoadNetwork) -> list[Problem]:
    """A problem for every OD pair that a class cannot drive on any route.

    Trips without V2G decide, for a feasible trip stays feasible when its discharge is left out.
    """
    try:
        searches = _searches(case, road, case.vehicles.stated_classes, v2g=False)
    except NetworkDataError as error:
        return [Problem(("players", "traffic"), str(error))]
    problems = []
    for position, search in enumerate(searches):
        of_class = case.vehicles.classes and position < len(case.vehicles.classes)
        where: Where = ("vehicles", "classes", position) if of_class else ("demand",)
        cost = search.cheapest(road.free_flow_h, _hours_at_stops(case)).cost
        lost = np.flatnonzero(~np.isfinite(cost)).tolist()
        problems += [Problem(where, search.why_infeasible(od)) for od in lost]
    return problems


def vehicle(keys: ElectricClass) -> Vehicle:
    """Return the vehicle of a class."""
    return Vehicle(
        battery_kwh=keys.battery_kwh,
        post_discharge_kwh=keys.post_discharge_kwh,
        post_discharge=keys.post_discharge,
        range_anxiety=keys.range_anxiety,
        consumption_kwh_per_km=keys.consumption_kwh_per_km,
    )


def _hours_at_stops(case: Case) -> StopCosts:
    sites = case.resolved_stations()
    base, pile = (np.array([getattr(site, name) for site in sites], dtype=float) for name in ("base_h", "pile_kw"))
    return StopCosts(base, 1.0 / pile, base, 1.0 / pile)
