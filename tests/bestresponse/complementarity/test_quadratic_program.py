"""Problems that are the conditions of a quadratic program: which are recognised, and what if one only looks like it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from bestresponse.complementarity import ComplementarityProblem, Status, solve_lcp, solve_mcp
from bestresponse.complementarity.quadratic_program import quadratic_program
from bestresponse.complementarity.solve import INTERIOR, QUADRATIC
from tests.bestresponse.complementarity.problems import INF, linear, random_program


def recognised(problem):
    return quadratic_program(problem, np.clip(np.zeros(problem.size), problem.lower, problem.upper))


@pytest.mark.parametrize("linear_share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("degenerate", [0.0, 0.1])
@pytest.mark.parametrize("seed", range(4))
def test_programs_are_recognised_in_whatever_order_and_cost_what_is_known(seed, degenerate, linear_share):
    program = random_program(150, seed, degenerate=degenerate, linear_share=linear_share)
    Q = sparse.csc_array(program.Q + sparse.diags_array(program.quartic))  # bounded without the fourth powers, too
    program = replace(program, Q=Q, quartic=np.zeros_like(program.quartic))
    n, problem = len(program.c), program.problem()
    order = np.random.default_rng(seed).permutation(problem.size)
    matrix, q = problem.jacobian(np.zeros(150), 0.0), problem.value(np.zeros(150))
    shuffled = linear(matrix.toarray()[order][:, order], q[order], problem.lower[order], problem.upper[order])
    result, x = solve_mcp(shuffled), np.empty(150)
    assert result.method == QUADRATIC, result.reason
    assert result.converged, result.reason
    x[order] = result.x
    other = solve_mcp(problem, recognise=False)
    assert other.method == INTERIOR
    assert program.cost(x[:n]) == pytest.approx(program.cost(other.x[:n]), rel=1e-9, abs=1e-9)


def test_multipliers_may_have_either_bound_and_anywhere():
    # min ½ (x₀ − 3)² + ½ (x₁ − 4)², x₁ ≥ −1, with x₀ + x₁ ≤ 2 and x₀ ≤ 1: x = (½, 1½) at a multiplier of 2½
    M = [[1, 0, 1, -1], [0, 1, 1, 0], [-1, -1, 0, 0], [1, 0, 0, 0]]
    q, z_low, w_up = np.array([-3.0, -4.0, 2.0, -1.0]), 1.5, -0.5
    # the bounds of the multipliers are moved away from zero, and the constant with them
    problem = linear(M, q - np.array(M) @ [0, 0, z_low, w_up], [-INF, -1, z_low, -INF], [INF, INF, INF, w_up])
    found = recognised(problem)
    assert (found.variables.tolist(), found.equations.tolist(), found.inequalities.tolist()) == ([0, 1], [], [2, 3])
    result = solve_mcp(problem)
    assert result.method == QUADRATIC, result.reason
    assert result.x == pytest.approx(solve_mcp(problem, recognise=False).x, abs=1e-9)
    assert result.x == pytest.approx([0.5, 1.5, z_low + 2.5, w_up], abs=1e-9)


NOT_SYMMETRIC = [[2, 1], [0, 2]]
NO_SIGNS = [[0, 1, 1], [1, 0, 1], [-1, 1, 0]]
CURVED_ON_BOTH_SIDES = [[1, -1], [1, 1]]


@pytest.mark.parametrize("M", [NOT_SYMMETRIC, NO_SIGNS, CURVED_ON_BOTH_SIDES])
def test_what_is_no_plain_program_is_not_taken_for_one(M):
    assert recognised(linear(M, -np.ones(len(M)))) is None


def test_a_multiplier_with_two_bounds_is_a_penalty_and_no_plain_row():
    saddle = [[1, -1], [1, 0]]
    assert recognised(linear(saddle, [-2, -1])) is not None
    assert recognised(linear(saddle, [-2, -1], [0, 0], [INF, 9])) is None


def test_a_curved_function_is_none():
    problem = random_program(60, 1, linear_share=0.0).problem()
    assert recognised(problem) is None


def test_a_program_has_no_trace_but_whoever_asks_for_one_gets_it():
    problem = linear(np.eye(2), [-1.0, 1.0])
    assert solve_mcp(problem).trace == ()
    assert len(solve_mcp(problem, recognise=False).trace) > 1
    assert solve_lcp(np.eye(2), [-1.0, 1.0], method="interior").factorisations > 0  # the method that was asked for


def test_a_kink_between_the_points_looked_at_costs_time_but_no_correctness():
    # F = x − 5 to x = 3, then 3 (x − 3) − 2: affine where it is looked at, solved at 11/3
    problem = ComplementarityProblem.of(
        lambda x: np.where(x < 3, x - 5, 3 * (x - 3) - 2),
        lambda x: sparse.diags_array(np.where(x < 3, 1.0, 3.0)).tocsr(),
        [0.0],
        [INF],
    )
    assert recognised(problem) is not None
    result = solve_mcp(problem)
    assert result.converged, result.reason
    assert result.x == pytest.approx([11 / 3], abs=1e-10)


def test_a_program_without_an_answer_is_left_to_the_method_that_names_rows():
    result = solve_mcp(linear([[1, 1], [-1, 0]], [0, -1], [0, 0], [INF, INF], ["x", "row"]))  # x ≤ −1
    assert result.status is Status.INFEASIBLE, result.reason
    assert "row" in {name for name, _ in result.suspects}
