"""A market on a whole road network: the reference case moved to another road and another feeder.

All trips of the road network drive, a share of them electric, on routes that are generated; stations stand at random
nodes and buses (one seed). Prices, vehicles, queues and entities are those of the reference case; generation and import
are in proportion to the feeder's load; the stations share the piles that were asked for, two at least each.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from experiments.case import case_from, load_case
from experiments.case_schema import Case, od_name
from experiments.case_searches import GENERATED
from experiments.growing_traffic import station_defaults, waiting
from experiments.network_files import write_feeder
from networks.feeder import Feeder, load_feeder
from networks.road import load_road, load_trips
from networks.synthetic_feeder import synthetic_feeder

REFERENCE = "sioux_falls_ieee123"


@contextmanager
def coupled_case(asked: argparse.Namespace) -> Iterator[Case]:
    """Give the case that the options of `add_options` ask for, its networks on disk as long as the context lasts."""
    with TemporaryDirectory() as folder:
        if asked.buses is None:
            yield _case(asked, str(Path(asked.feeder).resolve()) if Path(asked.feeder).is_dir() else asked.feeder)
        else:
            write_feeder(synthetic_feeder(asked.buses, asked.load_kw, asked.seed), Path(folder))
            yield _case(asked, folder)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add everything that says which market it is."""
    parser.add_argument("net", type=Path, metavar="NET.tntp")
    parser.add_argument("trips", type=Path, metavar="TRIPS.tntp")
    parser.add_argument("--feeder", default="ieee123", metavar="FOLDER", help="a built-in feeder, or a folder")
    parser.add_argument("--buses", type=int, metavar="N", help="draw a radial feeder of so many buses instead")
    parser.add_argument("--load-kw", type=float, default=60_000.0, metavar="KW", help="of a feeder that is drawn")
    parser.add_argument("--stations", type=int, default=20, metavar="N")
    parser.add_argument("--charging-kw", type=float, default=24_000.0, metavar="KW", help="of all stations together")
    parser.add_argument("--electric-share", type=float, default=0.02, metavar="SHARE", help="of all trips")
    parser.add_argument("--consumption", type=float, default=1.0, metavar="KWH_PER_KM")
    parser.add_argument("--load-factor", type=float, default=1.0, metavar="FACTOR")
    parser.add_argument("--minutes-per-time-unit", type=float, default=1.0, metavar="MINUTES")
    parser.add_argument("--km-per-length-unit", type=float, default=1.0, metavar="KM")
    parser.add_argument("--wardrop-gap", type=float, default=1e-12, help="of every answer of the drivers")
    parser.add_argument("--seed", type=int, default=0)


def _case(asked: argparse.Namespace, network: str) -> Case:
    reference, feeder = load_case(REFERENCE), load_feeder(network)
    size = float(feeder.p_kw.sum() / load_feeder(reference.feeder.network).p_kw.sum())
    rng = np.random.default_rng(asked.seed)
    buses = np.array(feeder.buses)[feeder.p_kw > 0.0]
    piles = station_defaults(reference, asked.charging_kw / asked.stations / reference.station_defaults.capacity_kw)
    tables: dict[str, Any] = reference.model_dump(exclude={"scenarios"})
    tables |= {"name": "coupled", "demand": _demand(asked), "stations": _stations(asked, rng, buses)}
    tables |= {"station_defaults": piles, "waiting": waiting(reference, piles)}
    tables["scenarios"] = {"base": {"load_factor": asked.load_factor}}
    tables["road"] = {
        "network": str(asked.net.resolve()),
        "minutes_per_time_unit": asked.minutes_per_time_unit,
        "km_per_length_unit": asked.km_per_length_unit,
    }
    tables["players"] |= {"traffic": GENERATED, "options": {"traffic": {"wardrop_gap": asked.wardrop_gap}}}
    tables["feeder"] |= {"network": network}
    tables["vehicles"] |= {"consumption_kwh_per_km": asked.consumption}
    tables["tso"] |= {name: size * tables["tso"][name] for name in ("p_max_kw", "q_min_kvar", "q_max_kvar")}
    for unit in (unit for entity in tables["lse"] for unit in entity["generators"]):
        unit["bus"] = str(rng.choice(_roomy(feeder, buses, size * unit["p_max_kw"])))
        unit |= {name: size * unit[name] for name in ("p_max_kw", "q_max_kvar")}
        unit["c2_usd_per_kw2h"] /= size
    return case_from(tables, "coupled")


def _demand(asked: argparse.Namespace) -> dict[str, Any]:
    trips = load_trips(asked.trips)
    ends = ({pair[side] for pair in trips} for side in (0, 1))
    origins, destinations = (sorted(nodes) for nodes in ends)
    share = asked.electric_share
    return {
        "origins": origins,
        "destinations": destinations,
        "ev_veh_per_h": 0.0,
        "ev_by_od": {od_name(pair): share * number for pair, number in trips.items()},
        "fv_by_od": {od_name(pair): (1.0 - share) * number for pair, number in trips.items()},
    }


def _stations(asked: argparse.Namespace, rng: np.random.Generator, buses: np.ndarray) -> list[dict[str, Any]]:
    road = load_road(asked.net)
    nodes = rng.choice(road.nodes[road.nodes >= road.first_through_node], asked.stations, replace=False)
    return [{"node": int(node), "bus": str(rng.choice(buses))} for node in np.sort(nodes)]


def _roomy(feeder: Feeder, buses: np.ndarray, kw: float) -> list[str]:
    """Return the buses whose line carries so much, or the one whose line carries most."""
    rate = dict(zip((feeder.buses[n] for n in feeder.line_to), feeder.rate_kva.tolist(), strict=True))
    most = max(rate.get(bus, 0.0) for bus in buses.tolist())
    return [bus for bus in buses.tolist() if rate.get(bus, 0.0) >= min(kw, most)]
