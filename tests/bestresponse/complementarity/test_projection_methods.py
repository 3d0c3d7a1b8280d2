"""Projection methods: the published radii on the skew problem, step ranges at their edge, and how failures are told."""

import numpy as np
import pytest

from bestresponse.complementarity import (
    Limits,
    Polyhedron,
    ProjectionStatus,
    adaptive_golden_ratio,
    box_projection,
    extragradient,
    polyhedron_projection,
    projected_gradient,
    solve_vi,
)
from bestresponse.errors import DataError
from tests.bestresponse.complementarity.test_variational import pollution, random_inequality

SKEW = np.array([[0.0, 1.0], [-1.0, 0.0]])


def skew(x):
    return SKEW @ x


def anywhere(x):
    return x


def shrinkage(method, step):
    """The factor by which ‖x‖ changes, in every one of 40 iterations."""
    norms = [1.0]
    limits = Limits(1e-12, 40, on_iteration=lambda x, residual, step: norms.append(float(np.linalg.norm(x))))
    method(skew, anywhere, [1.0, 0.0], step, limits=limits)
    return np.array(norms[1:]) / np.array(norms[:-1])


@pytest.mark.parametrize("t", [0.05, 0.3, 0.5**0.5, 0.9, 1.2])
def test_the_skew_problem_separates_the_methods_exactly(t):
    assert shrinkage(projected_gradient, t) == pytest.approx(np.full(40, np.sqrt(1 + t**2)), rel=1e-12)
    assert shrinkage(extragradient, t) == pytest.approx(np.full(40, np.sqrt(1 - t**2 + t**4)), rel=1e-12)


def test_on_the_skew_problem_one_diverges_and_the_others_converge():
    plain = projected_gradient(skew, anywhere, [1.0, 0.0], 0.5)
    assert plain.status is ProjectionStatus.DIVERGED
    assert "not as the method assumes" in plain.reason
    assert list(plain.x) == [1.0, 0.0]  # the best point it has seen is the start
    assert plain.residual == 1.0
    for result in (
        extragradient(skew, anywhere, [1.0, 0.0], 0.5),
        extragradient(skew, anywhere, [1.0, 0.0]),
        adaptive_golden_ratio(skew, anywhere, [1.0, 0.0]),
    ):
        assert result.converged, result.reason
        assert np.abs(result.x).max() <= 1e-8


@pytest.mark.parametrize(("step", "converges"), [(0.9, True), (1.1, False)])
def test_the_extragradient_needs_a_step_below_one_over_the_lipschitz_constant(step, converges):
    limits = Limits(iterations=2000)
    assert extragradient(skew, anywhere, [1.0, 0.0], step, limits=limits).converged is converges


@pytest.mark.parametrize(("share", "converges"), [(0.95, True), (1.05, False)])
def test_projected_gradient_needs_a_step_below_two_over_the_lipschitz_constant_of_a_gradient(share, converges):
    H = np.diag([1.0, 10.0])
    limits = Limits(iterations=5000)
    assert projected_gradient(lambda x: H @ x, anywhere, [1.0, 1.0], share * 0.2, limits=limits).converged is converges


@pytest.mark.parametrize("method", [extragradient, adaptive_golden_ratio])
def test_methods_that_find_their_step_solve_published_and_random_inequalities(method):
    F, _, G, h = pollution()
    project = polyhedron_projection(Polyhedron.of(G=G, h=h, lower=np.zeros(3)))
    result = method(F, project, np.zeros(3), limits=Limits(1e-9))
    assert result.converged, result.reason
    assert result.x == pytest.approx([21.14479602, 16.02785345, 2.72596270], abs=1e-6)
    M, q, K = random_inequality(5)
    M += 10.0 * np.eye(len(q))  # strongly monotone: one solution
    other = solve_vi(lambda x: M @ x + q, lambda x: M, **K)
    result = method(lambda x: M @ x + q, polyhedron_projection(Polyhedron.of(**K)), other.x * 0, limits=Limits(1e-7))
    assert result.converged, result.reason
    assert result.x == pytest.approx(other.x, abs=1e-6)


def test_the_golden_ratio_method_follows_a_slope_that_changes():
    # F(x) = x³ has no Lipschitz constant on the line; a fixed step that suits x near 0 is lost at 100
    cubic = dict(F=lambda x: x**3 + 0.1 * x, project=anywhere, start=[100.0, -3.0])
    assert adaptive_golden_ratio(**cubic).converged
    assert extragradient(**cubic).converged
    assert extragradient(**cubic, step=0.5).status in (ProjectionStatus.DIVERGED, ProjectionStatus.NOT_FINITE)


def test_evaluations_are_counted_as_the_table_says():
    limits = Limits(1e-6)
    one = projected_gradient(lambda x: x, anywhere, [1.0], 0.5, limits=limits)
    assert (one.evaluations, one.projections) == (one.iterations, one.iterations)
    two = extragradient(skew, anywhere, [1.0, 0.0], 0.5, limits=limits)
    assert (two.evaluations, two.projections) == (2 * two.iterations, 2 * two.iterations)
    golden = adaptive_golden_ratio(skew, anywhere, [1.0, 0.0], limits=limits)
    assert golden.evaluations == golden.iterations + 2
    assert golden.projections == golden.iterations + 1


def test_a_solution_at_the_start_takes_no_iteration_and_the_start_is_projected():
    result = extragradient(lambda x: np.ones(2), box_projection([0, 0], [1, 1]), [-5.0, 0.0])
    assert result.converged
    assert result.iterations == 0
    assert list(result.x) == [0.0, 0.0]


@pytest.mark.parametrize("step", [1e-9, 1e-14])
def test_steps_that_shrink_to_nothing_are_no_convergence(step):
    result = projected_gradient(lambda x: x - 3.0, anywhere, [0.0], step, limits=Limits(iterations=50))
    assert result.status is ProjectionStatus.ITERATION_LIMIT
    assert not result.converged
    assert result.residual == pytest.approx(3.0, abs=1e-6)


def test_a_cycle_is_no_convergence():
    result = projected_gradient(lambda x: 2.0 * x, anywhere, [1.0], 1.0, limits=Limits(iterations=101))  # x ← −x
    assert result.status is ProjectionStatus.ITERATION_LIMIT
    assert result.residual == 2.0


def test_values_that_become_nan_end_the_run_at_the_best_point():
    def breaks(x):
        return np.where(x < 0.5, np.nan, x)

    result = projected_gradient(breaks, anywhere, [1.0], 0.3)
    assert result.status is ProjectionStatus.NOT_FINITE
    assert not result.converged
    assert np.isfinite(result.residual)


def test_the_time_limit_is_a_reason():
    result = projected_gradient(skew, anywhere, [1.0, 0.0], 1e-6, limits=Limits(seconds=1e-9))
    assert result.status is ProjectionStatus.TIME_LIMIT


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: projected_gradient(skew, anywhere, [1.0, 0.0], 0.0), "step length must be positive, not 0.0"),
        (lambda: projected_gradient(skew, anywhere, [1.0, 0.0], np.nan), "step length must be positive"),
        (lambda: extragradient(skew, anywhere, [1.0, 0.0], -1.0), "step length must be positive"),
        (lambda: adaptive_golden_ratio(skew, anywhere, [1.0, 0.0], phi=1.7), "at most the golden ratio"),
        (lambda: extragradient(skew, anywhere, [1.0, np.nan]), "vector of finite numbers"),
        (lambda: extragradient(lambda x: x[:1], anywhere, [1.0, 0.0]), r"F returned shape \(1,\)"),
        (lambda: extragradient(lambda x: x * np.inf, anywhere, [1.0, 1.0]), "F is not finite at the start in entry 0"),
        (lambda: extragradient(skew, lambda x: x[:1], [1.0, 0.0]), "the projection returned shape"),
        (lambda: Limits(tolerance=np.nan), "limit on tolerance must be positive"),
        (lambda: Limits(iterations=0), "limit on iterations must be positive"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(DataError, match=message):
        call()
