"""The study of one scenario, read from the case's TOML file and the networks' CSV tables."""

from __future__ import annotations

import csv
import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
CASES = REPOSITORY / "experiments" / "cases"
NETWORKS = REPOSITORY / "networks" / "data"
Row = dict[str, str]


@dataclass(frozen=True)
class Roads:
    links: list[tuple[int, int]]
    length_km: np.ndarray  # this and all below (n_links,)
    free_flow_h: np.ndarray
    capacity_veh_per_h: np.ndarray
    bpr_coefficient: np.ndarray
    bpr_power: np.ndarray


@dataclass(frozen=True)
class Grid:
    """The feeder of the scenario: loads scaled, opened lines left out."""

    buses: list[str]
    root: int  # position of the TSO's bus in `buses`
    p_kw: np.ndarray  # this, q and cap (n_buses,)
    q_kvar: np.ndarray
    cap_kvar: np.ndarray
    lines: list[tuple[int, int]]  # positions of the two buses, as the table orders them
    r_per_kw: np.ndarray  # this and below (n_lines,); the squared voltage falls by 2 (r_per_kw P + x_per_kvar Q)
    x_per_kvar: np.ndarray
    rate_kva: np.ndarray  # inf: no limit


@dataclass(frozen=True, kw_only=True)
class Vehicle:
    battery_kwh: float
    post_discharge_kwh: float
    post_discharge: str = "level"
    range_anxiety: float = 0.2
    consumption_kwh_per_km: float
    degradation_usd_per_kwh: float = 0.0
    ev_value_of_time_usd_per_h: float
    fv_value_of_time_usd_per_h: float
    v2g_share: float = 1.0

    def __post_init__(self) -> None:
        if self.v2g_share != 1.0:
            raise ValueError(f"the one program knows one electric class; v2g_share {self.v2g_share} would need two")


@dataclass(frozen=True, kw_only=True)
class Station:
    node: int
    bus: str
    base_h: float
    slope_h_per_veh: float
    capacity_veh: float
    smoothing_veh: float = 1.0
    period_h: float = 1.0
    capacity_kw: float
    net_min_kw: float
    net_max_kw: float
    pile_kw: float
    inverter_kvar: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Generator:
    owner: int  # position of the LSE in `Study.lse_names`
    bus: str
    p_max_kw: float
    c1_usd_per_kwh: float
    c2_usd_per_kw2h: float = 0.0
    q_max_kvar: float = 0.0


@dataclass(frozen=True)
class Study:
    roads: Roads
    base_routes: int
    od_pairs: list[tuple[int, int]]
    ev_veh_per_h: np.ndarray  # (n_od,)
    fv_veh_per_h: np.ndarray  # (n_od,)
    vehicle: Vehicle
    stations: list[Station]
    grid: Grid
    source_voltage_pu: float
    voltage_min_pu: float
    voltage_max_pu: float
    tso: dict[str, float]
    households: dict[str, float]
    lse_names: list[str]
    share: np.ndarray  # (n_lse,)
    conduct: np.ndarray  # (n_lse,) 1 Cournot, 0 perfect competition
    generators: list[Generator]


def read_study(case: str | Path, scenario: str) -> Study:
    """Read a case, by its name among the shipped ones or by its path, in one of its scenarios."""
    path = CASES / f"{case}.toml" if (CASES / f"{case}.toml").is_file() else Path(case)
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    changes = data.get("scenarios", {"base": {}})[scenario]
    road, demand, feeder = data["road"], data["demand"], data["feeder"]
    od_pairs = [(o, d) for o in demand["origins"] for d in demand["destinations"] if o != d]
    return Study(
        roads=read_roads(folder_of(road["network"], path), road.get("capacity_factor", 1.0)),
        base_routes=road.get("base_routes", 10),
        od_pairs=od_pairs,
        ev_veh_per_h=demand_of(od_pairs, demand["ev_veh_per_h"], demand.get("ev_by_od", {})),
        fv_veh_per_h=demand_of(od_pairs, demand.get("fv_veh_per_h", 0.0), demand.get("fv_by_od", {})),
        vehicle=Vehicle(**data["vehicles"]),
        stations=[Station(**(data["waiting"] | data["station_defaults"] | own)) for own in data["stations"]],
        grid=read_grid(folder_of(feeder["network"], path), changes),
        source_voltage_pu=feeder.get("source_voltage_pu", 1.0),
        voltage_min_pu=feeder.get("voltage_min_pu", 0.95),
        voltage_max_pu=feeder.get("voltage_max_pu", 1.05),
        tso=data["tso"],
        households={"served_portion": 1.0} | data["households"],
        lse_names=[lse["name"] for lse in data["lse"]],
        share=np.array([lse["share"] for lse in data["lse"]]),
        conduct=np.array([lse.get("conduct", 1.0) for lse in data["lse"]]),
        generators=[
            Generator(owner=f, **unit) for f, lse in enumerate(data["lse"]) for unit in lse.get("generators", [])
        ],
    )


def folder_of(network: str, case: Path) -> Path:
    """Folder of a built-in network, or the path that the case names, relative to the case file."""
    return NETWORKS / network if (NETWORKS / network).is_dir() else case.parent / network


def demand_of(od_pairs: list[tuple[int, int]], everywhere: float, by_od: dict[str, float]) -> np.ndarray:
    return np.array([by_od.get(f"{origin}-{destination}", everywhere) for origin, destination in od_pairs])


def read_rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def numbers(rows: list[Row], column: str, default: float = 0.0) -> np.ndarray:
    """A column as numbers; `default` where the cell is blank or the column missing."""
    return np.array([float(row.get(column) or default) for row in rows])


def read_roads(folder: Path, capacity_factor: float) -> Roads:
    rows = read_rows(folder / "links.csv")
    return Roads(
        links=[(int(row["from"]), int(row["to"])) for row in rows],
        length_km=numbers(rows, "length_km"),
        free_flow_h=numbers(rows, "free_flow_time_min") / 60,
        capacity_veh_per_h=numbers(rows, "capacity_veh_per_h") * capacity_factor,
        bpr_coefficient=numbers(rows, "b", 0.15),
        bpr_power=numbers(rows, "power", 4.0),
    )


def read_grid(folder: Path, changes: dict[str, Any]) -> Grid:
    """The feeder in `folder` with a scenario's load_factor, outages and line_limits_kva."""
    settings = tomllib.loads((folder / "feeder.toml").read_text(encoding="utf-8"))
    bus_rows, line_rows = read_rows(folder / "buses.csv"), read_rows(folder / "lines.csv")
    buses = [row["bus"] for row in bus_rows]
    position = {bus: n for n, bus in enumerate(buses)}
    limits = {frozenset(line.split("-")): kva for line, kva in changes.get("line_limits_kva", {}).items()}
    outages = {frozenset(line.split("-")) for line in changes.get("outages", [])}
    ends = [frozenset((row["from"], row["to"])) for row in line_rows]
    if missing := (limits.keys() | outages) - set(ends):
        raise ValueError(f"{folder}: no line between {[sorted(line) for line in missing]}")
    closed = [row for row, line in zip(line_rows, ends, strict=True) if line not in outages]
    rate = [limits.get(frozenset((row["from"], row["to"])), float(row["rate_kva"] or math.inf)) for row in closed]
    ohm_kw = settings["base_kv"] ** 2 * 1e3  # r [ohm] · P [kW] / ohm_kw is r P per unit on whatever base power
    load_factor = changes.get("load_factor", 1.0)
    return Grid(
        buses=buses,
        root=position[str(settings["root"])],
        p_kw=numbers(bus_rows, "p_kw") * load_factor,
        q_kvar=numbers(bus_rows, "q_kvar") * load_factor,
        cap_kvar=numbers(bus_rows, "cap_kvar"),
        lines=[(position[row["from"]], position[row["to"]]) for row in closed],
        r_per_kw=numbers(closed, "r_ohm") / ohm_kw,
        x_per_kvar=numbers(closed, "x_ohm") / ohm_kw,
        rate_kva=np.array(rate),
    )
