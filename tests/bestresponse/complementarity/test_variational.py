"""Variational inequalities over polyhedra: published games, programs, projections, and what is refused."""

import numpy as np
import pytest
from scipy import optimize

from bestresponse.complementarity import (
    Polyhedron,
    Status,
    box_projection,
    polyhedron_projection,
    solve_vi,
    vi_residual,
)
from bestresponse.errors import DataError, FormulationError, SolverError

INF = np.inf


def pollution():
    """River basin pollution game (Haurie and Krawczyk): F and J of the three firms, and the two shared rows."""
    c1, c2 = np.array([0.1, 0.12, 0.15]), np.array([0.01, 0.05, 0.01])
    G = np.array([[3.25, 1.25, 4.125], [2.2915, 1.5625, 2.8125]])
    J = np.diag(2 * c2 + 0.01) + 0.01 * np.ones((3, 3))
    return (lambda x: J @ x + c1 - 3.0), (lambda x: J), G, np.array([100.0, 100.0])


def random_inequality(seed):
    """A monotone affine F that is not symmetric, redundant equations, fixed and free variables."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(6, 50))
    B, S = rng.standard_normal((n, n // 2)), rng.standard_normal((n, n))
    M, q, inside = B @ B.T + S - S.T, 3 * rng.standard_normal(n), rng.random(n)
    A = rng.standard_normal((max(2, n // 5), n))
    A = np.vstack([A, A[0] + A[1]])
    G = rng.standard_normal((n // 3, n))
    lower, upper = np.where(rng.random(n) < 0.7, 0.0, -INF), np.where(rng.random(n) < 0.5, 1.5, INF)
    lower[0] = upper[0] = inside[0]
    h = G @ inside + rng.random(n // 3) * (rng.random(n // 3) < 0.7)
    return M, q, dict(A=A, b=A @ inside, G=G, h=h, lower=lower, upper=upper)


def test_river_basin_pollution():
    F, J, G, h = pollution()
    result = solve_vi(F, J, G=G, h=h, lower=np.zeros(3), check_jacobian=True)
    assert result.converged, result.reason
    assert result.x == pytest.approx([21.14479602, 16.02785345, 2.72596270], abs=1e-8)
    assert result.inequality_multipliers == pytest.approx([0.57436000, 0.0], abs=1e-8)
    assert result.residual <= 1e-10
    assert result.violation <= 1e-10


@pytest.mark.parametrize("seed", range(25))
def test_random_inequalities_meet_the_definition(seed):
    M, q, K = random_inequality(seed)
    result = solve_vi(lambda x: M @ x + q, lambda x: M, **K)
    assert result.converged, result.reason
    # the definition itself: no point of K makes F(x)'(y − x) negative
    F = M @ result.x + q
    best = optimize.linprog(
        F, A_ub=K["G"], b_ub=K["h"], A_eq=K["A"], b_eq=K["b"], bounds=np.column_stack([K["lower"], K["upper"]])
    )
    assert best.status == 0
    assert best.fun - F @ result.x == pytest.approx(0.0, abs=1e-6)
    stationary = F + K["A"].T @ result.equality_multipliers + K["G"].T @ result.inequality_multipliers
    assert result.bound_multipliers == pytest.approx(stationary, abs=1e-9)
    assert result.inequality_multipliers.min(initial=0.0) >= 0.0
    assert result.inequality_multipliers @ (K["h"] - K["G"] @ result.x) == pytest.approx(0.0, abs=1e-8)


def test_a_start_is_finished_from_where_it_is():
    F, J, G, h = pollution()
    cold = solve_vi(F, J, G=G, h=h, lower=np.zeros(3))
    warm = solve_vi(F, J, G=G, h=h, lower=np.zeros(3), start=cold.x + 1e-6)
    assert warm.x == pytest.approx(cold.x, abs=1e-9)
    assert warm.mcp.method.startswith("crossover")


def test_an_empty_set_is_reported_with_its_rows():
    result = solve_vi(
        lambda x: x,
        lambda x: np.eye(2),
        A=[[1.0, 1.0], [1.0, -1.0]],
        b=[3.0, 0.0],
        lower=[0.0, 0.0],
        upper=[1.0, 1.0],
        names=["a", "b"],
    )
    assert result.status is Status.INFEASIBLE
    assert not result.converged
    assert np.isnan(result.residual)
    assert result.violation >= 1.0 - 1e-6
    assert "A[0]" in [name for name, _ in result.mcp.suspects]


def test_a_solution_of_the_conditions_that_is_none_of_the_inequality_is_not_called_solved(monkeypatch):
    import bestresponse.complementarity.variational as module

    F, J, G, h = pollution()
    monkeypatch.setattr(module, "polyhedron_projection", lambda polyhedron: box_projection([0] * 3, [1] * 3))
    result = solve_vi(F, J, G=G, h=h, lower=np.zeros(3))
    assert result.mcp.converged
    assert result.status is Status.NOT_SOLVED
    assert not result.converged


@pytest.mark.parametrize("seed", range(6))
def test_projections_are_feasible_nearest_and_stay_where_they_are(seed):
    _, _, parts = random_inequality(seed)
    K = Polyhedron.of(**parts)
    project = polyhedron_projection(K)
    rng = np.random.default_rng(seed)
    corners = [
        optimize.linprog(
            rng.standard_normal(K.size),
            A_ub=K.G,
            b_ub=K.h,
            A_eq=K.A,
            b_eq=K.b,
            bounds=np.column_stack([np.maximum(K.lower, -5), np.minimum(K.upper, 5)]),
        ).x
        for _ in range(5)
    ]
    for _ in range(4):
        point = 10 * rng.standard_normal(K.size)
        nearest = project(point)
        assert K.violation(nearest) <= 1e-10
        assert project(nearest) == pytest.approx(nearest, abs=1e-10)
        for corner in corners:  # the angle at the nearest point is obtuse towards every point of K
            assert (point - nearest) @ (corner - nearest) <= 1e-7


def test_a_projection_onto_nothing_raises():
    project = polyhedron_projection(Polyhedron.of(G=[[1.0, 1.0]], h=[-1.0], lower=[0.0, 0.0]))
    with pytest.raises(SolverError, match="is the set empty"):
        project(np.ones(2))


def test_the_natural_residual_on_a_box_is_the_one_of_the_complementarity_problem():
    x, F = np.array([0.0, 0.3, 1.0]), np.array([-0.2, 0.1, -4.0])
    assert vi_residual(lambda _: F, box_projection(np.zeros(3), np.ones(3)), x) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        (dict(A=[[1.0, 1.0]], b=[1.0, 2.0]), DataError, r"A must have 2 columns and a row for every entry of b"),
        (dict(A=[[1.0, 1.0, 1.0]], b=[1.0], lower=[0.0, 0.0]), DataError, r"lower must have shape \(3,\), not \(2,\)"),
        (dict(G=[[1.0, 1.0]]), DataError, "G and h come together, but only G was given"),
        (dict(h=[1.0], lower=[0.0, 0.0]), DataError, "G and h come together, but only h was given"),
        (dict(G=[[1.0, np.nan]], h=[1.0]), DataError, "G has an entry that is not finite"),
        (dict(G=[1.0, 1.0], h=[1.0]), DataError, "G must be a matrix"),
        (dict(), DataError, "the number of variables follows"),
        (dict(lower=[0.0, 2.0], upper=[1.0, 1.0]), FormulationError, r"x\[1\]: lower bound 2 and upper bound 1"),
        (dict(lower=[0.0, np.nan]), DataError, r"lower bound of x\[1\] is not a number"),
        (dict(lower=[0.0, 0.0, 0.0]), FormulationError, r"function returned shape \(2,\) where \(3,\) is needed"),
        (dict(lower=[0.0, 0.0], start=[1.0]), DataError, r"has shape \(2,\), not \(1,\)"),
        (dict(lower=[0.0, 0.0], tolerance=0.0), DataError, "tolerance"),
    ],
)
def test_bad_input_is_refused(parts, error, message):
    with pytest.raises(error, match=message):
        solve_vi(lambda x: x[:2] + 1.0, lambda x: np.eye(2), **parts)


def test_nan_and_a_wrong_jacobian_are_refused_by_row():
    with pytest.raises(FormulationError, match="not finite at the starting point in row b"):
        solve_vi(lambda x: np.array([0.0, np.nan]), lambda x: np.eye(2), lower=[0, 0], names=["a", "b"])
    with pytest.raises(FormulationError, match="worst in row b and column a"):
        solve_vi(
            lambda x: np.array([x[0], x[1] + x[0]]),
            lambda x: np.eye(2),
            G=[[1.0, 1.0]],
            h=[1.0],
            names=["a", "b"],
            check_jacobian=True,
        )
