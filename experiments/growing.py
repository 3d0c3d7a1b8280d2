"""Markets of many sizes, grown from the reference case by one seed: an ordinary case file and its networks.

Five sizes grow independently: stations, load serving entities, buses, routes of an OD pair, OD pairs. A size says into
how many parts something is split, not how much of it there is: load, traffic, generation, import and charging piles
stay those of the reference case in total (times `total`; a station has two piles at least), so that a market grows
without becoming another kind of market. A road of the reference's extent gets the junctions that stations and OD pairs
need, see `growing_traffic`, and a feeder the buses, see `growing_power`. Prices, vehicles and tariffs stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bestresponse.errors import DataError
from bestresponse.files import replacing
from experiments.case import load_case
from experiments.case_schema import Case
from experiments.growing_power import entity_tables, room_for
from experiments.growing_traffic import demand_table, plan_traffic, station_defaults, waiting
from experiments.network_files import write_feeder, write_road
from networks.feeder import Feeder, load_feeder
from networks.road import RoadNetwork
from networks.synthetic_feeder import synthetic_feeder

REFERENCE = "sioux_falls_ieee123"
SIZES = ("stations", "lses", "buses", "routes", "od_pairs")
MOST = 128  # largest multiple
SCENARIOS = ("base", "stress")  # those of the reference case that name no line
FILE, ROAD, FEEDER = "case.toml", "road", "feeder"
GROWN = "# Grown from"  # begins the case files that are written here


@dataclass(frozen=True)
class Growth:
    """Multiples of the reference case's sizes, and of its totals. Raises DataError for one out of range."""

    stations: int = 1
    lses: int = 1
    buses: int = 1
    routes: int = 1
    od_pairs: int = 1
    total: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for size in SIZES:
            multiple = getattr(self, size)
            if not (isinstance(multiple, int) and 1 <= multiple <= MOST):
                raise DataError(f"{size.replace('_', '-')}: given {multiple}, must be a whole number from 1 to {MOST}")
        if not 0 < self.total <= MOST:
            raise DataError(f"total: given {self.total}, must be above 0 and at most {MOST}")
        if not (isinstance(self.seed, int) and self.seed >= 0):
            raise DataError(f"seed: given {self.seed}, must be a whole number from 0")

    @property
    def name(self) -> str:
        """The name of the grown case, as in "grown_s2_l1_b4_r1_o1_seed0"."""
        sizes = "_".join(f"{size[0]}{getattr(self, size)}" for size in SIZES)
        return f"grown_{sizes}{'' if self.total == 1 else f'_t{self.total:g}'}_seed{self.seed}"

    @property
    def command(self) -> str:
        """The command that grows this case."""
        words = [f"--{size.replace('_', '-')} {getattr(self, size)}" for size in SIZES if getattr(self, size) != 1]
        words += [] if self.total == 1 else [f"--total {self.total:g}"]
        return " ".join(["bestresponse grow", *words, f"--seed {self.seed}"])

    def rng(self, part: str) -> np.random.Generator:
        """Return the random numbers of one part, the same however large the others are."""
        return np.random.default_rng([self.seed, *part.encode()])


@dataclass(frozen=True, eq=False)
class Grown:
    """A grown case as the tables of a case file, with its networks."""

    growth: Growth
    tables: Mapping[str, Any]
    road: RoadNetwork
    feeder: Feeder

    def write(self, folder: str | Path) -> Path:
        """Write case.toml, road/ and feeder/ to a folder, which is made if need be, and return the case file's path.

        Raises DataError if there is a case file that was not grown.
        """
        import tomli_w

        target = Path(folder)
        refuse_others(target)
        write_road(self.road, target / ROAD)
        write_feeder(self.feeder, target / FEEDER)
        with replacing(target / FILE) as file:
            file.write(f"{GROWN} {REFERENCE} by `{self.growth.command}`. Units are in the key names.\n\n")
            file.write(tomli_w.dumps(self.tables))
        return target / FILE


def refuse_others(folder: Path) -> None:
    """Raise DataError if a folder has a case file that was not grown, and would be replaced."""
    file = folder / FILE
    if file.exists() and not file.read_text(encoding="utf-8", errors="replace").startswith(GROWN):
        raise DataError(f"{file}: is there, was not grown and would be replaced; name another folder")


def grow(growth: Growth) -> Grown:
    """Return the market with these sizes. Raises DataError where the stations are too few for the long trips."""
    reference = load_case(REFERENCE)
    base_feeder = load_feeder(reference.feeder.network)
    total = growth.total
    feeder = synthetic_feeder(
        growth.buses * base_feeder.n_buses, total * float(base_feeder.p_kw.sum()), _draw(growth.rng("feeder"))
    )
    n_stations = growth.stations * len(reference.stations)
    equipment = station_defaults(reference, total * len(reference.stations) / n_stations)
    plan = plan_traffic(
        reference,
        n_stations,
        growth.od_pairs * len(reference.demand.od_pairs),
        seed=_draw(growth.rng("road")),
        rng=growth.rng("traffic"),
        total=total,
    )
    buses = room_for(feeder, np.full(n_stations, equipment["capacity_kw"]), growth.rng("sites"))
    tables = {
        "name": growth.name,
        "road": {
            "network": ROAD,
            "capacity_factor": plan.capacity_factor,
            "base_routes": growth.routes * reference.road.base_routes,
        },
        "demand": demand_table(plan),
        "vehicles": reference.vehicles.model_dump(exclude={"classes"}),
        "waiting": waiting(reference, equipment),
        "station_defaults": equipment,
        "stations": [{"node": node, "bus": bus} for node, bus in zip(plan.stations, buses, strict=True)],
        "feeder": reference.feeder.model_dump() | {"network": FEEDER},
        "tso": _scaled(reference.tso.model_dump(), total, ("p_max_kw", "q_min_kvar", "q_max_kvar")),
        "households": reference.households.model_dump(),
        "lse": entity_tables(reference, feeder, growth.lses * len(reference.lse), total, growth.rng("entities")),
        "scenarios": {name: {"load_factor": reference.scenarios[name].load_factor} for name in SCENARIOS},
    }
    return Grown(growth, tables, plan.road, feeder)


def grown_case(growth: Growth, folder: str | Path) -> Case:
    """Return the grown case; its files lie in the folder."""
    return load_case(grow(growth).write(folder))


def _draw(rng: np.random.Generator) -> int:
    """A seed for a network."""
    return int(rng.integers(2**31))


def _scaled(table: Mapping[str, Any], factor: float, keys: tuple[str, ...]) -> dict[str, Any]:
    """The table with some keys multiplied."""
    return dict(table) | {key: factor * table[key] for key in keys}
