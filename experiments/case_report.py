"""What a case contains, as plain data for a table; nothing is solved."""

from __future__ import annotations

from typing import Any

from experiments.case_check import CheckedCase, check_case
from experiments.case_islands import FeederPart, feeder_parts
from experiments.case_schema import Case


def describe(case: Case) -> dict[str, Any]:
    """Counts and totals of a case, units at the end of the keys; under "scenarios" the same for each scenario.

    Raises DataError as ``check_case`` does: what can be described can be solved for.
    """
    checked = check_case(case)
    return {
        "name": case.name,
        "file": case.file,
        **_road_side(checked),
        **_power_side(checked),
        "scenarios": {name: _scenario(checked, name) for name in case.scenarios},
    }


def _road_side(checked: CheckedCase) -> dict[str, Any]:
    demand = checked.case.demand
    return {
        "road": checked.road.name,
        "road_nodes": checked.road.n_nodes,
        "road_links": checked.road.n_links,
        "stations": len(checked.case.stations),
        "od_pairs": len(demand.od_pairs),
        "ev_veh_per_h": sum(demand.ev_by_pair),
        "fv_veh_per_h": sum(demand.fv_by_pair),
        "base_routes": sum(len(routes) for routes in checked.routes),
        "ev_paths_with_v2g": sum(paths.n_paths for paths in checked.paths_with_v2g),
        "ev_paths_without_v2g": sum(paths.n_paths for paths in checked.paths_without_v2g),
    }


def _power_side(checked: CheckedCase) -> dict[str, Any]:
    case, feeder = checked.case, checked.feeder
    units = [unit for entity in case.lse for unit in entity.generators]
    return {
        "feeder": feeder.name,
        "buses": feeder.n_buses,
        "lines": feeder.n_lines,
        "load_kw": float(feeder.p_kw.sum()),
        "load_kvar": float(feeder.q_kvar.sum()),
        "capacitors_kvar": float(feeder.cap_kvar.sum()),
        "load_serving_entities": [entity.name for entity in case.lse],
        "generators": len(units),
        "generation_max_kw": sum(unit.p_max_kw for unit in units),
        "import_max_kw": case.tso.p_max_kw,
    }


def _scenario(checked: CheckedCase, name: str) -> dict[str, Any]:
    scenario, feeder = checked.case.scenarios[name], checked.scenario_feeder(name)
    return {
        "load_factor": scenario.load_factor,
        "load_kw": float(feeder.p_kw.sum()),
        "outages": list(scenario.outages),
        "line_limits_kva": dict(scenario.line_limits_kva),
        "islands": [_island(part) for part in feeder_parts(checked.case, feeder) if not part.has_root],
    }


def _island(part: FeederPart) -> dict[str, Any]:
    return {
        "buses": list(part.buses),
        "load_kw": part.load_kw,
        "generation_max_kw": part.generation_kw,
        "needed_kvar": part.needed_kvar,
        "available_kvar": part.most_kvar,
    }
