"""Solves an affine complementarity problem with Siconos, in whatever Python has it: `python siconos_child.py IN OUT`.

IN (.npz):   M (n, n) dense, q (n,), free: the number of equations M x + q = 0 with x free, which come first; the
             other rows say x ≥ 0 ⊥ M x + q ≥ 0.
OUT (.npz):  x (n,), iterations, seconds.

Imports nothing but NumPy and Siconos, and runs by itself: the Python that has Siconos may have nothing else.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
import siconos.numerics as siconos

TOLERANCE = 1e-10
MAX_ITERATIONS = 500


def solve(M: Any, q: Any, free: int) -> tuple[Any, int]:
    """Return x and the iterations taken, by semismooth Newton on Fischer–Burmeister."""

    def function(n: int, x: Any, F: Any) -> None:
        F[:] = M @ x + q

    def jacobian(n: int, x: Any, nabla: Any) -> None:
        nabla[:] = M

    problem = siconos.MCP(free, len(q) - free, function, jacobian)
    options = siconos.SolverOptions(siconos.SICONOS_MCP_NEWTON_FB_FBLSA)
    options.dparam[siconos.SICONOS_DPARAM_TOL] = TOLERANCE
    options.iparam[siconos.SICONOS_IPARAM_MAX_ITER] = MAX_ITERATIONS
    x, w = np.zeros(len(q)), np.zeros(len(q))
    siconos.mcp_newton_FB_FBLSA(problem, x, w, options)  # whoever asked judges x
    return x, int(options.iparam[siconos.SICONOS_IPARAM_ITER_DONE])


def main(given: str, answer: str) -> None:
    """Read, solve once for the caches and once for the record, write."""
    with np.load(given) as data:
        M, q, free = data["M"], data["q"], int(data["free"])
    solve(M, q, free)
    began = time.perf_counter()
    x, iterations = solve(M, q, free)
    np.savez(answer, x=x, iterations=iterations, seconds=time.perf_counter() - began)


if __name__ == "__main__":
    main(*sys.argv[1:])
