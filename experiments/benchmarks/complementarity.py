"""`python -m experiments.benchmarks.complementarity`: the complementarity engine against time and other solvers.

1. A market-like system of 10,000 rows, its separable variables eliminated, and handed over as if nothing were known.
2. The first-order conditions of quadratic programs over the IEEE 123-bus feeder, and the same programs by Clarabel, in
   turn, so that a busy moment meets both. PATH joins where GAMSPy can be imported and Siconos where the system's
   Python has it, each with the time of the solver itself: neither GAMS nor the start of another Python counts.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

from rich.console import Console

from bestresponse.complementarity import ComplementarityProblem, natural_residual
from bestresponse.errors import BestResponseError
from experiments.benchmarks.complementarity_problems import feeder_program, spatial_market
from experiments.benchmarks.complementarity_solvers import Solve, absent, interior_point, solvers
from experiments.benchmarks.machine import machine_facts
from experiments.benchmarks.report import Table
from experiments.files import writable

MARKET = (50, 25)  # places; 8 rows each
WIDTH = 200  # [characters] where the output is no terminal


@dataclass(frozen=True)
class Measurement:
    """One solver on one problem."""

    problem: str
    solver: str
    rows: int
    seconds: tuple[float, ...]  # one per repetition, set-up of the solver included, but no other program around it
    residual: float  # natural residual of the complementarity system
    factorisations: int | None  # others: iterations

    @property
    def typical(self) -> float:
        """The median of the repetitions."""
        return median(self.seconds)


def measure(repeat: int) -> list[Measurement]:
    """Return all measurements; the first, unrecorded solve of everything pays for imports and caches."""
    market = spatial_market(*MARKET)
    found = _in_turn(
        "market-like",
        market,
        {
            "interior point, 8,750 separable variables marked": lambda: interior_point(market),
            "interior point, nothing marked": lambda: interior_point(replace(market, separable=None)),
        },
        repeat,
    )
    for name, rated in (("123-bus QP", False), ("123-bus QP with line ratings", True)):
        program = feeder_program(rated=rated)
        found += _in_turn(name, program.conditions(), solvers(program), repeat)
    return found


def _in_turn(name: str, problem: ComplementarityProblem, asked: dict[str, Solve], repeat: int) -> list[Measurement]:
    seconds: dict[str, list[float]] = {solver: [] for solver in asked}
    answers = {solver: solve() for solver, solve in asked.items()}
    for _ in range(repeat):
        for solver, solve in asked.items():
            began = time.perf_counter()
            answer = answers[solver] = solve()
            passed = time.perf_counter() - began
            seconds[solver].append(passed if answer.seconds is None else answer.seconds)
    return [
        Measurement(name, solver, problem.size, tuple(seconds[solver]), natural_residual(problem, a.x), a.iterations)
        for solver, a in answers.items()
    ]


def table(measurements: Sequence[Measurement]) -> Table:
    """Return the measurements as a table, each with its time over that of the first solver of its problem."""
    first = {m.problem: m for m in reversed(measurements)}
    lines = [
        (
            f"{m.problem}: {m.solver}",
            f"{m.rows:,}",
            f"{1e3 * m.typical:.1f}",
            f"{1e3 * min(m.seconds):.1f}–{1e3 * max(m.seconds):.1f}",
            f"{m.typical / first[m.problem].typical:.2f}",
            "–" if m.factorisations is None else str(m.factorisations),
            f"{m.residual:.0e}",
        )
        for m in measurements
    ]
    columns = (
        "problem and solver",
        "rows",
        "ms, median",
        "range",
        "over the first",
        "factorisations",
        "natural residual",
    )
    return Table("Complementarity systems", columns, tuple(lines))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and write it where asked; return the exit code, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m experiments.benchmarks.complementarity", description=__doc__)
    parser.add_argument("--repeat", type=int, default=7, metavar="N", help="times that everything is solved")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every repetition to this file")
    asked = parser.parse_args(arguments)
    if asked.repeat < 1:
        parser.error(f"--repeat: given {asked.repeat}, must be at least 1")
    try:
        if asked.json is not None:
            writable(asked.json)
        facts, measurements = machine_facts(), measure(asked.repeat)
    except (BestResponseError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    for key, value in facts.items():
        console.print(f"{key}: {value}")
    console.print(table(measurements).rich())
    for sentence in absent():
        console.print(sentence, markup=False)
    if asked.json is not None:
        data = {"machine": facts, "measurements": [asdict(m) for m in measurements], "absent": absent()}
        asked.json.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
