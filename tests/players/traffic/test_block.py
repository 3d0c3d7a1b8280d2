"""The block that the monolith gets states the same equilibrium as best_response finds."""

import numpy as np
import pytest

from bestresponse.player import Anchor, Signal
from networks.paths import fuel_paths
from players.traffic import Traffic, VehicleClass
from tests.players.traffic.instances import road_of, sioux_falls, some_flows

RNG = np.random.default_rng(2)
PRICE = RNG.uniform(0.05, 1.2, 18)


def two_fuel_classes() -> Traffic:
    road = road_of([(1, 2), (2, 3), (1, 3)], [0.1, 0.1, 0.15], [0.15] * 3, power=4.0, capacity=2.0)
    paths = fuel_paths(road, [(1, 3), (2, 3)], [[(1, 2, 3), (1, 3)], [(2, 3)]])
    classes = [VehicleClass(f"FV {w:g}", w, paths, np.array([3.0, 1.0]), False) for w in (10.0, 30.0)]
    return Traffic(road, classes)


PLAYERS = {
    "one": lambda: sioux_falls(),
    "one, no v2g": lambda: sioux_falls(v2g=False),
    "two": lambda: sioux_falls((12.0, 60.0)),
    "three": lambda: sioux_falls((30.0, 12.0, 24.0), k=4),
    "fuel": two_fuel_classes,
}


def point_of(player, answer):
    block = player.block()
    return np.concatenate([answer.plan[name] for name in block.variables])


@pytest.mark.parametrize("anchored", [False, True])
@pytest.mark.parametrize("name", PLAYERS)
def test_response_and_duals_solve_the_block(name, anchored):
    player = PLAYERS[name]()
    block, price = player.block(), PRICE[: len(player.goods)]
    anchor = Anchor(np.full(len(price), 1e-3), np.full(len(price), 20.0)) if anchored else None
    answer = player.best_response(Signal(price, anchor=anchor))
    paid = price if anchor is None else price + anchor.price(answer.trade)
    x = point_of(player, answer)
    multipliers = np.concatenate([answer.duals[row] for row in block.equalities])
    slack = block.gradient(x, 0.0) + block.trade.T @ paid + block.A.T @ multipliers
    paths = np.arange(block.size) < block.variables["path_flow"]
    assert np.abs(np.minimum(x[paths], slack[paths])).max() <= 1e-8  # 0 ≤ flow ⊥ slack ≥ 0
    assert np.abs(slack[~paths]).max() <= 1e-9
    assert block.A @ x == pytest.approx(block.b, abs=1e-9)
    assert block.trade @ x + block.trade_offset == pytest.approx(answer.trade, abs=1e-9)
    assert block.cost(x) == pytest.approx(answer.cost, rel=1e-12)


@pytest.mark.parametrize("mu", [0.0, 1e-3])
@pytest.mark.parametrize("name", PLAYERS)
def test_jacobian_belongs_to_the_gradient(name, mu):
    player = PLAYERS[name]()
    block = player.block()
    flow = some_flows(player, np.random.default_rng(0))
    x = np.concatenate([flow, (player.form.use_by_resource @ flow)[: block.size - len(flow)]])
    step = 1e-5 * np.random.default_rng(1).normal(size=block.size)
    change = (block.gradient(x + step, mu) - block.gradient(x - step, mu)) / 2
    assert block.jacobian(x, mu) @ step == pytest.approx(change, rel=1e-6, abs=1e-10)


@pytest.mark.parametrize("name", ["one", "one, no v2g", "fuel"])
def test_with_one_electric_value_of_time_the_gradient_is_that_of_the_cost(name):
    player = PLAYERS[name]()
    block = player.block()
    flow = some_flows(player, np.random.default_rng(0))
    x = np.concatenate([flow, (player.form.use_by_resource @ flow)[: block.size - len(flow)] + 1.0])
    step = 1e-4 * np.random.default_rng(1).normal(size=block.size)
    assert block.gradient(x, 0.0) @ step == pytest.approx((block.cost(x + step) - block.cost(x - step)) / 2, rel=1e-6)
    jacobian = block.jacobian(x, 0.0).toarray()
    assert np.array_equal(jacobian, np.diag(np.diagonal(jacobian)))


def test_path_flows_are_separable_also_with_several_values_of_time():
    player = sioux_falls((12.0, 60.0), k=4)
    block = player.block()
    jacobian = block.jacobian(np.full(block.size, 5.0), 0.0).toarray()
    paths = block.separable
    assert paths.sum() == player.form.n_paths
    assert not jacobian[np.ix_(paths, paths)].any()
    assert jacobian[np.ix_(paths, ~paths)].any()  # the second class's own value of time


def test_labels_name_every_entry():
    player = sioux_falls(k=4)
    block = player.block()
    for name, length in {**block.variables, **block.equalities}.items():
        assert len(block.labels[name]) == length
    assert block.labels["demand"][0] == "EV1 24 1-13"
    assert any("(-)" in label for label in block.labels["path_flow"])
    assert block.labels["station"][0] == "station 6"


def test_iterates_with_negative_link_flows_have_finite_times():
    player = sioux_falls(k=4)
    block = player.block()
    x = np.full(block.size, -3.0)
    assert np.isfinite(block.gradient(x, 0.1)).all()
    assert np.isfinite(block.jacobian(x, 0.1).data).all()
