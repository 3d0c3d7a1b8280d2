"""Games without a market: best responses and the costs behind them."""

from dataclasses import replace

import cvxpy
import numpy as np
import pytest

from bestresponse.errors import FormulationError, SolverError
from bestresponse.games import (
    CournotCost,
    IsoelasticDemand,
    ProductionCost,
    QuadraticCost,
)
from bestresponse.games.game import PLAN, SHARED
from bestresponse.games.minimise import minimise
from bestresponse.player import Response, Signal
from tests.bestresponse.small_games import INF, cournot, random_game


@pytest.mark.parametrize("seed", range(12))
def test_best_responses_are_those_of_an_independent_solver(seed):
    game = random_game(seed)
    x = np.random.default_rng(100 + seed).uniform(-0.3, 0.3, game.layout.size)
    for player in game.players:
        at, cost = player.place, player.cost
        y = cvxpy.Variable(at.stop - at.start)
        joint = [x[: at.start], y, x[at.stop :]]
        rows = [
            sum(G[:, s] @ part for s, part in zip(slices(at, len(x)), joint, strict=True)) <= h
            for G, h in ((player.rows.G, player.rows.h), (player.shared.G, player.shared.h))
        ]
        others = np.delete(x, np.arange(at.start, at.stop))
        value = 0.5 * cvxpy.quad_form(y, cvxpy.psd_wrap(cost.A)) + (cost.B @ others + cost.b) @ y
        problem = cvxpy.Problem(cvxpy.Minimize(value), [*rows, y >= player.lower, y <= player.upper])
        problem.solve(solver=cvxpy.CLARABEL)
        if problem.status == "infeasible":
            with pytest.raises(SolverError, match=player.name):
                player.answer(x)
            continue
        answer = player.answer(x)
        assert answer.plan[PLAN] == pytest.approx(y.value, abs=1e-6)
        assert answer.cost == pytest.approx(problem.value, abs=1e-7)
        assert answer.cost <= problem.value + 1e-9


def slices(at, n):
    return slice(0, at.start), at, slice(at.stop, n)


def test_multipliers_of_a_best_response_make_it_stationary():
    game = random_game(3)
    x = np.zeros(7)
    for player in game.players:
        answer = player.answer(x)
        joint = x.copy()
        joint[player.place] = own = answer.plan[PLAN]
        force = player.cost.gradient(joint) + player.rows.G[:, player.place].T @ answer.duals["own rows"]
        force += player.shared.G[:, player.place].T @ answer.duals[SHARED]
        assert np.abs(np.clip(force, own - player.upper, own - player.lower)).max() < 1e-10


def test_a_price_taker_by_hand_on_an_interval():
    quadratic = lambda y: 2 * (y - 3)  # noqa: E731
    curvature = lambda y: np.array([[2.0]])  # noqa: E731

    def cheapest(low, high, rows=((), ())):
        G, h = np.array(rows[0], dtype=float).reshape(-1, 1), np.array(rows[1], dtype=float)
        return minimise("p", quadratic, curvature, (np.array([low]), np.array([high])), (G, h))

    assert cheapest(-INF, INF)[0] == pytest.approx([3])
    assert cheapest(-INF, 2.0)[0] == pytest.approx([2])
    assert cheapest(5.0, INF)[0] == pytest.approx([5])
    y, z = cheapest(-INF, INF, ([2.0, -1.0], [2.0, 7.0]))  # y ≤ 1 and y ≥ −7
    assert (y, z[0], z[1]) == (pytest.approx([1]), pytest.approx(2.0), 0.0)
    y, z = cheapest(-INF, INF, ([-2.0], [-10.0]))  # y ≥ 5
    assert (y, z) == (pytest.approx([5]), pytest.approx([2.0]))
    with pytest.raises(SolverError, match="no plan left"):
        cheapest(0.0, INF, ([1.0], [-1.0]))


def test_a_cost_that_falls_for_ever_or_is_no_number_is_an_error():
    bounds, rows = (np.array([0.0]), np.array([INF])), (np.zeros((0, 1)), np.zeros(0))
    with pytest.raises(SolverError, match="no minimum"):
        minimise("greedy", lambda y: -np.ones(1), lambda y: np.zeros((1, 1)), bounds, rows)
    with pytest.raises(SolverError, match="not a number"):
        minimise("odd", lambda y: np.full(1, np.nan), lambda y: np.ones((1, 1)), (bounds[0], np.ones(1)), rows)


def test_players_read_rivals_from_the_signal_and_have_no_memory():
    game = cournot(3)
    told = {"firm 2": Response(np.zeros(0), 0.0, {PLAN: np.array([4.0])})}
    player = game.players[0]
    with pytest.raises(FormulationError, match="lacks a plan of firm 3"):
        player.best_response(Signal(np.zeros(0), told))
    signal = Signal(np.zeros(0), told | {"firm 3": Response(np.zeros(0), 0.0, {PLAN: np.array([2.0])})})
    first = player.best_response(signal)
    assert first.plan[PLAN] == pytest.approx([(12 - 6) / 2])
    player.best_response(
        Signal(np.zeros(0), {n: replace(r, plan={PLAN: np.zeros(1)}) for n, r in signal.others.items()})
    )
    assert player.best_response(signal).plan[PLAN] == first.plan[PLAN]
    with pytest.raises(FormulationError, match="shape"):
        player.best_response(Signal(np.zeros(0), told | {"firm 3": Response(np.zeros(0), 0.0, {PLAN: np.ones(2)})}))


@pytest.mark.parametrize(
    "cost",
    [
        CournotCost(
            slice(1, 3),
            IsoelasticDemand(50, 1.3),
            ProductionCost(*np.array([[1.0, 2], [0.1, 0.3], [0.8, 1.4], [2.0, 3], [1, 0]])),
        ),
        QuadraticCost(slice(1, 3), np.array([[2.0, 0.5], [0.5, 1]]), np.array([[1.0, 2], [3, 4]]), np.ones(2), 7.0),
    ],
    ids=["cournot", "quadratic"],
)
def test_gradients_and_jacobians_are_derivatives(cost):
    x, h = np.array([1.3, 0.7, 2.1, 0.4]), 1e-6
    steps = h * np.eye(4)
    by_value = [(cost.value(x + s) - cost.value(x - s)) / (2 * h) for s in steps[cost.place]]
    by_gradient = np.array([(cost.gradient(x + s) - cost.gradient(x - s)) / (2 * h) for s in steps]).T
    assert cost.gradient(x) == pytest.approx(by_value, rel=1e-7)
    assert cost.jacobian(x) == pytest.approx(by_gradient, rel=1e-6, abs=1e-8)
