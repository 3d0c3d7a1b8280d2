"""A run that waits before every sweep until it is let through, in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bestresponse.certificate import certify
from bestresponse.coordinator import coordinate
from bestresponse.equilibrium import Equilibrium
from bestresponse.errors import BestResponseError, SolverError
from bestresponse.oracle import Oracle
from bestresponse.schemes.protocol import Sweep
from bestresponse.stopping import Tolerances
from bestresponse.trace import SweepRecord
from bestresponse.trace_file import full_row
from experiments.around import surrounded
from experiments.lab.choice import Choice, Experiment
from experiments.quantities import quantities
from networks.errors import NetworkDataError

logger = logging.getLogger(__name__)

TOLERANCES = Tolerances()


class Gate:
    """Where a run waits for its next sweep. Use `let`, `hold` and `close` from any thread."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._allowed = 0.0  # sweeps
        self._closed = False
        self._pause = 0.0  # [s] before every sweep
        self.waited = 0.0  # [s] that the run spent here

    @property
    def holds(self) -> bool:
        """Whether the next sweep has to wait."""
        return self._allowed < 1

    def let(self, sweeps: float = np.inf, pause: float = 0.0) -> None:
        """Let so many sweeps through, with a pause [s] before each."""
        with self._turn:
            self._allowed, self._pause = sweeps, pause
            self._turn.notify_all()

    def hold(self) -> None:
        """Let no further sweep through."""
        self.let(0)

    def close(self) -> None:
        """End the run before its next sweep."""
        with self._turn:
            self._closed = True
            self._turn.notify_all()

    def wait(self) -> None:
        """Return when the next sweep may begin. Raises KeyboardInterrupt, which ends a run in good order, if closed."""
        began = time.perf_counter()
        with self._turn:
            self._turn.wait_for(lambda: self._closed, self._pause)
            self._turn.wait_for(lambda: self._closed or not self.holds)
            if self._closed:
                raise KeyboardInterrupt
            self._allowed -= 1
        self.waited += time.perf_counter() - began


@dataclass(frozen=True)
class Moment:
    """What there is to see after one sweep."""

    record: SweepRecord
    gains: Mapping[str, float]  # by player, relative; empty where a player could not answer
    quantities: Mapping[str, Any]  # as `experiments.quantities` reports them


class SteppedRun:
    """A run of a choice. Another thread may look at it at any time: what is there once stays as it is."""

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self.experiment: Experiment | None = None  # once it is built
        self.moments: list[Moment] = []
        self.found: Equilibrium | None = None  # once the run has ended
        self.problem = ""  # why there is nothing, or nothing more, to see
        self.gate = Gate()
        self._seen: Sweep | None = None
        self._thread = threading.Thread(target=self._work, name=f"lab run of {choice.case}", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether no sweep will follow."""
        return self.found is not None or bool(self.problem)

    def close(self) -> None:
        """End the run before its next sweep."""
        self.gate.close()

    def join(self, seconds: float) -> None:
        """Wait for the end of the run, at most so long."""
        self._thread.join(seconds)

    def trace_csv(self) -> str:
        """Return the sweeps so far as a trace file, see `bestresponse.trace_file`; empty before the first."""
        if self.experiment is None or not self.moments:
            return ""
        market = self.experiment.model.market
        rows = [full_row(moment.record, market) for moment in self.moments]
        return pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")

    def _work(self) -> None:
        try:
            experiment = self.choice.experiment()
            self._oracle = Oracle(experiment.mirror)
            _ = experiment.model.market  # built before anybody looks
            self.experiment = experiment
            self.found = self._run(experiment)
        except (BestResponseError, NetworkDataError) as error:
            self.problem = str(error)
        except Exception as error:  # the page has to outlive whatever a player of the user's own does
            logger.exception("the run of %s broke", self.choice)
            self.problem = f"The run broke: {type(error).__name__}: {error}"

    def _run(self, experiment: Experiment) -> Equilibrium:
        model, settings, scheme = experiment.model, experiment.settings, experiment.scheme
        acceleration = settings.acceleration(scheme, model.market)
        return coordinate(
            model.market,
            model.first_price,
            scheme=surrounded(scheme, self._sweep),
            sigma=settings.sigma,
            acceleration=acceleration,
            balancing=settings.balances(scheme, acceleration, model.market),
            tolerances=TOLERANCES,
            on_sweep=lambda record: self._hear(experiment, record),
        )

    def _sweep(self, sweep: Callable[[], Sweep]) -> Sweep:
        self.gate.wait()
        self._seen = sweep()
        return self._seen

    def _hear(self, experiment: Experiment, record: SweepRecord) -> None:
        """Measure the sweep that has just ended; that, and waiting, is not the run's time."""
        began, seen = time.perf_counter(), self._seen
        if seen is None:
            return
        shown = quantities(experiment.model, seen.price, seen.responses)
        own_time = replace(record, seconds=record.seconds - self.gate.waited)
        self.moments.append(Moment(own_time, record.gains or self._gains(experiment, seen), shown))
        self.gate.waited += time.perf_counter() - began

    def _gains(self, experiment: Experiment, seen: Sweep) -> Mapping[str, float]:
        try:
            certificate = certify(experiment.mirror, seen.price, seen.responses, TOLERANCES, self._oracle)
        except SolverError:
            return {}
        return {name: gain.relative for name, gain in certificate.gains.items()}
