"""Systems that are symmetric up to signs: which are, what they are decomposed into, and what if that is too rough."""

import numpy as np
import pytest
from scipy import sparse

from bestresponse.complementarity.linear_system import Factors, NewtonMatrix, _Eliminated
from bestresponse.complementarity.symmetric import SHIFT, SymmetricMatrix
from tests.bestresponse.complementarity.problems import random_program

N = 300


def conditions(seed=0, order=None):
    """The Jacobian of first-order conditions, its variables and rows in any order."""
    J = random_program(N, seed).problem().jacobian(np.random.default_rng(seed).random(N), 0.0)
    order = np.arange(N) if order is None else order
    J = sparse.csc_array(J[order][:, order])
    J.sort_indices()
    return J


def test_first_order_conditions_are_recognised_in_whatever_order_they_come():
    rng = np.random.default_rng(3)
    J, theta, rhs = conditions(order=rng.permutation(N)), 0.1 + rng.random(N), rng.standard_normal(N)
    d = SymmetricMatrix().factorise(J, theta)(rhs)
    assert d == pytest.approx(np.linalg.solve(J.toarray() + np.diag(theta), rhs), rel=1e-5, abs=1e-6)  # δ is left in


def test_one_plan_serves_every_jacobian_of_its_pattern_and_a_new_pattern_gets_its_own():
    rng = np.random.default_rng(4)
    matrix = NewtonMatrix(np.zeros(N, dtype=bool))
    for J in (conditions(), 2.0 * conditions(), conditions(seed=1), conditions(seed=1)):
        theta, rhs = 0.1 + rng.random(N), rng.standard_normal(N)
        factors = matrix.factorise(J, theta)
        assert not isinstance(factors.once, _Eliminated)  # no LU
        assert factors.solve(rhs) == pytest.approx(np.linalg.solve(J.toarray() + np.diag(theta), rhs), abs=1e-10)


@pytest.mark.parametrize(
    "J",
    [
        [[1.0, 2.0], [0.0, 1.0]],  # one way only
        [[1.0, 2.0], [-2.5, 1.0]],  # of two sizes
        [[1.0, 1.0, -1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]],  # signs that contradict one another around a triangle
        [[0.0, 0.0], [0.0, 0.0]],  # nothing at all
    ],
    ids=["pattern", "values", "signs", "empty"],
)
def test_what_no_signs_make_symmetric_is_left_to_the_lu(J):
    J = sparse.csc_array(np.array(J))
    assert SymmetricMatrix().factorise(J, np.ones(J.shape[0])) is None


def test_values_that_stop_being_symmetric_are_noticed():
    J = conditions()
    matrix = SymmetricMatrix()
    assert matrix.factorise(J, np.ones(N)) is not None
    J.data[np.flatnonzero(np.abs(J.data) > 0)[0 if J.indices[0] else 1]] *= 1.0 + 1e-6
    assert matrix.factorise(J, np.ones(N)) is None
    assert matrix.factorise(conditions(), np.ones(N)) is not None


def test_a_decomposition_that_breaks_down_is_none_and_the_next_one_is_not_spoilt():
    swap = sparse.csc_array(np.array([[0.0, 1.0], [1.0, 0.0]]))
    matrix = SymmetricMatrix()
    assert matrix.factorise(swap, np.full(2, -SHIFT)) is None  # the first pivot is zero
    assert matrix.factorise(swap, np.full(2, 2.0))(np.array([3.0, 3.0])) == pytest.approx([1.0, 1.0], abs=1e-7)


def test_too_rough_a_solution_is_replaced_by_an_exact_one_from_then_on():
    swap, asked = sparse.csc_array(np.array([[0.0, 1.0], [1.0, 0.0]])), []

    def exact():
        asked.append("once")
        return lambda rhs: rhs[::-1]

    factors = Factors(swap, np.zeros(2), lambda rhs: np.full(2, np.nan), exact)
    for rhs in (np.array([1.0, 2.0]), np.array([3.0, 4.0])):
        assert factors.solve(rhs) == pytest.approx(rhs[::-1])
    assert asked == ["once"]
