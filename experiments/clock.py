"""Seconds by phase."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

PHASES = ("build", "set-up", "coordination", "crossover", "monolith", "certificate", "report")  # of a run, in order


@dataclass
class Clock:
    """Books the time that passes to phases, by name."""

    seconds: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, phase: str) -> None:
        """Book the time since the last lap to a phase."""
        now = time.perf_counter()
        self._book(phase, now - self._last)
        self._last = now

    def move(self, seconds: float, phase: str, other: str) -> None:
        """Book some seconds of a phase to another one."""
        self._book(phase, -seconds)
        self._book(other, seconds)

    def _book(self, phase: str, seconds: float) -> None:
        self.seconds[phase] = self.seconds.get(phase, 0.0) + seconds


def total(seconds: Mapping[str, float]) -> float:
    """Return the seconds of all phases of a run."""
    return sum(seconds.get(phase, 0.0) for phase in PHASES)
