"""Every stored number once more, by methods that share nothing with the package: bases, bisection, fractions, LPs.

Only the numbers of the catalogue files are read; no solver and no cost function of this project is used.
"""

from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest
from scipy.optimize import brentq, linprog

from experiments.catalogue import load, slugs

COURNOT = [s for s in slugs() if load(s).problem.kind == "cournot" and "river" not in s and "contreras" not in s]
QUADRATIC = [s for s in slugs() if load(s).problem.kind == "quadratic_game"]
LINEAR = [s for s in slugs() if load(s).problem.kind == "linear_complementarity" and s.startswith("mcp/")]
BIMATRIX = [s for s in slugs() if load(s).problem.kind == "bimatrix"]
SPATIAL = [s for s in slugs() if load(s).problem.kind == "spatial_price"]


# Cournot: what each firm sells at a given total, then the total


def price(data, Q):
    d = data.demand
    if d.form == "linear":
        return d.intercept - d.slope * Q, -d.slope
    p = (d.scale / Q) ** (1 / d.elasticity)
    return p, -p / (d.elasticity * Q)


def sold(data, i, Q, toll):
    """The q at which marginal cost + toll = p(Q) + q p'(Q), within the firm's bounds."""
    p, dp = price(data, Q)
    low = data.lower[i] if data.lower else 0.0
    high = min(data.upper[i] if data.upper else 1e4, 1e4)

    def surplus(q):
        marginal = data.linear[i] + 2 * (data.quadratic[i] if data.quadratic else 0) * q + toll
        if data.exponent:
            marginal += (q / data.size[i]) ** (1 / data.exponent[i])
        return marginal - p - dp * q

    if surplus(low) >= 0:
        return low
    return high if surplus(high) <= 0 else brentq(surplus, low, high, xtol=1e-14, rtol=1e-14)


def cournot_equilibrium(data, toll=0.0):
    """Bisection on the total: what the firms want to sell falls in it."""
    n = len(data.linear)
    Q = brentq(lambda Q: sum(sold(data, i, Q, toll) for i in range(n)) - Q, 1e-3, 2e3, xtol=1e-13, rtol=1e-14)
    return np.array([sold(data, i, Q, toll) for i in range(n)])


@pytest.mark.parametrize("slug", COURNOT)
def test_cournot_by_bisection_on_the_total(slug):
    entry = load(slug)
    data, answer = entry.problem, entry.answers[0]
    q = cournot_equilibrium(data)
    if data.shared is not None:
        cap = data.shared.h[0]
        assert data.shared.G == (tuple(np.ones(len(q))),)
        if answer.multipliers["shared"] == (0.0,):
            assert q.sum() <= cap
        else:
            toll = brentq(lambda t: cournot_equilibrium(data, t).sum() - cap, 0, 40, xtol=1e-13, rtol=1e-14)
            q = cournot_equilibrium(data, toll)
            assert toll == pytest.approx(answer.multipliers["shared"][0], abs=1e-8)
    assert q == pytest.approx(answer.x, abs=1e-8)
    if "market" in answer.prices:
        assert price(data, q.sum())[0] == pytest.approx(answer.prices["market"][0], abs=1e-8)


def test_the_profits_of_murphy_sherali_and_soyster():
    entry = load("cournot/murphy-sherali-soyster-1982")
    data = entry.problem
    q = cournot_equilibrium(data)
    c, b, K = np.array(data.linear), np.array(data.exponent), np.array(data.size)
    cost = c * q + b / (1 + b) * K ** (-1 / b) * q ** ((1 + b) / b)
    assert price(data, q.sum())[0] * q - cost == pytest.approx(entry.answers[1].quantities["profits"], rel=1e-8)


def test_three_generating_companies_in_fractions():
    entry = load("cournot/contreras-klusch-krawczyk-2004")
    data = entry.problem
    F = lambda value: Fraction(str(value))  # noqa: E731
    owner = np.repeat(np.arange(3), data.plants)
    # no unit is at a bound: 2 S + 2 X_firm + 2 quadratic q + linear = 378.4
    A = [
        [F(2) * (1 + (owner[i] == owner[j])) + (2 * F(data.quadratic[i]) if i == j else 0) for j in range(6)]
        for i in range(6)
    ]
    q = solve_fractions(A, [F(data.demand.intercept) - F(c) for c in data.linear])
    assert all(lo < v < hi for v, lo, hi in zip(q, data.lower, data.upper, strict=True))
    assert [float(v) for v in q] == pytest.approx(entry.answers[0].x, abs=1e-9)


def solve_fractions(A, b):
    rows = [[*map(Fraction, row), Fraction(value)] for row, value in zip(A, b, strict=True)]
    for k in range(len(rows)):
        pivot = next(r for r in range(k, len(rows)) if rows[r][k] != 0)
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [v / rows[k][k] for v in rows[k]]
        for r in range(len(rows)):
            if r != k:
                rows[r] = [v - rows[r][k] * w for v, w in zip(rows[r], rows[k], strict=True)]
    return [row[-1] for row in rows]


def test_the_river_basin_on_its_active_row():
    entry = load("gnep/haurie-krawczyk-river-basin-1997")
    data = entry.problem
    c1, c2, u, v = map(np.array, (data.linear, data.quadratic, *data.shared.G))
    # c1 + 2 c2 x + 0.01 (S + x) + λ u = 3 for every firm, first row tight
    A = np.block([[np.diag(2 * c2 + 0.01) + 0.01, u[:, None]], [u[None], np.zeros((1, 1))]])
    x = np.linalg.solve(A, [*(3 - c1), 100.0])
    assert x[:3].min() > 0 and x[3] > 0 and v @ x[:3] < 100
    assert x == pytest.approx([*entry.answers[0].x, entry.answers[0].multipliers["shared"][0]], abs=1e-8)
    other = np.array(entry.answers[1].x)
    tolls = (3 - c1 - 2 * c2 * other - 0.01 * (other.sum() + other)) / u
    assert u @ other == pytest.approx(100, abs=1e-6) and v @ other < 100
    assert tolls.min() > 0 and np.ptp(tolls) > 0.01  # everybody has a multiplier, each another one


# quadratic games: the optimality conditions as one linear complementarity problem, all bases tried near the answer


def quadratic_system(data):
    """F(x) = J x + b of all players and their constraints as rows (owner or None, G, h), bounds included."""
    sizes = [len(p.b) for p in data.players]
    edges = np.cumsum([0, *sizes])
    n = edges[-1]
    J, b, rows = np.zeros((n, n)), np.zeros(n), []
    for i, p in enumerate(data.players):
        own = np.arange(edges[i], edges[i + 1])
        J[np.ix_(own, own)] = p.A
        J[np.ix_(own, np.setdiff1d(np.arange(n), own))] = p.B
        b[own] = p.b
        for sign, bounds in ((-1, p.lower), (1, p.upper)):
            rows += [(own, sign * np.eye(n)[j], sign * bounds[k]) for k, j in enumerate(own) if bounds]
        if p.rows:
            rows += [(own, np.array(G), h) for G, h in zip(p.rows.G, p.rows.h, strict=True)]
    if data.shared:
        rows += [(None, np.array(G), h) for G, h in zip(data.shared.G, data.shared.h, strict=True)]
    return J, b, rows


def solve_basis(J, b, active):
    """Stationarity of all with the active rows as equations; shared rows have one multiplier."""
    n, m = len(b), len(active)
    K, r = np.zeros((n + m, n + m)), np.zeros(n + m)
    K[:n, :n], r[:n] = J, -b
    for k, (own, G, h) in enumerate(active):
        bound = np.arange(n) if own is None else own
        K[bound, n + k] = G[bound]
        K[n + k, :n], r[n + k] = G, h
    w = np.linalg.lstsq(K, r, rcond=None)[0]
    return w[:n], w[n:], np.abs(K @ w - r).max()


@pytest.mark.parametrize("slug", QUADRATIC)
def test_quadratic_games_on_their_active_rows(slug):
    entry = load(slug)
    J, b, rows = quadratic_system(entry.problem)
    for answer in entry.answers:
        x = np.array(answer.x)
        active = [row for row in rows if abs(row[1] @ x - row[2]) < 1e-6]
        if answer.kind == "generalised" and entry.problem.shared:
            active = [row for row in active if row[0] is not None]
            tight = [row for row in rows if row[0] is None and abs(row[1] @ x - row[2]) < 1e-9]
            assert tight and generalised(entry.problem, J, b, x, active, tight)
            continue
        found, multipliers, misfit = solve_basis(J, b, active)
        assert misfit < 1e-9 and multipliers.min(initial=0) > -1e-9
        assert all(G @ found <= h + 1e-9 for _, G, h in rows)
        assert found == pytest.approx(answer.x, abs=1e-8)
        if answer.multipliers:
            shared = [m for m, row in zip(multipliers, active, strict=True) if row[0] is None]
            assert (shared or [0.0]) == pytest.approx(answer.multipliers["shared"], abs=1e-8)


def generalised(data, J, b, x, own_rows, tight):
    """Every player for itself: multipliers ≥ 0 of its own and of the tight shared rows, by a linear program."""
    edges = np.cumsum([0, *[len(p.b) for p in data.players]])
    for start, stop in pairwise(edges):
        mine = [G[start:stop] for own, G, _ in own_rows if own[0] == start] + [G[start:stop] for _, G, _ in tight]
        found = linprog(np.ones(len(mine)), A_eq=np.array(mine).T, b_eq=-(J @ x + b)[start:stop], bounds=(0, None))
        if found.status != 0:
            return False
    return True


def test_the_equilibrium_of_facchinei_and_kanzow_a5_in_fractions():
    x = [0, Fraction(14, 69), 0, 0, Fraction(5, 69), Fraction(7, 276), 0]
    assert [float(v) for v in x] == pytest.approx(load("gnep/facchinei-kanzow-a5-2010").answers[0].x, abs=1e-15)
    J, b, _ = quadratic_system(load("gnep/facchinei-kanzow-a5-2010").problem)
    F = [sum(int(J[i, j]) * x[j] for j in range(7)) + int(b[i]) for i in range(7)]
    assert [F[i] for i in (1, 4, 5)] == [0, 0, 0]
    assert min(F[i] for i in (0, 2, 3, 6)) > 0


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
    assert d.supply_intercept + np.array(d.supply_slope) @ x.sum(axis=1) == pytest.approx(answer.prices["supply"])
    assert d.demand_intercept - np.array(d.demand_slope) @ x.sum(axis=0) == pytest.approx(answer.prices["demand"])


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


@pytest.mark.parametrize("slug", BIMATRIX)
def test_matrix_games_by_enumerating_supports(slug):
    entry = load(slug)
    A, B = np.array(entry.problem.A), np.array(entry.problem.B)
    n = len(A)
    supports = [list(np.flatnonzero(s)) for s in product((0, 1), repeat=n) if any(s)]
    found = []
    for rows, columns in product(supports, supports):
        y, v = indifferent(A, rows, columns)
        x, w = indifferent(B.T, columns, rows)
        if y is None or x is None or min(*x, *y) < -1e-9:
            continue
        if (A @ y <= v + 1e-9).all() and (B.T @ x <= w + 1e-9).all():
            found.append([*x, *y, v, w])
    assert len(np.unique(np.round(found, 9), axis=0)) == 1
    assert found[0][: 2 * n] == pytest.approx(entry.answers[0].x, abs=1e-9)
    assert found[0][2 * n :] == pytest.approx(entry.answers[0].quantities["values"], abs=1e-9)


def indifferent(A, rows, columns):
    """The mixture over the columns that makes the rows equally good, and their value."""
    K = np.block([[A[np.ix_(rows, columns)], -np.ones((len(rows), 1))], [np.ones((1, len(columns))), np.zeros((1, 1))]])
    w, _, _, _ = np.linalg.lstsq(K, np.append(np.zeros(len(rows)), 1.0), rcond=None)
    if np.abs(K @ w - np.append(np.zeros(len(rows)), 1.0)).max() > 1e-9:
        return None, None
    y = np.zeros(A.shape[1])
    y[columns] = w[:-1]
    return y, w[-1]


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

    assert excess(np.array(load("mcp/scarf-unstable-economy-1960").answers[0].x)) == pytest.approx([0, 0, 0], abs=1e-15)
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
        assert v @ link_times(d, v) == pytest.approx(answer.quantities["least_total_cost"][0])
        marginal = link_times(d, v) + np.array(d.slope) * v  # times are affine in these problems
        assert d.power is None
        costs = [sum(marginal[link - 1] for link in path) for path in d.paths]
        assert all(
            c >= min(costs) - 1e-9 and (x == 0 or c == pytest.approx(min(costs))) for c, x in zip(costs, g, strict=True)
        )


def test_three_parallel_links_by_bisection():
    entry = load("traffic/sheffi-three-links-1985")

    def flows(cost):
        return [cap * (max(cost / free - 1, 0) / 0.15) ** 0.25 for free, cap in ((10, 2), (20, 4), (25, 3))]

    cost = brentq(lambda mu: sum(flows(mu)) - 10, 25, 30, xtol=1e-13)
    assert flows(cost) == pytest.approx(entry.answers[0].x, abs=1e-8)
    assert cost == pytest.approx(entry.answers[0].multipliers["path_cost"][0], abs=1e-8)


# rates


def test_rates_of_projection_methods_by_iterating_them():
    entry = load("vi/korpelevich-skew-1976")
    M, t = np.array(entry.problem.M), entry.problem.step
    x, y = np.array([1.0, 0.3]), np.array([1.0, 0.3])
    for _ in range(50):
        x = x - t * M @ x
        y = y - t * M @ (y - t * M @ y)
    size = np.linalg.norm([1.0, 0.3])
    assert (np.linalg.norm(x) / size) ** (1 / 50) == pytest.approx(entry.rates["projection"].value, abs=1e-9)
    assert (np.linalg.norm(y) / size) ** (1 / 50) == pytest.approx(entry.rates["extragradient"].value, abs=1e-9)
    assert entry.rates["projection"].value == pytest.approx(np.sqrt(1 + t**2), abs=1e-12)
    assert entry.rates["extragradient"].value == pytest.approx(np.sqrt(1 - t**2 + t**4), abs=1e-12)


def test_the_radius_of_three_block_admm_from_its_sweep():
    entry = load("admm/chen-he-ye-yuan-2016")
    A = np.array(entry.problem.columns)

    def sweep(state):
        x, multiplier = state[:3].copy(), state[3:]
        for i in range(3):  # min ‖A x − multiplier‖² in one variable after another
            x[i] = A[:, i] @ (multiplier - A @ x + A[:, i] * x[i]) / (A[:, i] @ A[:, i])
        return np.concatenate([x, multiplier - A @ x])

    radius = np.abs(np.linalg.eigvals(np.array([sweep(unit) for unit in np.eye(6)]).T)).max()
    assert radius == pytest.approx(entry.rates["gauss_seidel"].value, abs=entry.rates["gauss_seidel"].accuracy)
    assert np.linalg.matrix_rank(A) == 3  # so that zero is the only answer


@pytest.mark.parametrize("n", range(2, 8))
def test_rates_of_linear_cournot_from_the_matrices(n):
    entry = load(f"cournot/theocharis-{['two', 'three', 'four', 'five', 'six', 'seven'][n - 2]}-firms-1960")
    jacobi = -0.5 * (np.ones((n, n)) - np.eye(n))
    lower = np.tril(jacobi)
    seidel = np.linalg.inv(np.eye(n) - lower) @ (jacobi - lower)
    for name, matrix in (("jacobi", jacobi), ("gauss_seidel", seidel)):
        assert np.abs(np.linalg.eigvals(matrix)).max() == pytest.approx(entry.rates[name].value, abs=1e-6)


def test_rates_of_facchinei_and_kanzow_from_the_matrices():
    for slug, suffix in (("gnep/facchinei-kanzow-a3-2010", ""), ("gnep/facchinei-kanzow-a5-2010", "_free")):
        entry = load(slug)
        J, _, _ = quadratic_system(entry.problem)
        blocks, below = np.zeros_like(J), np.zeros_like(J)
        for a, b in ((0, 3), (3, 5), (5, 7)):
            blocks[a:b, a:b] = J[a:b, a:b]
            below[a:b, :a] = J[a:b, :a]
        together = np.linalg.eigvals(np.linalg.solve(blocks, J - blocks))
        in_turn = np.linalg.eigvals(np.linalg.solve(blocks + below, J - blocks - below))
        for name, values in (("jacobi", together), ("gauss_seidel", in_turn)):
            rate = entry.rates[name + suffix]
            assert np.abs(values).max() == pytest.approx(rate.value, abs=rate.accuracy)
        if "smallest_eigenvalue" in entry.rates:
            assert np.linalg.eigvalsh(0.5 * (J + J.T))[0] == pytest.approx(-20, abs=0.5)


def test_puus_rate_in_closed_form():
    entry = load("cournot/puu-duopoly-1991")
    a, b = entry.problem.linear
    assert entry.rates["jacobi"].value == pytest.approx((b - a) / (2 * np.sqrt(a * b)))
    assert entry.answers[0].x == pytest.approx([b / (a + b) ** 2, a / (a + b) ** 2], abs=1e-12)
