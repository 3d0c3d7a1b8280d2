"""A run that finds nothing says so where there is nothing to find, and only there."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from bestresponse.clearing import UNEXPLAINED, least_excess, why_nothing_clears
from bestresponse.coordinator import coordinate
from bestresponse.errors import FormulationError
from bestresponse.market import Market
from bestresponse.monolith import solve_monolith
from bestresponse.schemes.tatonnement import Tatonnement
from bestresponse.stopping import StopReason
from experiments.build import build
from experiments.case import case_from, load_case
from tests.bestresponse.test_monolith import Program, in_cvxpy
from tests.bestresponse.toys import Trader, bread_market, chain_market, market_of
from tests.experiments.test_random_cases import random_tables
from tests.players.traffic.instances import sioux_falls
from tests.players.traffic.test_columns import generated


def hungry(capacity=4.0, need=10.0):
    """Somebody who must have bread, and a baker who cannot bake that much."""
    buyer = Trader("buyer", {"bread": 1.0}, 1.0, lower=need, upper=need)
    return in_cvxpy(market_of([buyer, Trader("baker", {"bread": -1.0}, 1.0, lower=0.0, upper=capacity)]))


def test_what_is_missing_is_named_by_both_routes():
    market = hungry()
    assert least_excess(market) == pytest.approx([6.0])
    proof = "No prices clear this market: the plans that come nearest to it leave bread 6 unit short."
    swept, at_once = coordinate(market, np.zeros(1)), solve_monolith(market).equilibrium
    assert swept.stop.reason in (StopReason.DIVERGED, StopReason.STALLED, StopReason.OSCILLATING)
    assert at_once.stop.reason is StopReason.NOT_SOLVED
    for found in (swept, at_once):
        assert proof in str(found.stop)


def test_what_is_left_over_is_named():
    giver = Trader("giver", {"bread": -1.0}, 1.0, lower=8.0, upper=8.0)
    market = in_cvxpy(market_of([giver, Trader("eater", {"bread": 1.0}, 1.0, lower=0.0, upper=5.0)]))
    assert why_nothing_clears(market).endswith("leave bread 3 unit over.")


def test_goods_are_weighed_by_their_usual_quantity_and_few_are_named():
    traders = [
        Trader(f"{who} {good}", {good: sign}, 1.0, lower=amount, upper=amount)
        for good in "abcde"
        for who, sign, amount in (("needs", 1.0, 2.0 + ord(good) - ord("a")), ("gives", -1.0, 1.0))
    ]
    market = in_cvxpy(market_of(traders))
    assert why_nothing_clears(market).endswith("leave e 5 unit short, d 4 unit short, c 3 unit short, and 2 more.")
    goods = (replace(good, unit="kg", quantity_scale=0.1 if good.name == "a" else 1.0) for good in market.goods)
    assert "leave a 1 kg short, e 5 kg short" in why_nothing_clears(Market(tuple(goods), market.players))


@pytest.mark.parametrize("toy", [bread_market, chain_market, lambda: hungry(capacity=10.0)])
def test_markets_that_can_clear_are_not_called_impossible(toy):
    market = toy()
    market = market if isinstance(market.players[0], Program) else in_cvxpy(market)
    assert least_excess(market) == pytest.approx(np.zeros(market.n_goods), abs=1e-7)
    assert why_nothing_clears(market) == ""


def test_a_scheme_that_fails_on_a_market_with_a_solution_gives_no_proof():
    found = coordinate(in_cvxpy(bread_market()), np.zeros(1), scheme=Tatonnement(step=5.0))
    assert found.stop.reason in UNEXPLAINED and "No prices" not in str(found.stop)


def test_nothing_is_said_without_all_blocks_or_of_a_part_of_a_set(monkeypatch):
    assert least_excess(bread_market()) is None
    market = hungry()
    whole = type(market.players[0]).block
    monkeypatch.setattr(Program, "block", lambda self: replace(whole(self), is_whole=False))
    assert least_excess(market) is None
    assert "No prices" not in str(coordinate(market, np.zeros(1)).stop)


def test_a_block_that_fails_costs_nothing_that_was_computed(monkeypatch, caplog):
    def fails(self):
        raise FormulationError("no block today")

    market = hungry()
    monkeypatch.setattr(Program, "block", fails)
    with caplog.at_level(logging.WARNING):
        found = coordinate(market, np.zeros(1))
    assert found.responses and "no block today" in caplog.text


@pytest.mark.parametrize("v2g", [False, True])
def test_a_case_whose_vehicles_need_more_than_the_feeder_brings(v2g):
    market = build(case_from(random_tables(165), "random"), "only", v2g=v2g).market
    assert why_nothing_clears(market).startswith("No prices clear this market: the plans that come nearest to it leave")


@pytest.mark.parametrize("name", ["sioux_falls_ieee123", "paper_findings"])
@pytest.mark.parametrize("v2g", [False, True])
def test_reference_markets_can_clear(name, v2g):
    case = load_case(name)
    for scenario in case.scenarios:
        assert why_nothing_clears(build(case, scenario, v2g=v2g).market) == ""


def test_routes_not_found_yet_are_part_of_the_drivers_set():
    assert sioux_falls().block().is_whole and not generated().block().is_whole
