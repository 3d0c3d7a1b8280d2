"""Models of the charging network operator."""

from __future__ import annotations

from experiments.models.setting import Setting
from players.charging_operator import ChargingOperator, StationSite


def price_taker(setting: Setting) -> tuple[ChargingOperator, ...]:
    """Return the operator of all stations; none where there are no stations."""
    return (ChargingOperator(sites(setting), setting.v2g),) if setting.stations else ()


def sites(setting: Setting) -> list[StationSite]:
    """Return the stations as an operator sees them."""
    return [
        StationSite(site.node, site.bus, site.capacity_kw, site.net_min_kw, site.net_max_kw)
        for site in setting.stations
    ]
