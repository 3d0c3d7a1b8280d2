"""Predicted rates against differences of best responses and against plays; what a map's derivative says."""

import numpy as np
import pytest

from bestresponse.errors import DataError
from bestresponse.games import ORDERS, linear_rate, solve_game
from bestresponse.games.diagnostics import (
    diagnose_game,
    linearised_map,
    play_nearby,
    response_jacobian,
    spectral_radius,
)
from bestresponse.games.dynamics import sweep
from bestresponse.games.game import PLAN
from bestresponse.map_diagnosis import asymmetry, diagnose_map, sample, smallest_symmetric_eigenvalue
from tests.bestresponse.small_games import budget_game, cournot, random_game


@pytest.mark.parametrize("seed", range(6))
def test_sensitivities_are_the_differences_of_best_responses(seed):
    game = random_game(seed, shared_rows=0)
    x = solve_game(game).x
    h = 1e-6
    for player in game.players:
        predicted = response_jacobian(player, x)
        for j in range(len(x)):
            step = h * np.eye(len(x))[j]
            up, down = player.answer(x + step).plan[PLAN], player.answer(x - step).plan[PLAN]
            assert predicted[:, j] == pytest.approx((up - down) / (2 * h), abs=1e-6)


@pytest.mark.parametrize("order", ["jacobi", "gauss_seidel"])
def test_the_linearised_sweep_is_the_derivative_of_the_sweep(order):
    game = random_game(1, shared_rows=0)
    x = solve_game(game).x
    h = 1e-6
    differences = [
        (sweep(game, x + step, order) - sweep(game, x - step, order)) / (2 * h) for step in h * np.eye(len(x))
    ]
    assert linearised_map(game, x, order) == pytest.approx(np.array(differences).T, abs=1e-6)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_linear_cournot_has_the_rates_of_the_textbook(n):
    game, x = cournot(n), np.full(n, 12 / (n + 1))
    found = {rate.order: rate for rate in diagnose_game(game, x).rates}
    assert found["jacobi"].predicted == pytest.approx((n - 1) / 2)
    assert found["jacobi"].measured == pytest.approx((n - 1) / 2, rel=1e-3)
    assert found["gauss_seidel"].measured == pytest.approx(found["gauss_seidel"].predicted, rel=5e-3)
    damped = spectral_radius(linearised_map(game, x, "damped", damping=0.4))
    assert damped == pytest.approx(max(abs(0.6 - 0.4 * (n - 1) / 2), 0.6 + 0.4 * 0.5))


def test_bounds_that_hold_change_the_rate_and_a_free_rate_ignores_them():
    game = cournot(3, upper=2.0)  # everybody would like to sell 3
    x = np.full(3, 2.0)
    assert spectral_radius(linearised_map(game, x, "jacobi")) < 1e-12
    assert spectral_radius(linearised_map(game, x, "jacobi", free=True)) == pytest.approx(1.0)
    assert linear_rate(play_nearby(game, x, "jacobi")) is None  # back at rest after one sweep


def test_a_bound_without_force_is_reported():
    game = cournot(3, upper=3.0)
    assert diagnose_game(game, np.full(3, 3.0), measure=False).degenerate == ("firm 1", "firm 2", "firm 3")
    assert diagnose_game(cournot(3), np.full(3, 3.0), measure=False).degenerate == ()


def test_a_shared_row_that_holds_leaves_a_continuum():
    assert spectral_radius(linearised_map(budget_game(), np.array([0.75, 0.25]), "jacobi")) == pytest.approx(1.0)


def test_rates_of_made_up_histories():
    assert linear_rate(0.7 ** np.arange(40)) == pytest.approx(0.7)
    assert linear_rate(1e-6 * 3.0 ** np.arange(10)) == pytest.approx(3.0)
    assert linear_rate(np.append(0.1 ** np.arange(8), np.full(30, 1e-16))) == pytest.approx(0.1)
    assert linear_rate(0.7 ** np.arange(5)) is None
    assert linear_rate(np.full(20, np.nan)) is None


def test_what_a_derivative_says():
    rotation = np.array([[0.0, 1.0], [-1.0, 0.0]])
    found = diagnose_map(lambda x: rotation, [np.zeros(2)])
    assert found.is_monotone and not found.has_potential and found.smallest_eigenvalue == 0.0
    assert asymmetry(rotation) == 2.0
    assert any("not strongly" in hint for hint in found.hints())
    saddle = np.diag([2.0, -1.0])
    assert not diagnose_map(lambda x: saddle, [np.zeros(2)]).is_monotone
    along = diagnose_map(lambda x: saddle, [np.zeros(2)], equations=np.array([[0.0, 1.0]]))
    assert along.smallest_eigenvalue == pytest.approx(2.0)
    assert smallest_symmetric_eigenvalue(saddle, np.eye(2)) == np.inf
    upper_triangular = np.array([[1.0, 5.0], [0.0, 1.0]])  # a P-matrix that is not monotone
    found = diagnose_map(lambda x: upper_triangular, [np.zeros(2)])
    assert found.principal_minors_positive and not found.is_monotone
    for unit in (1e-10, 1.0, 1e8):  # in which F is measured
        flat = diagnose_map(lambda x, unit=unit: unit * np.outer([1.0, 0.1], [1.0, 0.1]), [np.zeros(2)])
        steep = diagnose_map(lambda x, unit=unit: unit * np.diag([2.0, 1.0]), [np.zeros(2)])
        turned = diagnose_map(lambda x, unit=unit: unit * saddle, [np.zeros(2)])
        assert flat.is_monotone and not flat.is_strongly_monotone
        assert steep.is_strongly_monotone and not turned.is_monotone
    with pytest.raises(DataError, match="finite at none"):
        diagnose_map(lambda x: np.full((2, 2), np.nan), [np.zeros(2)])


def test_a_derivative_is_judged_at_every_point():
    points = sample(np.array([-2.0]), np.array([np.inf]), np.array([1.0]))
    assert min(p[0] for p in points) < 0 < max(p[0] for p in points) <= 3.0
    found = diagnose_map(lambda x: np.array([[x[0]]]), points)
    assert not found.is_monotone and found.points == 21


def test_unknown_orders_are_refused():
    with pytest.raises(DataError, match=ORDERS[0]):
        linearised_map(cournot(2), np.full(2, 4.0), "backwards")
