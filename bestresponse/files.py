"""Writing files that appear complete or not at all."""

from __future__ import annotations

import csv
import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


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
