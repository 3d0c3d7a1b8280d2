"""Solve one scenario of a case: the coordinator, the monolith, or both and compare them."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from bestresponse.errors import DataError
from bestresponse.stopping import Tolerances
from experiments.build import build
from experiments.case import content, load_case
from experiments.case_problems import nearest
from experiments.case_schema import Case
from experiments.clock import Clock
from experiments.defaults import MAX_SWEEPS, TOLERANCE
from experiments.provenance import versions
from experiments.recording import recording
from experiments.result import Result
from experiments.routes import METHODS, OnSweep, Routes
from experiments.verdict import result_of, with_ranges


def solve(
    case: Case | str,
    scenario: str = "base",
    v2g: bool = True,
    method: str = "both",
    *,
    tolerance: float = TOLERANCE,
    max_sweeps: int = MAX_SWEEPS,
    on_sweep: OnSweep | None = None,
    trace: str | Path | None = None,
    resume: bool = False,
    start: str | Path | None = None,
    ranges: bool = False,
    polish: bool = False,
) -> Result:
    """Return the solved scenario as plain data, certified, with `method="both"` cross-checked by the monolith.

    With `trace`, every sweep is written to that file when it ends (see `bestresponse.trace_file`), and what the next
    one depends on to a state file beside it; `resume` goes on from there, if there is something to go on from, to the
    same result as an unbroken run. With `start`, the trace file of another run, the coordinator starts where that one
    ended. With `polish`, the coordinator's answer is taken to the last digits, see `bestresponse.crossover`. With
    `ranges`, the result says what quantities that are not unique may be, see `experiments.ranges`; of a market without
    a potential, or one not solved, it says nothing. Not converging is a result, too: see `Result.solved` and
    `Result.status`. Raises DataError for a case, scenario, method, tolerance or start that does not exist or does not
    fit, or for the state of another run.
    """
    loaded = load_case(case) if isinstance(case, str) else case
    _check_arguments(loaded, scenario, method, tolerance, max_sweeps)
    if method == "monolith" and (trace or resume or start):
        raise DataError("method: the monolith has no sweeps to trace, resume or start; choose 'both' or a scheme")
    if method == "monolith" and polish:
        raise DataError("method: the monolith ends in a polish of its own; choose 'both' or a scheme")
    clock = Clock()
    model = build(loaded, scenario, v2g)
    clock.lap("build")
    routes = Routes(model, method, Tolerances.of(tolerance), clock)
    if start is not None:
        routes.start_from(start)
    if polish and routes.no_system:
        raise DataError(f"polish: {routes.no_system[0]}")
    about = {
        "case": content(loaded),
        "scenario": scenario,
        "v2g": v2g,
        **routes.coordination,
        "tolerance": tolerance,
        "versions": versions(),
        **routes.origin,
    }
    with recording(trace, model.market, about, resume, max_sweeps) if trace else nullcontext() as record:
        routes.coordinate(max_sweeps, on_sweep, record)
    if polish:
        routes.polish()
    routes.take_monolith()
    result = result_of(routes)
    return with_ranges(result, routes) if ranges and result.solved else result


def _check_arguments(case: Case, scenario: str, method: str, tolerance: float, max_sweeps: int) -> None:
    case.scenario(scenario)
    if method not in METHODS:
        raise DataError(f"no method {method!r}{nearest(method, list(METHODS))} Methods: {', '.join(METHODS)}")
    if not 0 < tolerance < 1:
        raise DataError(f"tolerance: given {tolerance}, must lie between 0 and 1")
    if not max_sweeps >= 1:
        raise DataError(f"max-sweeps: given {max_sweeps}, must be at least 1")
