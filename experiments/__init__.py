"""Things to run: cases, scenarios, figures, benchmarks, the command line.

In a script or notebook: `from experiments import load_case, solve, load_result`. The names are imported when they
are first used, so that the command line can say what it knows without loading a solver.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.case import load_case
    from experiments.result import Result, load_result
    from experiments.solve import solve

__all__ = ["Result", "load_case", "load_result", "solve"]

_HOME = {
    "Result": "experiments.result",
    "load_case": "experiments.case",
    "load_result": "experiments.result",
    "solve": "experiments.solve",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'experiments' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOME[name]), name)
    return found
