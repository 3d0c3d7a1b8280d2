"""What a result was made of and with: the case, the tolerances, the versions."""

from __future__ import annotations

import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bestresponse.errors import DataError
from bestresponse.stopping import Tolerances
from experiments.case import case_hash, load_case
from experiments.case_schema import Case

if TYPE_CHECKING:
    from experiments.result import Result

PACKAGES = ("bestresponse", "numpy", "scipy", "cvxpy", "clarabel", "highspy", "piqp", "qdldl", "numba")


def versions() -> dict[str, str]:
    """Return the versions of Python and of every package that numbers depend on, by name."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def provenance(case: Case, tolerances: Tolerances) -> dict[str, Any]:
    """Return what a result has to say about its origin, as plain data."""
    return {
        "versions": versions(),
        "case_hash": case_hash(case),
        "case_file": case.file,
        "tolerances": asdict(tolerances),
    }


def case_of(result: Result) -> Case:
    """Return the case with the same content as the one that was solved, looked for where that one was.

    Raises DataError if there is none.
    """
    file = str(result.provenance["case_file"])
    # A built-in case goes by its file name alone, as a file in the working directory does.
    for source in dict.fromkeys((file, Path(file).stem, result.case)):
        try:
            case = load_case(source)
            if case_hash(case) == result.provenance["case_hash"]:
                return case
        except DataError:
            continue
    raise DataError(f"{file} is not at hand or has changed since")
