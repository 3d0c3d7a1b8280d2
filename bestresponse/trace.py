"""The history of a run: one record per sweep."""

from __future__ import annotations

import csv
import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from bestresponse.typing import Vector


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
        return flat | {f"imbalance_{family}": value for family, value in self.imbalance_by_family.items()}


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


def write_rows(path: str | Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows with equal keys as CSV; the file appears complete or not at all."""
    with replacing(path) as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else ["sweep"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def clear_leftovers(path: str | Path) -> None:
    """Remove what killed processes left of files that were to replace `path`; see `replacing`."""
    target = Path(path)
    for left in target.parent.glob(f"{glob.escape(target.name)}.*.part"):
        left.unlink(missing_ok=True)


@contextmanager
def replacing(path: str | Path, binary: bool = False) -> Iterator[IO[Any]]:
    """Give a file that takes the place of `path` once it is complete, so that no reader sees half of it."""
    target = Path(path)
    temporary = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") if binary else temporary.open("w", encoding="utf-8", newline="") as file:
            yield file
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
