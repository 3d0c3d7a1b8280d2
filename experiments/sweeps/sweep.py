"""Do all runs of a study that are not done yet, and keep each as soon as it ends.

No run starts where another one ended: the monolith cannot, and a scheme that does is still slower than the monolith
and may fail where it would not have (`python -m experiments.benchmarks.warm_sweeps`). So a result depends on its own
keys alone, whoever works on it and in whatever order.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass, field, replace
from typing import Any

from bestresponse.errors import DataError, SolverError
from experiments.case_problems import nearest, shown
from experiments.sweeps.crews import Crew
from experiments.sweeps.design import Point
from experiments.sweeps.folder import SweepFolder
from experiments.sweeps.judging import judged
from experiments.sweeps.runs import LOST, SOLVED, Outcome, Run, run_of
from experiments.sweeps.siting import batches
from experiments.sweeps.study import Study

ATTEMPTS = 2  # of a run alone with the crew, before it counts as what its workers die of

OnDone = Callable[["Sweep"], None]


@dataclass
class Sweep:
    """The runs of a study as far as they are known, and how those that are done have ended."""

    study: Study
    designs: Sequence[Point]
    folder: SweepFolder
    runs: list[Run] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)  # by the hash of the run
    found: int = 0  # runs that had been done before

    def go(self, crew: Crew, on_done: OnDone) -> None:
        """Do what is left to do. Raises OSError if a run cannot be kept, and SolverError if the crew is lost."""
        for batch in batches(self.study, self.designs, self._score):
            runs = [run_of(self.study, len(self.runs) + k, point) for k, point in enumerate(batch, start=1)]
            self.runs += runs
            self._work_off(self._not_done_yet(runs), crew, on_done)

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for every run that is done, in the order of the study."""
        ended = [(run, self.outcomes[run.key]) for run in self.runs if run.key in self.outcomes]
        more = judged(ended) if self.study.findings else {}
        return [self._row(run, outcome) | more.get(run.number, {}) for run, outcome in ended]

    @property
    def done(self) -> int:
        """How many runs are done."""
        return sum(run.key in self.outcomes for run in self.runs)

    def count(self, *statuses: str) -> int:
        """Return how many runs have ended in one of these ways."""
        return sum(run.key in self.outcomes and self.outcomes[run.key].status in statuses for run in self.runs)

    def _row(self, run: Run, outcome: Outcome) -> dict[str, Any]:
        settings = {name: value if _is_scalar(value) else shown(value) for name, value in run.columns.items()}
        options = {name: run.options[name] for name in ("scenario", "v2g")}
        ended = {"status": outcome.status, "reason": outcome.reason}
        place = {"folder": self.folder.place(run)}
        return {"run": run.number} | settings | options | ended | dict(outcome.scalars) | place

    def _score(self, point: Point) -> float:
        """The quantity that siting minimises at a run; NaN if it is not solved."""
        outcome = self.outcomes[run_of(self.study, 0, point).key]
        if self.study.siting is None or outcome.status != SOLVED:
            return math.nan
        quantity = self.study.siting.minimise
        if quantity not in outcome.scalars:
            hint = nearest(quantity, outcome.scalars)
            raise DataError(f"{self.study.file}: siting.minimise: no quantity {shown(quantity)}{hint}")
        return float(outcome.scalars[quantity])

    def _not_done_yet(self, runs: Sequence[Run]) -> list[Run]:
        """One run of each hash that is neither known nor in the folder."""
        left: dict[str, Run] = {}
        for run in runs:
            if run.key in self.outcomes or run.key in left:
                continue
            outcome = self.folder.find(run)
            if outcome is None:
                left[run.key] = run
            else:
                self._note(run, outcome)
                self.found += 1
        return list(left.values())

    def _note(self, run: Run, outcome: Outcome) -> None:
        """Remember how a run ended; its whole result only if the findings are judged on it."""
        self.outcomes[run.key] = outcome if self.study.findings else replace(outcome, result=None)

    def _work_off(self, runs: Sequence[Run], crew: Crew, on_done: OnDone) -> None:
        """Hand out the runs; those whose workers were lost again, each alone, so that the one at fault shows."""
        on_done(self)
        waiting = deque(runs)
        in_flight: dict[Future[Outcome], Run] = {}
        losses: Counter[str] = Counter()
        while waiting or in_flight:
            while waiting and len(in_flight) < self._room(crew, waiting[0], in_flight.values(), losses):
                run = waiting.popleft()
                in_flight[crew.submit(run)] = run
            for future in wait(in_flight, return_when=FIRST_COMPLETED).done:
                run = in_flight.pop(future)
                outcome = _outcome(future, crew)
                if outcome is None:
                    losses[run.key] += 1
                    if losses[run.key] <= ATTEMPTS:
                        waiting.appendleft(run)
                        continue
                    outcome = Outcome(LOST, f"its worker was lost {losses[run.key]} times")
                self.folder.keep(run, outcome)
                self._note(run, outcome)
                on_done(self)

    @staticmethod
    def _room(crew: Crew, following: Run, in_flight: Any, losses: Counter[str]) -> int:
        suspects = losses[following.key] or any(losses[run.key] for run in in_flight)
        return 1 if suspects else crew.slots


def _outcome(future: Future[Outcome], crew: Crew) -> Outcome | None:
    """The outcome of a future that is done; None if its worker was lost. Raises SolverError if the crew is."""
    try:
        return future.result()
    except CancelledError:
        raise SolverError("the scheduler was lost; run the sweep again to go on") from None
    except crew.lost:
        return None
    except Exception as error:  # not foreseen: said in the run's row, and tried again next time
        return Outcome(LOST, f"{type(error).__name__}: {error}")


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)
