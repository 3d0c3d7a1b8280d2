"""How sweeps and seconds grow with every size of a market.

    python -m experiments.benchmarks.scaling [--scenario base] [--seeds 3] [--minutes 20] --out DIR [--page FILE]

Markets are grown from the reference case (`bestresponse grow`), one size at a time ×1, ×2, …, and stations and OD pairs
together; every run goes to 1e-6 with the default scheme. Seconds are those of the processor, for others may use the
machine, too. Small multiples come first. A size is given up where its next run would take longer than allowed, and all
when the minutes are over; the report says so. Writes scaling.json, scaling.md, and a figure for every scenario.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bestresponse.coordinator import coordinate
from bestresponse.errors import BestResponseError, DataError
from bestresponse.stopping import Limits, Tolerances
from bestresponse.system import ComplementaritySystem
from experiments.build import build
from experiments.growing import SIZES, Growth, grown_case
from networks.errors import NetworkDataError

TOGETHER = "stations x od_pairs"
AXES = (*SIZES, TOGETHER)
ACCURACY = 1e-6
MULTIPLES = (1, 2, 4, 8, 16)
GROUPS = {"ChargingOperator": "CNO", "DistributionOperator": "DSO", "LoadServingEntity": "LSEs"}  # else the class
ITSELF = "coordinator"
FILE = "scaling.json"
STEEPEST = 8.0  # how many times longer a run of twice the size is ever expected to take


@dataclass(frozen=True)
class Budget:
    """What the study may take."""

    minutes: float = 20.0  # in all
    run_seconds: float = (
        120.0  # of the processor for a run, set-up included, as expected; of its coordination, by the clock
    )
    max_sweeps: int = 2000

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise DataError(f"{name}: given {value}, must be positive")


@dataclass(frozen=True)
class Sample:
    """One market of one size, solved once."""

    axis: str
    multiple: int
    seed: int
    goods: int
    paths: int  # of electric and fuel vehicles
    sweeps: int | None  # to the accuracy
    stop: str
    setup_seconds: float  # of the processor: reading, routes, checks, players in canonical form
    seconds: float  # of the processor: coordination to its end
    by_player: dict[str, float]  # of these, in proportion to the clock's; all LSEs as one, the coordinator itself too

    @property
    def ms_per_sweep(self) -> float | None:
        """Milliseconds of the processor a sweep, gain checks included; None for a run that did not get there."""
        return None if self.sweeps is None else 1e3 * self.seconds / self.sweeps


@dataclass(frozen=True)
class Study:
    """All samples of one scenario, and what was left out and why."""

    scenario: str
    seeds: int
    budget: Budget
    samples: Sequence[Sample]
    left_out: Sequence[str]


def growth(axis: str, multiple: int, seed: int) -> Growth:
    """Return the market of one point of the study."""
    sizes = ("stations", "od_pairs") if axis == TOGETHER else (axis,)
    return Growth(seed=seed, **dict.fromkeys(sizes, multiple))


def measure(
    scenario: str,
    seeds: int,
    budget: Budget,
    most: int = MULTIPLES[-1],
    on_run: Callable[[str], None] | None = None,
    known: Sequence[Sample] = (),
) -> Study:
    """Return the study of one scenario, with V2G, going on from samples that are known.

    Raises DataError for less than two seeds or multiples.
    """
    multiples = [multiple for multiple in MULTIPLES if multiple <= most]
    if not (seeds >= 2 and len(multiples) >= 2):
        raise DataError(f"seeds and most: given {seeds} and {most}, must both be at least 2 for a fit")
    began = time.perf_counter()
    sample("buses", 1, 1, scenario, budget)  # pays for imports and compilation, is not kept
    found, measured = list(known), {(s.axis, s.multiple, s.seed) for s in known}
    left_out: dict[str, str] = {}  # by axis
    for axis, multiple, seed in _points(multiples, seeds):
        if axis in left_out or (axis, multiple, seed) in measured:
            continue
        if reason := _reason_to_stop(found, axis, multiple, began, budget):
            left_out[axis] = f"{axis} from ×{multiple}: {reason}"
            continue
        try:
            found += _samples(axis, multiple, seed, scenario, budget)
        except KeyboardInterrupt:
            if not found:
                raise
            left_out |= {name: f"{name}: the study was interrupted" for name in AXES if name not in left_out}
            break
        if on_run is not None:
            last = found[-1]
            on_run(f"{axis} ×{multiple}, seed {seed}: {last.sweeps} sweeps, {last.setup_seconds + last.seconds:.1f} s")
    return Study(scenario, seeds, budget, found, list(left_out.values()))


def _points(multiples: Sequence[int], seeds: int) -> Iterator[tuple[str, int, int]]:
    """Axis, multiple and seed of every run, small multiples first; ×1 is the same market on every axis."""
    for multiple in multiples:
        for axis in AXES if multiple > 1 else AXES[:1]:
            for seed in range(1, seeds + 1):
                yield axis, multiple, seed


def _reason_to_stop(found: Sequence[Sample], axis: str, multiple: int, began: float, budget: Budget) -> str:
    """Why a multiple is not tried, empty if it is: its runs would take too long, or the time is over."""
    if time.perf_counter() - began > 60 * budget.minutes:
        return f"the {budget.minutes:g} minutes were over"
    took = {
        tried: median(s.setup_seconds + s.seconds for s in found if (s.axis, s.multiple) == (axis, tried))
        for tried in sorted({s.multiple for s in found if s.axis == axis and s.multiple < multiple})
    }
    if len(took) < 2:
        return ""
    *_, before, last = took.values()
    expected = last * min(max(last / before, 1.0), STEEPEST)
    if expected <= budget.run_seconds:
        return ""
    return f"a run would take about {expected:.0f} s after {last:.0f} s, more than the {budget.run_seconds:g} s allowed"


def _samples(axis: str, multiple: int, seed: int, scenario: str, budget: Budget) -> list[Sample]:
    found = sample(axis, multiple, seed, scenario, budget)
    return [found] if multiple > 1 else [Sample(**(vars(found) | {"axis": name})) for name in AXES]


def sample(axis: str, multiple: int, seed: int, scenario: str, budget: Budget) -> Sample:
    """Grow a market and solve it once, from scratch."""
    with TemporaryDirectory() as folder:
        case = grown_case(growth(axis, multiple, seed), folder)
        began = time.process_time()
        model = build(case, scenario, v2g=True)
    ComplementaritySystem(model.market)  # brings every player's problem into canonical form
    compiled = time.process_time()
    found = coordinate(
        model.market,
        model.first_price,
        tolerances=Tolerances.of(ACCURACY),
        limits=Limits(max_sweeps=budget.max_sweeps, max_seconds=budget.run_seconds),
    )
    seconds = time.process_time() - compiled
    pace = seconds / found.seconds["coordination"]  # of the processor's seconds on the clock's
    kinds = {player.name: type(player).__name__ for player in model.market}
    by_player: dict[str, float] = {}
    for name, kind in kinds.items():
        group = GROUPS.get(kind, kind)
        by_player[group] = by_player.get(group, 0.0) + pace * found.seconds[name]
    return Sample(
        axis,
        multiple,
        seed,
        goods=model.market.n_goods,
        paths=model.player("traffic").form.n_paths,
        sweeps=found.trace.sweeps_to(ACCURACY) if found.stop.reason.is_success else None,
        stop=found.stop.reason.name.lower(),
        setup_seconds=compiled - began,
        seconds=seconds,
        by_player=by_player | {ITSELF: seconds - sum(by_player.values())},
    )


def known_samples(file: Path) -> dict[str, list[Sample]]:
    """Return the samples of an earlier study by scenario. Raises DataError for a file that is none."""
    try:
        studies = json.loads(file.read_text(encoding="utf-8"))["studies"]
        return {study["scenario"]: [Sample(**each) for each in study["samples"]] for study in studies}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file}: no scaling study to go on from ({type(error).__name__}: {error})") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write what the arguments ask for; return the exit code, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m experiments.benchmarks.scaling", description=__doc__)
    parser.add_argument("--scenario", nargs="+", default=["base"], metavar="NAME", help="base, stress or both")
    parser.add_argument("--seeds", type=int, default=3, help="markets of every size")
    parser.add_argument("--most", type=int, default=MULTIPLES[-1], help="largest multiple")
    parser.add_argument("--minutes", type=float, default=Budget.minutes, help="of every scenario")
    parser.add_argument("--run-seconds", type=float, default=Budget.run_seconds, help="of one run")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the report")
    parser.add_argument("--resume", action="store_true", help="go on from the samples in DIR/scaling.json")
    parser.add_argument("--page", type=Path, metavar="FILE", help="put the tables between the marks of this page")
    asked = parser.parse_args(arguments)
    from experiments.benchmarks.scaling_report import write
    from experiments.files import writable

    try:
        writable(asked.out, folder=True)
        budget = Budget(asked.minutes, asked.run_seconds)
        known = known_samples(asked.out / FILE) if asked.resume else {}
        studies = [measure(name, asked.seeds, budget, asked.most, _say, known.get(name, ())) for name in asked.scenario]
        sys.stdout.write(write(studies, asked.out, asked.page) + "\n")
    except (BestResponseError, NetworkDataError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def _say(run: str) -> None:
    sys.stderr.write(f"{run}\n")


if __name__ == "__main__":
    sys.exit(main())
