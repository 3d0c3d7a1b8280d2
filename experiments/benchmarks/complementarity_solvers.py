"""Whom the complementarity benchmark asks: ourselves, Clarabel; PATH and Siconos where they are installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import clarabel
import numpy as np
from scipy import sparse

from bestresponse.complementarity import ComplementarityProblem, solve_mcp
from bestresponse.complementarity.path import LICENSED_ROWS, Gams, solve_with_path
from bestresponse.complementarity.solve import TOLERANCE
from bestresponse.typing import Vector
from experiments.benchmarks import siconos_adapter
from experiments.benchmarks.quadratic import Quadratic

SICONOS_ROWS = 1200  # its matrices are dense: more rows take minutes


@dataclass(frozen=True)
class Answer:
    """What a solver found."""

    x: Vector  # (n,) of the complementarity system
    iterations: int | None  # the interior point: factorisations
    seconds: float | None = None  # the solver's own time, where calling it costs more; none: what the call took


Solve: TypeAlias = Callable[[], Answer]


def solvers(program: Quadratic) -> dict[str, Solve]:
    """Return by name those that can be asked here for the program or its first-order conditions."""
    conditions = program.conditions()
    found: dict[str, Solve] = {
        "solve_mcp": lambda: recognised(conditions),
        "interior point": lambda: interior_point(conditions),
        "Clarabel": clarabel_on(program),
    }
    if _has_gamspy() and conditions.size <= LICENSED_ROWS:
        found["PATH"] = lambda: path(conditions)
    if siconos_adapter.is_installed() and conditions.size <= SICONOS_ROWS:
        found["Siconos"] = lambda: siconos(conditions)
    return found


def absent() -> list[str]:
    """Return a sentence for every solver that is not asked at all, or not about every problem."""
    return [
        f"PATH: asked up to {LICENSED_ROWS} rows, the limit of GAMSPy's licence; the time is what PATH reports"
        if _has_gamspy()
        else "PATH: not installed, GAMSPy cannot be imported (pip install 'bestresponse[path]')",
        f"Siconos: asked up to {SICONOS_ROWS} rows; the time is taken beside it, in {siconos_adapter.PYTHON}"
        if siconos_adapter.is_installed()
        else f"Siconos: not installed, {siconos_adapter.PYTHON} cannot import it (Debian's package: python3-siconos)",
    ]


def interior_point(problem: ComplementarityProblem) -> Answer:
    """Return our own method's answer."""
    result = solve_mcp(problem, recognise=False)
    return Answer(result.x, result.factorisations)


def recognised(problem: ComplementarityProblem) -> Answer:
    """Return the answer of solve_mcp, which has to see for itself that the problem comes from a program."""
    return Answer(solve_mcp(problem).x, None)


def clarabel_on(program: Quadratic) -> Solve:
    """Return Clarabel on the program, stated beforehand in its form; multipliers of the rows follow its x."""
    K = program.polyhedron
    low, up = np.flatnonzero(np.isfinite(K.lower)), np.flatnonzero(np.isfinite(K.upper))
    eye = sparse.eye_array(len(program.c), format="csr")
    P, rows = (
        sparse.csc_matrix(sparse.triu(program.P)),
        sparse.csc_matrix(sparse.vstack([K.A, K.G, -eye[low], eye[up]])),
    )
    right = np.concatenate([K.b, K.h, -K.lower[low], K.upper[up]])
    cones = [clarabel.ZeroConeT(len(K.b)), clarabel.NonnegativeConeT(len(right) - len(K.b))]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = TOLERANCE  # as exact as the others

    def solve() -> Answer:
        solution = clarabel.DefaultSolver(P, program.c, rows, right, cones, settings).solve()
        return Answer(np.concatenate([solution.x, solution.z[: len(K.b) + len(K.h)]]), solution.iterations)

    return solve


def path(problem: ComplementarityProblem) -> Answer:
    """Return PATH's answer, with the time that PATH reports."""
    gams = Gams()
    result = solve_with_path(problem, solve_affine=gams.solve)
    return Answer(result.x, None, gams.seconds)


def siconos(problem: ComplementarityProblem) -> Answer:
    """Return Siconos' answer to an affine problem, with the time that passed in its own process."""
    return Answer(*siconos_adapter.solve(problem))


def _has_gamspy() -> bool:
    return importlib.util.find_spec("gamspy") is not None
