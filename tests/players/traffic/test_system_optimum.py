"""Drivers who heed what they cost one another: at given prices nobody could plan better for all together."""

import cvxpy as cp
import numpy as np
import pytest

from bestresponse.errors import DataError
from bestresponse.player import Anchor, Signal
from networks.paths import fuel_paths
from players.traffic import Traffic, VehicleClass
from tests.players.traffic.instances import plain_levels, road_of, sioux_falls, some_flows

PRICE = np.random.default_rng(11).uniform(0.05, 0.4, 18)


def total_cost(player: Traffic, path_flow: np.ndarray) -> float:
    """Σ v t + Σ x w + dwell, every hour at 24 $, degradation and payments, added up from road and station data."""
    links, visits, trades = plain_levels(player, path_flow)
    road, hours, money = player.road, 0.0, 0.0
    for link, ends in enumerate(zip(road.tail.tolist(), road.head.tolist(), strict=True)):
        flow = links.get(ends, 0.0)
        share = (flow / road.capacity_veh_per_h[link]) ** road.bpr_power[link]
        hours += flow * road.free_flow_h[link] * (1 + road.bpr_coefficient[link] * share)
    for arriving in visits.values():  # 20 vehicles an hour without a queue, ε = 1 veh, T = 1 h
        queue = arriving - 20.0
        hours += arriving * (1 / 30 + (max(queue, 0.0) ** 2 / 2 if queue < 1 else queue - 0.5) / 120)
    for good, price in zip(player.goods, PRICE, strict=True):
        hours += abs(trades[good]) / 120.0
        money += price * trades[good] + 0.05 * max(-trades[good], 0.0)
    return 24.0 * hours + money


@pytest.mark.parametrize("method", ["newton", "pairwise"])
def test_pigou_and_braess_have_their_known_optima(method):
    pigou = road_of([(1, 2), (1, 3), (3, 2)], [1e-9, 1.0, 0.0], [1e9, 0.0, 0.0])
    braess = {(1, 2): (1e-9, 10), (1, 3): (50, 1), (2, 4): (50, 1), (3, 4): (1e-9, 10), (2, 3): (10, 1)}
    constants, slopes = zip(*braess.values(), strict=True)
    bridge = road_of(list(braess), constants, np.array(slopes) / np.array(constants))
    for road, pair, routes, demand, flow, hours in (
        (pigou, (1, 2), [(1, 2), (1, 3, 2)], 1.0, [0.5, 0.5], 0.75),
        (bridge, (1, 4), [(1, 2, 4), (1, 3, 4), (1, 2, 3, 4)], 6.0, [3, 3, 0], 6 * 83),
    ):
        cars = VehicleClass("cars", 1.0, fuel_paths(road, [pair], [routes]), np.array([demand]), electric=False)
        player = Traffic(road, [cars], method=method, tolerance=1e-9, system_optimum=True)
        answer = player.best_response(Signal(np.zeros(0)))
        assert answer.plan["path_flow"] == pytest.approx(flow, abs=1e-6)
        assert answer.cost == pytest.approx(hours, rel=1e-7)
        assert player.report(answer, np.zeros(0)).travel_cost_usd_per_h == pytest.approx(hours, rel=1e-7)


@pytest.mark.parametrize("method", ["newton", "pairwise"])
def test_the_outlay_is_the_total_cost_and_no_plan_has_less(method):
    selfish, player = sioux_falls(), sioux_falls(system_optimum=True, method=method, tolerance=1e-9)
    answer = player.best_response(Signal(PRICE))
    assert player.last.state.levels[len(player.road.tail) :][:9].max() > 20.0  # somebody queues
    assert answer.outlay(PRICE) == pytest.approx(total_cost(player, answer.plan["path_flow"]), rel=1e-12)
    assert 0.0 <= answer.outlay(PRICE) - answer.bound <= 1e-8 * answer.cost
    others = [some_flows(player, np.random.default_rng(seed)) for seed in range(5)]
    others.append(selfish.best_response(Signal(PRICE)).plan["path_flow"])
    assert min(total_cost(player, flow) for flow in others) > answer.outlay(PRICE) + 1.0


def test_the_report_states_the_times_met_and_the_gap_of_the_costs_heeded():
    player = sioux_falls(system_optimum=True)
    answer = player.best_response(Signal(PRICE))
    report = player.report(answer, PRICE)
    paid = report.degradation_usd_per_h + PRICE @ answer.trade
    assert report.travel_cost_usd_per_h + paid == pytest.approx(answer.outlay(PRICE), rel=1e-10)
    assert report.wardrop_gap <= 1e-12


def test_clarabel_finds_no_better_plan():
    """One convex program of total hours, with an anchor."""
    player = sioux_falls(destinations=(13, 20), k=3, system_optimum=True)
    form, road, wait = player.form, player.road, player.form_as_met.stations.waiting
    anchor = Anchor(np.full(18, 5e-3), np.random.default_rng(3).uniform(-60, 60, 18))
    flow, inner, beyond = cp.Variable(form.n_paths, nonneg=True), cp.Variable(9, nonneg=True), cp.Variable(9)
    ratio, visits = (form.links.T / road.capacity_veh_per_h[:, None]) @ flow, form.visits.T @ flow
    full = road.free_flow_h * road.capacity_veh_per_h
    hours = full @ ratio + (full * road.bpr_coefficient) @ cp.power(ratio, 5)
    # x φ = (T x − N) φ + N φ: with s = T x − N = inner + beyond both are convex in s
    queued = (
        cp.power(inner, 3) / 2
        + cp.square(beyond)
        + beyond * 1.5
        + wait.capacity_veh[0] * (cp.square(inner) / 2 + beyond)
    )
    sold = form.trades.T @ flow
    pull = 0.5 * cp.sum(cp.multiply(anchor.weight, cp.square(sold - anchor.target)))
    member = (np.arange(len(form.first))[:, None] == form.group).astype(float)
    cost = 24.0 * (hours + wait.base_h @ visits + cp.sum(queued) / 120) + form.constant @ flow
    program = cp.Problem(
        cp.Minimize(cost + PRICE @ sold + pull),
        [member @ flow == form.demand, inner <= 1.0, beyond >= 0.0, visits - 20.0 <= inner + beyond],
    )
    program.solve(solver=cp.CLARABEL)
    answer = player.best_response(Signal(PRICE, anchor=anchor))
    assert answer.outlay(PRICE) + anchor.cost(answer.trade) == pytest.approx(program.value, rel=1e-7)


def test_several_electric_values_of_time_are_refused():
    with pytest.raises(DataError, match=r"one value of time; these have \[12.0, 60.0\]"):
        sioux_falls((12.0, 60.0), k=4, system_optimum=True)
