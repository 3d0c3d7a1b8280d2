"""Two hundred random monotone problems, every one to a natural residual of 1e-9.

Half are the conditions of convex programs, half have a skew term that makes them no program's. All have free rows and
variables and redundant equations; 0–100 % of the variables have no curvature, 0–10 % of the bounds are degenerate.
"""

import numpy as np
import pytest

from bestresponse.complementarity import solve_mcp
from tests.bestresponse.complementarity.problems import random_monotone, random_program

SIZES = [50] * 60 + [100] * 50 + [200] * 40 + [400] * 24 + [1000] * 16 + [2000] * 10
LINEAR = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)
DEGENERATE = (0.0, 0.05, 0.1)
SEEDS = [
    (seed, size, LINEAR[(seed // 2) % 6], DEGENERATE[(seed // 12) % 3], seed % 2 == 1)
    for seed, size in enumerate(SIZES)
]


def stated(seed, size, linear_share, degenerate, is_skewed):
    if is_skewed:
        return random_monotone(size, seed, linear_share=linear_share, degenerate=degenerate)
    return random_program(size, seed, linear_share=linear_share, degenerate=degenerate).problem()


@pytest.mark.parametrize(("seed", "size", "linear_share", "degenerate", "is_skewed"), SEEDS)
def test_random_monotone_problems_are_solved(seed, size, linear_share, degenerate, is_skewed):
    problem = stated(seed, size, linear_share, degenerate, is_skewed)
    result = solve_mcp(problem, tolerance=1e-9)
    assert result.converged, result.reason
    F = problem.function(result.x, 0.0)
    middle = np.median([result.x - problem.lower, result.x - problem.upper, F], axis=0)  # not the solver's own formula
    assert np.abs(middle).max() <= 1e-9
    assert np.all((problem.lower <= result.x) & (result.x <= problem.upper))


def test_the_problems_are_what_they_are_said_to_be():
    assert len(SEEDS) == 200
    assert {share for _, _, share, _, _ in SEEDS} == set(LINEAR)
    assert {(degenerate, skewed) for *_, degenerate, skewed in SEEDS} == {(d, s) for d in DEGENERATE for s in (0, 1)}
    for entry in SEEDS[20:40]:
        problem = stated(*entry)
        J = problem.jacobian(np.ones(problem.size), 0.0).toarray()
        assert np.linalg.eigvalsh(J + J.T).min() >= -1e-9  # monotone
        free = np.isinf(problem.lower) & np.isinf(problem.upper)
        assert free.any()
        n = int(0.6 * problem.size)
        equations = J[n:, :n][free[n:]]
        assert np.linalg.matrix_rank(equations) == len(equations) - 2  # two of them follow from the others
        is_asymmetric = np.abs(J[:n, :n] - J[:n, :n].T).max() > 0
        assert is_asymmetric == entry[-1]
