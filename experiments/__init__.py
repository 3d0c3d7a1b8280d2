"""Things to run: cases, scenarios, figures, benchmarks, the command line.

In a script or notebook: `from experiments import load_case, solve, load_result`. The names are imported when they
are first used, so that the command line can say what it knows without loading a solver.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.case import load_case
    from experiments.result import Result, load_result
    from experiments.solving import solve

# The matrices here are small: more threads of the linear algebra only get in one another's way. It must be said
# before numpy is loaded.
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
for _variable in THREADS:
    os.environ.setdefault(_variable, "1")

__all__ = ["Result", "load_case", "load_result", "solve"]

_HOME = {
    "Result": "experiments.result",
    "load_case": "experiments.case",
    "load_result": "experiments.result",
    "solve": "experiments.solving",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'experiments' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOME[name]), name)
    return found
