"""The persistent solvers against Clarabel, the optimality conditions and weak duality."""

from dataclasses import replace

import cvxpy as cp
import highspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from bestresponse.errors import SolverError
from experiments.build import build
from experiments.case import load_case
from players.canonical import CanonicalProgram
from players.linear_solver import LinearSolver
from players.quadratic_solver import Counters, QuadraticSolver
from tests.players.programs import KINDS, N, optimality_error, random_program

ANCHORED = np.array([0.3, 0.0, 2.0])  # weights on the three trades


def value(program, H, c, x):
    return 0.5 * x @ (H @ x) + c @ x


def clarabel_value(program, H, c):
    """The optimal value by another solver and another way of writing the problem."""
    x = cp.Variable(program.n)
    root = np.linalg.cholesky(H.toarray() + 1e-13 * np.eye(program.n))
    rows = [program.A @ x == program.b, program.G @ x <= program.h] if len(program.b) else []
    low, high = np.isfinite(program.lower), np.isfinite(program.upper)
    bounds = [x[low] >= program.lower[low], x[high] <= program.upper[high]]
    problem = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(root.T @ x) + c @ x), rows + bounds)
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
    assert problem.status == cp.OPTIMAL
    return problem.value


@pytest.mark.parametrize("anchor", [None, ANCHORED], ids=["plain", "anchored"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_a_quadratic_program_is_solved_exactly(kind, seed, anchor):
    program, _ = random_program(seed, **KINDS[kind])
    H, c = program.curvature(anchor), np.random.default_rng(seed + 100).integers(-5, 6, N) * 10.0
    solution = QuadraticSolver(program, H).solve(c)
    assert optimality_error(program, H, c, solution) <= 1e-9
    found = value(program, H, c, solution.x)
    assert found == pytest.approx(clarabel_value(program, H, c), rel=1e-7, abs=1e-7)
    assert program.lower_bound(solution.x, solution.y, solution.z, H, c) == pytest.approx(found, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("seed", [54, 61, 147, 243, 411, 513, 594, 624])  # among 800 where PIQP alone gave up
def test_sets_without_an_inside_are_no_obstacle(seed):
    program, _ = random_program(seed, rank=0, fixed=2, redundant=True, whole_numbers=True)
    c = np.random.default_rng(seed + 100).integers(-5, 6, N) * 10.0
    solution = QuadraticSolver(program, program.P).solve(c)
    assert optimality_error(program, program.P, c, solution) <= 1e-9


def test_the_anchor_enters_the_hessian_through_the_trades():
    program, x = random_program(0, rank=4)
    pull = 0.5 * ANCHORED @ (program.trade @ x) ** 2
    assert 0.5 * x @ (program.curvature(ANCHORED) @ x) == pytest.approx(0.5 * x @ (program.P @ x) + pull)


@pytest.mark.parametrize("kind", ["a vertex in general position", "a singular Hessian", "redundant rows"])
def test_slightly_changing_signals_use_the_kept_factors(kind):
    program, _ = random_program(1, **KINDS[kind])
    rng, counters = np.random.default_rng(2), Counters()
    solver = QuadraticSolver(program, program.P, counters)
    c = rng.normal(size=N) * 20
    for step in range(40):
        c = c + 0.02 * rng.normal(size=N)
        solution = solver.solve(c)
        assert optimality_error(program, program.P, c, solution) <= 1e-9, step
    assert counters.answers == 40
    assert counters.interior_point <= 3
    assert counters.factorisations <= 12
    assert counters.inexact == 0


def test_the_answer_does_not_depend_on_what_was_asked_before():
    program, _ = random_program(3)
    rng = np.random.default_rng(4)
    first, far = rng.normal(size=N) * 20, rng.normal(size=N) * 500
    solver = QuadraticSolver(program, program.P)
    fresh = solver.solve(first)
    solver.solve(far)
    again = solver.solve(first)
    assert again.x == pytest.approx(fresh.x, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "no bounds"])
def test_a_linear_program_is_solved_exactly_and_its_bound_is_tight(kind, seed):
    program, _ = random_program(seed, **(KINDS[kind] | {"rank": 0}))
    solver = LinearSolver(program)
    for c in np.random.default_rng(seed).normal(size=(3, N)) * 20:
        solution = solver.solve(c)
        assert optimality_error(program, program.P, c, solution) <= 1e-9
        bound = program.lower_bound(solution.x, solution.y, solution.z, program.P, c)
        assert bound == pytest.approx(c @ solution.x, rel=1e-9, abs=1e-7)
    assert c @ solution.x == pytest.approx(clarabel_value(program, program.P, c), rel=1e-7, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    kind=st.sampled_from([kind for kind in KINDS if kind != "no bounds"]),
    size=st.floats(1e-3, 1e3),
)
def test_no_multipliers_lift_the_lower_bound_above_a_feasible_value(seed, kind, size):
    program, feasible = random_program(seed, **KINDS[kind])
    rng = np.random.default_rng(seed + 1)
    c, x = rng.normal(size=N) * size, rng.normal(size=N) * size
    y, z = rng.normal(size=len(program.b)) * size, rng.normal(size=len(program.h)) * size
    bound = program.lower_bound(x, y, z, program.P, c)
    reached = value(program, program.P, c, feasible)
    assert bound <= reached + 1e-9 * max(1.0, abs(bound))


def test_an_answer_that_is_not_optimal_has_a_lower_bound_below_it():
    program, _ = random_program(5)
    c = np.random.default_rng(6).normal(size=N) * 20
    best = QuadraticSolver(program, program.P).solve(c)
    optimum = value(program, program.P, c, best.x)
    bound = program.lower_bound(best.x + 0.1, best.y, best.z, program.P, c)
    assert bound < optimum - 1e-4


def test_programs_without_a_point_are_refused_by_both_solvers():
    program, _ = random_program(7, rank=0)
    impossible = replace(program, b=program.b + 1e3)
    with pytest.raises(SolverError, match="INFEASIBLE"):
        QuadraticSolver(impossible, impossible.curvature(ANCHORED)).solve(np.ones(N))
    with pytest.raises(SolverError, match="Infeasible"):
        LinearSolver(impossible).solve(np.ones(N))


def test_fixed_variables_that_contradict_a_row_are_refused():
    program, _ = random_program(8, fixed=N)
    impossible = replace(program, b=program.b + 1.0)
    with pytest.raises(SolverError, match="PIQP ended with"):
        QuadraticSolver(impossible, impossible.P).solve(np.ones(N))


def test_programs_without_a_limit_are_refused_by_both_solvers():
    program, _ = random_program(9, rank=0, bounded=False, n_equalities=0, n_inequalities=0)
    with pytest.raises(SolverError, match=r"Unbounded|unbounded"):
        LinearSolver(program).solve(np.ones(N))
    free = replace(program, P=sparse.csr_array(np.diag([1.0] * (N - 1) + [0.0])))
    with pytest.raises(SolverError, match="DUAL_INFEASIBLE"):
        QuadraticSolver(free, free.P).solve(np.ones(N))


def test_a_linear_solver_recovers_from_a_program_it_could_not_solve():
    program, _ = random_program(10, rank=0, n_equalities=0)
    open_above = replace(program, upper=np.full(N, np.inf), G=program.G[:0], h=program.h[:0])
    solver = LinearSolver(open_above)
    with pytest.raises(SolverError):
        solver.solve(-np.ones(N))
    assert solver.solve(np.ones(N)).x == pytest.approx(open_above.lower)


def _stations() -> tuple[CanonicalProgram, np.ndarray]:
    """Nine stations that charge and discharge up to 1200 kW net, at prices that nearly cancel: a program of the CNO."""
    n, one = 18, np.eye(9)
    G = sparse.csr_array(np.block([[-one, one], [one, -one]]))
    program = CanonicalProgram(
        variables={"x": slice(0, n)},
        equalities={},
        inequalities={"net": slice(0, n)},
        P=sparse.csr_array((n, n)),
        q=np.zeros(n),
        constant=0.0,
        A=sparse.csr_array((0, n)),
        b=np.zeros(0),
        G=G,
        h=np.full(n, 1200.0),
        lower=np.zeros(n),
        upper=np.full(n, 1200.0),
        trade=sparse.csr_array(np.eye(n)),
        trade_offset=np.zeros(n),
        scale=np.full(n, 100.0),
    )
    charge = [-7.344e-7, 1.519e-3, 0.0, -6.898e-7, 2.159e-3, 0.0, 0.0, 0.0, 0.0]
    discharge = [-2.044e-6, 2.628e-7, 1.963e-3, -2.652e-6, 2.628e-7, 1.963e-3, 3.663e-3, 1.831e-3, 1.243e-3]
    return program, np.array(charge + discharge)


def test_a_linear_answer_depends_on_costs_and_basis_alone():
    """Bit for bit, whatever was asked first: a resumed run and one in another process ask other things first."""
    player = build(load_case("sioux_falls_ieee123"), "island", True).market.players[1]
    rng = np.random.default_rng(0)
    whole = LinearSolver(player.program)
    for size in (20.0, 0.2, 0.2, 0.2, 0.2, 0.2):
        price = rng.uniform(-size, size, len(player.goods))
        c = player.program.q + player.program.price_to_cost @ price
        resumed = LinearSolver(player.program)
        resumed.basis = whole.basis
        one, other = whole.solve(c), resumed.solve(c)
        for part in ("x", "y", "z"):
            assert getattr(one, part).tobytes() == getattr(other, part).tobytes()


def test_prices_that_nearly_cancel_do_not_leave_a_linear_program_unsolved(caplog):
    """From the corner without trades HiGHS 1.15 ends here with 'Unknown'; the optimum adds up by hand."""
    program, c = _stations()
    solver = LinearSolver(program)
    solver.basis = np.repeat([0, 1], 18)  # every variable at its lower bound
    solution = solver.solve(c)
    first, second = (min(c[i], c[9 + i], c[i] + c[9 + i], 0.0) * 1200.0 for i in (0, 3))
    assert c @ solution.x == pytest.approx(first + second, rel=1e-9)
    assert optimality_error(program, program.P, c, solution) <= 1e-9
    assert "ended with 'Unknown'; the program is solved again from scratch" in caplog.text


@pytest.mark.parametrize("ways", [1, 2, 3])
def test_a_linear_solver_that_gives_up_is_asked_in_other_ways_and_never_in_silence(ways, monkeypatch, caplog):
    program, _ = random_program(11, rank=0)
    c = np.random.default_rng(11).normal(size=N)
    usual, solver = LinearSolver(program).solve(c), LinearSolver(program)
    solver.solve(-c)
    answers = [highspy.HighsModelStatus.kUnknown] * ways + [highspy.HighsModelStatus.kOptimal]
    monkeypatch.setattr(solver, "_highs", _Doubts(solver._highs, answers))
    if ways == 3:
        with pytest.raises(SolverError, match="HiGHS ended with 'Unknown' instead of an optimum"):
            solver.solve(c)
    else:
        assert solver.solve(c).x == pytest.approx(usual.x, abs=1e-7)
    logged = [record.getMessage() for record in caplog.records]
    assert [message.rpartition(" again ")[2] for message in logged] == ["from scratch", "by its interior point"][:ways]


class _Doubts:
    """HiGHS with the statuses it says it ends with."""

    def __init__(self, highs, statuses):
        self._highs, self._statuses = highs, iter(statuses)

    def __getattr__(self, name):
        return getattr(self._highs, name)

    def getModelStatus(self):  # noqa: N802
        return next(self._statuses)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "nothing but fixed variables"])
def test_sensitivities_are_differences_of_solutions_forth_or_back(kind, seed):
    program, _ = random_program(seed, **KINDS[kind])
    solver = QuadraticSolver(program, program.curvature(np.array([0.3, 0.5, 2.0])))
    c = np.random.default_rng(seed + 100).normal(size=N)
    found = solver.sensitivity(c)

    def trades(price):
        return program.trade @ solver.solve(c + program.trade.T @ price).x

    for column, unit in zip(found.T, 1e-5 * np.eye(3), strict=True):
        sides = [(trades(step) - trades(0 * step)) / step.sum() for step in (unit, -unit)]
        assert min(np.abs(column - side).max() for side in sides) <= 1e-5
    assert found == pytest.approx(found.T, abs=1e-8)
    assert solver.sensitivity(c) == pytest.approx(found, abs=1e-9)  # whatever was solved in between


def test_only_free_variables_answer():
    """min ½ |x|² + c'x over 0 ≤ x, x₁ + x₂ = 1 with x₃ at its bound: what x₁ gains x₂ loses, and x₃ stays."""
    program, _ = random_program(0, n_equalities=1, n_inequalities=0)
    one = sparse.csr_array(np.eye(N))
    row = sparse.csr_array(np.concatenate([[1.0, 1.0], np.zeros(N - 2)])[None])
    bounds = {"lower": np.zeros(N), "upper": np.full(N, np.inf), "scale": np.ones(N)}
    program = replace(program, P=one, A=row, b=np.ones(1), **bounds)
    found = QuadraticSolver(program, one).sensitivity(np.concatenate([[0.1, 0.0], np.ones(N - 2)]))
    assert found == pytest.approx(np.array([[-0.5, 0.5, 0], [0.5, -0.5, 0], [0, 0, 0]]), abs=1e-8)
