"""Charging stations in a case file: shared keys, single stations, and the two combined."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from experiments.case_section import Section, key

BaseWait: TypeAlias = Annotated[float, key("Waiting time at an empty station", "h", ge=0)]
WaitSlope: TypeAlias = Annotated[float, key("Further wait per vehicle above the station's capacity", "h/veh", ge=0)]
WaitCapacity: TypeAlias = Annotated[float, key("Vehicles per period that cause no further wait", "veh", ge=0)]
WaitSmoothing: TypeAlias = Annotated[float, key("Width over which the wait starts to rise", "veh", gt=0)]
WaitPeriod: TypeAlias = Annotated[float, key("Study period of the queue", "h", gt=0)]
Power: TypeAlias = Annotated[float, key("Most charging, and most discharging, of a station", "kW", ge=0)]
LeastNet: TypeAlias = Annotated[float, key("Least charging minus discharging, ≤ net_max_kw and capacity_kw", "kW")]
MostNet: TypeAlias = Annotated[float, key("Most charging minus discharging", "kW", ge=0)]
PilePower: TypeAlias = Annotated[float, key("Power of one pile: energy / pile power is the dwell time", "kW", gt=0)]
Inverter: TypeAlias = Annotated[float, key("Reactive power the station can give or take", "kvar", ge=0)]


class Waiting(Section):
    """Table [waiting]: the queue at every station that does not override a key."""

    base_h: BaseWait
    slope_h_per_veh: WaitSlope
    capacity_veh: WaitCapacity
    smoothing_veh: WaitSmoothing = 1.0
    period_h: WaitPeriod = 1.0


class StationDefaults(Section):
    """Table [station_defaults]: the equipment of every station that does not override a key."""

    capacity_kw: Power
    net_min_kw: LeastNet
    net_max_kw: MostNet
    pile_kw: PilePower
    inverter_kvar: Inverter = 0.0


class StationEntry(Section):
    """An entry of [[stations]]: its place, and the keys in which it differs from the rest."""

    node: int = key("Road node of the station")
    bus: str = key("Bus that feeds the station", min_length=1)
    base_h: BaseWait | None = None
    slope_h_per_veh: WaitSlope | None = None
    capacity_veh: WaitCapacity | None = None
    smoothing_veh: WaitSmoothing | None = None
    period_h: WaitPeriod | None = None
    capacity_kw: Power | None = None
    net_min_kw: LeastNet | None = None
    net_max_kw: MostNet | None = None
    pile_kw: PilePower | None = None
    inverter_kvar: Inverter | None = None


class Station(Waiting, StationDefaults):
    """A station with every key of [waiting] and [station_defaults] after its own overrides."""

    node: int
    bus: str
