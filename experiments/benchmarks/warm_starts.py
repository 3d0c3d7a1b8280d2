"""What a warm start saves: sweeps to 1e-6, and seconds after set-up, cold and from another answer, in one run.

    python -m experiments.benchmarks.warm_starts [CASE]

"prices only" shows that prices alone say little: a start needs the trades as well. Rows of Anderson are runs without
Newton's method, which learns nothing for another run: "without lessons" forgets what the other run has learned of the
map.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rich.console import Console
from rich.table import Table

from bestresponse.acceleration import Anderson
from bestresponse.coordinator import coordinate
from bestresponse.equilibrium import Equilibrium
from bestresponse.monolith import solve_monolith
from bestresponse.start import Ending, Start
from bestresponse.system import ComplementaritySystem
from bestresponse.typing import Vector
from experiments.build import Model, build
from experiments.case import load_case
from experiments.case_schema import Case

TARGET = 1e-6
MORE_LOAD = 1.01


@dataclass(frozen=True)
class Timing:
    """One run: from where, how many sweeps to the target, how long to the end."""

    start: str
    sweeps: int | None
    seconds: float
    found: Equilibrium


def timings(case: Case, scenario: str, v2g: bool) -> Iterator[Timing]:
    """Yield the runs of one scenario: cold, from the end of other runs, and from the monolith's answer."""
    cold = _timed("cold", case, scenario, v2g)
    yield cold
    yield _timed("its own end", case, scenario, v2g, Start.after(cold.found))
    monolith = solve_monolith(build(case, scenario, v2g).market).equilibrium
    yield _timed("the monolith", case, scenario, v2g, Start.after(monolith))
    neighbour, end = _with_more_load(case, scenario), Start.after(cold.found)
    yield _timed("1 % more load, cold", neighbour, scenario, v2g)
    yield _timed("1 % more load, prices only", neighbour, scenario, v2g, Start(end.price))
    yield _timed("1 % more load", neighbour, scenario, v2g, end)
    if scenario != "base" and "base" in case.scenarios:
        base = _timed("base", case, "base", v2g).found
        yield _timed("base", case, scenario, v2g, Ending.of(base))
    learner, name = Anderson(), "Anderson, 1 % more load"
    cold = _timed("Anderson, cold", case, scenario, v2g, acceleration=learner)
    yield cold
    end = Start.after(cold.found)
    yield _timed(f"{name}, cold", neighbour, scenario, v2g, acceleration=learner)
    yield _timed(f"{name}, without lessons", neighbour, scenario, v2g, replace(end, lessons=None), learner)
    yield _timed(name, neighbour, scenario, v2g, end, learner)


def _with_more_load(case: Case, scenario: str) -> Case:
    original = case.scenarios[scenario]
    changed = original.model_copy(update={"load_factor": MORE_LOAD * original.load_factor})
    return case.model_copy(update={"scenarios": {**case.scenarios, scenario: changed}})


def _timed(
    label: str,
    case: Case,
    scenario: str,
    v2g: bool,
    start: Start | Ending | None = None,
    acceleration: Anderson | None = None,
) -> Timing:
    model = build(case, scenario, v2g)
    ComplementaritySystem(model.market)  # every player's problem in canonical form: set-up
    begin = _start(model, start)
    clock = time.perf_counter()
    found = coordinate(model.market, begin, acceleration=acceleration)
    return Timing(label, found.trace.sweeps_to(TARGET), time.perf_counter() - clock, found)


def _start(model: Model, start: Start | Ending | None) -> Vector | Start:
    if isinstance(start, Ending):
        return start.start(model.market, model.first_price)
    return model.first_price if start is None else start


def main(name: str = "sioux_falls_ieee123") -> None:
    """Print the table of a case."""
    case = load_case(name)
    table = Table(title=f"Warm starts, {name}: sweeps to {TARGET:.0e}, seconds to the end")
    for column in ("scenario", "start", "sweeps", "seconds"):
        table.add_column(column, justify="left" if column in ("scenario", "start") else "right")
    for scenario in case.scenarios:
        for v2g in (False, True):
            for row in timings(case, scenario, v2g):
                label = f"{scenario}, {'with' if v2g else 'without'} V2G"
                table.add_row(label, row.start, str(row.sweeps or "–"), f"{row.seconds:.2f}")
            table.add_section()
    Console(width=100).print(table)


if __name__ == "__main__":
    main(*sys.argv[1:])
