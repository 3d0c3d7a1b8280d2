"""A coupled market on a whole road network: time and memory by player, certified over all routes.

    python -m experiments.benchmarks.coupled NET.tntp TRIPS.tntp [--buses N] [--stations N] [...]

The market is that of `coupled_market`; the default scheme solves it to the tolerance asked for. How time and memory
grow: `python -m experiments.benchmarks.coupled_growth`.
"""

from __future__ import annotations

import argparse
import json
import pickle
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from bestresponse.coordinator import coordinate
from bestresponse.equilibrium import Equilibrium
from bestresponse.errors import BestResponseError, SolverError
from bestresponse.files import replacing
from bestresponse.stopping import Limits, Tolerances
from bestresponse.system import ComplementaritySystem
from experiments.benchmarks.child import MIB as UNITS_PER_MIB
from experiments.benchmarks.coupled_market import add_options, coupled_case
from experiments.benchmarks.report import Table
from experiments.build import Model, build
from experiments.files import writable
from networks.errors import NetworkDataError

MIB = 2**20
BUSY_KW = 1.0  # a station that charges as much is busy


@dataclass(frozen=True)
class Share:
    """What one player took, and what it could still gain."""

    goods: int
    answers: int
    seconds: float  # of all answers
    held_mib: float  # all that it holds, as it would be stored
    gain_usd_per_h: float
    outlay_usd_per_h: float


@dataclass(frozen=True)
class Sample:
    """One market solved. Seconds are those of the processor."""

    links: int
    od_pairs: int
    stations: int
    buses: int
    goods: int
    paths_in_use: int
    paths_found: int
    build_seconds: float
    seconds: float  # of the coordinator
    sweeps: int
    peak_mib: float  # of the process
    certified: bool
    verdict: str  # stop and certificate in words
    imbalance: float  # relative, as certified
    imbalance_kw: float  # the largest of any good
    gain: float  # relative, as certified
    natural_residual: float
    busy_stations: int
    charged_kw: float
    discharged_kw: float
    charging_prices: int  # how many differ by more than a tenth of a percent
    least_price: float  # [$/kWh] of charging
    largest_price: float
    players: dict[str, Share]


def solve(asked: argparse.Namespace, console: Console) -> Sample:
    """Build and solve the market asked for. Raises DataError and NetworkDataError for one that cannot be."""
    started = time.process_time()
    with coupled_case(asked) as case:
        model = build(case, "base", v2g=True)
        _ = model.market
    built = time.process_time()
    found = coordinate(
        model.market,
        model.first_price,
        tolerances=Tolerances.of(asked.tolerance),
        limits=Limits(max_sweeps=asked.max_sweeps),
        on_sweep=lambda record: console.print(f"sweep {record.sweep}: imbalance {record.imbalance:.1e}"),
    )
    solved = time.process_time()
    residual = ComplementaritySystem(model.market).natural_residual(found.price, found.responses)
    return sample(model, found, residual, build_seconds=built - started, seconds=solved - built)


def sample(model: Model, found: Equilibrium, residual: float, *, build_seconds: float, seconds: float) -> Sample:
    """Return what there is to say of a solved market. Raises SolverError where a player failed before any judgement."""
    market, traffic, certificate = model.market, model.player("traffic"), found.certificate
    if certificate is None:
        raise SolverError(f"nothing to measure: {found.stop}")
    trade = found.responses[traffic.name].trade
    pace = seconds / (found.seconds["set-up"] + found.seconds["coordination"])  # processor's seconds on the clock's
    charged = trade[: len(model.case.stations)]
    prices = found.price[market.positions[traffic.name]][: len(charged)]
    return Sample(
        links=model.road.n_links,
        od_pairs=len(model.case.demand.od_pairs),
        stations=len(charged),
        buses=model.feeder.n_buses,
        goods=market.n_goods,
        paths_in_use=traffic.form.n_paths,
        paths_found=traffic.block().variables["path_flow"],
        build_seconds=build_seconds,
        seconds=seconds,
        sweeps=len(found.trace),
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / UNITS_PER_MIB,
        certified=found.solved,
        verdict=f"{found.stop} {certificate}",
        imbalance=certificate.largest_imbalance,
        imbalance_kw=float(np.abs(market.excess_demand(found.responses)).max()),
        gain=certificate.largest_gain,
        natural_residual=residual,
        busy_stations=int(np.count_nonzero(charged >= BUSY_KW)),
        charged_kw=float(charged.sum()),
        discharged_kw=float(np.abs(trade[len(charged) :]).sum()),
        charging_prices=len(np.unique(np.round(prices / (1e-3 * np.median(prices))))),
        least_price=float(prices.min()),
        largest_price=float(prices.max()),
        players={
            player.name: Share(
                goods=len(player.goods),
                answers=found.answers[player.name],
                seconds=pace * found.seconds[player.name],
                held_mib=len(pickle.dumps(player, protocol=pickle.HIGHEST_PROTOCOL)) / MIB,
                gain_usd_per_h=certificate.gains[player.name].absolute,
                outlay_usd_per_h=certificate.gains[player.name].outlay,
            )
            for player in market
        },
    )


def words(found: Sample) -> str:
    """Return the sample as text and a table by player."""
    rows = (
        (
            name, str(own.goods), str(own.answers), f"{own.seconds:.2f}", f"{1000 * own.seconds / own.answers:.1f}",
            f"{own.held_mib:.1f}", f"{own.gain_usd_per_h:.1e}", f"{own.outlay_usd_per_h:.0f}",
        )
        for name, own in found.players.items()
    )  # fmt: skip
    gain = max(own.gain_usd_per_h for own in found.players.values())
    columns = ("player", "goods", "answers", "seconds", "ms per answer", "MiB held", "could gain $/h", "outlay $/h")
    return (
        f"{found.links} links, {found.od_pairs} OD pairs, {found.stations} stations, {found.buses} buses, "
        f"{found.goods} goods; {found.paths_in_use} paths in use of {found.paths_found} found; built in "
        f"{found.build_seconds:.1f} s of the processor, solved in {found.seconds:.1f} s, {found.sweeps} sweeps, peak "
        f"{found.peak_mib:.0f} MiB\n"
        f"charged {found.charged_kw:.0f} kW at {found.busy_stations} stations for {found.least_price:.4f} to "
        f"{found.largest_price:.4f} $/kWh ({found.charging_prices} prices), discharged {found.discharged_kw:.0f} kW\n"
        f"{found.verdict} In absolute terms: {found.imbalance_kw:.2g} kW, {gain:.2g} $/h; natural residual "
        f"{found.natural_residual:.1e}.\n" + Table("By player", columns, tuple(rows)).markdown()
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Solve and print; return the exit code: 2 for bad input, 3 where it is not certified."""
    asked = _parser().parse_args(arguments)
    console = Console(highlight=False, width=160)
    try:
        if asked.json is not None:
            writable(asked.json)
        found = solve(asked, console)
    except (BestResponseError, NetworkDataError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    if asked.json is not None:
        with replacing(asked.json) as file:
            json.dump(asdict(found), file, indent=1)
    console.print(words(found), markup=False)
    return 0 if found.certified else 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.benchmarks.coupled",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_options(parser)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--max-sweeps", type=int, default=600, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that is printed, as data")
    return parser


if __name__ == "__main__":
    sys.exit(main())
