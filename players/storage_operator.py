"""A charging network operator with solar panels and batteries at its stations: a linear program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

import cvxpy as cp
import numpy as np
from scipy import sparse

from bestresponse.errors import DataError
from bestresponse.typing import SparseMatrix, Vector
from players import goods
from players.convex_program import ConvexProgram, Formulation
from players.station_site import StationSite


@dataclass(frozen=True)
class OnSiteEnergy:
    """What stands at a station beside its piles. Nothing, by default."""

    solar_kw: float = 0.0  # that the sun offers; what is not used is lost
    give_max_kw: float = 0.0  # of the battery
    take_max_kw: float = 0.0  # likewise
    efficiency: float = 1.0  # kWh stored per kWh taken
    value_usd_per_kwh: float = 0.0  # of a stored kWh after the period

    def __post_init__(self) -> None:
        for key in fields(self):
            if not 0 <= getattr(self, key.name) < np.inf:
                raise DataError(f"on-site energy: {key.name} {getattr(self, key.name)} must be finite and ≥ 0")
        if not 0 < self.efficiency <= 1:
            raise DataError(f"on-site energy: efficiency {self.efficiency} must lie above 0 and up to 1")


class StorageOperator(ConvexProgram):
    """Trades with vehicles and load serving entities, and has sun and batteries of its own.

    maximise  Σᵢ ρ⁺ᵢ e⁺ᵢ − ρ⁻ᵢ e⁻ᵢ − π⁺ bᵢ + π⁻ xᵢ − νᵢ (oᵢ − ηᵢ jᵢ)
    subject to  bᵢ + e⁻ᵢ + gᵢ + oᵢ = e⁺ᵢ + xᵢ + jᵢ                     energy at the station
                lowᵢ ≤ e⁺ᵢ − e⁻ᵢ ≤ highᵢ,  0 ≤ e⁺ᵢ, e⁻ᵢ, bᵢ, xᵢ ≤ capᵢ
                0 ≤ gᵢ ≤ sun,  0 ≤ oᵢ, jᵢ ≤ what the battery can give and take

    e± is traded with vehicles, b bought and x sold, g solar, o and j given and taken by the battery [kW]. One period
    has no order of hours, so a battery is a budget of energy at a shadow value ν: a kWh given costs ν, a kWh taken
    earns η ν. That is its own cost, and a cost of society. Goods are those of `ChargingOperator`; without V2G it can
    sell nothing but to vehicles. Without sun and batteries the market is that of `ChargingOperator`.
    """

    def __init__(
        self,
        stations: Sequence[StationSite],
        energy: Sequence[OnSiteEnergy],  # station by station
        v2g: bool = True,
        name: str = "CNO",
        solver: Literal["persistent", "cvxpy"] = "persistent",
    ) -> None:
        if len(energy) != len(stations):
            raise DataError(f"{name}: on-site energy is given for {len(energy)} of {len(stations)} stations")
        self.stations, self.energy = tuple(stations), tuple(energy)
        self.v2g = v2g
        self.buses = tuple(dict.fromkeys(station.bus for station in stations))
        nodes = [station.node for station in stations]
        names = [*map(goods.charging, nodes), *map(goods.retail_to_cno, self.buses)]
        if v2g:
            names += [*map(goods.discharging, nodes), *map(goods.cno_to_retail, self.buses)]
        super().__init__(name, names, solver)

    def formulate(self) -> Formulation:
        """Return the problem in CVXPY."""
        capacity = _each(self.stations, "capacity_kw")
        two_way = capacity if self.v2g else np.zeros_like(capacity)
        value, efficiency = _each(self.energy, "value_usd_per_kwh"), _each(self.energy, "efficiency")
        largest = {
            "charge": capacity,
            "discharge": two_way,
            "bought": capacity,
            "sold": two_way,
            "solar": _each(self.energy, "solar_kw"),
            "given": _each(self.energy, "give_max_kw"),
            "taken": _each(self.energy, "take_max_kw"),
        }
        x = {name: cp.Variable(len(most), name=name, bounds=[0, most]) for name, most in largest.items()}
        net = x["charge"] - x["discharge"]
        supply = x["bought"] + x["discharge"] + x["solar"] + x["given"]
        trades = [-x["charge"], self._at_bus @ x["bought"]]
        if self.v2g:
            trades += [x["discharge"], -(self._at_bus @ x["sold"])]
        rows = {
            "energy": supply == x["charge"] + x["sold"] + x["taken"],
            "net_min": _each(self.stations, "net_min_kw") <= net,
            "net_max": net <= _each(self.stations, "net_max_kw"),
        }
        nodes = [station.node for station in self.stations]
        return Formulation(
            cost=value @ x["given"] - (value * efficiency) @ x["taken"],
            trade=cp.hstack(trades),
            constraints=rows,
            labels=dict.fromkeys([*largest, *rows], nodes),
        )

    @property
    def _at_bus(self) -> SparseMatrix:
        row = [self.buses.index(station.bus) for station in self.stations]
        n = len(self.stations)
        return sparse.csr_array((np.ones(n), (row, np.arange(n))), shape=(len(self.buses), n))


def _each(parts: Sequence[object], key: str) -> Vector:
    return np.array([getattr(part, key) for part in parts], dtype=float)
