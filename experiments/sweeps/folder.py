"""Where the runs of a sweep are kept: one file each, written when the run ends, found again by its hash."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bestresponse.errors import DataError
from bestresponse.trace import replacing
from experiments.case_problems import shown
from experiments.files import writable
from experiments.result import load_result
from experiments.sweeps.runs import FAILED, LOST, Outcome, Run, outcome_of

if TYPE_CHECKING:
    import pandas as pd

MARK = "sweep.json"  # says that a folder is one of these, and of which study
FORMAT, VERSION = "bestresponse sweep", 1
TABLE = "table"


class SweepFolder:
    """A folder of results: runs/HASH.json for every run, and the table of all."""

    def __init__(self, path: Path, study: str, force: bool = False) -> None:
        """Open or make the folder; `force` allows one that holds something else. Raises DataError if it may not be."""
        self.path = path
        self.runs = path / "runs"
        if not force:
            _check_is_ours(path, study)
        writable(self.runs, folder=True)
        with replacing(path / MARK) as file:
            json.dump({"format": FORMAT, "version": VERSION, "study": study}, file)

    def file(self, run: Run, outcome: Outcome) -> Path:
        """Return where a run with this outcome is kept."""
        return self.runs / f"{run.key}{'.failed' if outcome.status == FAILED else ''}.json"

    def keep(self, run: Run, outcome: Outcome) -> None:
        """Write a finished run; one that was lost with its worker is not finished. Raises OSError if that cannot be."""
        if outcome.status == LOST:
            return
        with replacing(self.file(run, outcome)) as file:
            file.write(outcome.text or json.dumps({"reason": outcome.reason}))

    def find(self, run: Run) -> Outcome | None:
        """Return the outcome of a run that is here already; None if it is not, or its file is no result."""
        result, failure = self.runs / f"{run.key}.json", self.runs / f"{run.key}.failed.json"
        try:
            if result.exists():
                return outcome_of(load_result(result))
            if failure.exists():
                return Outcome(FAILED, str(json.loads(failure.read_text(encoding="utf-8"))["reason"]))
        except (DataError, ValueError, KeyError):
            return None
        return None

    def write_table(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        """Write the table as Parquet and CSV, and return it: one row a run."""
        import pandas as pd

        frame = pd.DataFrame(list(rows))
        with replacing(self.path / f"{TABLE}.parquet", binary=True) as file:
            frame.to_parquet(file, index=False)
        with replacing(self.path / f"{TABLE}.csv") as file:
            frame.to_csv(file, index=False)
        return frame


def _check_is_ours(path: Path, study: str) -> None:
    if not path.is_dir() or not any(path.iterdir()):
        return
    rule = "name another folder, or say --force to write into it (nothing in it is removed)"
    try:
        mark = json.loads((path / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise DataError(f"{path}: the folder holds something else than a sweep; {rule}") from None
    if not isinstance(mark, dict) or mark.get("format") != FORMAT or mark.get("version") != VERSION:
        raise DataError(f"{path}: the folder holds something else than a sweep of version {VERSION}; {rule}")
    if mark.get("study") != study:
        raise DataError(
            f"{path}: the folder holds the sweep of study {shown(mark.get('study'))}, not {shown(study)}; {rule}"
        )
