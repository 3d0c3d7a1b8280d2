"""The quantities of an equilibrium, computed from the program's flows, plans and prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.one_program.markets import Goods, station_column
from tests.one_program.paths import Path
from tests.one_program.tables import Study
from tests.one_program.traffic import PathSums

Quantity = float | dict[str, float]
TRADING_FLOW = 0.05  # [veh/h] and 1 % of the pair's demand: from here on an OD pair counts as discharging


@dataclass(frozen=True)
class Solution:
    """Plans and prices of one solve; kW, veh/h, $/kWh, $/h."""

    f_ev: np.ndarray  # (n_ev_paths,)
    f_fv: np.ndarray  # (n_fv_paths,)
    charged_kw: np.ndarray  # (n_stations,)
    discharged_kw: np.ndarray  # (n_stations,)
    import_kw: float
    taken_kw: np.ndarray  # (n_load_buses,)
    generated_kw: np.ndarray  # (n_generators,)
    shed_kw: np.ndarray  # (n_load_buses,)
    price: dict[str, np.ndarray]  # family of goods -> price of each
    dlmp: np.ndarray  # (n_buses,)
    potential: float


@dataclass(frozen=True)
class Run:
    """How the solver got there."""

    status: str  # "optimal": gap 1e-10, feasibility 1e-9; "optimal_inaccurate": ten times that, see SOLVER_OPTIONS
    iterations: int
    path_seconds: float  # tables, routes, paths and their sums
    canonicalisation_seconds: float  # CVXPY: expressions and standard form
    solve_seconds: float  # inside Clarabel


@dataclass(frozen=True)
class OneProgramResult:
    """An equilibrium: the unit of every quantity is the end of its key.

    `unique` holds what every solver must agree on, away from kinks: social_cost_usd_per_h and its parts
    generation_, import_, shortage_, travel_ and degradation_cost_usd_per_h; load_shed_kw, import_kw, household_kw,
    charged_kw, discharged_kw; generation_kw by LSE, generation_by_bus_kw, household_by_bus_kw;
    link_flow_veh_per_h by link "1-2"; od_cost_usd, the cheapest electric path's cost by OD pair "1-20";
    dlmp_usd_per_kwh at every bus; potential_usd_per_h, what the program minimised.

    `not_unique` holds one of many equally good answers: station_net_kw by road node, station_price_usd_per_kwh,
    stop_share, discharge_share, station_time_h_per_h, discharging_od_pairs, dominant_path by OD pair.
    """

    unique: dict[str, Quantity]
    not_unique: dict[str, object]
    wardrop_gap: float  # sum f (C - mu) / sum f |C| over both classes
    n_routes: int
    n_ev_paths: int
    run: Run


@dataclass(frozen=True)
class Costs:
    """What travelling costs at the solution."""

    link_h: np.ndarray  # (n_links,) eq. (4a)
    wait_h: np.ndarray  # (n_stations,) eq. (7)
    ev_hours: np.ndarray  # (n_ev_paths,) travel, waiting and dwell
    ev_usd: np.ndarray  # (n_ev_paths,) with the money of the energy
    fv_usd: np.ndarray  # (n_fv_paths,)


def evaluate(
    study: Study,
    ev_paths: list[Path],
    ev: PathSums,
    fv: PathSums,
    solution: Solution,
    run: Run,
) -> OneProgramResult:
    link_flow = ev.links @ solution.f_ev + fv.links @ solution.f_fv
    costs = travel_costs(study, ev, fv, solution, link_flow)
    mu_ev, mu_fv = cheapest(study, ev, costs.ev_usd), cheapest(study, fv, costs.fv_usd)
    excess = solution.f_ev @ (costs.ev_usd - ev.od.T @ mu_ev) + solution.f_fv @ (costs.fv_usd - fv.od.T @ mu_fv)
    outlay = solution.f_ev @ abs(costs.ev_usd) + solution.f_fv @ abs(costs.fv_usd)
    od_names = [f"{origin}-{destination}" for origin, destination in study.od_pairs]
    link_names = [f"{tail}-{head}" for tail, head in study.roads.links]
    return OneProgramResult(
        unique={
            **social_cost(study, solution, costs),
            **energy(study, solution),
            "link_flow_veh_per_h": named(link_names, link_flow),
            "od_cost_usd": named(od_names, mu_ev),
            "dlmp_usd_per_kwh": named(study.grid.buses, solution.dlmp),
            "potential_usd_per_h": solution.potential,
        },
        not_unique=stops(study, ev_paths, ev, solution, costs, od_names),
        wardrop_gap=float(excess / outlay),
        n_routes=fv.od.shape[1],
        n_ev_paths=ev.od.shape[1],
        run=run,
    )


def named(names: Sequence[str], values: np.ndarray) -> dict[str, float]:
    return dict(zip(names, values.tolist(), strict=True))


def travel_costs(study: Study, ev: PathSums, fv: PathSums, solution: Solution, link_flow: np.ndarray) -> Costs:
    roads, vehicle = study.roads, study.vehicle
    saturation = link_flow / roads.capacity_veh_per_h
    link_h = roads.free_flow_h * (1 + roads.bpr_coefficient * saturation**roads.bpr_power)
    wait_h = waiting_time(study, ev.visits @ solution.f_ev)
    traded = ev.charged + ev.discharged
    ev_hours = ev.links.T @ link_h + ev.visits.T @ wait_h + traded.T @ (1 / station_column(study, "pile_kw"))
    money = ev.charged.T @ solution.price["charging"]
    if "discharging" in solution.price:
        money -= ev.discharged.T @ (solution.price["discharging"] - vehicle.degradation_usd_per_kwh)
    return Costs(
        link_h=link_h,
        wait_h=wait_h,
        ev_hours=ev_hours,
        ev_usd=vehicle.ev_value_of_time_usd_per_h * ev_hours + money,
        fv_usd=vehicle.fv_value_of_time_usd_per_h * (fv.links.T @ link_h),
    )


def waiting_time(study: Study, visits: np.ndarray) -> np.ndarray:
    """Eq. (7) [h] at each station, for `visits` [veh/h]."""
    queue = station_column(study, "period_h") * visits - station_column(study, "capacity_veh")
    width = station_column(study, "smoothing_veh")
    smooth = np.maximum(queue, 0) ** 2 / (2 * width)
    return station_column(study, "base_h") + station_column(study, "slope_h_per_veh") * np.where(
        queue < width, smooth, queue - width / 2
    )


def cheapest(study: Study, paths: PathSums, cost: np.ndarray) -> np.ndarray:
    """(n_od,) cost of each pair's cheapest path."""
    return np.array([cost[paths.od[[od]].indices].min() for od in range(len(study.od_pairs))])


def social_cost(study: Study, solution: Solution, costs: Costs) -> dict[str, Quantity]:
    c1 = np.array([unit.c1_usd_per_kwh for unit in study.generators])
    c2 = np.array([unit.c2_usd_per_kw2h for unit in study.generators])
    g, vehicle = solution.generated_kw, study.vehicle
    split = {
        "generation_cost_usd_per_h": c1 @ g + 0.5 * c2 @ g**2,
        "import_cost_usd_per_h": study.tso["price_usd_per_kwh"] * solution.import_kw,
        "shortage_cost_usd_per_h": study.households["value_of_lost_load_usd_per_kwh"] * solution.shed_kw.sum(),
        "travel_cost_usd_per_h": vehicle.ev_value_of_time_usd_per_h * (costs.ev_hours @ solution.f_ev)
        + costs.fv_usd @ solution.f_fv,
        "degradation_cost_usd_per_h": vehicle.degradation_usd_per_kwh * solution.discharged_kw.sum(),
    }
    split = {key: float(cost) for key, cost in split.items()}
    return {"social_cost_usd_per_h": sum(split.values()), **split}


def energy(study: Study, solution: Solution) -> dict[str, Quantity]:
    by_lse = dict.fromkeys(study.lse_names, 0.0)
    by_bus: dict[str, float] = {}
    for unit, g in zip(study.generators, solution.generated_kw.tolist(), strict=True):
        by_lse[study.lse_names[unit.owner]] += g
        by_bus[unit.bus] = by_bus.get(unit.bus, 0.0) + g
    load_buses = [study.grid.buses[n] for n in Goods.of(study).load]
    return {
        "load_shed_kw": float(solution.shed_kw.sum()),
        "import_kw": solution.import_kw,
        "generation_kw": by_lse,
        "generation_by_bus_kw": by_bus,
        "household_kw": float(solution.taken_kw.sum()),
        "household_by_bus_kw": named(load_buses, solution.taken_kw),
        "charged_kw": float(solution.charged_kw.sum()),
        "discharged_kw": float(solution.discharged_kw.sum()),
    }


def stops(
    study: Study, paths: list[Path], ev: PathSums, solution: Solution, costs: Costs, od_names: list[str]
) -> dict[str, object]:
    f = solution.f_ev
    stopping = np.array([bool(path.stops) for path in paths])
    discharging = np.array([any(stop.action == "-" for stop in path.stops) for path in paths])
    by_od = ev.od @ (f * discharging)
    nodes = [str(station.node) for station in study.stations]
    dwell_h = (ev.charged + ev.discharged).T @ (1 / station_column(study, "pile_kw"))
    dominant = {paths[p].od: paths[p] for p in np.argsort(f)}
    return {
        "station_net_kw": named(nodes, solution.charged_kw - solution.discharged_kw),
        "station_price_usd_per_kwh": {
            family: named(nodes, solution.price[family])
            for family in ("charging", "discharging")
            if family in solution.price
        },
        "stop_share": float(f @ stopping / f.sum()),
        "discharge_share": float(f @ discharging / f.sum()),
        "station_time_h_per_h": float(f @ (ev.visits.T @ costs.wait_h + dwell_h)),
        "discharging_od_pairs": int(np.sum(by_od > np.maximum(TRADING_FLOW, 0.01 * study.ev_veh_per_h))),
        "dominant_path": {
            name: {"route": dominant[od].route, "stops": [(s.node, s.action) for s in dominant[od].stops]}
            for od, name in enumerate(od_names)
        },
    }
