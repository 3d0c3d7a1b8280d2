"""What is reported of traffic: gap, OD costs, shares, times and costs, read off path flows at given prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from bestresponse.player import Response
from bestresponse.typing import BoolVector, Vector
from networks.path_set import Stop
from players.traffic.problem import Problem, State
from players.traffic.resources import Marginal, ResourceForm

SMALLEST_DISCHARGE_FLOW = 0.05  # [veh/h] an OD pair discharges if more vehicles than this do,
SMALLEST_DISCHARGE_SHARE = 0.01  # and more than this share of its electric demand
SMALLEST_FLOW = 1e-6  # [veh/h] of a path that is listed


@dataclass(frozen=True)
class UsedPath:
    """One path with flow and the three parts of its cost at the class's own value of time."""

    vehicles: str  # name of the class
    od: tuple[int, int]
    route: tuple[int, ...]  # road nodes
    stops: tuple[Stop, ...]
    flow_veh_per_h: float
    time_usd: float  # on the road
    station_usd: float  # waiting and dwell
    energy_usd: float  # price · energy and battery degradation


@dataclass(frozen=True)
class TrafficReport:
    """Measures of one set of path flows."""

    wardrop_gap: float  # [1] Σ f (C − μ) / Σ f |C| over all classes
    od_cost_usd: dict[str, Vector]  # class → (n_od,) [$] cheapest path cost of every OD pair
    link_flow: Vector  # (n_links,) [veh/h]
    visits: Vector  # (n_stations,) [veh/h]
    charged_kw: Vector  # (n_stations,) [kW]
    discharged_kw: Vector  # (n_stations,) [kW]
    stop_share: float  # [1] of the electric flow that stops
    discharge_share: float  # [1] of the electric flow that discharges
    station_time_h_per_h: float  # [h/h] waiting and dwell of electric vehicles
    discharging_od_pairs: int
    travel_cost_usd_per_h: float  # time of all classes, waiting and dwell included, each at its own value
    degradation_usd_per_h: float
    used_paths: tuple[UsedPath, ...]
    trips_made: Mapping[str, Vector] | None = None  # class → (n_od,) [veh/h], where demand is elastic
    forgone_usd_per_h: float = 0.0  # what trips not made would have been worth, there


@runtime_checkable
class ReportsTraffic(Protocol):
    """Traffic that reports more than its trades."""

    def report(self, response: Response, price: Vector) -> TrafficReport:
        """Return the report of a response at the prices (n_goods,) [$/kWh] of its goods."""
        ...


def traffic_report(form: ResourceForm, path_flow: Vector, price: Vector) -> TrafficReport:
    """Return the measures of path flows (n_paths,) [veh/h] at the prices (n_goods,) [$/kWh] of the player's goods."""
    state = Problem(form, Marginal(form, price)).state(path_flow)
    link_flow, visits, _ = form.split(state.levels)
    own_value = form.reference / form.scale
    station_h = station_hours(form, visits)
    road_h = form.links @ form.link_time.value(link_flow)
    electric, stops, discharges = stopping(form)
    return TrafficReport(
        wardrop_gap=state.gap,
        od_cost_usd=_od_costs(form, state),
        link_flow=link_flow,
        visits=visits,
        charged_kw=_energy(form, path_flow, charging=True),
        discharged_kw=_energy(form, path_flow, charging=False),
        stop_share=_share(path_flow, electric, stops),
        discharge_share=_share(path_flow, electric, discharges),
        station_time_h_per_h=float(path_flow[electric] @ station_h[electric]),
        discharging_od_pairs=_discharging_pairs(form, path_flow, electric, discharges),
        travel_cost_usd_per_h=float(path_flow @ (own_value * (road_h + station_h))),
        degradation_usd_per_h=float(path_flow @ form.wear),
        used_paths=_used_paths(
            form, path_flow, own_value * road_h, own_value * station_h, form.trades @ price + form.wear
        ),
    )


def stopping(form: ResourceForm) -> tuple[BoolVector, BoolVector, BoolVector]:
    """Return (n_paths,) whether vehicles on a path are electric, whether they stop, and whether they discharge."""
    electric = np.array([each.electric for each in form.classes])[form.class_of_path]
    return electric, form.visits.sum(axis=1) > 0.0, (form.trades < 0.0).sum(axis=1) > 0


def station_hours(form: ResourceForm, visits: Vector) -> Vector:
    """Return (n_paths,) [h] waiting and dwell of a vehicle, given the visits (n_stations,) [veh/h]."""
    return form.visits @ form.stations.waiting.value(visits) + form.dwell_h


def least_discharge(demand: float) -> float:
    """Return [veh/h] the flow on discharging paths above which an OD pair with this electric demand discharges."""
    return max(SMALLEST_DISCHARGE_FLOW, SMALLEST_DISCHARGE_SHARE * demand)


def _od_costs(form: ResourceForm, state: State) -> dict[str, Vector]:
    own = state.minimum / form.scale[form.first]
    return {each.name: own[form.class_of_group == k] for k, each in enumerate(form.classes)}


def _energy(form: ResourceForm, path_flow: Vector, charging: bool) -> Vector:
    total = np.zeros(form.n_stations)
    for k, each in enumerate(form.classes):
        total += path_flow[form.class_of_path == k] @ (each.paths.charged if charging else each.paths.discharged)
    return total


def _share(path_flow: Vector, among: BoolVector, chosen: BoolVector) -> float:
    total = float(path_flow[among].sum())
    return float(path_flow[among & chosen].sum()) / total if total > 0.0 else 0.0


def _discharging_pairs(form: ResourceForm, path_flow: Vector, electric: BoolVector, discharges: BoolVector) -> int:
    demand: dict[tuple[int, int], float] = {}
    discharging: dict[tuple[int, int], float] = {}
    flow = np.where(electric & discharges, path_flow, 0.0)
    for group, total in enumerate(np.add.reduceat(flow, form.first)):
        if form.classes[form.class_of_group[group]].electric:
            pair = form.od_pair(group)
            demand[pair] = demand.get(pair, 0.0) + form.demand[group]
            discharging[pair] = discharging.get(pair, 0.0) + total
    return sum(total > least_discharge(demand[pair]) for pair, total in discharging.items())


def _used_paths(
    form: ResourceForm, path_flow: Vector, time: Vector, station: Vector, energy: Vector
) -> tuple[UsedPath, ...]:
    all_paths = [(each, path) for each in form.classes for path in each.paths.paths]
    return tuple(
        UsedPath(
            vehicles=all_paths[p][0].name,
            od=all_paths[p][0].paths.od_pairs[all_paths[p][1].od],
            route=all_paths[p][1].nodes,
            stops=all_paths[p][1].stops,
            flow_veh_per_h=float(path_flow[p]),
            time_usd=float(time[p]),
            station_usd=float(station[p]),
            energy_usd=float(energy[p]),
        )
        for p in np.flatnonzero(path_flow > SMALLEST_FLOW).tolist()
    )
