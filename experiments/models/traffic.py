"""Models of traffic."""

from __future__ import annotations

import numpy as np

from bestresponse.errors import DataError
from experiments.case_problems import nearest, shown
from experiments.case_schema import od_name
from experiments.case_vehicles import FUEL
from experiments.models.setting import Setting
from players.traffic import (
    ElasticTraffic,
    InverseDemand,
    LogitTraffic,
    Stations,
    Traffic,
    VehicleClass,
    Waiting,
    empty_road_cost,
)

WAITING = ("base_h", "slope_h_per_veh", "capacity_veh", "smoothing_veh", "period_h")


def enumerated(setting: Setting) -> Traffic:
    """Return drivers in user equilibrium on the paths of Algorithm 1."""
    return Traffic(setting.checked.road, vehicle_classes(setting), stations(setting), v2g=setting.v2g)


def generated(setting: Setting, wardrop_gap: float = 1e-12) -> Traffic:
    """Return drivers in user equilibrium on all energy-feasible trips, found as they become the cheapest.

    Every answer has at most the Wardrop gap asked for; with many OD pairs a wider one saves much time.
    """
    return Traffic(
        setting.checked.road,
        vehicle_classes(setting),
        stations(setting),
        v2g=setting.v2g,
        tolerance=wardrop_gap,
        searches=setting.checked.searches(setting.v2g),
    )


def system_optimum(setting: Setting) -> Traffic:
    """Return drivers who heed what they cost one another, so that all together pay the least at given prices.

    Every hour counts at the electric classes' value of time, those of fuel vehicles too.
    Raises DataError if electric classes differ in it.
    """
    return Traffic(
        setting.checked.road, vehicle_classes(setting), stations(setting), v2g=setting.v2g, system_optimum=True
    )


def elastic(
    setting: Setting, elasticity: float = 0.5, reference_cost_usd: dict[str, float] | None = None
) -> ElasticTraffic:
    """Return drivers in user equilibrium on enumerated paths whose demand falls with what a trip costs.

    The stated demand is what is driven at the reference cost of the OD pair, "1-20" = 12.0; of pairs without one, at
    the cost of driving time on an empty road. Raises DataError on pairs that do not exist and values out of range.
    """
    road, classes = setting.checked.road, vehicle_classes(setting)
    stated, pairs = reference_cost_usd or {}, [od_name(pair) for pair in setting.case.demand.od_pairs]
    for name in stated:
        if name not in pairs:
            raise DataError(f"reference_cost_usd: no OD pair {shown(name)}{nearest(name, pairs)}")
    inverse = []
    for each in classes:
        empty = empty_road_cost(road, each)
        reference = [stated.get(pair, cost) for pair, cost in zip(pairs, empty.tolist(), strict=True)]
        inverse.append(InverseDemand(elasticity, np.array(reference)))
    return ElasticTraffic(road, classes, inverse, stations(setting), v2g=setting.v2g)


def logit(setting: Setting, theta: float = 0.2) -> LogitTraffic:
    """Return drivers in logit stochastic user equilibrium on enumerated paths.

    Of two paths that differ by 1 $ the cheaper one attracts exp(theta) times as many. Raises DataError if electric
    classes differ in their value of time.
    """
    return LogitTraffic(setting.checked.road, vehicle_classes(setting), stations(setting), v2g=setting.v2g, theta=theta)


def vehicle_classes(setting: Setting) -> list[VehicleClass]:
    """Return the electric classes, then the fuel vehicles, with their paths."""
    checked, keys, demand = setting.checked, setting.case.vehicles, setting.case.demand
    electric_paths = checked.paths_with_v2g if setting.v2g else checked.paths_without_v2g
    classes = [
        VehicleClass(
            each.name,
            each.value_of_time_usd_per_h,
            paths,
            each.share * np.array(demand.ev_by_pair),
            electric=True,
            degradation=each.degradation_usd_per_kwh,
        )
        for each, paths in zip(keys.electric_classes, electric_paths, strict=True)
    ]
    fuel = VehicleClass(
        FUEL,
        keys.fv_value_of_time_usd_per_h,
        checked.paths_of_fuel_vehicles,
        np.array(demand.fv_by_pair),
        electric=False,
    )
    return [*classes, fuel]


def stations(setting: Setting) -> Stations:
    """Return the stations as drivers see them."""
    sites = setting.stations
    waiting = Waiting(*(np.array([getattr(site, key) for site in sites], dtype=float) for key in WAITING))
    piles = np.array([site.pile_kw for site in sites], dtype=float)
    return Stations(tuple(site.node for site in sites), waiting, piles)
