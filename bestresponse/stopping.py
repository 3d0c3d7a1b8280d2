"""When to stop, and with which sentence. Owner of both.

Never on the size of the last step: a scheme that cycles with small steps, or compares a market with itself,
would pass. All comparisons are written so that NaN fails.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from bestresponse.errors import FormulationError
from bestresponse.market import Market
from bestresponse.typing import Vector

FLOOR = 1e-6  # gains and violations are never asked to be smaller than this


@dataclass(frozen=True)
class Tolerances:
    """What counts as solved. All are relative, measured as the certificate says."""

    market: float = 1e-8  # imbalance, and disagreement on the price, of every good
    gain: float = 1e-6  # every player's best-response gain
    violation: float = 1e-6  # of a player's own rows and bounds; and how negative a gain may look

    def __post_init__(self) -> None:
        if not (0 < self.market < 1 and 0 < self.gain < 1 and 0 < self.violation < 1):
            raise FormulationError(f"tolerances must lie between 0 and 1, given {self}")

    @classmethod
    def of(cls, tolerance: float) -> Tolerances:
        """Return the tolerances that go with one number for the market."""
        return cls(market=tolerance, gain=max(tolerance, FLOOR))


@dataclass(frozen=True)
class Limits:
    """How long a run may take, and how patient it is."""

    max_sweeps: int = 600
    max_seconds: float = np.inf
    patience: int = 400  # sweeps without progress before a run is called stalled or oscillating

    def __post_init__(self) -> None:
        if not (self.max_sweeps >= 1 and self.max_seconds > 0 and self.patience >= 1):
            raise FormulationError(f"limits must be positive, given {self}")


class StopReason(Enum):
    """Why a run ended, as a sentence."""

    CONVERGED = "The coordinator has found prices at which the answers of all players clear the markets."
    SOLVED = "The conditions of all players and of the markets hold at once."
    SWEEP_LIMIT = "The sweep limit was reached before the market cleared."
    TIME_LIMIT = "The time limit was reached before the market cleared."
    OSCILLATING = "The imbalance changes sign again and again without getting smaller."
    STALLED = "The imbalance has stopped getting smaller."
    NOT_SOLVED = "The complementarity system of all players and markets could not be solved."
    DIVERGED = "The prices or trades grow without bound."
    PLAYER_FAILED = "A player could not answer."
    INTERRUPTED = "The run was interrupted; this is the best sweep so far."

    @property
    def is_success(self) -> bool:
        """Whether the method ended as it should; whether the answer is one, the certificate says."""
        return self in (StopReason.CONVERGED, StopReason.SOLVED)


@dataclass(frozen=True)
class Stop:
    """A reason and the evidence for it."""

    reason: StopReason
    evidence: str = ""

    def __str__(self) -> str:
        evidence = f" {self.evidence.rstrip('.')}." if self.evidence else ""
        return self.reason.value + evidence


@dataclass(frozen=True)
class Measures:
    """How far a sweep is from clearing: every good relative to its largest trade, every price to its size."""

    imbalance: Vector  # (n_goods,) |Σ trades| / max(1 unit, largest trade)
    disagreement: Vector  # (n_goods,) |qᵢ − p| / max(price scale, |p|)

    @property
    def worst(self) -> float:
        """The larger of the two, over all goods; NaN if anything is."""
        return float(max(_max(self.imbalance), _max(self.disagreement)))

    def clears(self, tolerance: float) -> bool:
        """Whether both stay within the tolerance in every good."""
        return _max(self.imbalance) <= tolerance and _max(self.disagreement) <= tolerance


def _max(values: Vector) -> float:
    return float(np.max(values, initial=0.0))


@dataclass
class Watchdog:
    """Notices runs that will not converge, from the history of one run."""

    market: Market
    limits: Limits
    best: float = np.inf
    best_sweep: int = 0
    _excess: deque[Vector] = field(default_factory=lambda: deque(maxlen=21))

    def judge(self, sweep: int, seconds: float, measures: Measures, excess: Vector, price: Vector) -> Stop | None:
        """Return why the run must end after this sweep, or None if it may go on."""
        self._excess.append(excess)
        if measures.worst < 0.9 * self.best:
            self.best, self.best_sweep = measures.worst, sweep
        far = np.abs(price) / self.market.price_scale
        if not (far < 1e9).all():
            good = self.market.goods[int(np.nanargmax(np.where(np.isfinite(far), far, np.inf)))]
            return Stop(StopReason.DIVERGED, f"The price of {good.name} left every range at sweep {sweep}.")
        if sweep - self.best_sweep >= self.limits.patience:
            return self._without_progress(measures)
        if sweep >= self.limits.max_sweeps:
            return Stop(StopReason.SWEEP_LIMIT, self._state(measures, f"after {sweep} sweeps"))
        if seconds >= self.limits.max_seconds:
            return Stop(StopReason.TIME_LIMIT, self._state(measures, f"after {seconds:.1f} s and {sweep} sweeps"))
        return None

    def memory(self) -> dict[str, Vector]:
        """Return what it has noticed so far, as arrays."""
        return {"best": np.array([self.best, self.best_sweep]), "excess": np.array(self._excess)}

    def recall(self, memory: Mapping[str, Vector]) -> None:
        """Go on from what `memory` returned."""
        self.best, self.best_sweep = float(memory["best"][0]), int(memory["best"][1])
        self._excess.extend(memory["excess"])

    def _without_progress(self, measures: Measures) -> Stop:
        worst = int(np.argmax(measures.imbalance))
        signs = np.sign([excess[worst] for excess in self._excess])
        flips = int(np.sum(signs[1:] * signs[:-1] < 0))
        since = f"The best sweep was number {self.best_sweep}, with {self.best:.1e}."
        if flips >= len(signs) // 2:
            name = self.market.goods[worst].name
            flipped = f"That of {name} changed sign {flips} times in {len(signs) - 1} sweeps."
            return Stop(StopReason.OSCILLATING, f"{flipped} {since}")
        return Stop(StopReason.STALLED, since)

    def _state(self, measures: Measures, when: str) -> str:
        name = self.market.goods[int(np.argmax(measures.imbalance))].name
        return f"The worst imbalance {when} is {_max(measures.imbalance):.1e}, in {name}."
