"""Roads and players that several tests use, and a plain-Python recomputation of what a path costs."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from networks.paths import Path, Vehicle, base_routes, electric_paths, fuel_paths
from networks.road import RoadNetwork, load_road
from players.traffic import Stations, Traffic, VehicleClass, Waiting

NODES = (6, 8, 11, 12, 13, 15, 16, 18, 21)
CAR = Vehicle(
    battery_kwh=40.0, post_discharge_kwh=20.0, post_discharge="level", range_anxiety=0.2, consumption_kwh_per_km=1.5
)


def road_of(
    links: Sequence[tuple[int, int]],
    free_flow: Sequence[float],
    coefficient: Sequence[float],
    power: float = 1.0,
    capacity: float = 1.0,
    km: float = 1.0,
) -> RoadNetwork:
    n, ends = len(links), np.array(links, dtype=np.int64)
    return RoadNetwork(
        name="made up",
        nodes=np.unique(ends),
        tail=ends[:, 0],
        head=ends[:, 1],
        length_km=np.full(n, km),
        free_flow_h=np.array(free_flow, dtype=float),
        capacity_veh_per_h=np.full(n, capacity),
        bpr_coefficient=np.array(coefficient, dtype=float),
        bpr_power=np.full(n, power),
    )


def stations_at(nodes: Sequence[int], pile_kw: float = 120.0, capacity: float = 20.0) -> Stations:
    def same(value: float) -> np.ndarray:
        return np.full(len(nodes), value)

    return Stations(
        tuple(nodes), Waiting(same(1 / 30), same(1 / 120), same(capacity), same(1.0), same(1.0)), same(pile_kw)
    )


@cache
def _sioux_falls(destinations: tuple[int, ...], k: int, v2g: bool):
    road = load_road("sioux_falls").with_capacity_factor(0.012)
    pairs = [(origin, destination) for origin in (1, 2, 3) for destination in destinations]
    routes = base_routes(road, pairs, k)
    return road, electric_paths(road, pairs, routes, NODES, CAR, v2g), fuel_paths(road, pairs, routes, NODES)


def sioux_falls(
    values_of_time: Sequence[float] = (24.0,),
    destinations: tuple[int, ...] = (13, 18, 20, 21, 22, 24),
    k: int = 10,
    v2g: bool = True,
    **options,
) -> Traffic:
    """A district of Sioux Falls: 12 EVs and 20 fuel vehicles per hour on each of 18 OD pairs, nine stations."""
    road, electric, fuel = _sioux_falls(destinations, k, v2g)
    each = np.full(len(electric.od_pairs), 12.0 / len(values_of_time))
    classes = [VehicleClass(f"EV{k} {w:g}", w, electric, each, True, 0.05) for k, w in enumerate(values_of_time, 1)]
    classes.append(VehicleClass("FV", 18.0, fuel, np.full(len(fuel.od_pairs), 20.0), electric=False))
    return Traffic(road, classes, stations_at(NODES), v2g=v2g, **options)


def some_flows(player: Traffic, rng: np.random.Generator) -> np.ndarray:
    """Random path flows that meet the demand."""
    form = player.form
    share = rng.exponential(size=form.n_paths) ** 3
    return share * (form.demand / np.add.reduceat(share, form.first))[form.group]


def stacked_paths(player: Traffic) -> list[tuple[VehicleClass, Path]]:
    return [(vehicles, path) for vehicles in player.form.classes for path in vehicles.paths.paths]


def plain_levels(player: Traffic, path_flow: np.ndarray) -> tuple[dict, dict, dict]:
    """Link flows, station visits and trades by name, added up one path at a time."""
    links: dict[tuple[int, int], float] = {}
    visits: dict[int, float] = {node: 0.0 for node in player.form.stations.nodes}
    trades: dict[str, float] = {good: 0.0 for good in player.goods}
    for flow, (_, path) in zip(path_flow.tolist(), stacked_paths(player), strict=True):
        for pair in zip(path.nodes, path.nodes[1:], strict=False):
            links[pair] = links.get(pair, 0.0) + flow
        for stop in path.stops:
            visits[stop.node] += flow
            good, sign = (f"charging[{stop.node}]", 1) if stop.charges else (f"discharging[{stop.node}]", -1)
            trades[good] += sign * flow * stop.energy_kwh
    return links, visits, trades


def plain_path_cost(
    player: Traffic, vehicles: VehicleClass, path: Path, links: dict, visits: dict, price: dict
) -> tuple[float, float, float]:
    """Road, station and energy cost [$] of one path at the class's own value of time."""
    road, stations = player.road, player.form.stations
    road_h = station_h = energy = 0.0
    for pair in zip(path.nodes, path.nodes[1:], strict=False):
        link = list(zip(road.tail.tolist(), road.head.tolist(), strict=True)).index(pair)
        ratio = links.get(pair, 0.0) / road.capacity_veh_per_h[link]
        road_h += road.free_flow_h[link] * (1 + road.bpr_coefficient[link] * ratio ** road.bpr_power[link])
    for stop in path.stops:
        i, wait = stations.nodes.index(stop.node), stations.waiting
        queue, smooth = wait.period_h[i] * visits[stop.node] - wait.capacity_veh[i], wait.smoothing_veh[i]
        hinge = 0.0 if queue <= 0 else queue**2 / (2 * smooth) if queue <= smooth else queue - smooth / 2
        station_h += wait.base_h[i] + wait.slope_h_per_veh[i] * hinge + stop.energy_kwh / stations.pile_kw[i]
        if stop.charges:
            energy += price[f"charging[{stop.node}]"] * stop.energy_kwh
        else:
            energy -= (price[f"discharging[{stop.node}]"] - vehicles.degradation) * stop.energy_kwh
    return vehicles.value_of_time * road_h, vehicles.value_of_time * station_h, energy
