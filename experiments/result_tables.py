"""Where the quantities of a result stand in its tables: the one owner of tables, indices and columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Layout:
    """A table with a row for every bus, line, … and the columns of its quantities, several for a list of numbers."""

    index: str
    quantities: Mapping[str, tuple[str, ...]]


LAYOUTS: Mapping[str, Layout] = {
    "buses": Layout(
        "bus",
        {
            "dlmp_usd_per_kwh": ("dlmp_usd_per_kwh",),
            "voltage_pu": ("voltage_pu",),
            "injection": ("injection_kw", "injection_kvar"),
            "load_shed_by_bus_kw": ("load_shed_kw",),
            "generation_by_bus_kw": ("generation_kw",),
            "household_price_usd_per_kwh": ("household_price_usd_per_kwh",),
        },
    ),
    "entities": Layout("entity", {"generation_kw": ("generation_kw",)}),
    "stations": Layout(
        "node",
        {
            "station_net_kw": ("net_kw",),
            "station_price_usd_per_kwh": ("charging_usd_per_kwh", "discharging_usd_per_kwh"),
        },
    ),
    "od_pairs": Layout("od_pair", {"od_cost_usd": ("cost_usd",)}),
    "links": Layout("link", {"link_flow_veh_per_h": ("flow_veh_per_h",)}),
    "lines": Layout("line", {"line_flow": ("p_kw", "q_kvar")}),
}

Columns = dict[str, list[Any]]


def columns(quantities: Mapping[str, Any], table: str) -> Columns:
    """Return the columns of a table, its index first; None where a quantity says nothing about a row."""
    layout = LAYOUTS[table]
    present = [name for name in layout.quantities if name in quantities]
    rows = list(dict.fromkeys(row for name in present for row in quantities[name]))
    found: Columns = {layout.index: rows}
    for name in present:
        for place, column in enumerate(layout.quantities[name]):
            found[column] = [_entry(quantities[name].get(row), place) for row in rows]
    return found


def quantities_in(found: Columns, table: str) -> dict[str, Any]:
    """Return the quantities that stand in the columns of a table: the inverse of `columns`."""
    layout = LAYOUTS[table]
    quantities = {}
    for name, own in layout.quantities.items():
        if all(column in found for column in own):
            entries = zip(found[layout.index], *(found[column] for column in own), strict=True)
            said = {row: values for row, *values in entries if any(value is not None for value in values)}
            quantities[name] = said if len(own) > 1 else {row: values[0] for row, values in said.items()}
    return quantities


def _entry(value: Any, place: int) -> float | None:
    return value[place] if isinstance(value, list | tuple) else value
