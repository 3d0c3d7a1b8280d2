"""The history of a run: one record per sweep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bestresponse.typing import Vector

FAMILY = "imbalance_of_"  # begins the column of a family of goods in a row


@dataclass(frozen=True)
class SweepRecord:
    """What one sweep looked like from outside."""

    sweep: int
    imbalance: float  # worst good, relative
    imbalance_good: str
    disagreement: float  # worst good, relative
    disagreement_good: str
    gain: float | None  # worst player, relative; None on sweeps where it was not measured
    gain_player: str
    sigma: float  # multiple of the automatic penalties
    clipped: int  # accelerated steps cut so far
    rolled_back: int  # accelerated steps taken back so far
    seconds: float  # since the start of the run
    imbalance_by_family: Mapping[str, float]
    price: Vector  # (n_goods,)
    imbalance_by_good: Vector  # (n_goods,) relative
    trades: Mapping[str, Vector]  # by player, in the order of its goods
    gains: Mapping[str, float]  # by player, relative; empty on sweeps where they were not measured
    player_seconds: Mapping[str, float]  # by player, of this sweep and its gain check

    def row(self) -> dict[str, object]:
        """Return the summary of the record as one flat row: the scalars, and the imbalance by family of goods."""
        flat: dict[str, object] = {k: v for k, v in vars(self).items() if isinstance(v, int | float | str | None)}
        return flat | {f"{FAMILY}{family}": value for family, value in self.imbalance_by_family.items()}


@dataclass
class Trace:
    """All records of a run, in order."""

    records: list[SweepRecord] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.records)

    def append(self, record: SweepRecord) -> None:
        """Add the record of the latest sweep."""
        self.records.append(record)

    def sweeps_to(self, tolerance: float) -> int | None:
        """Return the first sweep with imbalance and disagreement within the tolerance, or None."""
        for record in self.records:
            if record.imbalance <= tolerance and record.disagreement <= tolerance:
                return record.sweep
        return None
