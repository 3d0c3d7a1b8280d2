"""Would a sweep gain if every run started where its neighbour ended? Along an axis: monolith, cold and warm scheme.

    python -m experiments.benchmarks.warm_sweeps [STEPS]

Seconds are those of the solve alone, the same set-up before each. The monolith cannot start from another answer.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from bestresponse.coordinator import coordinate
from bestresponse.equilibrium import Equilibrium
from bestresponse.monolith import solve_monolith
from bestresponse.start import Ending, Start
from bestresponse.stopping import Tolerances
from bestresponse.system import ComplementaritySystem
from bestresponse.typing import Vector
from experiments.build import build
from experiments.sweeps.design import points
from experiments.sweeps.runs import run_of
from experiments.sweeps.study import Study
from experiments.task import Task

CASE, SCENARIO, TOLERANCES = "sioux_falls_ieee123", "stress", Tolerances.of(1e-8)
AXES = {
    "scenarios.stress.load_factor": (1.0, 2.0),
    "vehicles.degradation_usd_per_kwh": (0.0, 0.3),
    "vehicles.battery_kwh": (36.0, 60.0),
    "households.value_of_lost_load_usd_per_kwh": (0.5, 5.0),
    "lse[*].conduct": (0.0, 1.0),
}


@dataclass
class Chain:
    """Seconds of all solves along an axis, by the way to solve, and how many of the warm ones failed."""

    seconds: dict[str, float] = field(default_factory=lambda: {"monolith": 0.0, "cold": 0.0, "warm": 0.0})
    warm_failures: int = 0


def chain(axis: str, steps: int, case: str = CASE) -> Chain:
    """Return what the runs along an axis take."""
    low, high = AXES[axis]
    study = Study(name="chain", case=case, scenario=SCENARIO, grid={axis: {"from": low, "to": high, "steps": steps}})
    found, last = Chain(), None
    for point in points(study):
        task = run_of(study, 0, point).task
        if task is None:
            continue
        _timed(found, "monolith", task, None)
        _timed(found, "cold", task, None)
        last = _timed(found, "warm", task, last)
        found.warm_failures += not last.solved
    return found


def _timed(chain: Chain, way: str, task: Task, before: Equilibrium | None) -> Equilibrium:
    """Solve a task anew in one way and book the seconds."""
    model = build(task.case, task.scenario, task.v2g)
    system = ComplementaritySystem(model.market)
    start: Vector | Start = model.first_price
    if before is not None:
        start = Ending.of(before).start(model.market, model.first_price)
    clock = time.perf_counter()
    if way == "monolith":
        found = solve_monolith(model.market, system=system).equilibrium
    else:
        found = coordinate(model.market, start, tolerances=TOLERANCES, natural_residual=system.natural_residual)
    chain.seconds[way] += time.perf_counter() - clock
    return found


def main(steps: str = "7") -> None:
    """Print a row for every axis."""
    table = Table(title=f"Neighbouring runs, {CASE} / {SCENARIO}: seconds per run to 1e-8, mean of {steps}")
    for column in ("axis", "monolith", "sharing, cold", "sharing, warm", "warm runs not solved"):
        table.add_column(column, justify="left" if column == "axis" else "right")
    for axis in AXES:
        found = chain(axis, int(steps))
        table.add_row(axis, *(f"{s / int(steps):.2f}" for s in found.seconds.values()), str(found.warm_failures))
    Console(width=120).print(table)


if __name__ == "__main__":
    main(*sys.argv[1:])
