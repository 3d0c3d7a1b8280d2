"""What the model of a player is made from: one scenario of a checked case."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bestresponse.typing import IntVector, Vector
from experiments.case_check import CheckedCase
from experiments.case_islands import reactive_rating
from experiments.case_schema import Case
from experiments.case_stations import Station
from networks.feeder import Feeder
from players import goods
from players.elastic_households import ElasticDemand

ELASTIC = "constant_elasticity"  # models of households and of entities that go together
PRICE_SCALE = 0.1  # [$/kWh] a usual price
STATION_QUANTITY = 100.0  # [kW] a usual trade at a station
RETAIL_BY_STATION = ("competing",)  # models of the charging operators who may share a bus: one retail good per station


@dataclass(frozen=True)
class Setting:
    """One scenario of a case, with or without V2G, and what follows from it for the players."""

    checked: CheckedCase
    scenario_name: str
    v2g: bool
    further_buses: frozenset[str] = frozenset()  # at which players beside the roles want delivery

    @property
    def case(self) -> Case:
        """The case as it was stated."""
        return self.checked.case

    @cached_property
    def feeder(self) -> Feeder:
        """The feeder with the scenario's loads, outages and limits."""
        return self.checked.scenario_feeder(self.scenario_name)

    @cached_property
    def stations(self) -> tuple[Station, ...]:
        """The charging stations, every key after overrides."""
        return self.case.resolved_stations()

    @property
    def retail_by_station(self) -> bool:
        """Whether every station is a place of retail by itself; else its bus is."""
        return self.case.players.cno in RETAIL_BY_STATION

    @cached_property
    def retail_bus(self) -> dict[str, str]:
        """By place of retail: the bus."""
        return {self._retail_place(site): site.bus for site in self.stations}

    @cached_property
    def station_capacity_kw(self) -> dict[str, float]:
        """By place of retail: the sum over its stations."""
        found: dict[str, float] = {}
        for site in self.stations:
            place = self._retail_place(site)
            found[place] = found.get(place, 0.0) + site.capacity_kw
        return found

    def _retail_place(self, site: Station) -> str:
        return goods.station(site.node) if self.retail_by_station else site.bus

    @cached_property
    def _loaded(self) -> IntVector:
        return np.flatnonzero(self.feeder.p_kw > 0)

    @property
    def load_buses(self) -> tuple[str, ...]:
        """The buses with load."""
        return tuple(self.feeder.buses[n] for n in self._loaded)

    @property
    def load_kw(self) -> Vector:
        """(n_load_buses,) the load of each."""
        return self.feeder.p_kw[self._loaded]

    @property
    def intercept(self) -> Vector:
        """(n_load_buses,) [$/kWh] a of the demand curve P = a − b S."""
        keys = self.case.households
        return np.full(len(self.load_kw), keys.reference_price_usd_per_kwh * (1 + 1 / keys.elasticity))

    @property
    def slope(self) -> Vector:
        """(n_load_buses,) [$/kWh per kW] b: through the load at the reference price, with the elasticity there."""
        keys = self.case.households
        return keys.reference_price_usd_per_kwh / (keys.elasticity * self.load_kw)

    @property
    def largest_use_kw(self) -> Vector:
        """(n_load_buses,) what households use at most, by their model; of one's own model as of the default."""
        if self.case.players.households == ELASTIC:
            return self.elastic_demand.largest_kw
        return self.intercept / self.slope

    @property
    def elastic_demand(self) -> ElasticDemand:
        """The demand of constant elasticity through the load at the reference price."""
        keys = self.case.households
        return ElasticDemand(self.load_buses, self.load_kw, keys.reference_price_usd_per_kwh, keys.elasticity)

    @cached_property
    def delivery_buses(self) -> tuple[str, ...]:
        """The buses to which the operator delivers: with load, a station, a generator, or a player beside the roles."""
        trading = {unit.bus for entity in self.case.lse for unit in entity.generators} | {s.bus for s in self.stations}
        trading |= self.further_buses
        return tuple(
            bus for bus, load in zip(self.feeder.buses, self.feeder.p_kw, strict=True) if load > 0 or bus in trading
        )

    @cached_property
    def reactive_support_kvar(self) -> Vector:
        """(n_buses,) what generators and station inverters can give or take."""
        return reactive_rating(self.case, self.feeder)

    @cached_property
    def usual_quantity(self) -> dict[str, float]:
        """By good [kW]: of delivery the largest of load, last generator and what a station trades at the bus.

        Goods traded at stations are not in it: see `STATION_QUANTITY`.
        """
        load = dict(zip(self.feeder.buses, self.feeder.p_kw.tolist(), strict=True))
        unit = {unit.bus: unit.p_max_kw for entity in self.case.lse for unit in entity.generators}
        site = dict.fromkeys(self.retail_bus.values(), STATION_QUANTITY)
        found = {
            goods.delivery(bus): max(load[bus], unit.get(bus, 0.0), site.get(bus, 0.0)) or STATION_QUANTITY
            for bus in self.delivery_buses  # one where nothing is usual has a usual quantity, too
        }
        found |= {goods.household(bus): load[bus] for bus in self.load_buses}
        return found | {goods.IMPORT: self.case.tso.p_max_kw or STATION_QUANTITY}
