"""The teaching case as nested tables, to be spoilt one key at a time."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bestresponse.errors import DataError
from experiments.case import case_from
from experiments.case_check import check_case

REPOSITORY = Path(__file__).resolve().parents[2]
CASES = REPOSITORY / "experiments" / "cases"
TEACHING_NETWORKS = REPOSITORY / "networks" / "data" / "teaching"
GONE = object()


def tables(case: str = "teaching", /, **changes: Any) -> dict[str, Any]:
    """The tables of a built-in case; a change's name is its path with "__", as in lse__0__share=0.4."""
    data = tomllib.loads((CASES / f"{case}.toml").read_text(encoding="utf-8"))
    for path, value in changes.items():
        put(data, path.split("__"), value)
    return data


def put(data: Any, path: list[str], value: Any) -> None:
    *way, last = (int(step) if step.isdigit() else step for step in path)
    for step in way:
        data = data[step]
    if value is GONE:
        del data[last]
    else:
        data[last] = value


def refusal(data: dict[str, Any], folder: str | Path = ".") -> str:
    """The message with which a case is refused, by its keys or by its networks."""
    with pytest.raises(DataError) as caught:
        check_case(case_from(data, "case.toml", folder))
    return str(caught.value)


def network_folder(parent: Path, file: str = "", replace: tuple[str, str] = ("", "")) -> Path:
    """A copy of the teaching road and feeder beside a case file, with one text replaced in one of its files."""
    folder = shutil.copytree(TEACHING_NETWORKS, parent / "nets")
    if file:
        text = (folder / file).read_text(encoding="utf-8")
        assert text.count(replace[0]) == 1
        (folder / file).write_text(text.replace(*replace), encoding="utf-8")
    return folder
