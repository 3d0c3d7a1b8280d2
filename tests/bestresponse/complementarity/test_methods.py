"""The parts: linear systems, interior point, polish, semismooth Newton, proximal point."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from bestresponse.complementarity import correctors
from bestresponse.complementarity.interior_point import Outcome, interior_point
from bestresponse.complementarity.linear_system import NewtonMatrix
from bestresponse.complementarity.newton import fischer_burmeister, semismooth_newton
from bestresponse.complementarity.polish import polish
from bestresponse.complementarity.problem import ComplementarityProblem, natural_residual
from bestresponse.complementarity.proximal import proximal_point, proximal_problem
from bestresponse.errors import FormulationError
from tests.bestresponse.complementarity.problems import INF, congested_roads, linear, random_program


def random_jacobian(rng, n, separable):
    """A well-conditioned matrix whose separable block is diagonal, with some diagonal entries not stored."""
    matrix = sparse.random_array((n, n), density=0.3, rng=rng).toarray()
    matrix[np.ix_(separable, separable)] = 0.0
    matrix[np.diag_indices(n)] = np.where(rng.random(n) < 0.5, rng.random(n), 0.0)
    return sparse.csc_array(matrix)


@pytest.mark.parametrize("n_separable", [0, 7, 20])
def test_systems_are_solved_whatever_is_eliminated_and_however_the_pattern_changes(n_separable):
    rng = np.random.default_rng(n_separable)
    separable = np.arange(20) < n_separable
    matrix = NewtonMatrix(separable)
    J = random_jacobian(rng, 20, separable)
    for again in range(6):
        J = random_jacobian(rng, 20, separable) if again % 3 == 2 else J * 1.1  # a new pattern now and then
        theta, rhs = 1.0 + rng.random(20), rng.standard_normal(20)
        d = matrix.factorise(J, theta).solve(rhs)
        assert d == pytest.approx(np.linalg.solve(J.toarray() + np.diag(theta), rhs), abs=1e-10)
    assert matrix.factorisations == 6


def test_the_column_order_that_was_found_keeps_the_factors_as_sparse_as_they_were():
    problem = random_program(600, 1).problem()
    matrix = NewtonMatrix(problem.eliminated)
    J = sparse.csc_array(sparse.diags_array(np.linspace(1.0, 2.0, 600)) @ problem.jacobian(np.ones(600), 0.0))
    fill = [matrix.factorise(J, np.full(600, theta)).once.lu.nnz for theta in (1.0, 1.1, 1.2)]
    assert fill[1] <= 1.2 * fill[0]
    assert fill[2] <= 1.2 * fill[0]


def test_variables_that_meet_are_not_separable():
    problem = replace(linear([[1, 2], [0, 1]], [-1, -1]), separable=np.array([True, True]))
    with pytest.raises(FormulationError, match="0 and 1 are marked separable"):
        interior_point(problem, np.zeros(2))


@pytest.mark.parametrize(
    ("problem", "unique"),  # the multipliers of repeated equations and path flows are not
    [(random_program(200, 0).problem(), slice(0, 120)), (congested_roads(120, 30, 8, 1), slice(120, None))],
    ids=["program", "roads"],
)
def test_elimination_changes_no_iterate(problem, unique):
    with_it = interior_point(problem, np.zeros(problem.size))
    without = interior_point(replace(problem, separable=None), np.zeros(problem.size))
    assert problem.eliminated.any()
    assert with_it.outcome is without.outcome is Outcome.SOLVED
    assert len(with_it.trace) == len(without.trace)
    for one, other in zip(with_it.trace, without.trace, strict=True):
        assert one.mu == pytest.approx(other.mu, rel=1e-4)
        assert one.step == pytest.approx(other.step, rel=1e-4)
    assert with_it.best.x[unique] == pytest.approx(without.best.x[unique], abs=1e-6)


def test_iterates_stay_balanced_and_μ_falls():
    trace = interior_point(random_program(300, 5).problem(), np.zeros(300)).trace
    assert all(0 < record.smallest_product <= 1 <= record.largest_product for record in trace)
    assert min(record.smallest_product for record in trace) >= 1e-3
    assert 1e-9 < trace[-1].mu < 1e-4 * trace[0].mu  # the polish ends it long before μ is exhausted
    assert [record.factorisations for record in trace] == list(range(1, len(trace) + 1))


def test_correctors_save_iterations(monkeypatch):
    problems = [random_program(300, seed, linear_share=0.5).problem() for seed in range(4)]

    def iterations():
        return sum(len(interior_point(problem, np.zeros(300)).trace) for problem in problems)

    with_them = iterations()
    monkeypatch.setattr(correctors, "CORRECTORS", 0)
    assert with_them <= 0.85 * iterations()


def test_the_interior_point_is_given_a_smoother_problem_on_the_way_and_polishes_the_true_one():
    seen = []

    def kinked(x, smoothing):  # max(0, x − 1) + x = 3, its kink rounded by smoothing
        seen.append(smoothing)
        s = x - 1.0
        return (s + np.sqrt(s * s + smoothing)) / 2 + x - 3.0

    def slope(x, smoothing):
        s = x - 1.0
        return sparse.diags_array(1.5 + s / (2 * np.sqrt(s * s + smoothing)), format="csr")

    problem = ComplementarityProblem(np.zeros(1), np.full(1, 10.0), kinked, slope, ["x"])
    result = interior_point(problem, np.zeros(1))
    assert result.best.x == pytest.approx([2.0], abs=1e-10)
    assert max(seen) > 0.1
    assert seen[-1] == 0.0


def test_a_singular_start_is_left_by_a_proximal_step():
    # x1 free without curvature at the start: F = x1³ − 8 has a zero derivative at 0
    problem = ComplementarityProblem(
        np.array([-INF, 0.0]),
        np.full(2, INF),
        lambda x, m: np.array([x[0] ** 3 - 8.0, x[1] - 1.0]),
        lambda x, m: sparse.csr_array(np.diag([3 * x[0] ** 2, 1.0])),
        ["x1", "x2"],
    )
    result = interior_point(problem, np.zeros(2))
    assert result.outcome is Outcome.SOLVED
    assert result.best.x == pytest.approx([2.0, 1.0], abs=1e-9)


def test_polish_returns_the_start_where_it_cannot_improve_and_stays_in_the_box():
    problem = linear([[0.0]], [1.0], [-INF], [5.0])  # F = 1: no solution
    polished = polish(problem, np.array([9.0]))
    assert polished.residual == natural_residual(problem, polished.x) == 1.0
    assert polished.x[0] <= 5.0


def test_polish_finishes_from_near_a_degenerate_solution():
    program = random_program(300, 3, degenerate=0.1, linear_share=0.5)
    problem = program.problem()
    noise = 1e-7 * np.random.default_rng(0).standard_normal(300)
    polished = polish(problem, program.solution + noise, 1e-11)
    assert polished.residual <= 1e-11
    assert polished.factorisations <= 8
    assert np.all(polished.x >= problem.lower)  # exactly, also where noise put the start outside
    assert np.all(polished.x <= problem.upper)


@pytest.mark.parametrize("seed", range(3))
def test_fischer_burmeister_vanishes_at_solutions_only_and_has_the_derivatives_it_says(seed):
    rng = np.random.default_rng(seed)
    lower = np.array([0.0, -INF, 0.0, -INF])
    upper = np.array([INF, 1.0, 1.0, INF])
    problem = linear(np.eye(4), np.zeros(4), lower, upper)
    x, F = rng.uniform(-2, 2, 4), rng.uniform(-2, 2, 4)
    value, by_x, by_F = fischer_burmeister(problem, x, F)
    h = 1e-6
    numeric_x = (fischer_burmeister(problem, x + h, F)[0] - fischer_burmeister(problem, x - h, F)[0]) / (2 * h)
    numeric_F = (fischer_burmeister(problem, x, F + h)[0] - fischer_burmeister(problem, x, F - h)[0]) / (2 * h)
    assert by_x == pytest.approx(numeric_x, abs=1e-6)
    assert by_F == pytest.approx(numeric_F, abs=1e-6)
    assert np.all(np.abs(value) > 1e-3)
    at_solution = fischer_burmeister(problem, np.array([0.0, 1.0, 0.5, 0.3]), np.array([2.0, -1.0, 0.0, 0.0]))[0]
    assert at_solution == pytest.approx(np.zeros(4), abs=1e-15)


@pytest.mark.parametrize("seed", range(3))
def test_semismooth_newton_finishes_what_the_interior_point_began(seed):
    problem = random_program(150, seed, degenerate=0.05, linear_share=0.5).problem()
    early = interior_point(problem, np.zeros(150)).early
    assert natural_residual(problem, early) > 1e-4
    found = semismooth_newton(problem, early)
    assert found.residual <= 1e-10


def test_the_proximal_method_solves_a_problem_with_a_singular_jacobian_everywhere():
    problem = linear(np.ones((3, 3)), [-1.0, -1.0, -1.0], [-INF] * 3)
    found = proximal_point(problem, np.zeros(3))
    assert found.residual <= 1e-10
    shifted = proximal_problem(problem, np.ones(3), 0.5)
    assert shifted.value(np.zeros(3)) == pytest.approx([-1.5] * 3)
    assert shifted.jacobian(np.zeros(3), 0.0).toarray() == pytest.approx(np.ones((3, 3)) + 0.5 * np.eye(3))
