"""Networks written to folders that `load_road` and `load_feeder` read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bestresponse.files import replacing, write_rows
from experiments.files import writable
from networks.feeder import Feeder
from networks.road import MINUTES_PER_HOUR, RoadNetwork


def write_road(road: RoadNetwork, folder: Path) -> None:
    """Write nodes.csv and links.csv."""
    writable(folder, folder=True)
    columns = {
        "from": road.tail,
        "to": road.head,
        "length_km": road.length_km,
        "free_flow_time_min": road.free_flow_h * MINUTES_PER_HOUR,
        "capacity_veh_per_h": road.capacity_veh_per_h,
        "b": road.bpr_coefficient,
        "power": road.bpr_power,
        "toll": road.toll,
    }
    _write(folder / "nodes.csv", {"node": road.nodes} | _places(road.xy))
    _write(folder / "links.csv", columns)


def write_feeder(feeder: Feeder, folder: Path) -> None:
    """Write buses.csv, lines.csv and feeder.toml."""
    writable(folder, folder=True)
    names, base_ohm = np.array(feeder.buses), feeder.base_ohm
    buses = {"bus": names, "p_kw": feeder.p_kw, "q_kvar": feeder.q_kvar, "cap_kvar": feeder.cap_kvar}
    lines = {
        "from": names[feeder.line_from],
        "to": names[feeder.line_to],
        "r_ohm": feeder.r_pu * base_ohm,
        "x_ohm": feeder.x_pu * base_ohm,
        "rate_kva": np.where(np.isinf(feeder.rate_kva), "", feeder.rate_kva.astype(str)),
        "tap_ratio": feeder.tap_ratio,
    }
    _write(folder / "buses.csv", buses | _places(feeder.xy))
    _write(folder / "lines.csv", lines)
    root = feeder.buses[feeder.root]
    with replacing(folder / "feeder.toml") as file:
        file.write(f'base_kv = {feeder.base_kv}\nbase_mva = {feeder.base_kva / 1000}\nroot = "{root}"\n')


def _places(xy: np.ndarray | None) -> dict[str, np.ndarray]:
    return {} if xy is None else {"x": xy[:, 0], "y": xy[:, 1]}


def _write(path: Path, columns: dict[str, np.ndarray]) -> None:
    values = zip(*(column.tolist() for column in columns.values()), strict=True)
    write_rows(path, [dict(zip(columns, row, strict=True)) for row in values])
