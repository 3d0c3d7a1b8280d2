"""The market's sign rule and its validation."""

import numpy as np
import pytest

from bestresponse.errors import FormulationError
from bestresponse.market import Good, Market
from tests.bestresponse.toys import (
    BREAD_PRICE,
    BREAD_TRADES,
    Trader,
    bread_market,
    chain_market,
    market_of,
)


def test_trades_at_the_clearing_price_sum_to_zero():
    market = bread_market()
    price = np.array([BREAD_PRICE])
    responses = {player.name: player.best_response(market.signal(player, price)) for player in market}
    assert {name: response.trade[0] for name, response in responses.items()} == pytest.approx(BREAD_TRADES)
    assert market.excess_demand(responses) == pytest.approx([0.0])


def test_excess_demand_is_positive_below_the_clearing_price():
    market = bread_market()
    responses = {p.name: p.best_response(market.signal(p, np.array([BREAD_PRICE - 0.4]))) for p in market}
    assert market.excess_demand(responses)[0] > 0


def test_imbalance_is_relative_to_the_largest_trade_but_at_least_one_unit():
    market = market_of([Trader("a", {"x": 1.0, "y": 1.0}, 1.0), Trader("b", {"x": -1.0, "y": -0.01}, 1.0)])
    responses = {"a": market.players[0].respond(4.0), "b": market.players[1].respond(3.0)}
    assert market.imbalance(responses) == pytest.approx([1 / 4, 3.97 / 4])
    small = {"a": market.players[0].respond(0.1), "b": market.players[1].respond(0.0)}
    assert market.imbalance(small) == pytest.approx([0.1, 0.1])


def test_signals_are_in_the_players_own_order():
    market = chain_market()
    baker = market.players[2]
    assert market.signal(baker, np.array([1.0, 2.0, 3.0])).price == pytest.approx([2.0, 3.0])


@pytest.mark.parametrize(
    ("goods", "players", "message"),
    [
        (("x", "x"), (), "'x' is named more than once"),
        (("x",), (Trader("a", {"x": 1.0}, 1.0),), "'x' has 1 trader"),
        (("x",), (Trader("a", {"x": 1.0}, 1.0), Trader("a", {"x": 1.0}, 1.0)), "players: 'a' is named more than once"),
        (("x",), (Trader("a", {"x": 1.0}, 1.0), Trader("b", {"z": 1.0}, 1.0)), "b trades 'z', which is no good"),
        (("x | y",), (), "goods: 'x . y': only names of printable characters without ' . ' can be told in tables"),
        ((), (Trader("a\rb", {}, 1.0),), r"players: 'a\\rb': only names of printable characters"),
    ],
)
def test_a_market_that_cannot_work_is_refused_by_name(goods, players, message):
    with pytest.raises(FormulationError, match=message):
        Market(tuple(Good(name, "f") for name in goods), players)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_scales_must_be_positive_numbers(scale):
    with pytest.raises(FormulationError, match="positive"):
        Good("x", "f", quantity_scale=scale)
