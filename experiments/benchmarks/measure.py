"""One run measured: set-up, coordinator, monolith and the one convex program, one after the other, again and again."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bestresponse.coordinator import coordinate
from bestresponse.equilibrium import Equilibrium
from bestresponse.monolith import solve_monolith
from bestresponse.stopping import Tolerances
from bestresponse.system import ComplementaritySystem
from experiments.benchmarks.one_program import SolveOneProgram
from experiments.benchmarks.runs import Run
from experiments.build import build
from experiments.case import load_case

TOLERANCES: Mapping[str, float] = {"1e-3": 1e-3, "1e-6": 1e-6, "1e-8": 1e-8}
LATE_SWEEPS = 10


@dataclass(frozen=True)
class Sample:
    """One repetition of one run. Seconds are wall seconds; None stands for a tolerance that was not reached."""

    build_seconds: float  # case file, networks, paths, players
    compile_seconds: float  # every player's problem in canonical form
    converged: bool
    sweeps: Mapping[str, int | None]  # by tolerance
    coordinator_seconds: Mapping[str, float | None]  # by tolerance, after set-up
    ms_per_sweep: float  # over the whole way
    ms_per_late_sweep: float  # median of the last ones
    player_seconds: Mapping[str, float]
    other_seconds: float  # of the coordinator outside the players
    monolith_converged: bool
    factorisations: int
    monolith_seconds: float  # cold, after set-up
    natural_residual: float
    canonicalisation_seconds: float  # of the one convex program
    solve_seconds: float  # of the one convex program

    @property
    def one_program_seconds(self) -> float:
        """What the one convex program takes after its paths are there."""
        return self.canonicalisation_seconds + self.solve_seconds

    def coordinator_ratio(self, tolerance: str) -> float | None:
        """Return the coordinator's seconds over those of the one convex program, None if it did not get there."""
        seconds = self.coordinator_seconds[tolerance]
        return None if seconds is None else seconds / self.one_program_seconds

    @property
    def monolith_ratio(self) -> float:
        """The monolith's seconds over those of the one convex program."""
        return self.monolith_seconds / self.one_program_seconds


def measure(runs: Sequence[Run], repeat: int, one_program: SolveOneProgram) -> dict[Run, list[Sample]]:
    """Return `repeat` samples of every run, the routes interleaved, so that a busy moment meets all of them.

    A first, unrecorded sample of the teaching case pays for imports. Raises RuntimeError where the one convex
    program has no answer, DataError for a case that does not fit its networks.
    """
    sample(Run("teaching", "base", v2g=True), one_program)
    return {run: [sample(run, one_program) for _ in range(repeat)] for run in runs}


def sample(run: Run, one_program: SolveOneProgram) -> Sample:
    """Solve one run once by every route, from scratch."""
    started = time.perf_counter()
    model = build(load_case(run.case), run.scenario, run.v2g)
    built = time.perf_counter()
    system = ComplementaritySystem(model.market)
    compiled = time.perf_counter()
    coordinated = coordinate(model.market, model.first_price, tolerances=Tolerances.of(min(TOLERANCES.values())))
    monolith = solve_monolith(model.market, system=system)
    yardstick = one_program(run.case, run.scenario, run.v2g).run
    at = np.diff([0.0, *(record.seconds for record in coordinated.trace.records)])
    by_player = {player.name: coordinated.seconds[player.name] for player in model.market}
    return Sample(
        build_seconds=built - started,
        compile_seconds=compiled - built,
        converged=coordinated.solved,
        sweeps={name: coordinated.trace.sweeps_to(tolerance) for name, tolerance in TOLERANCES.items()},
        coordinator_seconds={name: _seconds_to(coordinated, tolerance) for name, tolerance in TOLERANCES.items()},
        ms_per_sweep=1e3 * float(np.mean(at)),
        ms_per_late_sweep=1e3 * float(np.median(at[-LATE_SWEEPS:])),
        player_seconds=by_player,
        other_seconds=coordinated.seconds["coordination"] - sum(by_player.values()),
        monolith_converged=monolith.mcp.converged,
        factorisations=monolith.mcp.factorisations,
        monolith_seconds=monolith.equilibrium.seconds["monolith"],
        natural_residual=monolith.mcp.residual,
        canonicalisation_seconds=yardstick.canonicalisation_seconds,
        solve_seconds=yardstick.solve_seconds,
    )


def _seconds_to(found: Equilibrium, tolerance: float) -> float | None:
    sweeps = found.trace.sweeps_to(tolerance)
    return None if sweeps is None else found.trace.records[sweeps - 1].seconds
