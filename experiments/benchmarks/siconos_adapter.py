"""Siconos, asked through a child process: Debian installs it for the system's Python only.

Siconos knows free variables and nonnegative ones. What is bounded below is counted from its bound, and an upper bound
becomes a row of its own:

    l ≤ x ≤ u ⊥ F(x)      is      0 ≤ x − l ⊥ F(x) + z,   0 ≤ z ⊥ u − x
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bestresponse.complementarity import ComplementarityProblem
from bestresponse.errors import FormulationError, SolverError
from bestresponse.typing import IntVector, Vector

PYTHON = "/usr/bin/python3"
SCRIPT = Path(__file__).with_name("siconos_child.py")
SECONDS = 300.0  # after which it is given up


@dataclass(frozen=True)
class Stated:
    """An affine problem the way Siconos wants it: M y + q = 0 where y is free, which comes first, else ≥ 0 ⊥ y ≥ 0."""

    M: Vector  # (n + n_upper, n + n_upper)
    q: Vector
    n_free: int
    order: IntVector  # (n,) the variables of the problem as they stand in y
    shift: Vector  # (n,) what to add to them

    @classmethod
    def of(cls, problem: ComplementarityProblem) -> Stated:
        """Return the statement of l ≤ x ≤ u ⊥ F(x). Raises FormulationError for an upper bound without a lower one."""
        has_lower, has_upper = np.isfinite(problem.lower), np.isfinite(problem.upper)
        if (has_upper & ~has_lower).any():
            name = problem.name_of(int(np.argmax(has_upper & ~has_lower)))
            raise FormulationError(f"{name} has an upper bound only: this statement has no place for it")
        order = np.concatenate([np.flatnonzero(~has_lower), np.flatnonzero(has_lower)])
        shift = np.where(has_lower, problem.lower, 0.0)
        J = problem.jacobian(shift, 0.0).toarray()[np.ix_(order, order)]
        pick = np.eye(problem.size)[order][:, has_upper]
        room = (problem.upper - shift)[has_upper]
        return cls(
            M=np.block([[J, pick], [-pick.T, np.zeros((len(room), len(room)))]]),
            q=np.concatenate([problem.value(shift)[order], room]),
            n_free=int((~has_lower).sum()),
            order=order,
            shift=shift,
        )

    def back(self, y: Vector) -> Vector:
        """Return x, (n,)."""
        x = self.shift.copy()
        x[self.order] += y[: len(x)]
        return x


@cache
def is_installed() -> bool:
    """Return whether the system's Python can import Siconos."""
    try:
        return _system_python("-c", "import siconos.numerics").returncode == 0
    except OSError:  # there is no such Python
        return False


def solve(problem: ComplementarityProblem) -> tuple[Vector, int, float]:
    """Return x (n,), Siconos' iterations and the seconds that it took, its start and the way there not counted.

    `problem` must be affine. Raises SolverError, with its words, where the child process ends without an answer.
    """
    stated = Stated.of(problem)
    with TemporaryDirectory() as folder:
        given, answer = Path(folder, "given.npz"), Path(folder, "answer.npz")
        np.savez(given, M=stated.M, q=stated.q, free=stated.n_free)
        ended = _system_python(str(SCRIPT), str(given), str(answer))
        if ended.returncode:
            raise SolverError(f"Siconos ended with {ended.returncode}: {ended.stderr.strip()[-300:]}")
        with np.load(answer) as data:
            return stated.back(data["x"]), int(data["iterations"]), float(data["seconds"])


def _system_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it isolated (-I): the modules that lie beside the script are none of its own."""
    return subprocess.run([PYTHON, "-I", *arguments], capture_output=True, text=True, timeout=SECONDS, check=False)
