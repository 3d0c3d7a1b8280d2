"""What a result was made of and with: the case, the tolerances, the versions."""

from __future__ import annotations

import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from bestresponse.stopping import Tolerances
from experiments.case import case_hash
from experiments.case_schema import Case

PACKAGES = ("bestresponse", "numpy", "scipy", "cvxpy", "highspy", "piqp")


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
