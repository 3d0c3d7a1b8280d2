"""What a second worker saves: one sweep by one and by two processes, side by side, start-up of processes included.

    python -m experiments.benchmarks.sweeps [RUNS] [REPETITIONS]

Beside the wall clock stand the processor seconds of all processes together and of the parent alone: on a machine that
others use, too, they say what the wall clock cannot. More processor seconds with two workers is overhead; what the
parent needs is the part that no worker can take over.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console

from experiments.benchmarks.machine import machine_facts
from experiments.sweeps.crews import crew
from experiments.sweeps.design import points
from experiments.sweeps.folder import SweepFolder
from experiments.sweeps.study import Study
from experiments.sweeps.sweep import Sweep

CASE, SCENARIO = "sioux_falls_ieee123", "stress"


@dataclass(frozen=True)
class Timing:
    """One sweep."""

    workers: int
    seconds: float
    processor_seconds: float  # of all processes
    parent_seconds: float  # of them, of the parent
    load: float  # processes that wanted a processor in the last minute, at the end

    @property
    def parent_share(self) -> float:
        """The part of the work that the parent does alone."""
        return self.parent_seconds / self.processor_seconds


def timing(runs: int, workers: int, case: str = CASE) -> Timing:
    """Return what a sweep of so many runs takes; every run is another load factor."""
    axis = {f"scenarios.{SCENARIO}.load_factor": {"from": 1.0, "to": 2.0, "steps": runs}}
    study = Study(name="timing", case=case, scenario=SCENARIO, grid=axis)
    with tempfile.TemporaryDirectory() as place:
        started, own, others = time.perf_counter(), time.process_time(), _processor_seconds_of_children()
        sweep = Sweep(study, points(study), SweepFolder(Path(place) / "out", study.name))
        with crew(workers) as available:
            sweep.go(available, lambda sweep: None)
        own = time.process_time() - own
        children = _processor_seconds_of_children() - others  # known when they have ended
        seconds = time.perf_counter() - started
    if sweep.count("solved") != runs:
        raise RuntimeError(f"only {sweep.count('solved')} of {runs} runs were solved")
    return Timing(workers, seconds, own + children, own, os.getloadavg()[0])


def _processor_seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(runs: str = "200", repetitions: str = "3") -> None:
    """Print a line for every sweep when it ends, and the ratio of one to two workers."""
    console = Console(width=110, highlight=False)
    for key, value in machine_facts().items():
        console.print(f"{key}: {value}")
    console.print(f"sweeps of {runs} runs, {CASE} / {SCENARIO}, by the monolith")
    timing(2, 1)  # what is compiled or imported at the first run
    ratios = []
    for _ in range(int(repetitions)):
        one, two = (_told(console, timing(int(runs), workers)) for workers in (1, 2))
        ratios.append(one.seconds / two.seconds)
    console.print(f"faster by two workers: {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def _told(console: Console, found: Timing) -> Timing:
    parent = f", {found.parent_share:.1%} of them the parent's" if found.workers > 1 else ""
    work = f"{found.processor_seconds:.1f} processor seconds{parent}"
    console.print(f"workers {found.workers}: {found.seconds:.1f} s, {work}, load {found.load:.1f}")
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
