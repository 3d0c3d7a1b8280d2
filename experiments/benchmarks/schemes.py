"""What every scheme needs on a case, and on ten cases near it, beside what an early prototype needed on another market.

    python -m experiments.benchmarks.schemes [CASE] [--scenario NAME] [--jobs N] [--json FILE] [--page FILE]

`--page` puts the tables between the marks of a Markdown page, see `page`. All of it takes about an hour of one core.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

from bestresponse.errors import BestResponseError
from bestresponse.files import replacing
from bestresponse.schemes.registry import SCHEMES
from experiments.benchmarks.machine import fact_list, machine_facts
from experiments.benchmarks.neighbours import SPREAD, perturbed
from experiments.benchmarks.page import write_block
from experiments.benchmarks.report import NONE, Table
from experiments.case import load_case
from experiments.case_schema import Case
from experiments.comparing import Budget, Entry, compare
from experiments.files import finite, writable
from experiments.grid import chosen, grid
from networks.errors import NetworkDataError

PLAIN = ("anderson=0", "relaxation=1", "balancing=0")
Runs: TypeAlias = Sequence[tuple[str, Sequence[str]]]
OTHERS = tuple((name, ()) for name in SCHEMES if name not in ("sharing", "exchange"))
ALONE = (  # schemes and grids
    ("sharing", ()),
    ("sharing", ("sigma=0.01,0.1,10",)),
    ("sharing", ("newton=0",)),
    ("sharing", (*PLAIN, "sigma=1,0.3,0.1")),
    ("sharing", ("anderson=0", "relaxation=1", "sigma=0.01,0.1,1,10")),
    ("sharing", ("anderson=10", "relaxation=1", "balancing=0")),
    ("sharing", ("anderson=10", "relaxation=1", "sigma=0.01,0.1,1,10")),
    ("exchange", PLAIN),
    ("exchange", ("newton=0",)),
    ("exchange", ()),
    *OTHERS,
    *((name, ("anderson=30", "balancing=20")) for name in ("gauss_seidel", "jacobi", "pdhg")),
)
FAST = (  # that need some hundred sweeps at most
    ("sharing", ()),
    ("sharing", ("newton=0",)),
    ("sharing", PLAIN),
    ("sharing", ("anderson=10", "relaxation=1,1.6")),
    ("exchange", ("newton=0",)),
    ("exchange", ()),
    *((name, ("anderson=30", "balancing=20")) for name in ("gauss_seidel", "jacobi", "pdhg")),
)
TOGETHER = (*FAST, *OTHERS)
PROTOTYPE = {  # by run: sweeps to 1e-3 / 1e-6 / 1e-8 of a prototype, on a market of 84 variables
    "sharing, anderson 0, relaxation 1, balancing 0": "68 / 124 / 159",
    "sharing, sigma 0.3, anderson 0, relaxation 1, balancing 0": "211 / 560 / 1160",
    "sharing, sigma 0.1, anderson 0, relaxation 1, balancing 0": "650 / 1690 / –",
    **dict.fromkeys(
        [f"sharing{sigma}, anderson 0, relaxation 1" for sigma in (", sigma 0.01", ", sigma 0.1", "", ", sigma 10")],
        "1e-8: 216 to 550",
    ),
    "sharing, anderson 10, relaxation 1, balancing 0": "30 / 37 / 48",
    **dict.fromkeys(
        [f"sharing{sigma}, anderson 10, relaxation 1" for sigma in (", sigma 0.01", ", sigma 0.1", "", ", sigma 10")],
        "1e-8: 53 to 87",
    ),
    "exchange, anderson 0, relaxation 1, balancing 0": "146 / 277 / 400",
    "gauss_seidel": "60 / 160 / 227",
    "pdhg": "1e-8: 1220",
    "pdhg_average": "1e-8: 850",
    "pdhg_halpern": "1e-8: 760",
    "extragradient": "1e-8: 2260",
    "golden_ratio": "1e-8: 1850",
    "tatonnement": "never",
    "tatonnement_damped": "never",
    "tatonnement_averaged": "never",
}
LONG = Budget(max_sweeps=3000, measure_every=20)
SHORT = Budget(max_sweeps=400, measure_every=400)


@dataclass(frozen=True)
class Plan:
    """What is measured: one case at length, and several near it in short."""

    case: Case
    scenario: str = "base"
    neighbours: int = 10
    alone: Budget = LONG
    together: Budget = SHORT
    together_runs: Runs = TOGETHER


def measure_alone(plan: Plan, jobs: int = 1) -> list[Entry]:
    """Return what every scheme with every setting does on the case, so many runs at a time as there are jobs."""
    return _flat(_each([_Task(plan.case, plan.scenario, run, plan.alone) for run in ALONE], jobs))


def measure_near(plan: Plan, jobs: int = 1) -> list[list[Entry]]:
    """Return, for every case near it, what the schemes do there: the same runs of every case."""
    cases = [perturbed(plan.case, plan.scenario, seed) for seed in range(1, plan.neighbours + 1)]
    runs = plan.together_runs
    found = list(_each([_Task(case, plan.scenario, run, plan.together) for case in cases for run in runs], jobs))
    return [_flat(found[first : first + len(runs)]) for first in range(0, len(found), len(runs))]


@dataclass(frozen=True)
class _Task:
    """Some schemes with some settings on one case, with V2G."""

    case: Case
    scenario: str
    run: tuple[str, Sequence[str]]
    budget: Budget

    def entries(self) -> list[Entry]:
        schemes, settings = self.run
        return list(compare(self.case, self.scenario, True, chosen(schemes), grid(settings), self.budget))


def _each(tasks: Sequence[_Task], jobs: int) -> Iterator[list[Entry]]:
    """Yield the entries of one task after another."""
    if jobs == 1:
        yield from map(_Task.entries, tasks)
    else:
        with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
            yield from pool.map(_Task.entries, tasks)


def _flat(parts: Iterable[Sequence[Entry]]) -> list[Entry]:
    return [entry for part in parts for entry in part]


def alone(found: Sequence[Entry], title: str) -> Table:
    """Return what every accuracy takes on one case."""
    columns = ("run", "1e-3", "1e-6", "1e-8", "prototype", "gain 1e-6", "residual 1e-6", "s to 1e-6", "ms a sweep")
    return Table(title, (*columns, "stop"), tuple(_row(entry) for entry in found))


def _row(entry: Entry) -> tuple[str, ...]:
    sweeps = entry.sweeps_to()
    seconds = entry.seconds_to()["1e-6"]
    pace = f"{1000 * entry.readings[-1].seconds / len(entry.readings):.1f}" if entry.readings else NONE
    return (
        entry.label,
        *(_count(sweeps[target]) for target in ("1e-3", "1e-6", "1e-8")),
        PROTOTYPE.get(entry.label, ""),
        *(_count(entry.sweeps_to(residual)["1e-6"]) for residual in ("gain", "natural_residual")),
        NONE if seconds is None else f"{seconds:.2f}",
        pace,
        entry.stop_reason.replace("_", " "),
    )


def together(found: Sequence[Sequence[Entry]], title: str) -> Table:
    """Return the median and worst number of sweeps over several cases; `found` has the same runs of every case."""
    columns = ("run", "1e-6: cases", "median", "worst", "1e-8: cases", "median", "worst", "stops")
    rows = []
    for same in zip(*found, strict=True):
        stops = Counter(entry.stop_reason.replace("_", " ") for entry in same)
        cells = [cell for target in ("1e-6", "1e-8") for cell in _spread([e.sweeps_to()[target] for e in same])]
        rows.append((same[0].label, *cells, ", ".join(f"{reason} {count}" for reason, count in stops.most_common())))
    return Table(title, columns, tuple(rows))


def _spread(counts: Sequence[int | None]) -> tuple[str, str, str]:
    """How many of the counts exist, and of those the median and the largest."""
    known = [count for count in counts if count is not None]
    if not known:
        return f"0 of {len(counts)}", NONE, NONE
    return f"{len(known)} of {len(counts)}", f"{median(known):g}", str(max(known))


def _count(count: int | None) -> str:
    return NONE if count is None else str(count)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables and write them where asked; return the exit code, 2 for bad input."""
    asked = _parser().parse_args(arguments)
    try:
        _run(asked)
    except (BestResponseError, NetworkDataError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def _run(asked: argparse.Namespace) -> None:
    case = load_case(asked.case)
    case.scenario(asked.scenario)
    plan = Plan(
        case,
        asked.scenario,
        asked.neighbours,
        replace(LONG, max_sweeps=asked.max_sweeps),
        replace(SHORT, max_sweeps=asked.max_sweeps_near),
        FAST if asked.fast_near else TOGETHER,
    )
    for path in (asked.json, asked.page):
        if path is not None:
            writable(path)
    data: dict[str, Any] = {"machine": machine_facts(), "case": case.name, "scenario": asked.scenario}
    where = f"{case.name}, {asked.scenario}, with V2G"
    entries = measure_alone(plan, asked.jobs)
    title = f"{where}: sweeps to every accuracy, of at most {plan.alone.max_sweeps}"
    _publish(asked, "schemes", alone(entries, title), data | {"alone": [entry.data() for entry in entries]})
    near = measure_near(plan, asked.jobs)
    title = (
        f"{plan.neighbours} cases near it (factors within {SPREAD:.0%}): sweeps, of at most {plan.together.max_sweeps}"
    )
    data |= {"alone": [e.data() for e in entries], "together": [[e.data() for e in of_one] for of_one in near]}
    _publish(asked, "neighbours", together(near, title), data)


def _publish(asked: argparse.Namespace, block: str, table: Table, data: Mapping[str, Any]) -> None:
    """Print a table, and write it to the page and the data to their file as soon as they are there."""
    text = f"{fact_list()}\n\n{table.markdown()}"
    sys.stdout.write(text + "\n\n")
    if asked.json is not None:
        with replacing(asked.json) as file:
            json.dump(finite(data), file, indent=1, allow_nan=False)
    if asked.page is not None:
        write_block(asked.page, block, text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m experiments.benchmarks.schemes", description=__doc__)
    parser.add_argument("case", nargs="?", default="sioux_falls_ieee123", metavar="CASE")
    parser.add_argument("--scenario", default="base")
    parser.add_argument("--neighbours", type=int, default=10, metavar="N", help="cases near it")
    parser.add_argument("--max-sweeps", type=int, default=LONG.max_sweeps, help="most sweeps on the case")
    parser.add_argument("--max-sweeps-near", type=int, default=SHORT.max_sweeps, help="most sweeps on a case near it")
    parser.add_argument("--fast-near", action="store_true", help="leave out slow schemes on cases near it")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time; more than 1 blurs the seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run to this file")
    parser.add_argument("--page", type=Path, metavar="FILE", help="put the tables between the marks of this page")
    return parser


if __name__ == "__main__":
    sys.exit(main())
