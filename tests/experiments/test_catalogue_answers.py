"""The stored answers of complementarity problems once more, by bases, linear programs and bisection.

Only the numbers of the catalogue files are read; no solver and no cost function of this project is used.
"""

from itertools import product

import numpy as np
import pytest
from scipy.optimize import brentq, linprog

from experiments.catalogue import load, slugs

LINEAR = [s for s in slugs() if load(s).problem.kind == "linear_complementarity" and s.startswith("mcp/")]
SPATIAL = [s for s in slugs() if load(s).problem.kind == "spatial_price"]


# linear complementarity problems: all bases


def all_solutions(M, q):
    """Every complementary basis with a non-negative solution."""
    n, found = len(q), []
    for basic in product((False, True), repeat=n):
        at = np.flatnonzero(basic)
        B = M[np.ix_(at, at)]
        if len(at) and abs(np.linalg.det(B)) < 1e-9:
            continue
        x = np.zeros(n)
        x[at] = np.linalg.solve(B, -q[at])
        if x.min(initial=0) >= -1e-9 and (M @ x + q).min(initial=0) >= -1e-9:
            found.append(x)
    return np.unique(np.round(found, 7), axis=0), found


@pytest.mark.parametrize("slug", LINEAR)
def test_linear_problems_by_trying_all_bases(slug):
    entry = load(slug)
    M, q = np.array(entry.problem.M), np.array(entry.problem.q)
    distinct, found = all_solutions(M, q)
    assert len(distinct) == 1 and entry.unique
    assert found[0] == pytest.approx(entry.answers[0].x, abs=1e-8)
    if entry.answers[0].multipliers:
        assert M @ found[0] + q == pytest.approx(entry.answers[0].multipliers["complement"], abs=1e-8)


@pytest.mark.parametrize("slug", SPATIAL)
def test_spatial_prices_by_trying_all_patterns_of_trade(slug):
    entry = load(slug)
    d, answer = entry.problem, entry.answers[0]
    c = np.array(d.transport_intercept)
    m, n = c.shape
    M, q = np.zeros((m * n, m * n)), np.zeros(m * n)
    for i, j in product(range(m), range(n)):
        q[n * i + j] = d.supply_intercept[i] + c[i, j] - d.demand_intercept[j]
        for k, l in product(range(m), range(n)):  # noqa: E741
            M[n * i + j, n * k + l] = d.supply_slope[i][k] + d.demand_slope[j][l]
            if d.transport_slope:
                M[n * i + j, n * k + l] += d.transport_slope[n * i + j][n * k + l]
    distinct, found = all_solutions(M, q)
    assert len(distinct) == 1
    x = found[0].reshape(m, n)
    assert x.ravel() == pytest.approx(answer.x, abs=1e-8)
    assert d.supply_intercept + np.array(d.supply_slope) @ x.sum(axis=1) == pytest.approx(
        answer.prices["supply"], abs=1e-8
    )
    assert d.demand_intercept - np.array(d.demand_slope) @ x.sum(axis=0) == pytest.approx(
        answer.prices["demand"], abs=1e-8
    )


def test_dantzig_by_linear_programming():
    entry = load("mcp/dantzig-transport-1963")
    d = entry.problem
    c = np.array(d.cost)
    A = np.vstack([np.kron(np.eye(2), np.ones(3)), -np.kron(np.ones(2), np.eye(3))])
    found = linprog(c.ravel(), A_ub=A, b_ub=[*d.supply, *(-np.array(d.demand))])
    assert found.fun == pytest.approx(entry.answers[0].quantities["cost"][0], abs=1e-9)
    assert -found.ineqlin.marginals == pytest.approx(
        [*entry.answers[0].prices["supply"], *entry.answers[0].prices["demand"]], abs=1e-9
    )
    for answer in entry.answers[1:]:
        x = np.array(answer.x)
        assert (A @ x <= [*d.supply, *(-np.array(d.demand))]).all() and x.min() >= 0
        assert c.ravel() @ x == pytest.approx(found.fun, abs=1e-9)


# nonlinear complementarity: the functions written out


def kojima_shindo(a, b, c, d):
    return [
        3 * a * a + 2 * a * b + 2 * b * b + c + 3 * d - 6,
        2 * a * a + a + b * b + 10 * c + 2 * d - 2,
        3 * a * a + a * b + 2 * b * b + 2 * c + 9 * d - 9,
        a * a + 3 * b * b + 2 * c + 3 * d - 3,
    ]


def josephy(a, b, c, d):
    return [
        3 * a * a + 2 * a * b + 2 * b * b + c + 3 * d - 6,
        2 * a * a + a + b * b + 3 * c + 2 * d - 2,
        3 * a * a + a * b + 2 * b * b + 2 * c + 3 * d - 1,
        a * a + 3 * b * b + 2 * c + 3 * d - 3,
    ]


@pytest.mark.parametrize(
    ("slug", "function"),
    [("mcp/kojima-shindo-1986", kojima_shindo), ("mcp/josephy-1979", josephy)],
)
def test_polynomial_problems_written_out(slug, function):
    entry = load(slug)
    for answer in entry.answers:
        x, F = np.array(answer.x), np.array(function(*answer.x))
        assert np.abs(np.minimum(x, F)).max() < 1e-12
    point = np.random.default_rng(0).uniform(0, 2, 4)
    stored = [sum(t[0] * np.prod(point ** np.array(t[1:])) for t in row) for row in entry.problem.F]
    assert stored == pytest.approx(function(*point), rel=1e-14)


def test_billups_in_closed_form():
    answer = load("mcp/billups-1995").answers[0]
    assert answer.x[0] == pytest.approx(1 + np.sqrt(1.01), abs=1e-12)
    assert [t[0] for t in load("mcp/billups-1995").problem.F[0]] == pytest.approx([1, -2, 1 - 1.01])


def test_fathis_matrix_is_murtys_times_its_transpose():
    murty, fathi = (np.array(load(s).problem.M) for s in ("mcp/murty-lcp-1978", "mcp/fathi-lcp-1979"))
    assert (murty.T @ murty == fathi).all()


def test_scarfs_economy_clears_at_equal_prices_and_prices_circle():
    def excess(p):
        return np.array([p[i] / (p[i] + p[(i + 1) % 3]) + p[i - 1] / (p[i - 1] + p[i]) - 1 for i in range(3)])

    answer = load("mcp/scarf-unstable-economy-1960").answers[0]
    assert excess(np.array(answer.x)) == pytest.approx([0, 0, 0], abs=1e-15)
    assert [1 / 2] * 3 == pytest.approx(answer.quantities["bundles"], abs=1e-15)  # income 1 buys two goods at price 1
    h = 1e-6
    J = np.array([(excess(np.ones(3) + s) - excess(np.ones(3) - s)) / (2 * h) for s in h * np.eye(3)]).T
    assert np.abs(np.linalg.eigvals(J).real).max() < 1e-8  # no damping: prices circle
    assert np.abs(np.linalg.eigvals(J).imag).max() > 0.4


# traffic


def link_times(d, v):
    power = np.array(d.power or [1.0] * len(d.constant))
    return np.array(d.constant) + np.array(d.slope) * v**power


@pytest.mark.parametrize("slug", [s for s in slugs() if load(s).problem.kind == "path_traffic"])
def test_used_paths_cost_the_same_and_no_path_less(slug):
    entry = load(slug)
    d, answer = entry.problem, entry.answers[0]
    f = np.array(answer.x)
    v = np.array([sum(f[p] for p, path in enumerate(d.paths) if link + 1 in path) for link in range(len(d.constant))])
    t = link_times(d, v)
    cost = np.array([sum(t[link - 1] for link in path) for path in d.paths])
    assert f.sum() == pytest.approx(d.demand[0], abs=1e-8)
    assert cost[f > 0] == pytest.approx(np.full((f > 0).sum(), answer.multipliers["path_cost"][0]), abs=2e-8)
    assert cost.min() >= answer.multipliers["path_cost"][0] - 2e-8
    for name, value in (("total_cost", v @ t), ("link_flow", v)):
        if name in answer.quantities:
            assert np.atleast_1d(value) == pytest.approx(answer.quantities[name], abs=1e-8)
    if "optimal_path_flow" in answer.quantities:
        g = np.array(answer.quantities["optimal_path_flow"])
        v = np.array([sum(g[p] for p, path in enumerate(d.paths) if l + 1 in path) for l in range(len(d.constant))])  # noqa: E741
        assert v @ link_times(d, v) == pytest.approx(answer.quantities["least_total_cost"][0], abs=1e-8)
        assert g.sum() == pytest.approx(d.demand[0], abs=1e-8)
        marginal = link_times(d, v) + np.array(d.slope) * v  # times are affine in these problems
        assert d.power is None
        costs = [sum(marginal[link - 1] for link in path) for path in d.paths]
        assert all(
            c >= min(costs) - 1e-9 and (x == 0 or c == pytest.approx(min(costs), abs=1e-8))
            for c, x in zip(costs, g, strict=True)
        )


def test_three_parallel_links_by_bisection():
    entry = load("traffic/sheffi-three-links-1985")

    def flows(cost):
        return [cap * (max(cost / free - 1, 0) / 0.15) ** 0.25 for free, cap in ((10, 2), (20, 4), (25, 3))]

    cost = brentq(lambda mu: sum(flows(mu)) - 10, 25, 30, xtol=1e-13)
    assert flows(cost) == pytest.approx(entry.answers[0].x, abs=1e-8)
    assert cost == pytest.approx(entry.answers[0].multipliers["path_cost"][0], abs=1e-8)
