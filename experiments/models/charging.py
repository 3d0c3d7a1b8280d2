"""Models of the charging network operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from bestresponse.errors import DataError
from experiments.case_problems import listed, nearest, shown
from experiments.case_stations import Station
from experiments.models.setting import Setting
from players.charging_operator import ChargingOperator
from players.station_site import StationSite
from players.storage_operator import OnSiteEnergy, StorageOperator

Markup = Annotated[float, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]
Efficiency = Annotated[float, Field(gt=0, le=1)]


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


def competing(
    setting: Setting,
    operators: dict[str, list[int]] | None = None,
    markups_usd_per_kwh: dict[str, Markup] | None = None,
) -> tuple[ChargingOperator, ...]:
    """Return several operators, each with its own stations and its own mark-up.

    `operators` names the nodes of each; by default every station is an operator of its own, "CNO" and its node. All
    take prices; who has no entry in `markups_usd_per_kwh` has no mark-up. Energy is retailed station by station, see
    `Setting.retail_by_station`. Raises DataError for a station with no operator or two, or a name nobody has.
    """
    by_node = {site.node: site for site in sites(setting)}
    owned = {f"CNO {node}": [node] for node in by_node} if operators is None else operators
    markups = markups_usd_per_kwh or {}
    _check_owners(owned, list(by_node), list(markups))
    return tuple(
        ChargingOperator(
            [by_node[node] for node in nodes],
            setting.v2g,
            name,
            markup_usd_per_kwh=markups.get(name, 0.0),
            retail_by_station=setting.retail_by_station,
        )
        for name, nodes in owned.items()
    )


def _check_owners(owned: Mapping[str, Sequence[int]], stations: Sequence[int], priced: Sequence[str]) -> None:
    owners: dict[int, list[str]] = {node: [] for node in stations}
    for name, nodes in owned.items():
        if not nodes:
            raise DataError(f"operators.{name}: no station given, an operator needs one")
        for node in nodes:
            if node not in owners:
                raise DataError(
                    f"operators.{name}: given node {node}, which has no station; stations: {listed(owners)}"
                )
            owners[node].append(name)
    for node, names in owners.items():
        if len(names) != 1:
            given = listed(names) if names else "none"
            raise DataError(f"operators: the station at node {node} must have one operator, given {given}")
    for name in priced:
        if name not in owned:
            raise DataError(f"markups_usd_per_kwh: nobody is called {shown(name)}{nearest(name, owned)}")


def storage(
    setting: Setting,
    solar_kw: Amount = 0.0,
    battery_kw: Amount = 0.0,
    stored_kwh: Amount = 0.0,
    room_kwh: Amount = 0.0,
    value_usd_per_kwh: Amount = 0.1,
    efficiency: Efficiency = 0.9,
    nodes: list[int] | None = None,
) -> tuple[StorageOperator, ...]:
    """Return the operator of all stations, with sun and a battery at the stations of some `nodes`, by default at all.

    Each of these has `solar_kw` of sun and a battery that gives and takes up to `battery_kw`, gives up to `stored_kwh`
    in the period and stores up to `room_kwh`; a stored kWh is worth `value_usd_per_kwh` after it. Raises DataError for
    a node without a station.
    """
    if not setting.stations:
        return ()
    places = sites(setting)
    known = [site.node for site in places]
    for node in nodes or ():
        if node not in known:
            raise DataError(f"nodes: given node {node}, which has no station; stations: {listed(known)}")

    def on_site(site: Station) -> OnSiteEnergy:
        if nodes is not None and site.node not in nodes:
            return OnSiteEnergy()
        give, take = stored_kwh / site.period_h, room_kwh / (efficiency * site.period_h)
        return OnSiteEnergy(solar_kw, min(battery_kw, give), min(battery_kw, take), efficiency, value_usd_per_kwh)

    return (StorageOperator(places, [on_site(site) for site in setting.stations], setting.v2g),)


def sites(setting: Setting) -> list[StationSite]:
    """Return the stations as an operator sees them."""
    return [
        StationSite(site.node, site.bus, site.capacity_kw, site.net_min_kw, site.net_max_kw)
        for site in setting.stations
    ]
