"""solve_mcp with plain functions, and the comparison of a Jacobian with finite differences."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from bestresponse.complementarity import ComplementarityProblem, Status, solve_mcp
from bestresponse.errors import DataError, FormulationError
from tests.bestresponse.complementarity.problems import INF, congested_roads, linear, random_program


def value(x):
    return np.array([x[0] ** 2 + x[1] - 3.0, x[1] - x[0], np.exp(x[2]) - 0.5])


def slope(x):
    return np.array([[2 * x[0], 1, 0], [-1, 1, 0], [0, 0, np.exp(x[2])]])


LOWER, UPPER = [0.0, 0.0, 0.0], [9.0, INF, INF]
SOLUTION = [(13**0.5 - 1) / 2, (13**0.5 - 1) / 2, 0.0]


@pytest.mark.parametrize(
    "jacobian",
    [slope, lambda x: slope(x).tolist(), lambda x: sparse.csr_array(slope(x)), lambda x: sparse.coo_array(slope(x))],
    ids=["dense", "lists", "csr", "coo"],
)
def test_plain_functions_with_any_kind_of_jacobian(jacobian):
    result = solve_mcp(value, jacobian, LOWER, UPPER, check_jacobian=True)
    assert result.converged
    assert result.x == pytest.approx(SOLUTION, abs=1e-9)


def test_bounds_may_be_given_by_name_and_names_are_used():
    result = solve_mcp(
        value, slope, lower=LOWER, upper=UPPER, names=["a", "b", "c"], start=[1.0, 1.0, 0.0], tolerance=1e-12
    )
    assert result.residual <= 1e-12
    assert {name for name, _ in result.worst} == {"a", "b", "c"}
    assert {name for name, _ in solve_mcp(value, slope, LOWER, UPPER).worst} == {"x[0]", "x[1]", "x[2]"}


def test_functions_and_problem_objects_give_the_same_answer():
    problem = ComplementarityProblem.of(value, slope, LOWER, UPPER)
    one, other = solve_mcp(value, slope, LOWER, UPPER), solve_mcp(problem, None, 1e-10)
    assert np.array_equal(one.x, other.x)
    assert one.trace == other.trace


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3.0, slope, LOWER, UPPER), DataError, "F and J must be functions of x, not float and function"),
        ((value, slope(np.ones(3)), LOWER, UPPER), DataError, "not function and ndarray"),
        ((value, slope, [0.0, 0.0], UPPER), DataError, r"two vectors of one length, not of shapes \(2,\) and \(3,\)"),
        ((value, slope, [0.0, 10.0, np.nan], UPPER), DataError, r"lower bound of x\[2\] is not a number"),
        (
            (value, slope, [10.0, 0.0, 0.0], UPPER),
            FormulationError,
            r"x\[0\]: lower bound 10 and upper bound 9 leave no value",
        ),
        ((value, slope, LOWER[:2], UPPER[:2]), IndexError, "out of bounds"),  # the user's own function complains first
        ((lambda x: value(x)[:2], slope, LOWER, UPPER), FormulationError, r"function returned shape \(2,\)"),
        ((value, lambda x: np.eye(2), LOWER, UPPER), FormulationError, r"Jacobian has shape \(2, 2\)"),
        (
            (value, lambda x: np.ones(3), LOWER, UPPER),
            DataError,
            r"must be a matrix, not an array of shape \(3,\)",
        ),
        (
            (lambda x: np.log(x - 1), slope, LOWER, UPPER),
            FormulationError,
            r"not finite at the starting point in row x\[0",
        ),
        (
            (value, lambda x: slope(x) * np.nan, LOWER, UPPER),
            FormulationError,
            r"Jacobian is not finite .* in row x\[0\]",
        ),
    ],
)
def test_bad_input_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        solve_mcp(*arguments)


def test_a_problem_object_keeps_its_own_names():
    with pytest.raises(DataError, match="holds its own names"):
        solve_mcp(ComplementarityProblem.of(value, slope, LOWER, UPPER), names=["a", "b", "c"])


def test_an_unsolvable_problem_says_so_and_names_its_rows():
    # 0 ≤ x ≤ 1 with x ≥ 2 as a row: −(x − 2) < 0 whatever x, its multiplier grows without limit
    result = solve_mcp(
        lambda w: np.array([1.0 - w[1], w[0] - 2.0]), lambda w: [[0, -1], [1, 0]], [0, 0], [1, INF], names=["x", "ask"]
    )
    assert result.status is Status.INFEASIBLE
    assert "there seems to be no solution" in result.reason
    assert {name for name, _ in result.suspects} == {"x", "ask"}  # the bound of x and the row contradict each other


@pytest.mark.parametrize("problem", [random_program(60, 3).problem(), congested_roads(40, 12, 4, 0)])
def test_a_true_jacobian_passes(problem):
    assert solve_mcp(problem, check_jacobian=True).converged


@pytest.mark.parametrize("seed", range(10))
def test_one_wrong_entry_is_found_by_row_and_column(seed):
    problem = random_program(60, 3).problem()
    rng = np.random.default_rng(seed)
    i, j = rng.integers(0, 60, 2)

    def jacobian(x, smoothing):
        J = problem.jacobian(x, smoothing).tolil()
        J[i, j] += 1e-3 * rng.choice([-1, 1])
        return J.tocsr()

    message = rf"worst in row {problem.name_of(i)} and column {problem.name_of(j)} \(entry \[{i}, {j}\]\)"
    with pytest.raises(FormulationError, match=message):
        solve_mcp(replace(problem, jacobian=jacobian), check_jacobian=True)


def test_a_term_that_vanishes_at_the_start_is_still_compared():
    def halved(x):
        return np.diag(x**2)  # of x³, whose derivative is 3 x²: both are zero at the start

    solve_mcp(lambda x: x**3 - 1.0, halved, [-INF] * 2, [INF] * 2)  # nobody asked
    with pytest.raises(FormulationError, match=r"row x\[\d\] and column x\[\d\]"):
        solve_mcp(lambda x: x**3 - 1.0, halved, [-INF] * 2, [INF] * 2, start=np.zeros(2), check_jacobian=True)


def test_differences_stay_inside_the_box_and_skip_fixed_variables():
    def root(x):  # undefined below zero and above one
        return np.sqrt(x) - np.sqrt(1.0 - x)

    def slope(x):
        with np.errstate(divide="ignore"):
            return np.diag(np.minimum(0.5 / np.sqrt(x) + 0.5 / np.sqrt(1.0 - x), 1e9))

    result = solve_mcp(root, slope, [0.0, 0.0, 1.0], [1.0, 0.6, 1.0], check_jacobian=True)
    assert result.x == pytest.approx([0.5, 0.5, 1.0])


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_the_comparison_knows_no_units(scale):
    good = linear(np.array([[2.0, 1.0], [-1.0, 3.0]]) * scale, [-scale, -scale])
    assert solve_mcp(good, tolerance=1e-8 * scale, check_jacobian=True).converged
    bad = replace(good, jacobian=lambda x, m: sparse.csr_array(np.array([[2.0, 1.0], [-1.0, 3.01]]) * scale))
    with pytest.raises(FormulationError, match="row x1 and column x1"):
        solve_mcp(bad, check_jacobian=True)
