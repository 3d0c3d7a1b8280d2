"""solve_mcp as a whole: preprocessing, crossover, the ladder, and how failures are told."""

import numpy as np
import pytest
from scipy import sparse

import bestresponse.complementarity.solve as solve_module
from bestresponse.complementarity import ComplementarityProblem, Status, natural_residual, solve_mcp
from bestresponse.complementarity.interior_point import Outcome, interior_point
from bestresponse.complementarity.polish import Polished
from bestresponse.complementarity.solve import AGAIN, CROSSOVER
from tests.bestresponse.complementarity.problems import INF, linear, random_program


def program(c, G, h, upper, names):
    """min c'x, G x ≤ h, 0 ≤ x ≤ upper, as a complementarity problem."""
    c, G, h = (np.asarray(part, dtype=float) for part in (c, G, h))
    n, m = len(c), len(h)
    M = np.block([[np.zeros((n, n)), G.T], [-G, np.zeros((m, m))]])
    return linear(M, np.append(c, h), None, np.append(upper, np.full(m, INF)), names)


def test_fixed_variables_leave_and_come_back():
    full = random_program(80, 1).problem()
    x = solve_mcp(full).x
    lower, upper = full.lower.copy(), full.upper.copy()
    fixed = np.arange(80) % 7 == 0
    lower[fixed] = upper[fixed] = x[fixed]
    problem = ComplementarityProblem(lower, upper, full.function, full.jacobian, full.names, full.separable)
    result = solve_mcp(problem)
    assert result.converged
    assert np.array_equal(result.x[fixed], x[fixed])
    assert result.residual == natural_residual(problem, result.x) <= 1e-10
    assert natural_residual(full, result.x) <= 1e-9  # it was fixed where it belongs


def test_every_variable_fixed():
    result = solve_mcp(linear(np.eye(2), [5.0, -5.0], [1, 2], [1, 2]))
    assert result.converged
    assert list(result.x) == [1, 2]


def test_rows_without_an_entry_are_handled():
    M = np.diag([1.0, 0, 0, 0])
    result = solve_mcp(linear(M, [-2.0, 3.0, -3.0, 0.0], [0, 0, 0, -INF], [INF, 9, 9, INF]))
    assert result.converged, result.reason
    assert result.x[:3] == pytest.approx([2, 0, 9])


def test_equations_alone_are_solved_by_newton_steps():
    problem = ComplementarityProblem(
        np.full(2, -INF),
        np.full(2, INF),
        lambda x, m: np.array([x[0] ** 2 + x[1] ** 2 - 4, x[0] - x[1]]),
        lambda x, m: sparse.csr_array(np.array([[2 * x[0], 2 * x[1]], [1, -1]])),
        ["circle", "line"],
    )
    result = solve_mcp(problem, np.array([1.0, 0.5]))
    assert result.converged, result.reason
    assert result.x == pytest.approx([2**0.5, 2**0.5])


def test_a_jacobian_whose_pattern_changes_and_holds_duplicates():
    full = random_program(80, 4).problem()

    def jacobian(x, smoothing):
        J = sparse.coo_array(full.jacobian(x, smoothing))
        J.eliminate_zeros()
        rows, cols = J.coords
        half = np.append(0.5 * J.data, 0.5 * J.data)
        order = np.random.default_rng(int(1e6 * abs(x[0]))).permutation(len(half))
        order = order[np.argsort(np.append(rows, rows)[order], kind="stable")]
        starts = np.append(0, np.cumsum(np.bincount(np.append(rows, rows), minlength=80)))
        return sparse.csr_array((half[order], np.append(cols, cols)[order], starts), shape=(80, 80))

    result = solve_mcp(ComplementarityProblem(full.lower, full.upper, full.function, jacobian, full.names))
    assert result.converged, result.reason
    assert result.x[:48] == pytest.approx(solve_mcp(full).x[:48], abs=1e-5)


def test_a_good_start_is_finished_by_the_crossover_alone():
    built = random_program(200, 2)
    start = built.solution + 1e-5 * np.random.default_rng(0).standard_normal(200)
    result = solve_mcp(built.problem(), start)
    assert result.converged
    assert result.method.startswith("crossover")
    assert result.factorisations <= 8
    assert result.trace == ()


def test_a_tolerance_that_is_only_just_met_is_followed_by_one_more_step():
    # Newton's method on x² = 2 from 1.41422: below 1e-10 after one step, which is enough, and rounding after the next
    result = solve_mcp(lambda x: x**2 - 2.0, lambda x: np.diag(2.0 * x), [0.0], [INF], start=[1.41422], tolerance=1e-10)
    assert [attempt.method for attempt in result.attempts] == [CROSSOVER, AGAIN]
    assert 1e-11 < result.attempts[0].residual <= 1e-10
    assert result.residual <= 1e-15


def test_a_bad_start_does_no_harm():
    problem = random_program(200, 2).problem()
    result = solve_mcp(problem, 100.0 * np.random.default_rng(0).standard_normal(200))
    assert result.converged, result.reason
    assert len(result.attempts) >= 2


def test_contradicting_rows_are_named():
    names = ["x", "y", "at least 5 together", "y above x"]
    result = solve_mcp(program([1, 1], [[-1, -1], [1, -1]], [-5, 0], [1, 1], names))
    assert result.status is Status.INFEASIBLE
    assert not result.converged
    assert "at least 5 together" in [name for name, _ in result.suspects]
    assert "y above x" not in [name for name, _ in result.suspects]
    assert "at least 5 together" in result.reason
    assert result.residual >= 1


def test_an_unbounded_program_is_no_solution_either():
    result = solve_mcp(program([-1, -1], [[1, -1]], [0], [INF, INF], ["x", "y", "row"]))
    assert result.status is Status.INFEASIBLE
    assert {"x", "y"} <= {name for name, _ in result.suspects}


def test_contradicting_equations_are_named_among_many():
    built = random_program(300, 6, linear_share=0.5)
    problem = built.problem()
    n = len(built.c)

    def shifted(x, smoothing):
        F = problem.function(x, smoothing)
        F[n] += 1.0  # equation 0 now contradicts the one that repeats it doubled
        return F

    result = solve_mcp(ComplementarityProblem(problem.lower, problem.upper, shifted, problem.jacobian, problem.names))
    assert result.status is Status.INFEASIBLE
    assert "equation0" in [name for name, _ in result.suspects[:4]]


def test_the_time_limit_is_a_reason():
    result = solve_mcp(random_program(300, 0).problem(), time_limit=0.0)
    assert result.status is Status.TIME_LIMIT
    assert not result.converged
    assert result.worst[0][1] == result.residual > 1e-10


def test_what_no_method_solves_is_said_with_every_attempt():
    def function(x, smoothing):
        return x**2 + 1.0  # no zero

    problem = ComplementarityProblem(
        np.full(1, -INF), np.full(1, INF), function, lambda x, m: sparse.csr_array(np.array([2 * x])), ["nowhere zero"]
    )
    result = solve_mcp(problem, np.array([3.0]))
    assert not result.converged
    assert result.status in (Status.NOT_SOLVED, Status.INFEASIBLE)
    assert len(result.attempts) >= 3
    assert result.worst[0][0] == "nowhere zero"
    assert "against" in result.reason


@pytest.mark.parametrize("remaining", ["semismooth_newton", "proximal_point"])
def test_each_fallback_takes_over_when_those_before_it_fail(monkeypatch, remaining):
    problem = random_program(100, 7, linear_share=0.5).problem()

    def interior_that_stops_early(problem, start, tolerance, **options):
        result = interior_point(problem, start, tolerance, margin=options["margin"])
        return type(result)(Outcome.SHORT_STEP, result.point, result.early, None, result.trace, result.factorisations)

    def nothing(problem, start, *args, **options):
        return Polished(start, natural_residual(problem, start), 0)

    monkeypatch.setattr(solve_module, "interior_point", interior_that_stops_early)
    if remaining == "proximal_point":
        monkeypatch.setattr(solve_module, "semismooth_newton", nothing)
    result = solve_mcp(problem)
    assert result.converged, result.reason
    assert result.method.replace(" ", "_").lower().startswith(remaining[:8])


def test_keyboard_interrupt_passes_through():
    def interrupt(record):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve_mcp(random_program(60, 0).problem(), on_iteration=interrupt)


def test_the_trace_is_reported_while_it_grows():
    seen = []
    result = solve_mcp(random_program(60, 0).problem(), on_iteration=seen.append)
    assert tuple(seen) == result.trace
    assert [record.iteration for record in seen] == list(range(len(seen)))


def test_a_stall_can_be_read_in_the_trace():
    solvable = solve_mcp(random_program(60, 0).problem())
    stuck = solve_mcp(program([1, 1], [[-1, -1], [1, -1]], [-5, 0], [1, 1], ["x", "y", "ask", "order"]))
    for result in (solvable, stuck):
        head, *lines = result.trace_table().splitlines()
        assert head.split() == ["μ", "residual", "affine", "step", "max", "sz/μ", "min", "sz/μ", "τ", "LUs"]
        assert len(lines) == len(result.trace)
        for line, record in zip(lines, result.trace, strict=True):
            told = [float(word) for word in line.split()]
            kept = [record.iteration, record.mu, record.residual, record.affine_step, record.step]
            kept += [record.largest_product, record.smallest_product, record.proximal, record.factorisations]
            assert told == pytest.approx(kept, rel=0.06, abs=1e-4)
    assert min(record.affine_step for record in solvable.trace[-3:]) > 0.5
    assert stuck.trace[-1].residual > 0.5  # rows stay violated, whatever the steps
