"""Where a sweep is kept: a store of its runs, each written when it ends, and beside it the table of all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bestresponse.errors import DataError
from bestresponse.files import replacing
from experiments.case_problems import shown
from experiments.files import writable
from experiments.store import RUNS, Store
from experiments.sweeps.runs import FAILED, Outcome, Run

if TYPE_CHECKING:
    import pandas as pd

MARK = "sweep.json"  # says of which study the table and the figure are
TABLE = "table"


class SweepFolder:
    """A store of results that also holds the table and the figure of a study."""

    def __init__(self, path: Path, study: str, force: bool = False) -> None:
        """Open or make the folder; `force` allows one that holds something else. Raises DataError if it may not be."""
        writable(path, folder=True)
        other = _study_in(path)
        if not force and other not in (None, study):
            raise DataError(
                f"{path}: the folder holds the table of study {shown(other)}, which that of {shown(study)} would "
                "replace; name another folder, or use --force"
            )
        self.path = path
        self.store = Store.make(path, force)
        with replacing(path / MARK) as file:
            json.dump({"study": study}, file)

    def keep(self, run: Run, outcome: Outcome) -> None:
        """Write a finished run; one whose keys are refused, or whose worker was lost, is judged again next time.

        Raises OSError if it cannot be written.
        """
        if run.task is None:
            return
        if outcome.result is not None:
            self.store.add(run.task, outcome.result)
        elif outcome.status == FAILED:
            self.store.add_failure(run.task, outcome.reason)

    def find(self, run: Run) -> Outcome | None:
        """Return the outcome of a run that is here already; None if it is not, or is damaged."""
        if run.task is None or run.task not in self.store:
            return None
        try:
            stored = self.store.run(run.task)
        except DataError:
            return None
        if stored.result is not None:
            return Outcome.of(stored.result)
        return Outcome(FAILED, stored.failure or "")

    def place(self, run: Run) -> str:
        """Return where in the folder a run is; nothing if it is not."""
        there = run.task is not None and run.task in self.store
        return f"{RUNS}/{run.task.name}" if run.task is not None and there else ""

    def write_table(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        """Write the table as Parquet and CSV, and return it: one row a run."""
        import pandas as pd

        frame = pd.DataFrame(list(rows))
        with replacing(self.path / f"{TABLE}.parquet", binary=True) as file:
            frame.to_parquet(file, index=False)
        with replacing(self.path / f"{TABLE}.csv") as file:
            frame.to_csv(file, index=False)
        return frame


def _study_in(path: Path) -> str | None:
    """The study whose table is in a folder; None for a folder without."""
    try:
        return str(json.loads((path / MARK).read_text(encoding="utf-8"))["study"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
