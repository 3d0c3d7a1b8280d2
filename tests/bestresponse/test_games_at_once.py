"""Games without a market: normalised equilibria, all players at once, and the certificate of any answer."""

import cvxpy
import numpy as np
import pytest

from bestresponse.certificate import certify
from bestresponse.errors import DataError
from bestresponse.games import (
    Rows,
    certify_game,
    solve_game,
)
from bestresponse.games.certificate import common_multipliers
from bestresponse.market import Market
from bestresponse.stopping import Tolerances
from tests.bestresponse.small_games import budget_game, cournot, random_game


@pytest.mark.parametrize("seed", range(8))
def test_normalised_equilibria_solve_the_variational_inequality(seed):
    """Checked without multipliers: F(x)'(y − x) ≥ 0 over the whole set, by a linear program."""
    game = random_game(seed, shared_rows=2)
    solution = solve_game(game)
    assert solution.solved, solution.mcp.reason
    x, y = solution.x, cvxpy.Variable(7)
    rows = [p.rows for p in game.players] + [game.shared]
    inside = [r.G @ y <= r.h for r in rows] + [y >= game.lower, y <= game.upper]
    problem = cvxpy.Problem(cvxpy.Minimize(game.gradient(x) @ (y - x)), inside)
    assert problem.solve(solver=cvxpy.HIGHS) >= -1e-8
    assert game.violation(x) <= 1e-9


def test_weights_choose_among_the_generalised_equilibria():
    game = budget_game()
    for weight in (0.5, 1.0, 3.0):
        found = solve_game(game, weights={"a": weight})
        shadow = 1 / (1 / weight + 1)  # from 1 − λ/2w + ½ − λ/2 = 1
        assert found.solved
        assert found.x == pytest.approx([1 - shadow / (2 * weight), 0.5 - shadow / 2], abs=1e-9)
        assert found.shared == pytest.approx([shadow], abs=1e-9)
    with pytest.raises(DataError, match="players are a, b"):
        solve_game(game, weights={"c": 1.0})
    with pytest.raises(DataError, match="positive"):
        solve_game(game, weights={"a": -1.0})


def test_the_certificate_tells_generalised_from_normalised_equilibria():
    game = budget_game()
    normalised, other, none = np.array([0.75, 0.25]), np.array([0.6, 0.4]), np.array([0.3, 0.7])
    assert certify_game(game, normalised).is_normalised
    verdict = certify_game(game, other)
    assert verdict.holds and not verdict.is_normalised
    assert "no common multipliers" in str(verdict)
    verdict = certify_game(game, none)
    assert not verdict.holds and "b could gain" in str(verdict)
    assert common_multipliers(game, normalised)[0] == pytest.approx([0.5])
    assert common_multipliers(game, other)[1] > 0.1


def test_the_certificate_refuses_what_is_infeasible_or_no_number():
    game = budget_game()
    outside = certify_game(game, np.array([1.0, 0.5]))  # both would like to be there
    assert not outside.holds and outside.violation == pytest.approx(0.5)
    assert "violated" in str(outside) and "infeasible" in str(outside)
    assert not certify_game(game, np.array([np.nan, 0.2])).holds
    assert not certify_game(cournot(2), np.array([4.0, 4.01])).holds
    with pytest.raises(DataError, match="shape"):
        certify_game(game, np.zeros(3))


def test_the_markets_own_certificate_agrees_on_a_market_without_goods():
    game = cournot(2)
    market = Market((), game.players)
    at = np.array([4.0, 4.0])
    assert certify(market, np.zeros(0), game.responses(at), Tolerances()).holds
    wrong = certify(market, np.zeros(0), game.responses(np.array([4.0, 5.0])), Tolerances())
    assert not wrong.holds
    assert wrong.gains["firm 1"].absolute == pytest.approx(
        certify_game(game, np.array([4.0, 5])).gains["firm 1"].absolute
    )


def test_a_game_without_solution_says_so():
    impossible = cournot(2, upper=1.0, shared=Rows(-np.ones((1, 2)), np.array([-5.0]), ("at least five",)))
    found = solve_game(impossible)
    assert not found.solved and not found.certificate.holds
