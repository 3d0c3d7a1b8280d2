"""From a case and a scenario to the market: networks, players, goods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bestresponse.market import Good, Market
from bestresponse.typing import Vector
from experiments.case_check import CheckedCase, check_case
from experiments.case_schema import Case
from experiments.case_vehicles import FUEL
from networks.feeder import Feeder
from networks.road import RoadNetwork
from players import goods
from players.charging_operator import ChargingOperator, StationSite
from players.distribution_operator import DistributionOperator, ImportContract, VoltageLimits
from players.households import Households
from players.load_serving_entity import Generator, HouseholdMarket, LoadServingEntity
from players.traffic import Stations, Traffic, VehicleClass, Waiting

PRICE_SCALE = 0.1  # [$/kWh]
STATION_QUANTITY = 100.0  # [kW] a usual trade at a station


@dataclass(frozen=True)
class Model:
    """One scenario of a case, ready to solve: the market and the players by what they are."""

    case: Case
    scenario_name: str
    v2g: bool
    road: RoadNetwork
    feeder: Feeder  # with the scenario's loads, outages and limits
    traffic: Traffic
    charging: ChargingOperator
    distribution: DistributionOperator
    entities: tuple[LoadServingEntity, ...]
    households: Households

    @cached_property
    def market(self) -> Market:
        """The market of all players."""
        operators = (self.charging, self.distribution) if self.charging.stations else (self.distribution,)
        return Market(self._goods(), (*operators, self.households, self.traffic, *self.entities))

    @cached_property
    def first_price(self) -> Vector:
        """(n_goods,) [$/kWh] prices to start from: the usual price, and free delivery."""
        return np.array([0.0 if good.family == "delivery" else PRICE_SCALE for good in self.market.goods])

    def _goods(self) -> tuple[Good, ...]:
        nodes = self.traffic.form.stations.nodes
        load = dict(zip(self.feeder.buses, self.feeder.p_kw, strict=True))
        unit = {unit.bus: unit.p_max_kw for entity in self.entities for unit in entity.generators}
        buses = self.charging.buses
        site = dict.fromkeys(buses, STATION_QUANTITY)
        size = {bus: max(load[bus], unit.get(bus, 0.0), site.get(bus, 0.0)) for bus in self.distribution.delivery_buses}
        found = [(goods.charging(node), STATION_QUANTITY) for node in nodes]
        found += [(goods.retail_to_cno(bus), STATION_QUANTITY) for bus in buses]
        if self.v2g:
            found += [(goods.discharging(node), STATION_QUANTITY) for node in nodes]
            found += [(goods.cno_to_retail(bus), STATION_QUANTITY) for bus in buses]
        found += [(goods.delivery(bus), size[bus]) for bus in self.distribution.delivery_buses]
        found += [(goods.IMPORT, self.distribution.contract.p_max_kw or STATION_QUANTITY)]
        found += [(goods.household(bus), load[bus]) for bus in self.households.buses]
        return tuple(
            Good(name, goods.family(name), price_scale=PRICE_SCALE, quantity_scale=quantity) for name, quantity in found
        )


def build(case: Case, scenario_name: str, v2g: bool) -> Model:
    """Return the model of one scenario of a case with or without V2G.

    Raises DataError, naming every problem, where the case does not fit its networks or has no such scenario.
    """
    case.scenario(scenario_name)
    checked = check_case(case, v2g)
    feeder = checked.scenario_feeder(scenario_name)
    loaded = np.flatnonzero(feeder.p_kw > 0)
    intercept, slope = _demand_curves(case, feeder.p_kw[loaded])
    load_buses = [feeder.buses[n] for n in loaded]
    return Model(
        case=case,
        scenario_name=scenario_name,
        v2g=v2g,
        road=checked.road,
        feeder=feeder,
        traffic=_traffic(checked, v2g),
        charging=_charging_operator(case, v2g),
        distribution=_distribution_operator(case, feeder),
        entities=tuple(_entities(case, load_buses, feeder.p_kw[loaded], intercept, slope, v2g)),
        households=Households(load_buses, intercept, slope),
    )


def _demand_curves(case: Case, load_kw: Vector) -> tuple[Vector, Vector]:
    """Intercept and slope of P = a − b S through (load, reference price) with the elasticity given there."""
    price, elasticity = case.households.reference_price_usd_per_kwh, case.households.elasticity
    return np.full(len(load_kw), price * (1 + 1 / elasticity)), price / (elasticity * load_kw)


def _traffic(checked: CheckedCase, v2g: bool) -> Traffic:
    case = checked.case
    sites, keys = case.resolved_stations(), case.vehicles
    waiting = Waiting(
        *(
            np.array([getattr(site, key) for site in sites], dtype=float)
            for key in ("base_h", "slope_h_per_veh", "capacity_veh", "smoothing_veh", "period_h")
        )
    )
    electric_paths = checked.paths_with_v2g if v2g else checked.paths_without_v2g
    classes = [
        VehicleClass(
            each.name,
            each.value_of_time_usd_per_h,
            paths,
            each.share * np.array(case.demand.ev_by_pair),
            electric=True,
            degradation=each.degradation_usd_per_kwh,
        )
        for each, paths in zip(keys.electric_classes, electric_paths, strict=True)
    ]
    classes.append(
        VehicleClass(
            FUEL,
            keys.fv_value_of_time_usd_per_h,
            checked.paths_of_fuel_vehicles,
            np.array(case.demand.fv_by_pair),
            electric=False,
        )
    )
    piles = np.array([site.pile_kw for site in sites], dtype=float)
    return Traffic(checked.road, classes, Stations(tuple(site.node for site in sites), waiting, piles), v2g=v2g)


def _charging_operator(case: Case, v2g: bool) -> ChargingOperator:
    sites = [
        StationSite(site.node, site.bus, site.capacity_kw, site.net_min_kw, site.net_max_kw)
        for site in case.resolved_stations()
    ]
    return ChargingOperator(sites, v2g)


def _distribution_operator(case: Case, feeder: Feeder) -> DistributionOperator:
    support = np.zeros(feeder.n_buses)
    units = [unit for entity in case.lse for unit in entity.generators]
    sites = case.resolved_stations()
    for bus, kvar in [(unit.bus, unit.q_max_kvar) for unit in units] + [
        (site.bus, site.inverter_kvar) for site in sites
    ]:
        support[feeder.bus_index(bus)] += kvar
    trading = {unit.bus for unit in units} | {site.bus for site in sites}
    delivery = [bus for bus, load in zip(feeder.buses, feeder.p_kw, strict=True) if load > 0 or bus in trading]
    keys = case.feeder
    return DistributionOperator(
        feeder,
        delivery,
        ImportContract(case.tso.price_usd_per_kwh, case.tso.p_max_kw, case.tso.q_min_kvar, case.tso.q_max_kvar),
        VoltageLimits(keys.source_voltage_pu, keys.voltage_min_pu, keys.voltage_max_pu),
        support,
    )


def _entities(
    case: Case, buses: Sequence[str], load_kw: Vector, intercept: Vector, slope: Vector, v2g: bool
) -> list[LoadServingEntity]:
    capacity: dict[str, float] = {}
    for site in case.resolved_stations():
        capacity[site.bus] = capacity.get(site.bus, 0.0) + site.capacity_kw
    found = []
    for keys in case.lse:
        obligation = case.households.served_portion * keys.share * load_kw
        units = [
            Generator(unit.bus, unit.p_max_kw, unit.c1_usd_per_kwh, unit.c2_usd_per_kw2h) for unit in keys.generators
        ]
        found.append(
            LoadServingEntity(
                keys.name,
                units,
                HouseholdMarket(tuple(buses), slope, intercept / slope, obligation),
                capacity,
                case.tso.p_max_kw,
                case.households.value_of_lost_load_usd_per_kwh,
                conduct=keys.conduct,
                v2g=v2g,
            )
        )
    return found
