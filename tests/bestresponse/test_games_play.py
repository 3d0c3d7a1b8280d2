"""Games without a market: what playing best responses in some order comes to, and whom it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from bestresponse.acceleration import Anderson
from bestresponse.errors import DataError, FormulationError
from bestresponse.games import (
    ORDERS,
    Game,
    QuadraticCost,
    Rows,
    SmoothPlayer,
    play,
)
from bestresponse.games.game import PLAN
from bestresponse.player import Response
from bestresponse.stopping import Limits, StopReason
from tests.bestresponse.small_games import INF, cournot


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


def test_the_best_sweep_that_is_named_is_the_one_returned():
    """Moves get smaller by 3 % a sweep, never by a tenth at once."""
    crawl = play(cournot(3), np.array([1.0, 2.0, 3.0]), "damped", damping=0.02, limits=Limits(400, patience=9))
    best = int(np.argmin(crawl.moves))
    assert crawl.stop.reason is StopReason.STALLED and best > 0
    assert f"The best sweep was number {best + 1}, with {crawl.moves[best]:.1e}" in str(crawl.stop)


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
