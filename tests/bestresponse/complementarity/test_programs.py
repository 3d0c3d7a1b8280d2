"""Convex programs by their first-order conditions, against the solution they were built around and other solvers."""

import clarabel
import numpy as np
import pytest
from scipy import optimize, sparse

from bestresponse.complementarity import solve_mcp
from tests.bestresponse.complementarity.problems import congested_roads, random_program

RANDOM = [
    (size, seed, degenerate, linear_share)
    for seed, (size, degenerate, linear_share) in enumerate(
        [(50, d, s) for d in (0.0, 0.05, 0.1) for s in (0.0, 0.5, 0.9, 1.0)]
        + [(200, d, s) for d in (0.05, 0.1) for s in (0.0, 0.5, 0.9, 1.0)]
        + [(100, d, s) for d in (0.05, 0.1) for s in (0.0, 0.25, 0.75, 1.0)]
        + [(400, d, s) for d in (0.05, 0.1) for s in (0.0, 0.5, 0.9, 1.0)]
        + [(1000, 0.05, 0.0), (1000, 0.1, 0.5), (1000, 0.05, 0.9), (1000, 0.1, 1.0)]
    )
]


@pytest.mark.parametrize(("size", "seed", "degenerate", "linear_share"), RANDOM)
def test_random_programs_reach_their_known_cost(size, seed, degenerate, linear_share):
    program = random_program(size, seed, degenerate=degenerate, linear_share=linear_share)
    result = solve_mcp(program.problem(), recognise=False)
    assert result.residual <= 1e-9, result.reason
    assert result.method == "interior point", result.reason  # no fallback was needed
    assert result.factorisations <= 45
    n = len(program.c)
    best = program.cost(program.solution[:n])
    assert program.cost(result.x[:n]) == pytest.approx(best, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("seed", range(4))
def test_linear_programs_agree_with_highs(seed):
    program = random_program(120, seed, degenerate=0.1, linear_share=1.0)
    n = len(program.c)
    result = solve_mcp(program.problem())
    highs = optimize.linprog(
        program.c,
        A_ub=program.G,
        b_ub=program.h,
        A_eq=program.A,
        b_eq=program.b,
        bounds=np.column_stack([program.lower, program.upper]),
        method="highs",
    )
    assert highs.status == 0
    assert result.converged, result.reason
    assert program.c @ result.x[:n] == pytest.approx(highs.fun, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("seed", range(4))
def test_strongly_convex_programs_agree_with_clarabel_point_by_point(seed):
    program = random_program(120, 100 + seed, degenerate=0.0, linear_share=0.3)
    n = len(program.c)
    Q = sparse.csc_array(program.Q + 0.5 * sparse.eye_array(n))
    program = type(program)(**{**vars(program), "Q": Q, "quartic": np.zeros(n)})
    low, up = np.flatnonzero(np.isfinite(program.lower)), np.flatnonzero(np.isfinite(program.upper))
    eye = sparse.eye_array(n, format="csr")
    rows = sparse.csc_matrix(sparse.vstack([program.A, program.G, -eye[low], eye[up]]))
    right = np.concatenate([program.b, program.h, -program.lower[low], program.upper[up]])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-11
    cones = [clarabel.ZeroConeT(len(program.b)), clarabel.NonnegativeConeT(len(right) - len(program.b))]
    other = clarabel.DefaultSolver(
        sparse.csc_matrix(sparse.triu(program.Q)), program.c, rows, right, cones, settings
    ).solve()
    result = solve_mcp(program.problem())
    assert result.converged, result.reason
    assert program.cost(result.x[:n]) == pytest.approx(program.cost(np.array(other.x)), rel=1e-8)
    assert result.x[:n] == pytest.approx(np.array(other.x), abs=1e-4)  # Clarabel stops at √accuracy at weak bounds


def test_wardrop_equilibrium_on_congested_roads():
    problem = congested_roads(n_paths=300, n_links=60, n_pairs=15, seed=0)
    result = solve_mcp(problem)
    assert result.converged, result.reason
    assert result.factorisations <= 25
    flow, cost = result.x[:300], result.x[360:420]  # link times are the multipliers of the link flows
    F = problem.value(result.x)
    assert np.sum(flow > 1e-6) >= 15
    assert np.abs(F[:300][flow > 1e-6]).max() < 1e-9  # used paths are as cheap as the cheapest of their pair
    assert F[:300].min() > -1e-9
    assert cost.min() > 0.5  # no link is faster than at free flow
