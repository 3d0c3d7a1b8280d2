"""Roads and demand in the General Modeling Network Specification (GMNS): link.csv, node.csv, config.csv; demand.csv.

The columns are those of zephyr-data-specs/GMNS; those of link performance functions (vdf_..., also in the spelling
VDF_...1) and demand.csv are as DTALite and Path4GMNS write them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from networks.errors import NetworkDataError
from networks.tables import Table, check_powers, read_table
from networks.tntp import NetFile
from networks.typing import Vector

LINKS, NODES, CONFIG, DEMAND = "link.csv", "node.csv", "config.csv", "demand.csv"
_MILE = 1.609344
_KM = {"km": 1.0, "kilometer": 1.0, "kilometers": 1.0, "m": 0.001, "meter": 0.001, "meters": 0.001}
_KM |= {"mi": _MILE, "mile": _MILE, "miles": _MILE, "ft": 0.0003048, "feet": 0.0003048}
_KM_PER_H = {"km/h": 1.0, "kmh": 1.0, "kph": 1.0, "mph": _MILE, "mi/h": _MILE, "m/s": 3.6}
_DIRECTED = {"": True, "1": True, "true": True, "0": False, "false": False}


def is_gmns(folder: Path) -> bool:
    """Return whether a folder holds a GMNS road."""
    return (folder / LINKS).is_file()


def read_gmns(folder: Path, km_per_length_unit: float = 1.0) -> NetFile:
    """Return the links of a GMNS folder, lengths in km and times in minutes.

    - node.csv: node_id (whole numbers); optional x_coord, y_coord
    - link.csv: from_node_id, to_node_id, length, capacity [veh/h per lane]; lanes (1); free_speed or vdf_fftt [min];
      vdf_alpha (0.15), vdf_beta (4), toll (0); directed (true)
    - config.csv, optional: long_length, the unit of length, and speed, that of free_speed

    Without config.csv a unit of length is `km_per_length_unit`, and speeds are in units of length per hour. Every row
    is a road in one direction, with capacity · lanes; columns beyond these are passed over. Raises NetworkDataError
    with file, line and column for what is missing, no number or out of range, units that are unknown or stated twice,
    and links in both directions.
    """
    nodes = read_table(folder / NODES, ("node_id",), ("x_coord", "y_coord"), others=True)
    links = read_table(
        folder / LINKS,
        ("from_node_id", "to_node_id", "length", "capacity"),
        ("lanes", "free_speed", "toll", "directed"),
        others=True,
    )
    numbers = nodes.integers("node_id")
    nodes.unique(numbers.tolist(), "this node")
    _check_directed(links)
    km, km_per_h = _units(folder / CONFIG, km_per_length_unit)
    length_km = links.numbers("length", "non-negative") * km
    minutes = _minutes(links, length_km, km_per_h)
    coefficient = links.numbers(_spelt(links, "vdf_alpha"), "non-negative", blank=0.15)
    power = links.numbers(_spelt(links, "vdf_beta"), "non-negative", blank=4.0)
    check_powers(minutes * coefficient, power, links.where)
    placed = "x_coord" in nodes.cells and "y_coord" in nodes.cells
    return NetFile(
        nodes=numbers,
        tail=links.integers("from_node_id"),
        head=links.integers("to_node_id"),
        capacity=links.numbers("capacity", "positive") * links.numbers("lanes", "positive", blank=1.0),
        length=length_km,
        free_flow_time=minutes,
        coefficient=coefficient,
        power=power,
        toll=links.numbers("toll", "finite", blank=0.0),
        lines=links.lines,
        xy=np.column_stack([nodes.numbers("x_coord", "finite"), nodes.numbers("y_coord", "finite")])
        if placed
        else None,
        first_through_node=1,
    )


def read_demand(path: Path) -> dict[tuple[int, int], float]:
    """Return (origin, destination) -> trips [veh/h] of a demand.csv, positive entries only, also within a zone.

    The file has o_zone_id, d_zone_id and volume. A zone is the node whose zone_id in the node.csv beside it is its
    own; where no node there has a zone_id, it is the node of its number. Raises NetworkDataError with file, line and
    column for what is missing, no number or out of range, pairs given twice, and zones of no node or of several.
    """
    table = read_table(path, ("o_zone_id", "d_zone_id", "volume"), others=True)
    volume = table.numbers("volume", "non-negative").tolist()
    origins, destinations = (_nodes_of(table, column, path.with_name(NODES)) for column in ("o_zone_id", "d_zone_id"))
    pairs = list(zip(origins, destinations, strict=True))
    table.unique(pairs, "this pair of zones")
    return {pair: trips for pair, trips in zip(pairs, volume, strict=True) if trips > 0.0}


def _units(path: Path, km_per_length_unit: float) -> tuple[float, float]:
    """Return what a unit of length [km] and one of speed [km/h] are."""
    if not path.is_file():
        return km_per_length_unit, km_per_length_unit
    config = read_table(path, (), ("long_length", "speed"), others=True)
    km = _unit(config, "long_length", _KM)
    if km is not None and km_per_length_unit != 1.0:
        raise NetworkDataError(
            f"{config.where(0)}: long_length is {config.cells['long_length'][0]!r}, "
            f"but km_per_length_unit = {km_per_length_unit:g} is given, too; leave one of them out"
        )
    km = km_per_length_unit if km is None else km
    speed = _unit(config, "speed", _KM_PER_H)
    return km, km if speed is None else speed


def _unit(config: Table, column: str, known: Mapping[str, float]) -> float | None:
    text = config.cells.get(column, ("",))[0].lower()
    if text and text not in known:
        raise NetworkDataError(f"{config.where(0)}: {column} is {text!r}; allowed: {', '.join(known)}")
    return known.get(text)


def _check_directed(links: Table) -> None:
    for row, cell in enumerate(links.cells.get("directed", ())):
        directed = _DIRECTED.get(cell.lower().removesuffix(".0"))
        if directed is None:
            raise NetworkDataError(f"{links.where(row)}: directed is {cell!r}; allowed: true, false, 1, 0")
        if not directed:
            raise NetworkDataError(f"{links.where(row)}: the link is undirected; write one row for every direction")


def _minutes(links: Table, length_km: Vector, km_per_h: float) -> Vector:
    """Return (n_links,) free-flow times: vdf_fftt where it is given, else length over free_speed."""
    given = links.numbers(_spelt(links, "vdf_fftt"), "non-negative or inf", blank=np.inf)
    speed = links.numbers("free_speed", "positive or inf", blank=np.inf) * km_per_h
    for row in np.flatnonzero(np.isinf(given) & np.isinf(speed))[:1]:
        raise NetworkDataError(f"{links.where(int(row))}: state a free_speed > 0 or a vdf_fftt >= 0")
    return np.where(np.isinf(given), 60.0 * length_km / speed, given)


def _spelt(links: Table, column: str) -> str:
    """Return the column as the file spells it: vdf_alpha, VDF_alpha, VDF_alpha1."""
    return next((name for name in links.cells if name.lower() in (column, f"{column}1")), column)


def _nodes_of(table: Table, column: str, nodes: Path) -> list[int]:
    """Return the node of every zone in a column."""
    of_zone = _nodes_by_zone(nodes) if nodes.is_file() else {}
    if not of_zone:
        return table.integers(column).tolist()
    found = []
    for row, cell in enumerate(table.texts(column)):
        here = of_zone.get(_zone(cell), [])
        if len(here) != 1:
            named = f"the nodes {', '.join(map(str, here))}" if here else "no node"
            raise NetworkDataError(
                f"{table.where(row)}: {column} is {cell!r}, which is the zone_id of {named} in {nodes}; "
                "allowed: zones of one node"
            )
        found += here
    return found


def _nodes_by_zone(path: Path) -> dict[str, list[int]]:
    nodes = read_table(path, ("node_id",), ("zone_id",), others=True)
    found: dict[str, list[int]] = {}
    for cell, node in zip(nodes.cells.get("zone_id", ()), nodes.integers("node_id").tolist(), strict=False):
        if cell:
            found.setdefault(_zone(cell), []).append(node)
    return found


def _zone(cell: str) -> str:
    return cell.removesuffix(".0")  # as pandas writes whole numbers beside empty cells
