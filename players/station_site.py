"""A charging station as its operator sees it."""

from __future__ import annotations

from dataclasses import dataclass

from bestresponse.errors import DataError


@dataclass(frozen=True)
class StationSite:
    """A charging station: where it is, and what it can trade with vehicles."""

    node: int  # of the road network
    bus: str  # of the feeder
    capacity_kw: float  # bound on charging and on discharging
    net_min_kw: float  # lowᵢ
    net_max_kw: float  # highᵢ

    def __post_init__(self) -> None:
        if not self.capacity_kw >= 0:
            raise DataError(f"station at node {self.node}: capacity_kw {self.capacity_kw} must be ≥ 0")
        if not self.net_min_kw <= self.net_max_kw:
            raise DataError(
                f"station at node {self.node}: net_min_kw {self.net_min_kw} is above net_max_kw {self.net_max_kw}"
            )
