"""Somebody who watches a run and measures, off the clock, how far every sweep is from an equilibrium."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from bestresponse.certificate import certify
from bestresponse.errors import FormulationError, SolverError
from bestresponse.market import Market
from bestresponse.oracle import Oracle
from bestresponse.run import NaturalResidual
from bestresponse.schemes.protocol import Scheme, Sweep
from bestresponse.stopping import Tolerances
from bestresponse.system import ComplementaritySystem
from bestresponse.trace import SweepRecord
from experiments.around import surrounded


@dataclass(frozen=True)
class Reading:
    """How far one sweep is from an equilibrium, at which all three are zero.

    One alone says little: who answers plain prices by a best response never gains, cleared or not.
    """

    sweep: int
    seconds: float  # since the start of the run, without those the bystander took
    imbalance: float  # of the worst good, or the worst price disagreement if that is larger; relative
    gain: float | None  # of the worst player, relative; None where it was not measured
    natural_residual: float | None  # scaled; None where a player states no block


class Bystander:
    """Measures with players of its own, so that the run is the same as without it.

    Natural residuals are cheap and taken of every sweep; gains, for which every player has to answer once more, of
    every `gain_every`-th and of the last.
    """

    def __init__(self, market: Market, gain_every: int) -> None:
        self.readings: list[Reading] = []
        self._market, self._gain_every = market, gain_every
        self._oracle = Oracle(market)
        try:
            self.natural_residual: NaturalResidual | None = ComplementaritySystem(market).natural_residual
        except FormulationError:
            self.natural_residual = None  # a player states no block
        self._seen: Sweep | None = None
        self._spent = 0.0

    def beside(self, scheme: Scheme) -> Scheme:
        """Return the scheme, its sweeps seen by the bystander."""
        return surrounded(scheme, self._see)

    def _see(self, sweep: Callable[[], Sweep]) -> Sweep:
        self._seen = sweep()
        return self._seen

    def hear(self, record: SweepRecord) -> None:
        """Measure the sweep that has just ended."""
        began = time.perf_counter()
        reading = Reading(
            sweep=record.sweep,
            seconds=record.seconds - self._spent,
            imbalance=max(record.imbalance, record.disagreement),
            gain=self._gain() if record.sweep % self._gain_every == 0 else None,
            natural_residual=self._natural_residual(),
        )
        self.readings.append(reading)
        self._spent += time.perf_counter() - began

    def finish(self) -> list[Reading]:
        """Return all readings, the gain of the last sweep among them."""
        if self.readings and self.readings[-1].gain is None:
            self.readings[-1] = replace(self.readings[-1], gain=self._gain())
        return self.readings

    def _gain(self) -> float | None:
        if self._seen is None:
            return None
        try:
            seen = self._seen
            return certify(self._market, seen.price, seen.responses, Tolerances(), self._oracle).largest_gain
        except SolverError:
            return None

    def _natural_residual(self) -> float | None:
        if self._seen is None or self.natural_residual is None:
            return None
        return self.natural_residual(self._seen.price, self._seen.responses)
