"""Logit stochastic user equilibrium: hand answers, the definition path by path, and its limits."""

import numpy as np
import pytest
from scipy.optimize import brentq

from bestresponse.checks.block import agrees_at, is_optimal
from bestresponse.player import Anchor, Signal
from networks.paths import fuel_paths
from players.traffic import LogitTraffic, VehicleClass
from players.traffic.logit_choice import LogitChoice
from tests.players.traffic.instances import (
    plain_levels,
    plain_path_cost,
    road_of,
    sioux_falls,
    some_flows,
    stacked_paths,
)

PRICE = np.random.default_rng(11).uniform(0.05, 0.4, 18)
NO_PRICES = Signal(np.zeros(0))


def two_roads(theta: float, coefficients: tuple[float, float], value_of_time: float = 1.0) -> LogitTraffic:
    """12 cars go by 1-2 in 1 + a v hours, or by 1-3-2 in 1.5 + 1.5 b v hours and none."""
    road = road_of([(1, 2), (1, 3), (3, 2)], [1.0, 1.5, 0.0], [*coefficients, 0.0])
    paths = fuel_paths(road, [(1, 2)], [[(1, 2), (1, 3, 2)]])
    return LogitTraffic(
        road, [VehicleClass("cars", value_of_time, paths, np.array([12.0]), electric=False)], theta=theta
    )


@pytest.mark.parametrize(("theta", "value_of_time"), [(0.5, 1.0), (4.0, 1.0), (0.1, 20.0)])
def test_two_roads_without_congestion_have_the_logit_shares(theta, value_of_time):
    player = two_roads(theta, (0.0, 0.0), value_of_time)
    answer = player.best_response(NO_PRICES)
    share = 1.0 / (1.0 + np.exp(-0.5 * value_of_time * theta))
    assert answer.plan["path_flow"] == pytest.approx([12 * share, 12 * (1 - share)], rel=1e-12)
    logsum = -np.log(np.exp(-theta * value_of_time) + np.exp(-1.5 * theta * value_of_time)) / theta
    assert answer.duals["demand"] == pytest.approx([logsum], rel=1e-12)
    assert answer.outlay(np.zeros(0)) == pytest.approx(12 * logsum, rel=1e-12)  # costs are constant


def test_two_roads_with_congestion_by_hand():
    player = two_roads(0.8, (0.1, 0.2))
    first = brentq(lambda v: v * (1 + np.exp(0.8 * ((1 + 0.1 * v) - 1.5 * (1 + 0.2 * (12 - v))))) - 12, 0, 12)
    answer = player.best_response(NO_PRICES)
    assert answer.plan["path_flow"] == pytest.approx([first, 12 - first], rel=1e-9)
    assert first > 6.1  # unlike the shares without congestion, 7.2


def logit_sioux_falls(theta: float, **options) -> LogitTraffic:
    plain = sioux_falls(**options)
    return LogitTraffic(plain.road, plain.form.classes, plain.form.stations, theta=theta)


def log_odds(player: LogitTraffic, theta: float, flow: np.ndarray) -> np.ndarray:
    """ln f + theta C of every path, costs added up one path at a time: the same for all paths of an OD pair."""
    links, visits, _ = plain_levels(player, flow)
    price = dict(zip(player.goods, PRICE, strict=True))
    cost = [sum(plain_path_cost(player, *each, links, visits, price)) for each in stacked_paths(player)]
    return np.log(flow) + theta * np.array(cost)


@pytest.mark.parametrize("theta", [0.3, 3.0])
def test_every_path_is_taken_as_its_own_cost_says(theta):
    player = logit_sioux_falls(theta, destinations=(13, 20), k=3)
    answer = player.best_response(Signal(PRICE))
    odds, first = log_odds(player, theta, answer.plan["path_flow"]), player.form.first
    assert np.maximum.reduceat(odds, first) == pytest.approx(np.minimum.reduceat(odds, first), abs=1e-8)
    assert len(np.unique(player.form.scale)) == 2  # fuel vehicles have another value of time
    other = np.append(answer.plan["path_flow"][:-1], 1.1 * answer.plan["path_flow"][-1])  # what a wrong flow looks like
    assert np.ptp(log_odds(player, theta, other)[first[-1] :]) > 0.05


def test_no_other_plan_is_better_and_the_bound_says_so():
    player = logit_sioux_falls(0.5)
    anchor = Anchor(np.full(18, 5e-3), np.random.default_rng(3).uniform(-60, 60, 18))
    answer = player.best_response(Signal(PRICE, anchor=anchor))
    own = answer.outlay(PRICE) + anchor.cost(answer.trade)
    assert 0.0 <= own - answer.bound + 1e-9 <= 2e-9
    form = player.form
    for seed in range(5):
        flow = 0.9 * answer.plan["path_flow"] + 0.1 * some_flows(player, np.random.default_rng(seed))
        link_flow, visits, trade = form.split(form.use_by_resource @ flow)
        cost = form.own_cost(flow, link_flow, visits) + LogitChoice(form, 0.5).entropy(flow)
        assert cost + PRICE @ trade + anchor.cost(trade) > own + 1e-3
        plan = {"path_flow": flow}
        assert player.gain(plan, PRICE) > 1e-3


def test_with_a_large_theta_it_is_the_user_equilibrium():
    plain = sioux_falls()
    exact = plain.best_response(Signal(PRICE))
    apart = []
    for theta in (10.0, 100.0, 1e3, 1e4):
        answer = logit_sioux_falls(theta).best_response(Signal(PRICE))
        apart.append(np.abs(answer.plan["link_flow"] - exact.plan["link_flow"]).max())
        gap = plain.gain(answer.plan, PRICE)  # what drivers could save who know all costs
        assert 0.0 < gap <= 7000.0 / theta
    assert apart[0] > 3 * apart[1] > 9 * apart[2] > 27 * apart[3] and apart[3] < 0.1


def test_it_starts_anew_from_what_it_remembers():
    one, other = logit_sioux_falls(5.0), logit_sioux_falls(5.0)
    answer = one.best_response(Signal(PRICE))
    other.recall(one.memory())
    again = [each.best_response(Signal(PRICE[::-1])) for each in (one, other)]
    assert np.array_equal(again[0].plan["path_flow"], again[1].plan["path_flow"])
    other.start_from(answer.plan["path_flow"])
    assert other.best_response(Signal(PRICE)).outlay(PRICE) == pytest.approx(answer.outlay(PRICE), rel=1e-10)


def test_a_block_of_another_theta_is_found_out():
    player, wrong = (logit_sioux_falls(theta, destinations=(13,), k=2) for theta in (2.0, 2.1))
    answer = player.best_response(Signal(PRICE))
    block = player.block()
    assert not [*agrees_at(block, answer, 1e-3), *is_optimal(block, PRICE, answer, 1e-3)]
    assert list(agrees_at(wrong.block(), answer, 1e-3))
