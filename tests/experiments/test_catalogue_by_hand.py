"""Stored numbers that a line of algebra, or a table of others, gives once more.

Only the numbers of the catalogue files are read; no solver and no cost function of this project is used.
"""

from math import sqrt

import numpy as np
import pandas as pd
import pytest

from experiments.catalogue import load
from tests.experiments.case_tables import REPOSITORY
from tests.experiments.test_catalogue_game_answers import quadratic_system


def radii(slopes):
    """Of best responses at once and in turn, from how much everybody answers to everybody."""
    slopes = np.array(slopes, dtype=float)
    lower = np.tril(slopes)
    in_turn = np.linalg.solve(np.eye(len(slopes)) - lower, slopes - lower)
    return {"jacobi": _radius(slopes), "gauss_seidel": _radius(in_turn)}


def _radius(matrix):
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def equal(n, slope):
    return slope * (np.ones((n, n)) - np.eye(n))


PUU = [[0, 1 / (2 * sqrt(1 * 0.04)) - 1], [1 / (2 * sqrt(4 * 0.16)) - 1, 0]]  # the best response is √(q/c) − q
SLOPES = {
    "cournot/krawczyk-uryasev-duopoly-2000": equal(2, -1 / 2),
    "cournot/singh-vives-1984": equal(2, -1 / 4),  # −d/(2b)
    "cournot/puu-duopoly-1991": PUU,
    "cournot/tullock-contest-1980": equal(4, sqrt(100 / 56.25) / 2 - 1),  # √(100 S) − S at S = 56.25
    "gnep/kesselman-internet-switching-2005": equal(10, sqrt(1 / 0.81) / 2 - 1),
    "gnep/facchinei-fischer-piccialli-2007": equal(2, -1),  # either takes what the other leaves of the budget
    "gnep/harker-two-players-1991": [[0, -4 / 3], [-5 / 8, 0]],
}


@pytest.mark.parametrize("slug", SLOPES)
def test_rates_from_the_slopes_of_best_responses(slug):
    entry, found = load(slug), radii(SLOPES[slug])
    for name, rate in entry.rates.items():
        assert found[name] == pytest.approx(rate.value, abs=max(rate.accuracy, 1e-15)), name


@pytest.mark.parametrize("n", range(2, 8))
def test_linear_cournot_at_once(n):
    words = ["two", "three", "four", "five", "six", "seven"]
    assert load(f"cournot/theocharis-{words[n - 2]}-firms-1960").rates["jacobi"].value == (n - 1) / 2


def test_rates_of_murphy_sherali_and_soyster_from_second_differences_of_profits():
    entry = load("cournot/murphy-sherali-soyster-1982")
    d, x, h = entry.problem, np.array(entry.answers[0].x), 1e-3

    def profit(i, q):
        b, k = d.exponent[i], d.size[i]
        cost = d.linear[i] * q[i] + b / (1 + b) * k ** (-1 / b) * q[i] ** ((1 + b) / b)
        return q[i] * (5000 / q.sum()) ** (1 / 1.1) - cost

    def second(i, j):
        a, b = h * np.eye(5)[i], h * np.eye(5)[j]
        corners = profit(i, x + a + b) - profit(i, x + a - b) - profit(i, x - a + b) + profit(i, x - a - b)
        return corners / (4 * h * h)

    slopes = [[0 if i == j else -second(i, j) / second(i, i) for j in range(5)] for i in range(5)]
    found = radii(slopes)
    for name, rate in entry.rates.items():
        assert found[name] == pytest.approx(rate.value, abs=rate.accuracy)


def test_rates_of_facchinei_and_kanzow_a5_on_what_the_bounds_leave():
    entry = load("gnep/facchinei-kanzow-a5-2010")
    J, _, _ = quadratic_system(entry.problem)
    owner = np.array([0, 0, 0, 1, 1, 2, 2])
    free = np.flatnonzero(np.array(entry.answers[0].x) > 0)
    own = np.equal.outer(owner[free], owner[free])
    reduced = J[np.ix_(free, free)]
    slopes = -np.linalg.solve(np.where(own, reduced, 0.0), np.where(own, 0.0, reduced))
    for name, value in radii(slopes).items():
        assert value == pytest.approx(entry.rates[name].value, abs=entry.rates[name].accuracy)


def test_the_curvature_of_facchinei_and_kanzow_a3():
    entry = load("gnep/facchinei-kanzow-a3-2010")
    J, _, _ = quadratic_system(entry.problem)
    rate = entry.rates["smallest_eigenvalue"]
    assert np.linalg.eigvalsh(0.5 * (J + J.T))[0] == pytest.approx(rate.value, abs=rate.accuracy)


def test_singh_and_vives_earn_the_square_of_what_they_sell():
    assert load("cournot/singh-vives-1984").answers[0].quantities["costs"] == (-(4.0**2), -(4.0**2))


def test_the_printed_answer_of_contreras_klusch_and_krawczyk_is_the_recomputed_one_rounded():
    ours, printed = load("cournot/contreras-klusch-krawczyk-2004").answers
    assert ours.x == pytest.approx(np.array(printed.x), rel=printed.accuracy)


@pytest.mark.parametrize("slug", ["admm/chen-he-ye-yuan-2016", "vi/korpelevich-skew-1976"])
def test_a_regular_homogeneous_system_has_zero_alone(slug):
    entry = load(slug)
    matrix = entry.problem.columns if hasattr(entry.problem, "columns") else entry.problem.M
    assert np.linalg.matrix_rank(np.array(matrix)) == len(entry.answers[0].x) and set(entry.answers[0].x) == {0.0}


def test_exchange_on_three_blocks_from_the_algorithm_as_boyd_and_others_state_it():
    """All at once, with weight nσ at the own last trade less a share r/n of the imbalance, then p ← p + σ r; σ = 1."""
    entry = load("admm/chen-he-ye-yuan-2016")
    A = np.array(entry.problem.columns)
    own = np.diag(1 / np.einsum("gi,gi->i", A, A))
    trades, by_price = np.eye(3) - own @ A.T @ A / 3, -own @ A.T / 3
    sweep = np.block([[trades, by_price], [A @ trades, np.eye(3) + A @ by_price]])
    assert _radius(sweep) == pytest.approx(entry.rates["exchange"].value, abs=entry.rates["exchange"].accuracy)


def test_sioux_falls_from_the_best_known_flows():
    """The flows of the collection, with times and integrals written out: to all digits that are stored."""
    links = pd.read_csv(REPOSITORY / "networks" / "data" / "sioux_falls" / "links.csv")
    flows = pd.read_csv(REPOSITORY / "tests" / "reference" / "sioux_falls_flows.csv")
    both = links.merge(flows, on=["from", "to"], validate="one_to_one")
    v, free, b = both["flow_veh_per_h"], both["free_flow_time_min"], both["b"]
    load_share = (v / both["capacity_veh_per_h"]) ** both["power"]
    objective, flow, total = (answer.quantities for answer in load("traffic/leblanc-sioux-falls-1975").answers)
    assert (free * v * (1 + b * load_share / (both["power"] + 1))).sum() == pytest.approx(
        objective["beckmann"][0], rel=1e-11
    )
    assert (free * v * (1 + b * load_share)).sum() == pytest.approx(total["total_time"][0], rel=1e-11)
    known = flows.set_index(["from", "to"])["flow_veh_per_h"]
    assert flow["link_1_2"][0] == pytest.approx(known[1, 2], rel=1e-11)
    assert flow["link_1_3"][0] == pytest.approx(known[1, 3], rel=1e-11)
