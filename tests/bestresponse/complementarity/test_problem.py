"""What a complementarity problem refuses, and how it measures a point."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from bestresponse.complementarity import ComplementarityProblem, natural_residual, solve_mcp, worst_rows
from bestresponse.complementarity.problem import middle
from bestresponse.complementarity.sparsity import ColumnForm
from bestresponse.errors import DataError, FormulationError
from tests.bestresponse.complementarity.problems import INF, linear

number = st.floats(-10, 10)


@given(st.tuples(number, number).map(sorted), st.floats(0, 1), number)
def test_the_natural_residual_is_the_middle_of_three(bounds, share, F):
    lower, upper = bounds
    x = lower + share * (upper - lower)
    problem = linear([[0.0]], [F], [lower], [upper])
    expected = np.median([x - lower, x - upper, F])
    assert middle(problem, np.array([x]), np.array([F]))[0] == expected
    assert natural_residual(problem, np.array([x])) == abs(expected)


def test_worst_rows_come_by_name_and_size():
    problem = linear(np.zeros((3, 3)), [0.1, -3.0, 2.0], [-INF] * 3, names=["small", "large", "middling"])
    assert worst_rows(problem, np.zeros(3), 2) == (("large", 3.0), ("middling", 2.0))


def test_a_nan_row_is_the_worst_and_no_solution():
    problem = linear(np.zeros((2, 2)), [0.0, np.nan], [-INF] * 2, names=["fine", "broken"])
    assert np.isnan(natural_residual(problem, np.zeros(2)))
    assert worst_rows(problem, np.zeros(2), 1)[0][0] == "broken"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"lower": np.array([0.0, np.nan])}, DataError, "lower bound of b is not a number"),
        ({"upper": np.array([np.nan, 1.0])}, DataError, "upper bound of a is not a number"),
        ({"lower": np.array([0.0, 2.0])}, FormulationError, "b: lower bound 2 and upper bound 1 leave no value"),
        ({"lower": np.array([INF, 0.0]), "upper": np.array([INF, 1])}, FormulationError, "a: lower bound inf"),
        ({"upper": np.ones(3)}, DataError, "two vectors of one length"),
        ({"names": ["a"]}, DataError, "1 names were given for 2 variables"),
        ({"separable": np.array([1, 0])}, DataError, "separable must hold 2 booleans, not int64"),
        ({"separable": np.array([True])}, DataError, "separable must hold 2 booleans"),
    ],
)
def test_bad_data_is_refused_by_name(change, error, message):
    good = linear(np.eye(2), [1.0, 1.0], [0, 0], [1, 1], names=["a", "b"])
    with pytest.raises(error, match=message):
        replace(good, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"function": lambda x, m: np.array([0.0, np.nan])}, "function is not finite at the starting point in row b"),
        ({"function": lambda x, m: np.zeros(3)}, r"function returned shape \(3,\)"),
        ({"jacobian": lambda x, m: np.eye(2)}, "must be a sparse array in csr or csc format, not ndarray"),
        ({"jacobian": lambda x, m: sparse.eye_array(3, format="csr")}, r"Jacobian has shape \(3, 3\)"),
        (
            {"jacobian": lambda x, m: sparse.csr_array(np.array([[1.0, 0], [0, np.inf]]))},
            "Jacobian is not finite at the starting point in row b",
        ),
    ],
)
def test_bad_functions_are_refused_by_row(change, message):
    good = linear(np.eye(2), [1.0, 1.0], [0, 0], [1, 1], names=["a", "b"])
    with pytest.raises(FormulationError, match=message):
        solve_mcp(replace(good, **change))


def test_a_start_of_the_wrong_shape_or_with_nan_is_refused():
    good = linear(np.eye(2), [1.0, 1.0], names=["a", "b"])
    with pytest.raises(DataError, match=r"has shape \(2,\), not \(3,\)"):
        solve_mcp(good, np.zeros(3))
    with pytest.raises(DataError, match="not finite in b"):
        solve_mcp(good, np.array([0.0, np.nan]))


@pytest.mark.parametrize("tolerance", [0.0, -1.0, np.nan])
def test_a_tolerance_that_is_not_positive_is_refused(tolerance):
    with pytest.raises(DataError, match="tolerance"):
        solve_mcp(linear(np.eye(1), [1.0]), tolerance=tolerance)


@pytest.mark.parametrize("form", ["csr", "csc"])
def test_column_form_follows_a_pattern_that_changes(form):
    rng = np.random.default_rng(0)
    keep = np.array([True, False, True, True, False])
    columns = ColumnForm(keep)
    for density in (0.5, 0.5, 0.9, 0.1):
        matrix = sparse.random_array((5, 5), density=density, rng=rng, format=form)
        assert np.array_equal(columns(matrix).toarray(), matrix.toarray()[keep][:, keep])
    twice = sparse.csr_array((np.array([1.0, 2.0, 4.0]), np.array([3, 3, 0]), np.array([0, 2, 3, 3, 3, 3])), (5, 5))
    assert columns(twice).toarray()[0, 2] == 3.0  # entries at the same place are added


def test_problem_without_variables_is_solved():
    empty = ComplementarityProblem(np.zeros(0), np.zeros(0), lambda x, m: x, lambda x, m: sparse.csr_array((0, 0)), [])
    result = solve_mcp(empty)
    assert result.converged
    assert result.x.shape == (0,)
