"""Models of the charging network operators."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from experiments.models.setting import Setting
from players.charging_operator import ChargingOperator, StationSite

Markup = Annotated[float, Field(ge=0)]


def price_taker(setting: Setting) -> tuple[ChargingOperator, ...]:
    """Return the operator of all stations; none where there are no stations."""
    return regulated(setting, 0.0)


def regulated(setting: Setting, markup_usd_per_kwh: Markup = 0.05) -> tuple[ChargingOperator, ...]:
    """Return the operator of all stations that may add a mark-up to every kWh it sells and takes off every kWh it buys.

    The mark-up is a transfer from drivers to the operator and no part of the social cost.
    """
    if not setting.stations:
        return ()
    return (ChargingOperator(sites(setting), setting.v2g, markup_usd_per_kwh=markup_usd_per_kwh),)


def sites(setting: Setting) -> list[StationSite]:
    """Return the stations as an operator sees them."""
    return [
        StationSite(site.node, site.bus, site.capacity_kw, site.net_min_kw, site.net_max_kw)
        for site in setting.stations
    ]
