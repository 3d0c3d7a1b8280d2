"""Published problems with known answers, each stated as a mixed complementarity problem."""

import numpy as np
import pytest
from scipy import sparse

from bestresponse.complementarity import ComplementarityProblem, natural_residual, solve_mcp
from tests.bestresponse.complementarity.problems import INF, linear


def solved(problem, start=None):
    result = solve_mcp(problem, start)
    assert result.converged, result.reason
    assert natural_residual(problem, result.x) == result.residual <= 1e-10
    return result.x


def kojima_shindo():
    def function(x, smoothing):
        a, b, c, d = x
        return np.array(
            [
                3 * a * a + 2 * a * b + 2 * b * b + c + 3 * d - 6,
                2 * a * a + a + b * b + 10 * c + 2 * d - 2,
                3 * a * a + a * b + 2 * b * b + 2 * c + 9 * d - 9,
                a * a + 3 * b * b + 2 * c + 3 * d - 3,
            ]
        )

    def jacobian(x, smoothing):
        a, b = x[:2]
        return sparse.csr_array(
            np.array(
                [
                    [6 * a + 2 * b, 2 * a + 4 * b, 1, 3],
                    [4 * a + 1, 2 * b, 10, 2],
                    [6 * a + b, a + 4 * b, 2, 9],
                    [2 * a, 6 * b, 2, 3],
                ]
            )
        )

    return ComplementarityProblem(np.zeros(4), np.full(4, INF), function, jacobian, ["a", "b", "c", "d"])


@pytest.mark.parametrize("start", [None, *np.random.default_rng(0).uniform(0, 3, (8, 4))])
def test_kojima_shindo_ends_at_one_of_its_two_solutions(start):
    x = solved(kojima_shindo(), start)
    degenerate, regular = np.array([np.sqrt(6) / 2, 0, 0, 0.5]), np.array([1.0, 0, 3, 0])
    assert min(np.abs(x - degenerate).max(), np.abs(x - regular).max()) < 1e-5  # the Jacobian is singular at one


def test_the_lcp_of_the_path_manual():
    M = [[0, 0, -1, -1], [0, 0, 1, -2], [1, -1, 2, -2], [1, 2, -2, 4]]
    assert solved(linear(M, [2, 2, -2, -6])) == pytest.approx([2.8, 0, 0.8, 1.2], abs=1e-9)


def test_dantzig_transport():
    supply, demand = np.array([350.0, 600]), np.array([325.0, 300, 275])
    cost = 0.09 * np.array([[2.5, 1.7, 1.8], [2.5, 1.8, 1.4]])
    M, q = np.zeros((11, 11)), np.concatenate([cost.ravel(), supply, -demand])
    for i in range(2):
        for j in range(3):
            k = 3 * i + j
            M[k, 6 + i], M[k, 8 + j] = 1, -1  # supply price + cost − demand price ⊥ shipment
            M[6 + i, k], M[8 + j, k] = -1, 1
    x = solved(linear(M, q))
    assert cost.ravel() @ x[:6] == pytest.approx(153.675, abs=1e-8)
    assert x[6:8] == pytest.approx([0, 0], abs=1e-9)
    assert x[8:] == pytest.approx([0.225, 0.153, 0.126], abs=1e-9)


def test_miranda_fackler_spatial_price_equilibrium():
    transport = np.array([[0, 3, 9], [3, 0, 3], [6, 3, 0.0]])
    M, q = np.zeros((9, 9)), np.zeros(9)
    for i in range(3):
        for j in range(3):
            k = 3 * i + j
            q[k] = (9, 3, 18)[i] + transport[i, j] - (42, 54, 51)[j]
            M[k] = np.kron(np.eye(3)[i] * (1, 2, 1)[i], np.ones(3)) + np.kron(np.ones(3), np.eye(3)[j] * (2, 3, 1)[j])
    shipments = solved(linear(M, q)).reshape(3, 3)
    prices = np.array([42, 54, 51]) - np.array([2, 3, 1]) * shipments.sum(axis=0)
    assert prices == pytest.approx([24, 27, 30], abs=1e-8)
    assert shipments == pytest.approx(np.array([[9, 6, 0], [0, 3, 9], [0, 0, 12]]), abs=1e-8)


def oligopoly(c, size, beta, demand_power, cap=1e6):
    """Firms with marginal cost c + (q / size)^(1/β) at the price (5000/Q)^(1/demand_power), total at most `cap`."""
    c, size, beta = np.array(c), np.array(size), np.array(beta)
    n = len(c)

    def price(total):
        p = (5000 / total) ** (1 / demand_power)
        return p, -p / (demand_power * total), p * (1 + demand_power) / (demand_power * total) ** 2

    def function(x, smoothing):
        q, total = x[:n], x[:n].sum()
        p, dp, _ = price(total)
        return np.append(c + (q / size) ** (1 / beta) - p - dp * q + x[n], cap - total)

    def jacobian(x, smoothing):
        q, total = x[:n], x[:n].sum()
        _, dp, ddp = price(total)
        own = (q / size) ** (1 / beta - 1) / (beta * size) - dp
        matrix = np.zeros((n + 1, n + 1))
        matrix[:n, :n] = np.diag(own) - dp - np.outer(ddp * q, np.ones(n))
        matrix[:n, n], matrix[n, :n] = 1, -1
        return sparse.csr_array(matrix)

    names = [*(f"firm {i + 1}" for i in range(n)), "cap"]
    lower = np.append(np.full(n, 1e-6), 0.0)  # the price is infinite where nobody sells
    return ComplementarityProblem(lower, np.full(n + 1, INF), function, jacobian, names)


MURPHY = dict(c=(10, 8, 6, 4, 2), beta=(1.2, 1.1, 1.0, 0.9, 0.8), size=(5, 5, 5, 5, 5), demand_power=1.1)


@pytest.mark.parametrize(
    ("cap", "expected", "shadow"),
    [
        (1e6, (36.93251082, 41.81814166, 43.70657852, 42.65923974, 39.17895252), 0.0),
        (200, (35.78533238, 40.74895795, 42.80248160, 41.96638306, 38.69684500), 0.46709957),
        (100, (14.05008564, 17.79838527, 20.90718989, 23.11143355, 24.13290564), 18.19567165),
    ],
)
def test_murphy_sherali_soyster(cap, expected, shadow):
    x = solved(oligopoly(**MURPHY, cap=cap))
    assert x == pytest.approx([*expected, shadow], abs=2e-8)


def test_harker_ten_firms():
    c = (5, 3, 8, 5, 1, 3, 7, 4, 6, 3)
    beta = (1.2, 1, 0.9, 0.6, 1.5, 1, 0.7, 1.1, 0.95, 0.75)
    x = solved(oligopoly(c, [0.1] * 10, beta, demand_power=1.2))  # marginal cost c + (10 q)^(1/β)
    expected = (7.44154670, 4.09781045, 2.59064375, 0.93538577, 17.94895234)
    expected += (4.09781045, 1.30472576, 5.59008254, 3.22217945, 1.67709432)
    assert x[:10] == pytest.approx(expected, abs=2e-8)


def test_the_skew_problem_on_which_projection_diverges():
    assert solved(linear([[0, 1], [-1, 0]], [0, 0], [-1, -1], [1, 1]), np.array([0.9, 0.7])) == pytest.approx(
        [0, 0], abs=1e-10
    )
    assert solved(linear([[0, 1], [-1, 0]], [-0.25, 0.5], [-INF, -INF])) == pytest.approx([0.5, 0.25], abs=1e-9)
