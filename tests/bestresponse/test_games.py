"""Games without a market: best responses, dynamics, normalised equilibria and their certificate."""

from dataclasses import replace

import cvxpy
import numpy as np
import pytest

from bestresponse.acceleration import Anderson
from bestresponse.certificate import certify
from bestresponse.errors import DataError, FormulationError, SolverError
from bestresponse.games import (
    ORDERS,
    CournotCost,
    Game,
    IsoelasticDemand,
    Layout,
    LinearDemand,
    ProductionCost,
    QuadraticCost,
    Rows,
    SmoothPlayer,
    certify_game,
    play,
    solve_game,
)
from bestresponse.games.certificate import common_multipliers
from bestresponse.games.game import PLAN, SHARED
from bestresponse.games.minimise import minimise
from bestresponse.market import Market
from bestresponse.player import Response, Signal
from bestresponse.stopping import Limits, StopReason, Tolerances

INF = np.inf


def cournot(n, *, upper=INF, shared=None, player=SmoothPlayer):
    """n equal firms, price 13 − Q, unit cost 1: everybody sells 12 / (n + 1)."""
    layout = Layout({f"firm {i + 1}": 1 for i in range(n)})
    rows = shared or Rows.none(n)
    nothing, one = np.zeros(1), np.ones(1)
    production = ProductionCost(one, nothing, np.full(1, np.nan), one, nothing)
    players = [
        player(name, layout, CournotCost(at, LinearDemand(13, 1), production), nothing, one * upper, Rows.none(n), rows)
        for name, at in layout.places.items()
    ]
    return Game(tuple(players), rows)


def budget_game():
    """(x − 1)² and (y − ½)² with x + y ≤ 1."""
    layout, shared = Layout({"a": 1, "b": 1}), Rows(np.ones((1, 2)), np.ones(1), ("budget",))
    free = np.full(1, INF)
    players = [
        SmoothPlayer(
            name,
            layout,
            QuadraticCost(at, np.array([[2.0]]), np.zeros((1, 1)), np.array([b])),
            -free,
            free,
            Rows.none(2),
            shared,
        )
        for (name, at), b in zip(layout.places.items(), (-2.0, -1.0), strict=True)
    ]
    return Game(tuple(players), shared)


def random_game(seed, sizes=(2, 3, 2), shared_rows=1):
    """A strongly monotone quadratic game with own rows, shared rows and bounds."""
    rng = np.random.default_rng(seed)
    layout = Layout({f"player {i + 1}": size for i, size in enumerate(sizes)})
    n = layout.size
    M = rng.normal(size=(n, n))
    M = 0.3 * (M - M.T) + M @ M.T / n + 2 * np.eye(n)
    G = rng.normal(size=(shared_rows, n))
    shared = Rows(G, 0.1 * np.abs(rng.normal(size=shared_rows)))
    players = []
    for name, at in layout.places.items():
        size = at.stop - at.start
        block = 0.5 * (M[at, at] + M[at, at].T)
        others = np.delete(M[at], np.arange(at.start, at.stop), axis=1)
        cost = QuadraticCost(at, block, others, rng.normal(size=size) * 2)
        own = np.zeros((1, n))
        own[0, at] = 1.0
        rows = Rows(own, np.array([0.5]))
        players.append(SmoothPlayer(name, layout, cost, np.full(size, -1.0), np.full(size, 2.0), rows, shared))
    return Game(tuple(players), shared)


# best responses


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


# dynamics


@pytest.mark.parametrize("order", ORDERS)
def test_two_firms_come_to_rest_in_every_order(order):
    result = play(cournot(2), np.array([1.0, 7.0]), order)
    assert result.stop.reason is StopReason.CONVERGED and result.solved
    assert result.x == pytest.approx([4, 4], abs=1e-8)
    assert "No player wants to move" in str(result.stop)
    assert result.rate == pytest.approx({"jacobi": 0.5, "gauss_seidel": 0.25, "damped": 0.75}[order], rel=0.02)


def test_three_firms_cycle_and_four_run_away_as_theocharis_says():
    three = play(cournot(3), np.array([1.0, 2.0, 3.0]), "jacobi")
    four = play(cournot(4), np.array([1.0, 2.0, 3.0, 4.0]), "jacobi")
    for result in (three, four):
        assert result.stop.reason is StopReason.OSCILLATING
        assert not result.solved and not result.certificate.holds
    unbounded = Game(tuple(replace(p, lower=np.array([-INF])) for p in cournot(4).players), Rows.none(4))
    away = play(unbounded, np.array([1.0, 2.0, 3.0, 4.0]), "jacobi")
    assert away.stop.reason is StopReason.DIVERGED and not away.solved


@pytest.mark.parametrize("order", ["jacobi", "gauss_seidel"])
def test_anderson_makes_four_firms_come_to_rest(order):
    result = play(cournot(4), np.array([1.0, 2, 3, 4]), order, acceleration=Anderson(memory=5, relaxation=1.0))
    assert result.solved and len(result.trace) < 15
    assert result.x == pytest.approx([2.4] * 4, abs=1e-8)


def test_tiny_steps_are_not_taken_for_rest():
    crawl = play(cournot(3), np.array([1.0, 2.0, 3.0]), "damped", damping=1e-9, limits=Limits(400, patience=60))
    assert crawl.stop.reason is StopReason.STALLED and not crawl.solved
    assert crawl.moves[-1] > 0.1


def test_limits_are_kept_and_named():
    sweeps = play(cournot(2), np.array([1.0, 7.0]), "jacobi", limits=Limits(3, patience=50))
    seconds = play(cournot(2), np.array([1.0, 7.0]), "jacobi", limits=Limits(50, max_seconds=1e-9, patience=50))
    assert (sweeps.stop.reason, len(sweeps.trace)) == (StopReason.SWEEP_LIMIT, 3)
    assert (seconds.stop.reason, len(seconds.trace)) == (StopReason.TIME_LIMIT, 1)
    assert not sweeps.solved and not seconds.solved


class Silent(SmoothPlayer):
    """Answers with something that is not a number."""

    def answer(self, x):
        return replace(super().answer(x), plan={PLAN: np.array([np.nan])})


class Liar(SmoothPlayer):
    """Says that it is content with whatever it has played, here always one unit."""

    def best_response(self, signal):
        return Response(np.zeros(0), 0.0, {PLAN: np.ones(1)})


class Trespasser(SmoothPlayer):
    """Leaves its own set."""

    def best_response(self, signal):
        return Response(np.zeros(0), 0.0, {PLAN: np.array([-1.0])})


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", [Silent, Liar, Trespasser])
def test_planted_players_are_refused_a_certificate(kind, order):
    result = play(cournot(2, player=kind), np.ones(2), order, limits=Limits(60, patience=20))
    assert not result.solved
    assert result.certificate is None or not result.certificate.holds


def test_a_player_without_a_plan_ends_the_play():
    capped = cournot(3, shared=Rows(np.ones((1, 3)), np.array([5.0]), ("cap",)))
    result = play(capped, np.ones(3), "jacobi")  # everybody fills what the others left
    assert result.stop.reason is StopReason.PLAYER_FAILED and "no plan left" in str(result.stop)
    assert not result.solved


def test_bad_requests_are_refused():
    game = cournot(2)
    with pytest.raises(DataError, match="allowed: jacobi, gauss_seidel, damped"):
        play(game, np.ones(2), "random")
    with pytest.raises(DataError, match="between 0 and 1"):
        play(game, np.ones(2), "damped", damping=1.0)
    with pytest.raises(DataError, match="2 finite numbers"):
        play(game, np.array([1.0, np.nan]))
    with pytest.raises(FormulationError, match="columns"):
        SmoothPlayer("firm 1", game.layout, game.players[0].cost, np.zeros(1), np.ones(1), Rows.none(3), Rows.none(2))
    with pytest.raises(FormulationError, match="lower bound"):
        replace(game.players[0], lower=np.ones(1), upper=np.zeros(1))
    with pytest.raises(FormulationError, match="symmetric"):
        QuadraticCost(slice(0, 2), np.array([[1.0, 2], [0, 1]]), np.zeros((2, 0)), np.zeros(2))
    with pytest.raises(FormulationError, match="players are others"):
        Game(tuple(reversed(game.players)), Rows.none(2))


# all at once


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
