"""The tables of a result as Arrow tables with fixed columns, and back: numbers exactly, None as null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from experiments.result import Result
from experiments.result_tables import LAYOUTS, columns, quantities_in

Tables = dict[str, pa.Table]

_STOP = pa.struct([("node", pa.int64()), ("action", pa.string()), ("energy_kwh", pa.float64())])
PATHS = pa.schema(
    [
        ("od", pa.string()),
        ("class", pa.string()),
        ("route", pa.list_(pa.int64())),
        ("stops", pa.list_(_STOP)),
        ("flow_veh_per_h", pa.float64()),
        ("time_usd", pa.float64()),
        ("station_usd", pa.float64()),
        ("energy_usd", pa.float64()),
    ]
)
OD_COSTS = pa.schema([("class", pa.string()), ("od_pair", pa.string()), ("cost_usd", pa.float64())])
CROSS_CHECK = pa.schema(
    [
        ("quantity", pa.string()),
        ("coordinator", pa.float64()),
        ("monolith", pa.float64()),
        ("relative_difference", pa.float64()),
        ("unique", pa.bool_()),
        ("agrees", pa.bool_()),
        ("at", pa.string()),
    ]
)
_IN_TABLES = {name for layout in LAYOUTS.values() for name in layout.quantities} | {"paths", "od_cost_by_class_usd"}


def tables_of(result: Result) -> Tables:
    """Return the tables of a result by name; one that there is nothing for is left out."""
    quantities = result.quantities
    found = {name: _numbers(columns(quantities, name), layout.index) for name, layout in LAYOUTS.items()}
    found = {name: table for name, table in found.items() if table.num_columns > 1}
    if "paths" in quantities:
        found["paths"] = pa.Table.from_pylist(list(quantities["paths"]), PATHS)
    if "od_cost_by_class_usd" in quantities:
        found["od_costs"] = pa.Table.from_pylist(_od_costs(quantities["od_cost_by_class_usd"]), OD_COSTS)
    if result.cross_check:
        rows = [{"quantity": name, **row} for name, row in result.cross_check.items()]
        found["cross_check"] = pa.Table.from_pylist(rows, CROSS_CHECK)
    if result.trace:
        found["trace"] = pa.Table.from_pylist([dict(row) for row in result.trace])
    return found


def other_quantities(quantities: Mapping[str, Any]) -> dict[str, Any]:
    """Return the quantities that stand in no table: single numbers, and what only some models tell."""
    return {name: value for name, value in quantities.items() if name not in _IN_TABLES}


def read_tables(tables: Tables) -> dict[str, Any]:
    """Return the fields of a result that its tables hold: quantities, cross_check and trace."""
    quantities: dict[str, Any] = {}
    for name in LAYOUTS:
        if name in tables:
            quantities |= quantities_in(tables[name].to_pydict(), name)
    if "paths" in tables:
        quantities["paths"] = tables["paths"].to_pylist()
    if "od_costs" in tables:
        quantities["od_cost_by_class_usd"] = _by_class(tables["od_costs"].to_pylist())
    rows = tables["cross_check"].to_pylist() if "cross_check" in tables else []
    return {
        "quantities": quantities,
        "cross_check": {row.pop("quantity"): row for row in rows},
        "trace": tuple(tables["trace"].to_pylist()) if "trace" in tables else (),
    }


def _numbers(found: Mapping[str, Sequence[Any]], index: str) -> pa.Table:
    kinds = {name: pa.string() if name == index else pa.float64() for name in found}
    return pa.table({name: pa.array(values, kinds[name]) for name, values in found.items()})


def _od_costs(by_class: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    return [
        {"class": name, "od_pair": pair, "cost_usd": cost}
        for name, costs in by_class.items()
        for pair, cost in costs.items()
    ]


def _by_class(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        found.setdefault(row["class"], {})[row["od_pair"]] = row["cost_usd"]
    return found
