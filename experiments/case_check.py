"""Whether a case fits its road and its feeder: found before anything is solved, all problems in one message."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np

from experiments.case_charging import charging_problems
from experiments.case_islands import reactive_problems
from experiments.case_problems import Problem, Where, listed, nearest, raise_data_error, shown
from experiments.case_schema import Case
from experiments.case_searches import first_paths, is_generated, trip_searches, unreachable, vehicle
from experiments.models.registry import (
    ALL_TRIPS_ON_STATED_PATHS,
    BALANCE_REACTIVE_POWER,
    BY_PHASE,
    GIVE_NO_POWER,
    model_problems,
)
from networks.errors import NetworkDataError
from networks.feeder import BUILT_IN_FEEDERS, DATA, Feeder, is_shipped_by_pandapower, load_feeder
from networks.paths import PathSet, base_routes, electric_paths, fuel_paths
from networks.phase_tables import FOLDER
from networks.road import BUILT_IN_ROADS, RoadNetwork, load_road
from networks.trips import TripSearch

Result = TypeVar("Result")
Routes: TypeAlias = tuple[tuple[tuple[int, ...], ...], ...]


@dataclass(frozen=True)
class CheckedCase:
    """A case that fits its networks, with these and the paths of its vehicles: to start from, if more are generated."""

    case: Case
    road: RoadNetwork  # with the case's capacity factor
    feeder: Feeder  # as in the data, without any scenario
    routes: Routes  # base routes of every OD pair; the fastest one where routes are generated

    @cached_property
    def paths_with_v2g(self) -> tuple[PathSet, ...]:
        """Paths of electric vehicles that may charge and discharge, class by class."""
        return self._electric_paths(v2g=True)

    @cached_property
    def paths_without_v2g(self) -> tuple[PathSet, ...]:
        """Paths of electric vehicles that may only charge, class by class."""
        return self._electric_paths(v2g=False)

    def searches(self, v2g: bool) -> tuple[TripSearch, ...] | None:
        """The searches of the electric classes and of the fuel vehicles; None where routes are enumerated."""
        return trip_searches(self.case, self.road, v2g) if is_generated(self.case) else None

    def _electric_paths(self, v2g: bool) -> tuple[PathSet, ...]:
        searches = self.searches(v2g)
        if searches is not None:
            return first_paths(self.case, self.road, searches[:-1])
        pairs, stations = self.case.demand.od_pairs, _nodes(self.case)
        return tuple(
            electric_paths(self.road, pairs, self.routes, stations, vehicle(each), v2g and each.discharges)
            for each in self.case.vehicles.electric_classes
        )

    @cached_property
    def paths_of_fuel_vehicles(self) -> PathSet:
        """The base routes as paths without stops."""
        return fuel_paths(self.road, self.case.demand.od_pairs, self.routes, _nodes(self.case))

    def scenario_feeder(self, name: str) -> Feeder:
        """The feeder with the loads, limits and outages of a scenario."""
        return scenario_feeder(self.case, self.feeder, name)


def check_case(case: Case, v2g: bool = True) -> CheckedCase:
    """The case with its networks, once it is sure that they fit; ``v2g`` is that of the run to come.

    Raises DataError that lists every problem: networks that cannot be read, nodes, buses and lines that do not exist,
    OD pairs without an energy-feasible path; with the models of which that can be told, also parts of the feeder
    without the reactive power they need, and charging that no choice of paths could supply.
    """
    problems = model_problems(case)
    road = _tried(problems, ("road", "network"), lambda: road_of(case))
    feeder = _tried(problems, ("feeder", "network"), lambda: _load_feeder(case))
    if road is not None:
        problems += _unknown_nodes(case, road)
    if feeder is not None:
        problems += _no_phases(case, feeder) + _bad_loads(feeder)
        problems += _unknown_buses(case, feeder) + _bad_lines(case, feeder)
    if problems or road is None or feeder is None:
        raise_data_error(case.file, problems, case.model_dump())
    routes, problems = _feasible_routes(case, road)
    checked = CheckedCase(case, road, feeder, routes)
    if case.players.dso in BALANCE_REACTIVE_POWER:
        for name in case.scenarios:
            problems += reactive_problems(case, checked.scenario_feeder(name), name)
    if not problems and _only_entities_supply(case) and case.players.traffic in ALL_TRIPS_ON_STATED_PATHS:
        paths = checked.paths_with_v2g if v2g else checked.paths_without_v2g
        for name in case.scenarios:
            problems += charging_problems(case, checked.scenario_feeder(name), paths, name)
    if problems:
        raise_data_error(case.file, problems, case.model_dump())
    return checked


def _only_entities_supply(case: Case) -> bool:
    return case.players.cno in GIVE_NO_POWER and not case.players.extra


def scenario_feeder(case: Case, feeder: Feeder, name: str) -> Feeder:
    """The feeder with the loads, limits and outages of a scenario; limits come first, for a line may have both."""
    scenario = case.scenarios[name]
    loaded = feeder.with_loads_scaled(scenario.load_factor).with_line_limits(scenario.line_limits_kva)
    return loaded.with_lines_open(scenario.outages)


def _tried(problems: list[Problem], where: Where, attempt: Callable[[], Result]) -> Result | None:
    """What the attempt returns; None, and one problem more, if the data of a network are wrong."""
    try:
        return attempt()
    except NetworkDataError as error:
        problems.append(Problem(where, str(error)))
        return None


def road_of(case: Case) -> RoadNetwork:
    """The road of a case in its units, with its capacity factor. Raises NetworkDataError if it cannot be read."""
    _must_exist(case.road.network, BUILT_IN_ROADS)
    keys = case.road
    units = {"minutes_per_time_unit": keys.minutes_per_time_unit, "km_per_length_unit": keys.km_per_length_unit}
    return load_road(keys.network, **units).with_capacity_factor(keys.capacity_factor)


def _load_feeder(case: Case) -> Feeder:
    if not is_shipped_by_pandapower(case.feeder.network):
        _must_exist(case.feeder.network, BUILT_IN_FEEDERS)
    return load_feeder(case.feeder.network, phases=case.players.dso in BY_PHASE)


def _must_exist(name: str, built_in: Sequence[str]) -> None:
    if name not in built_in and not Path(name).exists():
        text = f"given {shown(name)}, no such file or folder and no built-in name{nearest(Path(name).name, built_in)}"
        raise NetworkDataError(f"{text} Built in: {listed(built_in)}")


def _unknown_nodes(case: Case, road: RoadNetwork) -> list[Problem]:
    given: list[tuple[Where, int]] = [(("stations", k, "node"), site.node) for k, site in enumerate(case.stations)]
    given += [(("demand", "origins", k), node) for k, node in enumerate(case.demand.origins)]
    given += [(("demand", "destinations", k), node) for k, node in enumerate(case.demand.destinations)]
    allowed = f"must be one of the {road.n_nodes} nodes of road {road.name}: {_numbers(road.nodes.tolist())}"
    known = set(road.nodes.tolist())
    return [Problem(where, f"given {node}, {allowed}") for where, node in given if node not in known]


def _numbers(nodes: Sequence[int]) -> str:
    first, last = min(nodes), max(nodes)
    return f"{first} to {last}" if len(set(nodes)) == last - first + 1 else listed(sorted(nodes), most=30)


def _unknown_buses(case: Case, feeder: Feeder) -> list[Problem]:
    given: list[tuple[Where, str]] = [(("stations", k, "bus"), site.bus) for k, site in enumerate(case.stations)]
    for k, entity in enumerate(case.lse):
        given += [(("lse", k, "generators", m, "bus"), unit.bus) for m, unit in enumerate(entity.generators)]
    known = set(feeder.buses)
    allowed = f"must be one of the {feeder.n_buses} buses of feeder {feeder.name}"
    return [
        Problem(where, f"given {shown(bus)}, {allowed}{nearest(bus, feeder.buses)}")
        for where, bus in given
        if bus not in known
    ]


def _no_phases(case: Case, feeder: Feeder) -> list[Problem]:
    if feeder.phases is not None or case.players.dso not in BY_PHASE:
        return []
    known = [name for name in BUILT_IN_FEEDERS if (DATA / name / FOLDER).is_dir()]
    text = (
        f"given {shown(case.players.dso)}, which needs three-phase tables, and feeder.network = "
        f"{shown(case.feeder.network)} has none. Built in with them: {listed(known)}; a folder of your own holds them "
        f"in its folder {FOLDER}"
    )
    return [Problem(("players", "dso"), text)]


def _bad_loads(feeder: Feeder) -> list[Problem]:
    texts = []
    if buses := [feeder.buses[n] for n in np.flatnonzero(feeder.p_kw < 0)]:
        texts.append(f"given a load below 0 kW at bus {listed(buses)}, must be ≥ 0; state generation under [[lse]]")
    if not (feeder.p_kw > 0).any():
        texts.append("no bus has a load, so there are no households; must have at least one above 0 kW")
    return [Problem(("feeder", "network"), text) for text in texts]


def _bad_lines(case: Case, feeder: Feeder) -> list[Problem]:
    problems = []
    for name, scenario in case.scenarios.items():
        outages = [(("scenarios", name, "outages", k), line) for k, line in enumerate(scenario.outages)]
        limits = [(("scenarios", name, "line_limits_kva", line), line) for line in scenario.line_limits_kva]
        problems += _bad_line_names(outages, feeder) + _bad_line_names(limits, feeder)
    return problems


def _bad_line_names(given: Iterable[tuple[Where, str]], feeder: Feeder) -> list[Problem]:
    """Problems of names that are no line, and of names of one line given twice ("1-2" and "2-1")."""
    problems: list[Problem] = []
    seen: dict[int, str] = {}
    for where, line in given:
        try:
            index = feeder.line_index(line)
        except NetworkDataError:
            allowed = f"must be one of the {feeder.n_lines} lines of feeder {feeder.name}"
            problems.append(Problem(where, f"given {shown(line)}, {allowed}{nearest(line, _both_ways(feeder))}"))
            continue
        if index in seen:
            problems.append(Problem(where, f"given {shown(line)} after {shown(seen[index])}, must be given once"))
        seen[index] = line
    return problems


def _both_ways(feeder: Feeder) -> list[str]:
    ends = [tuple(name.split("-")) for name in feeder.line_names]
    return [f"{a}-{b}" for a, b in ends] + [f"{b}-{a}" for a, b in ends]


def _feasible_routes(case: Case, road: RoadNetwork) -> tuple[Routes, list[Problem]]:
    """Base routes of every OD pair, and a problem for each pair where there is none or none that a class can drive."""
    problems: list[Problem] = []
    if is_generated(case):
        problems = unreachable(case, road)
        fastest = [] if problems else first_paths(case, road, trip_searches(case, road, v2g=False)[-1:])
        return tuple((path.nodes,) for paths in fastest for path in paths.paths), problems
    found = [_pair_routes(case, road, pair, problems) for pair in case.demand.od_pairs]
    return tuple(found), problems


def _pair_routes(
    case: Case, road: RoadNetwork, pair: tuple[int, int], problems: list[Problem]
) -> tuple[tuple[int, ...], ...]:
    """Base routes of an OD pair, none if there are none; adds a problem for every class without a feasible path.

    Paths without V2G decide, for a feasible path stays feasible when its discharge is left out.
    """
    routes = _tried(problems, ("demand",), lambda: base_routes(road, [pair], case.road.base_routes))
    if routes is None:
        return ()
    for position, each in enumerate(case.vehicles.stated_classes):
        where: Where = ("vehicles", "classes", position) if case.vehicles.classes else ("demand",)
        _tried(problems, where, partial(electric_paths, road, [pair], routes, _nodes(case), vehicle(each), False))
    return routes[0]


def _nodes(case: Case) -> tuple[int, ...]:
    return tuple(station.node for station in case.stations)
