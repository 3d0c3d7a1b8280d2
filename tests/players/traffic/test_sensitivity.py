"""How the trades of drivers answer to prices, held against differences of answers."""

import numpy as np
import pytest

from bestresponse.checks.sensitivity import differentiates
from bestresponse.player import Anchor, Signal
from networks.paths import fuel_paths
from players.traffic import Traffic, VehicleClass
from tests.players.traffic.instances import road_of, sioux_falls, stations_at
from tests.players.traffic.test_columns import generated
from tests.players.traffic.test_elastic import elastic_sioux_falls
from tests.players.traffic.test_logit import logit_sioux_falls

RNG = np.random.default_rng(11)
PRICE, TARGET = RNG.uniform(0.2, 1.6, 18), RNG.uniform(-150, 150, 18)

DRIVERS = {
    "one value of time": lambda: sioux_falls(k=4),
    "two values of time": lambda: sioux_falls((12.0, 60.0), k=4),
    "without V2G": lambda: sioux_falls(k=4, v2g=False),
    "routes that are found": generated,
    "elastic demand": lambda: elastic_sioux_falls(0.7)[0],
    "logit choice": lambda: logit_sioux_falls(0.5, k=4),
    "system optimum": lambda: sioux_falls(k=4, system_optimum=True),
}


def signal_of(player, weight):
    n = len(player.goods)
    price = PRICE if n == len(PRICE) else PRICE[:n] / 4  # where all stations are dear, buyers have one choice only
    return Signal(price, anchor=Anchor(np.full(n, weight), TARGET[:n]))


def differences(player, signal, found, seed=0):
    """Every way in which the matrix is not the derivative of the answers."""
    one = np.ones(len(player.goods))

    def trade(price):
        return player.best_response(Signal(price, anchor=signal.anchor)).trade

    return list(differentiates(found, trade, signal.price, one, one, np.random.default_rng(seed)))


@pytest.mark.parametrize("weight", [1e-5, 1e-3, 1.0], ids=["weak", "usual", "strong"])
@pytest.mark.parametrize("kind", DRIVERS)
def test_it_is_the_derivative_of_the_answers(kind, weight):
    player = DRIVERS[kind]()
    signal = signal_of(player, weight)
    found = player.sensitivity(signal)
    assert not differences(player, signal, found)
    assert np.abs(found).max() > 0.1 / (weight + 1e-3)
    for wrong in (-found, 2 * found, 0 * found):
        assert differences(player, signal, wrong)


def test_it_is_that_of_the_signal_and_not_of_the_last_answer():
    player = sioux_falls(k=4)
    signal = signal_of(player, 1e-3)
    fresh = player.sensitivity(signal)
    player.best_response(Signal(0.25 * PRICE))
    assert player.sensitivity(signal) == pytest.approx(fresh, rel=1e-6, abs=1e-6 * np.abs(fresh).max())


@pytest.mark.parametrize("kind", DRIVERS)
def test_only_with_several_values_of_time_it_is_not_symmetric(kind):
    player = DRIVERS[kind]()
    signal = signal_of(player, 1e-5)
    found = player.sensitivity(signal)
    lopsided = np.abs(found - found.T).max() / np.abs(found).max()
    if player.minimises:
        assert lopsided < 1e-6
        assert np.linalg.eigvalsh((found + found.T) / 2).max() <= 1e-6 * np.abs(found).max()
    else:
        assert lopsided > 0.01
        assert differences(player, signal, found.T)


def test_where_nobody_has_a_choice_nothing_answers_to_prices():
    road = road_of([(1, 2), (2, 3)], [0.1, 0.2], [0.5, 0.5])
    cars = VehicleClass("cars", 24.0, fuel_paths(road, [(1, 3)], [[(1, 2, 3)]], (2,)), np.array([5.0]), electric=False)
    player = Traffic(road, [cars], stations_at((2,)))
    assert np.array_equal(player.sensitivity(signal_of(player, 1e-3)), np.zeros((2, 2)))
