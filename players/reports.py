"""What players of the market report of their plans, so that results name the same quantities whatever the model.

A model that cannot tell a quantity leaves it empty. A player without a report is reported by its trades alone, and its
own cost counts as such.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from bestresponse.player import Response
from bestresponse.typing import Vector
from networks.feeder import Feeder


@dataclass(frozen=True)
class PriceParts:
    """What a nodal price [$/kWh] is made of; the parts sum to it. Of phases each part is the weighted mean."""

    energy: float  # at the top of the bus's part of the feeder: the root, or in an island where its lines begin
    line: float = 0.0  # scarce lines on the way
    voltage: float = 0.0  # voltage limits
    loss: float = 0.0  # losses on the way


@dataclass(frozen=True)
class GridReport:
    """What an operator of the distribution grid reports."""

    import_kw: float  # p^T, losses included
    import_cost_usd_per_h: float
    nodal_price: Mapping[str, float]  # [$/kWh] by bus: DLMP = τ + λ
    voltage_pu: Mapping[str, float] = field(default_factory=dict)  # by bus, the mean where phases differ
    line_flow: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # by line: kW and kvar where it begins
    injection: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # by bus: kW and kvar, without imports
    losses_kw: float = 0.0
    exactness_gap_kva: float | None = None  # of a relaxation: how far it is from an AC power flow
    price_parts: Mapping[str, PriceParts] = field(default_factory=dict)  # by bus
    phase_voltage_pu: Mapping[str, float] = field(default_factory=dict)  # by bus and phase, as in "35.a"
    phase_price: Mapping[str, float] = field(default_factory=dict)  # [$/kWh] by bus and phase


@dataclass(frozen=True)
class EntityReport:
    """What a load serving entity reports."""

    generation_kw: Mapping[str, float]  # by bus
    shed_kw: Mapping[str, float]  # by bus
    generation_cost_usd_per_h: float
    shortage_cost_usd_per_h: float


@dataclass(frozen=True)
class ChargingReport:
    """What an operator of charging stations reports."""

    cost_usd_per_h: float  # what its plan uses up; part of the social cost
    markup_usd_per_h: float  # what it earns by its mark-up: paid by drivers, a transfer


@runtime_checkable
class ReportsGrid(Protocol):
    """A grid operator that reports."""

    def report(self, response: Response, import_price: float, delivery_price: Mapping[str, float]) -> GridReport:
        """Return the report of a response at the prices [$/kWh] of import and, by bus, of delivery."""
        ...


@runtime_checkable
class ReportsEntity(Protocol):
    """A load serving entity that reports."""

    def report(self, response: Response) -> EntityReport:
        """Return the report of a response."""
        ...


@runtime_checkable
class ReportsCharging(Protocol):
    """An operator of charging stations that reports."""

    def report(self, response: Response) -> ChargingReport:
        """Return the report of a response."""
        ...


def injections(feeder: Feeder, delivered_kw: Mapping[str, float], q_kvar: Vector) -> dict[str, tuple[float, float]]:
    """Return by bus the kW and kvar put in, from what is delivered there and (n_buses,) reactive supply beside it."""
    reactive = (q_kvar + feeder.cap_kvar - feeder.q_kvar).tolist()
    return {bus: (-delivered_kw.get(bus, 0.0), q) for bus, q in zip(feeder.buses, reactive, strict=True)}


def total_by_bus(buses: Iterable[str], values: Vector) -> dict[str, float]:
    """Return the sum of the values of every bus."""
    total: dict[str, float] = {}
    for bus, value in zip(buses, values.tolist(), strict=True):
        total[bus] = total.get(bus, 0.0) + value
    return total
