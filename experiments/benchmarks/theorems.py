"""Whether every scheme that has a theorem converges on every run that meets its assumptions.

    python -m experiments.benchmarks.theorems [CASE ...] [--accuracy X] [--max-sweeps N] [--jobs N] [--page FILE]

The theorems (see the schemes' docstrings) ask for convex costs and an equilibrium, and promise no rate. So the schemes
run as the theorems have them, without acceleration or balancing, and patience ends with the sweeps. A run on which a
player does not minimise a cost, as with several values of time, meets no assumption and is left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from bestresponse.coordinator import PLAIN, UNBALANCED, coordinate
from bestresponse.errors import BestResponseError
from bestresponse.schemes.registry import FOR_CONVEX_COSTS, SCHEMES
from bestresponse.stopping import Limits, Tolerances
from bestresponse.system import ComplementaritySystem
from experiments.benchmarks.machine import fact_list
from experiments.benchmarks.page import write_block
from experiments.benchmarks.report import NONE, Table
from experiments.build import build
from experiments.case import load_case
from experiments.case_schema import Case
from experiments.files import writable
from networks.errors import NetworkDataError

CASES = ("teaching",)


@dataclass(frozen=True)
class Promise:
    """A scheme on a run, and how many sweeps it may take to which accuracy."""

    scheme: str
    case: Case
    scenario: str
    v2g: bool
    accuracy: float
    max_sweeps: int

    @property
    def run(self) -> str:
        """The run's name."""
        return f"{self.case.name}/{self.scenario}/{'v2g' if self.v2g else 'no-v2g'}"


@dataclass(frozen=True)
class Kept:
    """What came of a promise."""

    scheme: str
    run: str
    sweeps: int | None  # to the accuracy; None if it was not reached
    nearest: float  # the smallest imbalance or disagreement of any sweep


def keep(promise: Promise) -> Kept | None:
    """Run a scheme plainly; None where its assumptions are not met."""
    model = build(promise.case, promise.scenario, promise.v2g)
    if not all(getattr(player, "minimises", True) for player in model.market):
        return None
    ComplementaritySystem(model.market)  # brings every player's problem into canonical form
    found = coordinate(
        model.market,
        model.first_price,
        scheme=SCHEMES[promise.scheme],
        acceleration=PLAIN,
        balancing=UNBALANCED,
        tolerances=Tolerances.of(promise.accuracy),
        limits=Limits(max_sweeps=promise.max_sweeps, patience=promise.max_sweeps),
    )
    nearest = min(max(record.imbalance, record.disagreement) for record in found.trace.records)
    return Kept(promise.scheme, promise.run, len(found.trace) if found.solved else None, nearest)


def _outcome(kept: Kept | None) -> str:
    if kept is None:
        return "left out, a player minimises no cost"
    return f"{kept.sweeps} sweeps" if kept.sweeps is not None else f"not there, {kept.nearest:.0e}"


def table(kept: Sequence[Kept], accuracy: float, max_sweeps: int) -> Table:
    """Return, for every scheme, on how many runs it got there, in how many sweeps, and where it did not."""
    rows = []
    for scheme in dict.fromkeys(one.scheme for one in kept):
        own = [one for one in kept if one.scheme == scheme]
        counts = [one.sweeps for one in own if one.sweeps is not None]
        short = [f"{one.run} ({one.nearest:.0e})" for one in own if one.sweeps is None]
        spread = (f"{median(counts):g}", str(max(counts))) if counts else (NONE, NONE)
        rows.append((scheme, f"{len(counts)} of {len(own)}", *spread, ", ".join(short) or NONE))
    title = f"Schemes with a theorem, plain: runs solved to {accuracy:g} within {max_sweeps} sweeps"
    return Table(title, ("scheme", "runs", "median sweeps", "most", "not there (nearest)"), tuple(rows))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table and write it where asked; return 0, 2 for bad input, or 3 if a run falls short."""
    parser = argparse.ArgumentParser(prog="python -m experiments.benchmarks.theorems", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"default: {' '.join(CASES)}")
    parser.add_argument("--schemes", nargs="+", choices=FOR_CONVEX_COSTS, default=FOR_CONVEX_COSTS, metavar="NAME")
    parser.add_argument("--accuracy", type=float, default=1e-4)
    parser.add_argument("--max-sweeps", type=int, default=3000)
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--page", type=Path, metavar="FILE", help="put the table between the marks of this page")
    asked = parser.parse_args(arguments)
    try:
        return _run(asked)
    except (BestResponseError, NetworkDataError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2


def _run(asked: argparse.Namespace) -> int:
    if asked.page is not None:
        writable(asked.page)
    cases = [load_case(name) for name in asked.cases or CASES]
    promises = [
        Promise(scheme, case, scenario, v2g, asked.accuracy, asked.max_sweeps)
        for scheme in asked.schemes
        for case in cases
        for scenario in case.scenarios
        for v2g in (False, True)
    ]
    kept = []
    with ProcessPoolExecutor(asked.jobs, get_context("spawn")) as pool:
        for promise, one in zip(promises, pool.map(keep, promises), strict=True):
            if one is not None:
                kept.append(one)
            sys.stderr.write(f"{promise.scheme}, {promise.run}: {_outcome(one)}\n")
    found = f"{fact_list()}\n\n{table(kept, asked.accuracy, asked.max_sweeps).markdown()}"
    sys.stdout.write(found + "\n")
    if asked.page is not None:
        write_block(asked.page, "theorems", found)
    return 0 if all(one.sweeps is not None for one in kept) else 3


if __name__ == "__main__":
    sys.exit(main())
