"""The results store: a folder of runs, each a folder with Parquet tables and one JSON manifest. See docs/results.md.

    store = Store.make(folder)                  # or Store.open(folder); a folder that holds something else is refused
    task = Task(case, "stress", v2g=True, labels={"vehicles.battery_kwh": 42.0})
    if task not in store:                       # by content hash; a failed run counts as done, see `run.failure`
        store.add(task, solve(...))             # or store.add_failure(task, "one sentence of why")
    for run in store.runs(): ...                # StoredRun: .task, .labels, .result or .failure
    store.summary()                             # a pandas frame with a row per run: labels, status, scalars, failure
    store.table("buses")                        # one table of all runs, with a column `run`

Every run appears complete or not at all, so several processes may add different runs at once.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bestresponse.errors import DataError
from bestresponse.files import replacing
from experiments.plain_json import from_json, to_json
from experiments.result import Result
from experiments.task import Task

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "bestresponse results"
SCHEMA = 1  # raised whenever a reader of the last version would misunderstand a file
MARKER, MANIFEST, RUNS = "store.json", "manifest.json", "runs"
_IN_TABLES = ("quantities", "cross_check", "trace")  # fields of a result that its tables hold


@dataclass(frozen=True)
class StoredRun:
    """A run read back from its folder."""

    folder: Path
    task: Mapping[str, Any]  # its content, see `Task.content`
    hash: str
    labels: Mapping[str, Any]
    result: Result | None  # None if it failed
    failure: str | None  # why

    @property
    def name(self) -> str:
        """The name of the run in its store."""
        return self.folder.name


@dataclass(frozen=True)
class Store:
    """A folder of runs. `Store.make` and `Store.open` check the folder; this does not."""

    folder: Path

    @classmethod
    def make(cls, folder: str | Path, force: bool = False) -> Store:
        """Return the store in a folder, made if need be.

        Raises DataError for a folder that holds something else, unless `force`, and as `open` does.
        """
        place = Path(folder)
        if (place / MARKER).exists():
            return cls.open(place)
        if place.exists() and not place.is_dir():
            raise DataError(f"{place}: is a file; name a folder")
        if not force and place.is_dir() and any(place.iterdir()):
            raise DataError(f"{place}: holds something else than results; name another folder, or use --force")
        (place / RUNS).mkdir(parents=True, exist_ok=True)
        write_json(place / MARKER, {})
        return cls(place)

    @classmethod
    def open(cls, folder: str | Path) -> Store:
        """Return the store in a folder. Raises DataError if there is none, or one of a newer schema."""
        place = Path(folder)
        if not (place / MARKER).is_file():
            raise DataError(f"{place}: is no folder of results (there is no {MARKER} in it)")
        read_json(place / MARKER)
        return cls(place)

    def place(self, task: Task) -> Path:
        """Return the folder of a task's run, there or not."""
        return self.folder / RUNS / task.name

    def __contains__(self, task: Task) -> bool:
        return (self.place(task) / MANIFEST).is_file()

    def add(self, task: Task, result: Result) -> StoredRun:
        """Store the result of a task, in place of an earlier one, and return it."""
        from experiments.arrow_tables import other_quantities, tables_of

        rest = {item.name: getattr(result, item.name) for item in fields(Result) if item.name not in _IN_TABLES}
        found = rest | {"quantities": other_quantities(result.quantities)}
        _write(self.place(task), _about(task) | {"result": found}, tables_of(result))
        return StoredRun(self.place(task), task.content, task.hash, task.labels, result, None)

    def add_failure(self, task: Task, reason: str) -> StoredRun:
        """Store that a task could not be done, and why, in place of an earlier run; return it."""
        _write(self.place(task), _about(task) | {"failure": reason}, {})
        return StoredRun(self.place(task), task.content, task.hash, task.labels, None, reason)

    def run(self, task: Task) -> StoredRun:
        """Return the run of a task. Raises DataError if it is not there."""
        return load_run(self.place(task))

    def runs(self) -> Iterator[StoredRun]:
        """Give all runs, by name."""
        return (load_run(folder) for folder in self._folders())

    def _folders(self) -> list[Path]:
        found = (path.parent for path in (self.folder / RUNS).glob(f"*/{MANIFEST}"))
        return sorted(folder for folder in found if not folder.name.startswith("."))

    def summary(self) -> pd.DataFrame:
        """Return a row for every run by name: its labels, case, scenario, …, single numbers, and failure."""
        import pandas as pd

        rows = {folder.name: _row(read_json(folder / MANIFEST)) for folder in self._folders()}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("run")

    def table(self, name: str) -> pd.DataFrame:
        """Return one table of all runs that have it, with the run's name in the column `run`.

        Raises DataError if no run has it.
        """
        import pandas as pd

        files = [(folder, folder / f"{name}.parquet") for folder in self._folders()]
        found = [pd.read_parquet(path).assign(run=folder.name) for folder, path in files if path.is_file()]
        if not found:
            raise DataError(f"{self.folder}: no run has a table {name!r}")
        return pd.concat(found, ignore_index=True)


def load_run(folder: str | Path) -> StoredRun:
    """Return the run in a folder of a store. Raises DataError if there is none, or one of a newer schema."""
    place = Path(folder)
    if not (place / MANIFEST).is_file():
        raise DataError(f"{place}: is no stored run (there is no {MANIFEST} in it)")
    data = read_json(place / MANIFEST)
    try:
        result = _result(place, data["result"]) if "result" in data else None
        return StoredRun(place, data["task"], data["hash"], data["labels"], result, data.get("failure"))
    except (KeyError, TypeError) as error:
        raise DataError(f"{place / MANIFEST}: is damaged ({type(error).__name__}: {error})") from error


def _result(place: Path, stored: Mapping[str, Any]) -> Result:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from experiments.arrow_tables import read_tables

    try:
        tables = {path.stem: pq.read_table(path) for path in sorted(place.glob("*.parquet"))}
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{place}: its tables cannot be read ({error})") from error
    found = read_tables(tables)
    known = {item.name: stored[item.name] for item in fields(Result) if item.name in stored}
    return Result(**{**known, **found, "quantities": stored["quantities"] | found["quantities"]})


def _about(task: Task) -> dict[str, Any]:
    return {"hash": task.hash, "labels": dict(task.labels), "task": task.content}


def _write(place: Path, manifest: Mapping[str, Any], tables: Mapping[str, Any]) -> None:
    """Write a run's folder under another name and rename it; on any failure nothing of it is left."""
    import pyarrow.parquet as pq

    temporary = _hidden(place, "part")
    try:
        temporary.mkdir(parents=True)
        for name, table in tables.items():
            pq.write_table(table, temporary / f"{name}.parquet")
        write_json(temporary / MANIFEST, manifest)
        if place.exists():
            place.rename(_hidden(place, "old"))
        temporary.rename(place)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    shutil.rmtree(_hidden(place, "old"), ignore_errors=True)


def _hidden(place: Path, kind: str) -> Path:
    return place.with_name(f".{place.name}.{os.getpid()}.{kind}")


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write plain data under the header of this format; the file appears complete or not at all."""
    with replacing(path) as file:
        json.dump({"format": FORMAT, "schema": SCHEMA, **to_json(data)}, file, indent=1, allow_nan=False)


def read_json(path: Path) -> dict[str, Any]:
    """Return what `write_json` wrote. Raises DataError for any other file, and for one of a newer schema."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        schema = int(data["schema"]) if data["format"] == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: is no file of {FORMAT} ({type(error).__name__}: {error})") from error
    if schema is None:
        raise DataError(f"{path}: its format is {data['format']!r}, must be {FORMAT!r}")
    if not schema <= SCHEMA:
        raise DataError(
            f"{path}: is in schema {schema} of {FORMAT}; this version reads up to {SCHEMA}: install a newer one"
        )
    return from_json(data)


def _row(data: Mapping[str, Any]) -> dict[str, Any]:
    task, result = data["task"], data.get("result", {})
    numbers = {name: value for name, value in result.get("quantities", {}).items() if isinstance(value, int | float)}
    return {
        **data["labels"],
        "case": task["case"]["name"],
        "scenario": task["scenario"]["name"],
        **{key: task[key] for key in ("v2g", "method")},
        **{key: result.get(key) for key in ("solved", "stop", "routes_agree", "sweeps")},
        **numbers,
        "failure": data.get("failure"),
        "hash": data["hash"],
    }
