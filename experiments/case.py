"""Reading cases: from a built-in name or a TOML file to a Case, or to one message that lists what is wrong."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bestresponse.errors import DataError
from experiments.case_keys import NAME_RULE, allowed_at, keys_at, meaning_at
from experiments.case_problems import Problem, listed, nearest, raise_data_error, shown
from experiments.case_schema import Case, od_name
from experiments.case_section import Section
from experiments.case_trips import with_trips

__all__ = ["Case", "builtin_cases", "case_from", "case_hash", "case_tables", "load_case", "problems_of", "read_toml"]

BUILT_IN = Path(__file__).parent / "cases"


def builtin_cases() -> list[dict[str, Any]]:
    """The built-in cases by name: name, description (the first sentence of the file's comment), scenarios."""
    found = []
    for name in _built_in_names():
        comment = (BUILT_IN / f"{name}.toml").read_text(encoding="utf-8").partition("\n\n")[0]
        sentence = comment.replace("\n#", "").lstrip("# ").partition(". ")[0].rstrip(".") + "."
        found.append({"name": name, "description": sentence, "scenarios": list(load_case(name).scenarios)})
    return found


def load_case(source: str | Path) -> Case:
    """The case of a built-in name or a TOML file; paths in it count from the file's folder.

    Checks the keys and how they fit together; whether they fit the road and the feeder says ``check_case``.
    Raises DataError that lists every problem with file, key, what was given and what is allowed.
    """
    tables, file, folder = _read(source)
    return case_from(tables, file, folder)


def case_tables(source: str | Path) -> tuple[dict[str, Any], str]:
    """The tables of a built-in name or a TOML file, which name its networks from anywhere, and what messages call it.

    For changes before ``case_from``. Raises DataError for what is no TOML file.
    """
    tables, file, folder = _read(source)
    return _with_network_paths(tables, folder.resolve()), file


def case_from(data: Mapping[str, Any], file: str, folder: str | Path = ".") -> Case:
    """The case stated by nested tables; ``file`` is what messages call it. Raises DataError as load_case does."""
    try:
        case = Case.model_validate(with_trips(_with_network_paths(data, Path(folder)), file))
    except ValidationError as error:
        raise_data_error(file, problems_of(error, Case), data)
    return case.called(file)


def read_toml(path: Path, file: str, built_in: Sequence[str], what: str = "case") -> dict[str, Any]:
    """The tables of a file; messages call it ``file`` and name what is built in. Raises DataError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return tomllib.loads(text)
    except IsADirectoryError:
        raise DataError(
            f"{file}: given a directory, must be a TOML file or a built-in {what} ({listed(built_in)})"
        ) from None
    except FileNotFoundError:
        hint = nearest(path.stem, built_in)
        raise DataError(f"{file}: no such file and no built-in {what}{hint} Built in: {listed(built_in)}") from None
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: byte {error.start + 1} is not UTF-8, must be a text file in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        lines = text.split("\n")
        end = f"(at line {len(lines)}, column {len(lines[-1]) + 1}, the end of the file)"
        raise DataError(f"{file}: no valid TOML: {str(error).replace('(at end of document)', end)}") from None


def problems_of(error: ValidationError, root: type[Section]) -> list[Problem]:
    """What pydantic refused in a file whose tables are ``root``, in the words of the case format.

    It counts refused entries of a list as missing: that there are too few is left out where entries were refused.
    """
    refused = error.errors()
    inside = {tuple(found["loc"])[:k] for found in refused for k in range(len(found["loc"]))}
    told = [found for found in refused if found["type"] != "too_short" or tuple(found["loc"]) not in inside]
    return [problem for found in told for problem in _problems(found, root)]


def case_hash(case: Case) -> str:
    """SHA-256 (hexadecimal) of what the case states, see `content`."""
    return sha256(json.dumps(content(case), sort_keys=True, allow_nan=False).encode()).hexdigest()


def content(case: Case) -> dict[str, Any]:
    """Return what the case states as plain data: the same for any spelling, order of keys or place of files.

    Stations, classes of vehicles and demands enter with their overrides resolved, networks of the user's own with the
    contents of their files. Raises DataError for a network file that cannot be read.
    """
    content = case.model_dump(mode="json", exclude={"waiting", "station_defaults"})
    content["stations"] = [station.model_dump() for station in case.resolved_stations()]
    if content["vehicles"].pop("classes"):  # then the keys that they override do not matter
        content["vehicles"] = {
            "fv_value_of_time_usd_per_h": case.vehicles.fv_value_of_time_usd_per_h,
            "classes": [each.model_dump() for each in case.vehicles.electric_classes],
        }
    names = [od_name(pair) for pair in case.demand.od_pairs]
    content["demand"] = {
        "ev": list(zip(names, case.demand.ev_by_pair, strict=True)),
        "fv": list(zip(names, case.demand.fv_by_pair, strict=True)),
    }
    for table in ("road", "feeder"):
        content[table]["network"] = _network_content(case.file, table, content[table]["network"])
    return content


def _read(source: str | Path) -> tuple[dict[str, Any], str, Path]:
    """The tables of a case, the file that messages name, and the folder that paths in it count from."""
    path = _located(source)
    file = path.name if path.parent == BUILT_IN else str(path)
    return read_toml(path, file, _built_in_names()), file, path.parent


def _located(source: str | Path) -> Path:
    return BUILT_IN / f"{source}.toml" if source in _built_in_names() else Path(source)


def _built_in_names() -> list[str]:
    return sorted(path.stem for path in BUILT_IN.glob("*.toml"))


def _with_network_paths(data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The tables with networks and trips that are not built in as paths from the working directory."""
    result = dict(data)
    for (table, key), built_in in _built_in_files().items():
        section = data.get(table)
        name = section.get(key) if isinstance(section, Mapping) else None
        if isinstance(section, Mapping) and isinstance(name, str) and name and not _is_named(name, built_in):
            result[table] = {**section, key: str(folder / Path(name).expanduser())}
    return result


def _built_in_files() -> dict[tuple[str, str], tuple[str, ...]]:
    """The built-in names that a key, given by its table and name, may have instead of a path."""
    from networks.feeder import BUILT_IN_FEEDERS
    from networks.road import BUILT_IN_ROADS, BUILT_IN_TRIPS

    return {
        ("road", "network"): BUILT_IN_ROADS,
        ("feeder", "network"): BUILT_IN_FEEDERS,
        ("demand", "trips"): BUILT_IN_TRIPS,
    }


def _is_named(name: str, built_in: Sequence[str]) -> bool:
    """Whether a network goes by a name, not by the path of files."""
    from networks.feeder import is_shipped_by_pandapower

    return name in built_in or is_shipped_by_pandapower(name)


def _network_content(file: str, table: str, name: str) -> str:
    """A built-in network's name, or the digest of the files of another."""
    if _is_named(name, _built_in_files()[table, "network"]):
        return name
    digest = sha256()
    try:
        for called, part in _network_files(Path(name)):
            digest.update(called.encode() + b"\0" + part.read_bytes() + b"\0")
    except OSError as error:
        raise DataError(f"{file}: {table}.network: {error.filename} cannot be read ({error.strerror})") from None
    return digest.hexdigest()


def _network_files(path: Path) -> list[tuple[str, Path]]:
    """Names and paths of what a network is read from: a folder and its phases, or a file and all that it includes."""
    from networks.opendss import opendss_files
    from networks.phase_tables import FOLDER

    if path.is_dir():
        parts = sorted(part for part in (*path.iterdir(), *(path / FOLDER).glob("*")) if part.is_file())
        return [(part.relative_to(path).as_posix(), part) for part in parts]
    return [(part.name, part) for part in (opendss_files(path) if path.suffix.lower() == ".dss" else [path])]


def _problems(error: Mapping[str, Any], root: type[Section]) -> list[Problem]:
    where, given = tuple(error["loc"]), shown(error["input"])
    match error["type"]:
        case "case":
            inner = error["ctx"]["problems"]
            return [Problem(where + problem.where, problem.text) for problem in inner]
        case "missing":
            return [Problem(where, f"missing, must be {allowed_at(where, root)}{_explained(where, root)}")]
        case "extra_forbidden":
            known = keys_at(where[:-1], root)
            return [Problem(where, f"unknown key{nearest(where[-1], known)} Allowed: {listed(known, most=20)}")]
        case _ if where[-1:] == ("[key]",):
            return [Problem(where[:-1], f"given the name {given}, must be {NAME_RULE}")]
        case _:
            return [Problem(where, f"given {given}, must be {allowed_at(where, root)}")]


def _explained(where: tuple[str | int, ...], root: type[Section]) -> str:
    meaning = meaning_at(where, root)
    return f": {meaning}" if meaning else f" with the keys {listed(keys_at(where, root), most=20)}"
