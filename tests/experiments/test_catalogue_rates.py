"""The stored rates once more, from matrices, closed forms and plain iteration.

Only the numbers of the catalogue files are read; no solver and no cost function of this project is used.
"""

import numpy as np
import pytest

from experiments.catalogue import load
from tests.experiments.test_catalogue_game_answers import quadratic_system


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
