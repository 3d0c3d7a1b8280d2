"""The yardstick: the same equilibrium as one convex program in CVXPY and Clarabel.

It lives in `tests/one_program` of a checkout, as it shares no code with the packages and is no part of them. It is
loaded from there by path: an installed package has no tests, and then there is nothing to compare with.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, Protocol

from bestresponse.errors import DataError

CHECKOUT = Path(__file__).resolve().parents[2]


class SolveOneProgram(Protocol):
    """`tests.one_program.solve_one_program`."""

    def __call__(self, case: str, scenario: str, v2g: bool) -> Any:
        """Return the equilibrium; `run` of it has `canonicalisation_seconds` and `solve_seconds`."""
        ...


def load_one_program(checkout: Path = CHECKOUT) -> SolveOneProgram:
    """Return the yardstick of a checkout. Raises DataError where there is none."""
    tests = checkout / "tests"
    if not (tests / "one_program" / "__init__.py").is_file():
        raise DataError(
            f"{tests / 'one_program'} is not there: the yardstick comes with a checkout of the project, not with the "
            "installed packages; run the benchmarks in a checkout"
        )
    if "tests" not in sys.modules:
        spec = spec_from_file_location("tests", tests / "__init__.py", submodule_search_locations=[str(tests)])
        if spec is None:
            raise DataError(f"{tests} is no Python package")
        sys.modules["tests"] = module_from_spec(spec)
    found: SolveOneProgram = import_module("tests.one_program").solve_one_program
    return found
