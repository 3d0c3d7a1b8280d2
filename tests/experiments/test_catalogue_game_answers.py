"""The stored answers of games once more, by bisection, fractions, active rows and supports.

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
BIMATRIX = [s for s in slugs() if load(s).problem.kind == "bimatrix"]


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
    assert u @ other == pytest.approx(100, abs=1e-7) and v @ other < 100
    assert entry.answers[0].multipliers["shared"][1] == 0.0  # of the second row, which is slack
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


# matrix games: all supports


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
