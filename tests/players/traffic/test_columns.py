"""Routes found as they become the cheapest: one answer with all routes enumerated, whatever was found before."""

from dataclasses import replace

import numpy as np
import pytest

from bestresponse.errors import DataError
from bestresponse.player import Anchor, Signal
from networks.path_set import Stop
from networks.trips import StopCosts, TripSearch
from players.traffic import Traffic, VehicleClass, columns
from players.traffic.block import describe
from tests.players.traffic.instances import CAR, NODES, plain_levels, plain_path_cost, sioux_falls, stations_at

DESTINATIONS = (13, 20, 22)
ALL_THAT_MATTER = 40  # base routes


def generated(values_of_time=(24.0,), v2g=True, **options) -> Traffic:
    """The district of `sioux_falls` with routes that are found, from the fastest trips on."""
    known = sioux_falls(values_of_time, DESTINATIONS, 1, v2g)
    hours = StopCosts(*[np.zeros(len(NODES))] * 4)
    classes, searches = [], []
    for each in known.form.classes:
        vehicle = CAR if each.electric else None
        search = TripSearch(known.road, each.paths.od_pairs, NODES, vehicle, v2g)
        paths = search.path_set(search.cheapest(known.road.free_flow_h, hours))
        classes.append(VehicleClass(each.name, each.value_of_time, paths, each.demand, each.electric, each.degradation))
        searches.append(search)
    return Traffic(known.road, classes, stations_at(NODES), v2g=v2g, searches=searches, **options)


def n_found(player: Traffic) -> int:
    """The number of all paths found, those dropped included."""
    return player.block().variables["path_flow"]


def signals(n_goods: int, seed: int, draws: int):
    rng = np.random.default_rng(seed)
    for turn in range(draws):
        price = rng.uniform(0.05, 0.4, n_goods)
        weights = np.full(n_goods, 1e-3 * rng.uniform(0.3, 3.0))
        yield Signal(price, anchor=Anchor(weights, rng.normal(0.0, 40.0, n_goods)) if turn % 2 else None)


def total(answer, signal) -> float:
    return answer.outlay(signal.price) + (signal.anchor.cost(answer.trade) if signal.anchor else 0.0)


@pytest.mark.parametrize("v2g", [True, False])
def test_answers_are_those_over_all_routes_with_far_fewer_paths(v2g):
    found, given = generated(v2g=v2g), sioux_falls(destinations=DESTINATIONS, k=ALL_THAT_MATTER, v2g=v2g)
    few = sioux_falls(destinations=DESTINATIONS, k=1, v2g=v2g)
    dearer = 0
    for signal in signals(len(found.goods), 1, 6):
        answer, expected = found.best_response(signal), given.best_response(signal)
        assert total(answer, signal) == pytest.approx(total(expected, signal), rel=1e-9)
        assert answer.plan["link_flow"] == pytest.approx(expected.plan["link_flow"], abs=1e-3)
        assert answer.duals["demand"] == pytest.approx(expected.duals["demand"], rel=1e-6)
        assert total(answer, signal) - 1e-6 <= answer.bound <= total(answer, signal)
        dearer += total(few.best_response(signal), signal) > total(answer, signal) + 0.01
    assert dearer  # one route a pair is not all that matters
    assert found.form.n_paths < given.form.n_paths / 10


def test_classes_of_several_values_of_time_are_in_equilibrium_over_all_routes():
    found, given = generated((12.0, 60.0)), sioux_falls((12.0, 60.0), DESTINATIONS, ALL_THAT_MATTER)
    for signal in signals(len(found.goods), 2, 3):
        answer = found.best_response(signal)
        assert found.last.state.gap <= 1e-9
        if signal.anchor is None:
            assert found.gain(answer.plan, signal.price) <= 1e-6
        assert given.best_response(signal).duals["demand"] == pytest.approx(answer.duals["demand"], rel=1e-6)


def test_gain_counts_routes_that_are_not_in_use():
    stuck, free = generated((12.0, 60.0)), generated((12.0, 60.0))
    signal = next(signals(len(free.goods), 3, 1))
    answer = free.best_response(signal)
    first = stuck.form.demand  # everybody on the only path there is
    plan = {"path_flow": first, "link_flow": np.zeros(76), "visits": np.zeros(9)}
    assert n_found(stuck) == len(first) < n_found(free)
    assert stuck.gain(plan, signal.price) > 1.0
    assert free.gain(answer.plan, signal.price) <= 1e-6


def test_every_path_costs_what_a_plain_recomputation_says_and_none_in_use_more_than_the_cheapest():
    player = generated()
    price = np.linspace(0.1, 0.4, len(player.goods))
    answer = player.best_response(Signal(price))
    flow, by_name = player.path_flow(answer.plan), dict(zip(player.goods, price.tolist(), strict=True))
    links, visits, trades = plain_levels(player, flow)
    assert [trades[good] for good in player.goods] == pytest.approx(answer.trade, abs=1e-9)
    paths = [(each, path) for each in player.form.classes for path in each.paths.paths]
    for (vehicles, path), group, amount in zip(paths, player.form.group, flow, strict=True):
        cost = sum(plain_path_cost(player, vehicles, path, links, visits, by_name))
        scaled = cost * (1.0 if vehicles.electric else 24.0 / 18.0)
        assert scaled >= answer.duals["demand"][group] - 1e-9
        assert amount <= 1e-9 or scaled == pytest.approx(answer.duals["demand"][group], abs=1e-6)


def test_paths_long_without_flow_are_dropped_and_keep_their_numbers(monkeypatch):
    monkeypatch.setattr(columns, "IDLE_ANSWERS", 1)
    player, keeping = generated(), generated()
    asked = list(signals(len(player.goods), 4, 12))
    names: tuple[str, ...] = ()
    for signal in asked:
        answer = player.best_response(signal)
        names_now = player.block().labels["path_flow"]
        assert names_now[: len(names)] == names and len(set(names_now)) == len(names_now)
        names = names_now
        assert total(answer, signal) == pytest.approx(total(keeping.best_response(signal), signal), rel=1e-9)
    assert player.form.n_paths < n_found(player)
    old = player.best_response(asked[0])  # at last again what was dropped
    assert total(old, asked[0]) == pytest.approx(total(generated().best_response(asked[0]), asked[0]), rel=1e-9)


def test_a_plan_made_before_more_paths_were_found_is_still_understood():
    player = generated()
    first, *others = signals(len(player.goods), 5, 6)
    answer = player.best_response(first)
    gain = player.gain(answer.plan, first.price)
    for signal in others:
        player.best_response(signal)
    assert len(answer.plan["path_flow"]) < n_found(player)
    assert player.violation(answer.plan) <= 1e-9
    assert player.gain(answer.plan, first.price) == pytest.approx(gain, abs=1e-6)
    assert player.violation(answer.plan | {"path_flow": 1.1 * answer.plan["path_flow"]}) == pytest.approx(0.1, rel=0.2)


def test_a_player_that_recalls_answers_bit_for_bit_the_same():
    one, other = generated((12.0, 60.0)), generated((12.0, 60.0))
    *before, last = signals(len(one.goods), 6, 5)
    for signal in before:
        one.best_response(signal)
    other.recall(one.memory())
    assert n_found(other) == n_found(one)
    mine, theirs = one.best_response(last), other.best_response(last)
    assert np.array_equal(mine.trade, theirs.trade) and np.array_equal(mine.plan["path_flow"], theirs.plan["path_flow"])
    assert mine.bound == theirs.bound


def test_the_block_holds_all_paths_found_in_the_order_of_their_numbers():
    player = generated((12.0, 60.0))
    for signal in signals(len(player.goods), 7, 4):
        answer = player.best_response(signal)
    block = player.block()
    assert block.variables["path_flow"] == n_found(player)
    x = np.concatenate([answer.plan[name] for name in block.variables])
    assert block.trade @ x == pytest.approx(answer.trade, abs=1e-8)
    assert block.A @ x == pytest.approx(block.b, abs=1e-8)
    assert block.cost(x) == pytest.approx(answer.cost, rel=1e-12)
    marginal = signal.price + signal.anchor.price(answer.trade)
    duals = np.concatenate([answer.duals[name] for name in block.equalities])
    reduced = block.gradient(x, 0.0) + block.trade.T @ marginal + block.A.T @ duals
    assert np.abs(np.minimum(x, reduced)[: n_found(player)]).max() < 1e-6


def test_a_stop_is_marked_where_it_is_made():
    path = generated().form.classes[0].paths.paths[0]
    again = replace(path, nodes=(3, 12, 13, 12, 3, 4), stops=(Stop(13, True, 1.0), Stop(12, False, 1.0)))
    assert describe(again) == "3-12-13(+)-12(-)-3-4"


def test_every_class_needs_a_search():
    player = generated()
    with pytest.raises(DataError, match="1 searches for 2 classes"):
        Traffic(player.road, player.form.classes, player.form.stations, searches=[TripSearch(player.road, [(1, 13)])])
