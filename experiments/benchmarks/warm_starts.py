"""What a warm start saves: sweeps to 1e-6, and seconds, cold and from another answer, in one run.

python -m experiments.benchmarks.warm_starts [CASE]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bestresponse.coordinator import coordinate
from bestresponse.equilibrium import Equilibrium
from bestresponse.monolith import solve_monolith
from bestresponse.run import Start
from bestresponse.typing import Vector
from experiments.build import build
from experiments.case import load_case
from experiments.case_schema import Case

TARGET = 1e-6
MORE_LOAD = 1.01


@dataclass(frozen=True)
class Timing:
    """One run: from where, how many sweeps, how long."""

    start: str
    sweeps: int | None
    seconds: float
    found: Equilibrium


def timings(case: Case, scenario: str, v2g: bool) -> Iterator[Timing]:
    """Yield the runs of one scenario: cold, with 1 % more load cold and warm, and from the monolith's answer."""
    cold = _timed("cold", case, scenario, v2g)
    yield cold
    original = case.scenarios[scenario]
    changed = original.model_copy(update={"load_factor": MORE_LOAD * original.load_factor})
    neighbour = case.model_copy(update={"scenarios": {**case.scenarios, scenario: changed}})
    yield _timed("1 % more load, cold", neighbour, scenario, v2g)
    yield _timed("1 % more load, warm", neighbour, scenario, v2g, Start.after(cold.found))
    monolith = solve_monolith(build(case, scenario, v2g).market).equilibrium
    yield _timed("from the monolith", case, scenario, v2g, Start.after(monolith))


def _timed(label: str, case: Case, scenario: str, v2g: bool, start: Start | None = None) -> Timing:
    model = build(case, scenario, v2g)
    begin: Vector | Start = model.first_price if start is None else start
    clock = time.perf_counter()
    found = coordinate(model.market, begin)
    return Timing(label, found.trace.sweeps_to(TARGET), time.perf_counter() - clock, found)


def main(name: str = "sioux_falls_ieee123") -> None:
    """Print the table of a case."""
    case = load_case(name)
    table = Table(title=f"Warm starts, {name}: sweeps to {TARGET:.0e}, and seconds to the end")
    for column in ("scenario", "start", "sweeps", "seconds"):
        table.add_column(column, justify="left" if column in ("scenario", "start") else "right")
    for scenario in case.scenarios:
        for v2g in (False, True):
            for row in timings(case, scenario, v2g):
                label = f"{scenario}, {'with' if v2g else 'without'} V2G"
                table.add_row(label, row.start, str(row.sweeps or "–"), f"{row.seconds:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main(*sys.argv[1:])
