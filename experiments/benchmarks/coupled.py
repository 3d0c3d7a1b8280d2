"""A coupled market on a whole road network: time and memory by player, certified over all routes.

    python -m experiments.benchmarks.coupled NET.tntp TRIPS.tntp [--feeder FOLDER] [--stations N] [...]

All trips of the road network drive, a share of them electric, on routes that are generated; stations stand at random
nodes and buses (one seed). Prices, vehicles, queues and entities are those of the case sioux_falls_ieee123, generation,
import and piles in proportion to the feeder's load. The default scheme solves it to the tolerance asked for.
"""

from __future__ import annotations

import argparse
import pickle
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from bestresponse.coordinator import coordinate
from bestresponse.equilibrium import Equilibrium
from bestresponse.errors import BestResponseError
from bestresponse.stopping import Limits, Tolerances
from experiments.benchmarks.report import Table
from experiments.build import Model, build
from experiments.case import case_from, load_case
from experiments.case_schema import Case, od_name
from experiments.case_searches import GENERATED
from networks.errors import NetworkDataError
from networks.feeder import Feeder, load_feeder
from networks.road import load_road, load_trips

REFERENCE = "sioux_falls_ieee123"
MIB = 2**20


def coupled_case(asked: argparse.Namespace) -> Case:
    """Return the reference case moved to another road and another feeder."""
    reference, feeder = load_case(REFERENCE), load_feeder(asked.feeder)
    size = float(feeder.p_kw.sum() / load_feeder("ieee123").p_kw.sum())
    rng = np.random.default_rng(asked.seed)
    buses = np.array(feeder.buses)[feeder.p_kw > 0.0]
    tables: dict[str, Any] = reference.model_dump(exclude={"scenarios"})
    tables |= {"name": "coupled", "demand": _demand(asked), "stations": _stations(asked, rng, buses)}
    tables["scenarios"] = {"base": {"load_factor": asked.load_factor}}
    tables["road"] = {
        "network": str(asked.net.resolve()),
        "minutes_per_time_unit": asked.minutes_per_time_unit,
        "km_per_length_unit": asked.km_per_length_unit,
    }
    tables["players"] |= {"traffic": GENERATED, "options": {"traffic": {"wardrop_gap": asked.wardrop_gap}}}
    tables["feeder"] |= {"network": str(Path(asked.feeder).resolve()) if Path(asked.feeder).is_dir() else asked.feeder}
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


def rows(model: Model, found: Equilibrium) -> Mapping[str, tuple[str, ...]]:
    """Return by player: goods, answers, seconds in all and per answer, and the size of all that it holds."""
    table = {}
    for player in model.market:
        seconds, answers = found.seconds[player.name], found.answers[player.name]
        held = len(pickle.dumps(player, protocol=pickle.HIGHEST_PROTOCOL)) / MIB
        table[player.name] = (
            str(len(player.goods)), str(answers), f"{seconds:.2f}", f"{1000 * seconds / answers:.1f}", f"{held:.1f}",
        )  # fmt: skip
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Solve and print; return the exit code: 2 for bad input, 3 where it is not certified."""
    asked = _parser().parse_args(arguments)
    console = Console(highlight=False, width=160)
    started = time.perf_counter()
    try:
        case = coupled_case(asked)
        model = build(case, "base", v2g=True)
        built = time.perf_counter() - started
        found = coordinate(
            model.market,
            model.first_price,
            tolerances=Tolerances.of(asked.tolerance),
            limits=Limits(max_sweeps=asked.max_sweeps),
            on_sweep=lambda record: console.print(f"sweep {record.sweep}: imbalance {record.imbalance:.1e}"),
        )
    except (BestResponseError, NetworkDataError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    traffic = model.player("traffic")
    console.print(
        f"{model.road.n_links} links, {len(case.demand.od_pairs)} OD pairs, {len(case.stations)} stations, "
        f"{model.feeder.n_buses} buses, {model.market.n_goods} goods; {traffic.form.n_paths} paths in use of "
        f"{traffic.block().variables['path_flow']} found; built in {built:.1f} s, solved in "
        f"{found.seconds['coordination']:.1f} s, {len(found.trace)} sweeps, peak {peak:.0f} MiB"
    )
    trade = found.responses[traffic.name].trade
    console.print(f"charged {trade.clip(min=0.0).sum():.0f} kW, discharged {-trade.clip(max=0.0).sum():.0f} kW")
    console.print(f"{found.stop} {found.certificate}")
    columns = ("player", "goods", "answers", "seconds", "ms per answer", "MiB held")
    console.print(Table("By player", columns, tuple((k, *v) for k, v in rows(model, found).items())).markdown())
    return 0 if found.solved else 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.benchmarks.coupled",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("net", type=Path, metavar="NET.tntp")
    parser.add_argument("trips", type=Path, metavar="TRIPS.tntp")
    parser.add_argument("--feeder", default="ieee123", metavar="FOLDER", help="a built-in feeder, or a folder")
    parser.add_argument("--stations", type=int, default=20, metavar="N")
    parser.add_argument("--electric-share", type=float, default=0.02, metavar="SHARE", help="of all trips")
    parser.add_argument("--consumption", type=float, default=1.0, metavar="KWH_PER_KM")
    parser.add_argument("--load-factor", type=float, default=1.0, metavar="FACTOR")
    parser.add_argument("--minutes-per-time-unit", type=float, default=1.0, metavar="MINUTES")
    parser.add_argument("--km-per-length-unit", type=float, default=1.0, metavar="KM")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--wardrop-gap", type=float, default=1e-8, help="of every answer of the drivers")
    parser.add_argument("--max-sweeps", type=int, default=600, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
