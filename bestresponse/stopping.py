"""When to stop, and with which sentence. Owner of both.

Never on the size of the last step: a scheme that cycles with small steps, or compares a market with itself,
would pass. All comparisons are written so that NaN fails. How a run is watched: `watchdog`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from bestresponse.errors import FormulationError
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
class Detection:
    """When a run is taken to swing, to stand still, or to run away.

    Progress is a sweep whose worst good, or whose root mean square over the goods, comes below all before it; or a
    price that goes farther from its first value than any did before, as a scarcity price has to travel, unless its good
    swings. A good swings that has changed the sign of its imbalance `flips` times in each of the last two windows, and
    does not shrink.
    """

    window: int = 20  # sweeps in which sign changes are counted
    flips: int = 10
    shrinks: float = 0.9  # mean imbalance in the last window, to that of the one before, below which a good settles
    counts: float = 0.1  # a good whose mean imbalance is smaller, relative to the largest, is no evidence
    progress: float = 0.01  # by how much, relatively, a record has to be broken
    haste: float = 0.3  # share of the patience after which a run that swings is stopped
    share: float = 0.5  # of all sweeps so far; the patience is never less
    price_range: float = 1e6  # usual prices; a run whose price is farther has diverged
    quantity_range: float = 1e6  # usual quantities; likewise an excess demand
    wider: float = 2.0  # growth of all excess demands from one window to the next that is called divergence

    def __post_init__(self) -> None:
        if not (self.window >= 2 and 1 <= self.flips <= self.window and 0 < self.progress < 1 and self.wider > 1):
            raise FormulationError(
                f"detection needs window ≥ 2, 1 ≤ flips ≤ window, 0 < progress < 1 and wider > 1, given {self}"
            )
        if not (0 < self.shrinks <= 1 and 0 < self.counts <= 1 and 0 < self.haste <= 1 and 0 <= self.share < 1):
            raise FormulationError(f"detection needs shrinks, counts, haste and share between 0 and 1, given {self}")
        if not (self.price_range > 1 and self.quantity_range > 1):
            raise FormulationError(f"detection needs ranges above 1, given {self}")


@dataclass(frozen=True)
class Limits:
    """How long a run may take, and how patient it is."""

    max_sweeps: int = 600
    max_seconds: float = np.inf
    patience: int = 100  # sweeps without progress before a run is called stalled; less if it swings
    detection: Detection = Detection()

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

    @property
    def by_good(self) -> Vector:
        """(n_goods,) the larger of the two."""
        return np.maximum(self.imbalance, self.disagreement)

    def clears(self, tolerance: float) -> bool:
        """Whether both stay within the tolerance in every good."""
        return _max(self.imbalance) <= tolerance and _max(self.disagreement) <= tolerance


def _max(values: Vector) -> float:
    return float(np.max(values, initial=0.0))
