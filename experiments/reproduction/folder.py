"""The folder of a reproduction: a results store, what was to be solved, and the maps that figures are drawn on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bestresponse.errors import DataError
from experiments.case import case_hash
from experiments.case_schema import Case
from experiments.reproduction.evidence import Name
from experiments.reproduction.maps import Maps, maps_data, maps_from, maps_of
from experiments.store import MANIFEST, RUNS, Store, StoredRun, load_run, read_json, write_json
from experiments.task import Task

INDEX, MAPS = "reproduce.json", "maps.json"


@dataclass(frozen=True)
class Reproduction:
    """What a folder holds: the runs of a case by scenario and V2G, in the order of the case, and its maps."""

    folder: Path
    case: str
    case_file: str
    case_hash: str
    names: tuple[Name, ...]  # of all runs that were to be solved
    runs: Mapping[Name, StoredRun]  # those that are there
    maps: Maps


def tasks_of(case: Case) -> list[Task]:
    """Return what is to be solved: every scenario without and with V2G."""
    return [Task(case, scenario, v2g) for scenario in case.scenarios for v2g in (False, True)]


def begin(case: Case, folder: Path, force: bool) -> Store:
    """Return the store of a reproduction in a folder, made if need be; runs of the same case that are there stay.

    Raises DataError for a folder that holds something else, or the reproduction of another case, unless `force`.
    """
    index = folder / INDEX
    if index.is_file() and not force and read_json(index).get("case_hash") != case_hash(case):
        raise DataError(f"{folder}: holds the reproduction of another case; name another folder, or use --force")
    if not index.is_file() and not force and folder.is_dir() and any(folder.iterdir()):
        raise DataError(f"{folder}: holds something else; name another folder, or use --force")
    store = Store.make(folder, force=force)
    runs = [{"scenario": task.scenario, "v2g": task.v2g, "run": task.name} for task in tasks_of(case)]
    write_json(folder / MAPS, maps_data(maps_of(case)))
    about = {"case": case.name, "case_file": case.file, "case_hash": case_hash(case)}
    write_json(index, {**about, "runs": runs})
    return store


def load_reproduction(folder: Path) -> Reproduction:
    """Return what a folder holds. Raises DataError if it is not that of a reproduction, or holds no run yet."""
    if not (folder / INDEX).is_file():
        raise DataError(f"{folder}: is no folder of `bestresponse reproduce` (there is no {INDEX} in it)")
    Store.open(folder)
    data = read_json(folder / INDEX)
    try:
        places = {_name(entry): folder / RUNS / entry["run"] for entry in data["runs"]}
        known = {key: data[key] for key in ("case", "case_file", "case_hash")}
        maps = maps_from(read_json(folder / MAPS))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{folder}: {INDEX} or {MAPS} is damaged ({type(error).__name__}: {error})") from error
    runs = {name: load_run(place) for name, place in places.items() if (place / MANIFEST).is_file()}
    if not runs:
        raise DataError(f"{folder}: none of the runs of {data['case']} is there yet")
    return Reproduction(folder, **known, names=tuple(places), runs=runs, maps=maps)


def _name(entry: Mapping[str, Any]) -> Name:
    return str(entry["scenario"]), bool(entry["v2g"])
