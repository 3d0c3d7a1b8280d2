"""Residual balancing: by how much σ changes, and when it does not."""

from types import SimpleNamespace

import numpy as np
import pytest

from bestresponse.balancing import Balancer, Balancing
from bestresponse.coordinator import coordinate
from bestresponse.stopping import Measures
from tests.bestresponse.toys import bread_market

CALM = Measures(np.zeros(1), np.zeros(1))


def factors(ratios, **settings):
    """What is done to σ at sweeps 1, 2, … where trades lag behind prices by these ratios."""
    market = bread_market()
    found = coordinate(market, np.zeros(1))
    trades = market.largest_trade(found.responses) / market.quantity_scale
    balancer, changes = Balancer(Balancing(**{"every": 1, **settings}), market), []
    for number, ratio in enumerate(ratios, 1):
        lag = found.price / market.price_scale / ratio
        sweep = SimpleNamespace(
            responses=found.responses,
            price=found.price,
            disagreement=lambda market, lag=lag: lag * market.price_scale,
        )
        changes.append(balancer.factor(number, sweep, CALM, trades * market.quantity_scale))
    return changes


def test_sigma_grows_where_trades_lag_and_shrinks_where_prices_do_within_the_clip():
    assert factors([3.0]) == pytest.approx([3.0])
    assert factors([1 / 3.0]) == pytest.approx([1 / 3.0])
    assert factors([100.0, 100.0, 100.0], clip=4.0) == pytest.approx([4.0, 4.0, 4.0])
    assert factors([1.9, 0.6], band=2.0) == [1.0, 1.0]


def test_every_turn_halves_the_changes_from_then_on():
    swings = factors([16.0, 1 / 16.0, 16.0, 1.0, 16.0, 1 / 16.0], clip=16.0)
    assert np.log2(swings) == pytest.approx([4.0, -2.0, 1.0, 0.0, 1.0, -0.5])


def test_a_swing_dies_out():
    swings = np.log(factors([9.0, 1 / 9.0] * 100))
    assert np.abs(swings).sum() < 2 * np.log(5.0) + 1e-9
    assert np.abs(swings[-1]) < 1e-12


def test_there_is_a_time_for_changes():
    assert factors([3.0] * 6, every=2, until=4) == pytest.approx([1.0, 3.0, 1.0, 3.0, 1.0, 1.0])
    assert factors([3.0] * 3, every=0) == [1.0] * 3
