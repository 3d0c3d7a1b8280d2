"""Linear complementarity problems: published ones, enumeration, cycling, rays and proofs that there is no solution."""

from itertools import product

import numpy as np
import pytest
from scipy import optimize, sparse

import bestresponse.complementarity.lemke as lemke_module
from bestresponse.complementarity import LCPStatus, solve_lcp
from bestresponse.complementarity.lcp import contradiction
from bestresponse.complementarity.lemke import PathEnd, lemke
from bestresponse.errors import DataError

PATH_MANUAL = [[0, 0, -1, -1], [0, 0, 1, -2], [1, -1, 2, -2], [1, 2, -2, 4]], [2, 2, -2, -6]
CYCLING = np.array([[1.0, 2, 0], [0, 1, 2], [2, 0, 1]]), -np.ones(3)  # M. M. Kostreva, 1979


def monotone(n, seed):
    """A random M = B B' + skew of low rank, with a solution that has degenerate pairs."""
    rng = np.random.default_rng(seed)
    B, S = rng.standard_normal((n, max(1, n // 2))), rng.standard_normal((n, n))
    M = B @ B.T + S - S.T
    z = np.where(rng.random(n) < 0.5, rng.random(n), 0.0)
    w = np.where((z == 0) & (rng.random(n) < 0.8), rng.random(n), 0.0)
    return M, w - M @ z


@pytest.mark.parametrize("method", ["lemke", "interior"])
def test_the_lcp_of_the_path_manual(method):
    result = solve_lcp(*PATH_MANUAL, method=method)
    assert result.converged
    assert result.method == method
    assert result.z == pytest.approx([2.8, 0, 0.8, 1.2], abs=1e-9)
    assert result.w == pytest.approx(np.array(PATH_MANUAL[0]) @ result.z + PATH_MANUAL[1], abs=1e-12)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("method", ["lemke", "interior"])
def test_monotone_problems_are_solved_to_the_tolerance(method, seed):
    M, q = monotone(int(10 * 1.5**seed), seed)
    result = solve_lcp(M, q, method=method)
    assert result.converged, result.reason
    z, w = result.z, M @ result.z + q
    assert max(-z.min(), -w.min(), np.abs(np.minimum(z, w)).max()) <= 1e-10


@pytest.mark.parametrize("seed", range(30))
def test_both_methods_agree_with_the_enumeration_of_all_complementary_bases(seed):
    rng = np.random.default_rng(seed)
    B = rng.standard_normal((4, 4))
    M, q = B @ B.T + 0.1 * np.eye(4), rng.standard_normal(4)  # positive definite: one solution
    solutions = []
    for basic in product([False, True], repeat=4):
        z = np.zeros(4)
        free = np.flatnonzero(basic)
        z[free] = np.linalg.solve(M[np.ix_(free, free)], -q[free])
        if z.min() >= -1e-12 and (M @ z + q).min() >= -1e-12:
            solutions.append(z)
    for method in ("lemke", "interior"):
        assert solve_lcp(M, q, method=method).z == pytest.approx(solutions[0], abs=1e-8)


def test_a_linear_program_solved_as_an_lcp_agrees_with_highs():
    rng = np.random.default_rng(3)
    G, x = rng.standard_normal((12, 20)), np.where(rng.random(20) < 0.4, rng.random(20), 0.0)
    y = rng.random(12) * (rng.random(12) < 0.5)
    h, c = G @ x + rng.random(12) * (y == 0), -G.T @ y + rng.random(20) * (x == 0)
    M = np.block([[np.zeros((20, 20)), G.T], [-G, np.zeros((12, 12))]])
    result = solve_lcp(M, np.append(c, h), method="lemke")
    highs = optimize.linprog(c, A_ub=G, b_ub=h, method="highs")
    assert result.converged, result.reason
    assert c @ result.z[:20] == pytest.approx(highs.fun, abs=1e-9)


def test_the_lexicographic_rule_leaves_the_cycle_that_a_plain_ratio_test_falls_into(monkeypatch):
    class PlainTableau(lemke_module._Tableau):
        def ratio_test(self, entering):  # ties broken by the first row
            column = self._entries[:, entering]
            rows = self._least(np.flatnonzero(column > self._zero), column, self._entries[:, -1])
            final = rows[self._basis[rows] == self.artificial]
            return int(np.append(final, rows)[0]) if len(rows) else None

    path = lemke(*CYCLING, max_pivots=1000)
    assert path.end is PathEnd.SOLUTION
    assert path.pivots <= 5
    assert path.z == pytest.approx(np.full(3, 1 / 3))
    monkeypatch.setattr(lemke_module, "_Tableau", PlainTableau)
    assert lemke(*CYCLING, max_pivots=1000).end is PathEnd.LIMIT


@pytest.mark.parametrize("seed", range(40))
def test_problems_full_of_ties_end_within_few_pivots(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 9))
    path = lemke(rng.integers(-1, 3, (n, n)).astype(float), -(rng.random(n) < 0.8).astype(float), max_pivots=2**n)
    assert path.end is not PathEnd.LIMIT


def test_rows_without_a_solution_are_proved_and_named():
    # z0 + z1 ≤ 1 and z0 ≥ 2, the third row being harmless
    M = [[0, 0, 0, 1, -1], [0, 0, 0, 1, 0], [0, 0, 1, 0, 0], [-1, -1, 0, 0, 0], [1, 0, 0, 0, 0]]
    names = ["z0", "z1", "harmless", "at most 1", "at least 2"]
    result = solve_lcp(M, [1, 1, -1, 1, -2], method="lemke", names=names)
    assert result.status is LCPStatus.INFEASIBLE
    assert not result.converged
    assert dict(result.named) == pytest.approx({"at most 1": 1.0, "at least 2": 1.0})
    assert "there is no solution" in result.reason
    assert "rows: at most 1, at least 2" in result.reason
    inside = solve_lcp(M, [1, 1, -1, 1, -2], method="interior", names=names)
    assert inside.status is LCPStatus.DIVERGED
    assert "at least 2" in [name for name, _ in inside.named]


@pytest.mark.parametrize("seed", range(10))
def test_what_a_ray_proves_holds(seed):
    rng = np.random.default_rng(seed)
    G = rng.standard_normal((6, 4))
    G[5] = -G[0]
    h = np.append(rng.random(5), -5.0)  # row 5 contradicts row 0
    M = np.block([[np.zeros((4, 4)), G.T], [-G, np.zeros((6, 6))]])
    q = np.append(rng.random(4), h)
    path = lemke(M, q, 1000)
    assert path.end is PathEnd.RAY
    y = contradiction(M, q, path.direction)
    assert y.min() >= 0
    assert (M.T @ y).max() <= 1e-9
    assert q @ y < 0
    assert optimize.linprog(np.zeros(10), A_ub=-M, b_ub=q, method="highs").status == 2  # HiGHS: infeasible


def test_a_ray_that_proves_nothing_says_so():
    M, q = np.array([[-2.0, -1.0], [1.0, -1.0]]), np.array([2.0, -1.0])
    solution = np.array([1.0, 0.0])
    assert list(M @ solution + q) == [0.0, 0.0]  # there is one, yet the path misses it: M is not copositive
    result = solve_lcp(M, q, method="lemke")
    assert result.status is LCPStatus.RAY
    assert "proves nothing" in result.reason
    assert result.named == ()


def test_the_pivot_limit_is_a_reason():
    result = solve_lcp(*monotone(40, 0), method="lemke", max_pivots=3)
    assert result.status is LCPStatus.PIVOT_LIMIT
    assert result.pivots == 3


@pytest.mark.parametrize("n", [8, 40])
def test_a_path_that_is_exponentially_long_gives_way_to_the_interior_point_unless_it_was_asked_for(n):
    # Y. Fathi, Computational complexity of LCPs associated with positive definite symmetric matrices, Mathematical
    # Programming 17 (1979): 2ⁿ pivots; the solution is the first unit vector
    upper = np.triu(2.0 * np.ones((n, n)), 1) + np.eye(n)
    M, q = upper.T @ upper, -np.ones(n)
    result = solve_lcp(M, q)
    assert result.z == pytest.approx(np.eye(n)[0], abs=1e-8)
    assert (result.method, result.pivots) == ("interior", 10 * n)
    assert "before that: the pivot limit" in result.reason
    assert solve_lcp(M, q, method="lemke").status is LCPStatus.PIVOT_LIMIT


def test_the_method_follows_the_size_and_sparse_matrices_are_taken():
    eye = sparse.eye_array(400)
    assert solve_lcp(eye, -np.ones(400)).method == "interior"
    assert solve_lcp(sparse.eye_array(3), -np.ones(3)).method == "lemke"
    nothing = solve_lcp(np.eye(3), np.ones(3))
    assert nothing.converged
    assert nothing.pivots == 0
    assert solve_lcp(np.zeros((0, 0)), []).converged


@pytest.mark.parametrize(
    ("M", "q", "options", "error", "message"),
    [
        (np.eye(2), [1.0], {}, DataError, r"M must be \(n, n\) where q is \(n,\), not \(2, 2\) where q is \(1,\)"),
        (np.ones((2, 3)), [1.0, 2], {}, DataError, r"not \(2, 3\)"),
        ([1.0, 2], [1.0, 2], {}, DataError, r"^M must be a matrix, not an array of shape \(2,\)"),
        (np.eye(2), [1.0, np.nan], {}, DataError, "q has an entry that is not finite: nan"),
        ([[1.0, np.inf], [0, 1]], [1.0, 1], {}, DataError, "M has an entry that is not finite: inf"),
        (np.eye(1), [1.0], {"method": "simplex"}, DataError, "are 'lemke' and 'interior', not 'simplex'"),
        (np.eye(1), [1.0], {"tolerance": np.nan}, DataError, "tolerance"),
        (np.eye(1), [1.0], {"names": ["a", "b"]}, DataError, "2 names were given for 1 variables"),
    ],
)
def test_bad_input_is_refused(M, q, options, error, message):
    with pytest.raises(error, match=message):
        solve_lcp(M, q, **options)


@pytest.mark.parametrize(("small", "large"), [(1e-3, 1e9), (1e-6, 1e6)])
def test_a_small_column_proves_nothing(small, large):
    found = solve_lcp(np.diag([small, large]), [-1.0, -1.0])
    assert found.converged and found.z == pytest.approx([1 / small, 1 / large], rel=1e-6)
    impossible = solve_lcp(np.diag([-small, large]), [-1.0, -1.0])
    assert impossible.status is LCPStatus.INFEASIBLE and [name for name, _ in impossible.named] == ["row 0"]
