"""How time and memory of a coupled market grow with buses and stations: a table and exponents.

    python -m experiments.benchmarks.coupled_growth NET.tntp TRIPS.tntp --buses 250 1000 4000 --stations 20 50 100
        [--page FILE] [--json FILE] [--resume FILE] [options of experiments.benchmarks.coupled]

Buses change at the first number of stations, stations at the first number of buses. Every market is solved in a process
of its own, whose peak memory is counted. Exponents are against the size that grows.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from bestresponse.errors import BestResponseError, DataError
from bestresponse.files import replacing
from experiments.benchmarks.coupled import Sample, Share
from experiments.benchmarks.exponents import fit
from experiments.benchmarks.machine import machine_facts
from experiments.benchmarks.page import write_block
from experiments.benchmarks.report import NONE, Table
from experiments.files import writable

BLOCK = "coupled"  # marks on the page
AXES = ("buses", "stations")
COMMAND = "experiments.benchmarks.coupled"
NOT_CERTIFIED = 3  # the exit code of a market that was measured all the same
Value = Callable[[Sample], float]
VALUES: dict[str, Value] = {
    "sweeps": lambda s: s.sweeps,
    "seconds": lambda s: s.seconds,
    "set-up s": lambda s: s.build_seconds,
    "peak MiB": lambda s: s.peak_mib,
}


def measure(asked: argparse.Namespace, further: Sequence[str], known: Sequence[Sample]) -> Iterator[Sample]:
    """Give a sample of every size, those known as they are. Raises RuntimeError where a market cannot be measured."""
    by_size = {(sample.buses, sample.stations): sample for sample in known}
    base_buses, base_stations = asked.buses[0], asked.stations[0]
    sizes = [(n, base_stations) for n in asked.buses] + [(base_buses, n) for n in asked.stations[1:]]
    for size in sizes:
        yield by_size[size] if size in by_size else _measured(asked, size, further)


def known_samples(file: Path) -> list[Sample]:
    """Return the samples that an earlier call wrote. Raises DataError for a file that holds none."""
    try:
        return [_sample(data) for data in json.loads(file.read_text(encoding="utf-8"))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file}: no samples to go on from ({type(error).__name__}: {error})") from error


def tables(samples: Sequence[Sample]) -> list[Table]:
    """Return what was measured: every market, its players, and how all of it grows."""
    players = tuple(samples[0].players)
    sizes = ("buses", "stations")
    markets = Table(
        "Markets (seconds of the processor)",
        (
            *sizes, "goods", "sweeps", "seconds", "set-up s", "peak MiB", "certified", "imbalance", "kW", "gain", "$/h",
            "natural residual", "busy stations", "charging $/kWh",
        ),
        tuple(_market(s) for s in samples),
    )  # fmt: skip
    speed = Table(
        "Milliseconds of the processor an answer, by player",
        (*sizes, *players),
        tuple(_by_player(s, lambda own: f"{1000 * own.seconds / own.answers:.3g}") for s in samples),
    )
    memory = Table(
        "MiB held, by player",
        (*sizes, *players),
        tuple(_by_player(s, lambda own: f"{own.held_mib:.3g}") for s in samples),
    )
    values = (
        VALUES | {f"{name} ms": _speed(name) for name in players} | {f"{name} MiB": _held(name) for name in players}
    )
    exponents = Table(
        "Exponents against the size that grows (95 % intervals)",
        ("", *AXES),
        tuple((name, *(_exponent(samples, axis, value) for axis in AXES)) for name, value in values.items()),
    )
    return [markets, speed, memory, exponents]


def report(asked: argparse.Namespace, further: Sequence[str], samples: Sequence[Sample]) -> str:
    """Return machine, network and tables in Markdown."""
    facts = [f"- {key}: {value}" for key, value in machine_facts().items()]
    roads = f"{asked.net.stem}, {samples[0].links} links, {samples[0].od_pairs} OD pairs"
    facts.append(f"- network: {roads}; options {' '.join(further)}")
    return "\n\n".join(["\n".join(facts), *(table.markdown() for table in tables(samples))])


def _measured(asked: argparse.Namespace, size: tuple[int, int], further: Sequence[str]) -> Sample:
    n_buses, n_stations = size
    with TemporaryDirectory() as folder:
        told = Path(folder) / "sample.json"
        words = [str(asked.net), str(asked.trips), "--buses", str(n_buses), "--stations", str(n_stations), *further]
        command = [sys.executable, "-m", COMMAND, *words, "--json", str(told)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode not in (0, NOT_CERTIFIED):
            raise RuntimeError(f"{' '.join(words)}: {ended.stderr.strip()}")
        return _sample(json.loads(told.read_text(encoding="utf-8")))


def _sample(data: dict[str, Any]) -> Sample:
    return Sample(**data | {"players": {name: Share(**own) for name, own in data["players"].items()}})


def _market(s: Sample) -> tuple[str, ...]:
    dollars = max(own.gain_usd_per_h for own in s.players.values())
    return (
        str(s.buses), str(s.stations), str(s.goods), str(s.sweeps), f"{s.seconds:.1f}", f"{s.build_seconds:.1f}",
        f"{s.peak_mib:.0f}", "yes" if s.certified else "no", f"{s.imbalance:.1e}", f"{s.imbalance_kw:.2g}",
        f"{s.gain:.1e}", f"{dollars:.2g}", f"{s.natural_residual:.1e}",
        f"{s.busy_stations} of {s.stations}", f"{s.least_price:.4f}–{s.largest_price:.4f} ({s.charging_prices})",
    )  # fmt: skip


def _by_player(s: Sample, cell: Callable[[Share], str]) -> tuple[str, ...]:
    return (str(s.buses), str(s.stations), *(cell(own) for own in s.players.values()))


def _speed(name: str) -> Value:
    return lambda s: s.players[name].seconds / s.players[name].answers


def _held(name: str) -> Value:
    return lambda s: s.players[name].held_mib


def _exponent(samples: Sequence[Sample], axis: str, value: Value) -> str:
    """The exponent over the markets that differ from the first in this size alone."""
    (other,) = (name for name in AXES if name != axis)
    along = [s for s in samples if getattr(s, other) == getattr(samples[0], other)]
    found = fit([float(getattr(s, axis)) for s in along], [value(s) for s in along], [0] * len(along))
    return NONE if found is None else str(found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; return the exit code: 2 for bad input, 3 where some market is not certified."""
    asked, further = _parser().parse_known_args(arguments)
    console = Console(highlight=False, width=200)
    try:
        for path in (asked.page, asked.json):
            if path is not None:
                writable(path)
        known = known_samples(asked.resume) if asked.resume is not None else []
        samples: list[Sample] = []
        for sample in measure(asked, further, known):
            samples.append(sample)
            console.print(f"{sample.buses} buses, {sample.stations} stations: {sample.verdict}", markup=False)
            if asked.json is not None:
                with replacing(asked.json) as file:
                    json.dump([asdict(each) for each in samples], file, indent=1)
        text = report(asked, further, samples)
        if asked.page is not None:
            write_block(asked.page, BLOCK, text)
    except (BestResponseError, OSError, RuntimeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    console.print(text, markup=False)
    return 0 if all(sample.certified for sample in samples) else 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.benchmarks.coupled_growth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("net", type=Path, metavar="NET.tntp")
    parser.add_argument("trips", type=Path, metavar="TRIPS.tntp")
    parser.add_argument("--buses", type=int, nargs="+", default=[250, 1000, 4000], metavar="N")
    parser.add_argument("--stations", type=int, nargs="+", default=[20, 50, 100], metavar="N")
    parser.add_argument("--page", type=Path, metavar="FILE", help="put the tables between the marks of this page")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample to this file")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="take samples from a file that --json wrote")
    return parser


if __name__ == "__main__":
    sys.exit(main())
