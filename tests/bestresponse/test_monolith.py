"""The second route: the same answers as the coordinator, honest about failure and about independence."""

import cvxpy as cp
import numpy as np
import pytest

import bestresponse.monolith as monolith
from bestresponse.certificate import certify
from bestresponse.complementarity.result import Status
from bestresponse.coordinator import coordinate
from bestresponse.errors import FormulationError
from bestresponse.monolith import solve_monolith
from bestresponse.stopping import StopReason, Tolerances
from players.convex_program import ConvexProgram, Formulation
from tests.bestresponse.toys import BREAD_PRICE, BREAD_TRADES, Trader, bread_market, chain_market, market_of
from tests.players.solved import solved


class Program(ConvexProgram):
    """A toy trader, stated in CVXPY."""

    def __init__(self, trader: Trader) -> None:
        super().__init__(trader.name, trader.goods)
        self.trader = trader

    def formulate(self):
        toy = self.trader
        x = cp.Variable(1, name="x", bounds=[toy.lower, toy.upper])
        return Formulation(
            cost=0.5 * toy.curvature * cp.sum_squares(x) + toy.slope * cp.sum(x),
            trade=cp.multiply(np.array(list(toy.direction.values())), x[0]),
            constraints={},
            scale={"x": 1.0},
        )


def in_cvxpy(market):
    return market_of([Program(toy) for toy in market])


def test_the_bread_market_clears_where_it_does_by_hand():
    market = in_cvxpy(bread_market())
    found = solve_monolith(market)
    assert found.mcp.status is Status.SOLVED and found.independent
    equilibrium = found.equilibrium
    assert equilibrium.stop.reason is StopReason.SOLVED and equilibrium.method == "monolith"
    assert equilibrium.price == pytest.approx([BREAD_PRICE], abs=1e-9)
    assert {name: r.trade[0] for name, r in equilibrium.responses.items()} == pytest.approx(BREAD_TRADES, abs=1e-8)
    assert certify(market, equilibrium.price, equilibrium.responses, Tolerances()).holds


@pytest.mark.parametrize("toy", [bread_market, chain_market])
def test_both_routes_agree_on_toys_stated_twice(toy):
    direct, stated = toy(), in_cvxpy(toy())
    by_hand = coordinate(direct, np.zeros(direct.n_goods))
    swept, at_once = coordinate(stated, np.zeros(stated.n_goods)), solve_monolith(stated).equilibrium
    for found in (swept, at_once):
        assert found.stop.reason.is_success, str(found.stop)
        for name, answer in found.responses.items():
            assert answer.trade == pytest.approx(by_hand.responses[name].trade, abs=1e-6)
    assert at_once.price == pytest.approx(swept.price, abs=1e-6)


class Gardener(ConvexProgram):
    """Needs six, grows some at a marginal cost of 2 x, and buys the rest: a trade with a constant."""

    def formulate(self):
        x = cp.Variable(1, name="grown", bounds=[0, 6])
        return Formulation(cp.sum_squares(x), 6 - x, {}, scale={"grown": 1.0})


def test_constants_in_trades_are_cleared_too():
    baker = Program(Trader("baker", {"bread": -1.0}, 1.0, 1.0, lower=0.0))
    market = market_of([Gardener("gardener", ["bread"]), baker])
    for found in (coordinate(market, np.zeros(1)), solve_monolith(market).equilibrium):
        assert found.price == pytest.approx([14 / 3], abs=1e-7)  # 6 − p/2 = p − 1
        assert found.responses["gardener"].trade == pytest.approx([11 / 3], abs=1e-7)


def test_it_asks_no_player_for_a_best_response(monkeypatch):
    market = in_cvxpy(bread_market())
    monkeypatch.setattr(Program, "best_response", lambda self, signal: pytest.fail("a best response was asked for"))
    assert solve_monolith(market).mcp.converged


@pytest.mark.parametrize("run", [("base", True), ("stress", False), ("stress", True), ("island", False)])
def test_both_routes_agree_on_the_teaching_case(run):
    model, swept = solved("teaching", *run)
    found = solve_monolith(model.market)
    assert found.mcp.converged and found.independent and found.mcp.residual <= 1e-10
    at_once = found.equilibrium
    assert certify(model.market, at_once.price, at_once.responses, Tolerances()).holds
    for name in ("North", "South"):
        for part in ("sales", "shed", "generation"):
            assert at_once.responses[name].plan[part] == pytest.approx(swept.responses[name].plan[part], abs=1e-2)
    for good in ("household[3]", "household[6]"):
        assert at_once.price_of(good) == pytest.approx(swept.price_of(good), rel=1e-4)


def test_a_player_without_a_block_is_refused_by_name():
    with pytest.raises(FormulationError, match="buyer states no block"):
        solve_monolith(bread_market())


class Loaf(ConvexProgram):
    """Must have ten."""

    def formulate(self):
        x = cp.Variable(1, name="eaten", nonneg=True)
        return Formulation(cp.sum_squares(x), x, {"hunger": x >= 10.0}, scale={"eaten": 1.0})


def test_demand_that_cannot_be_met_is_reported_with_the_rows():
    supplier = Program(Trader("supplier", {"bread": -1.0}, 1.0, 1.0, lower=0.0, upper=5.0))
    market = market_of([Loaf("eater", ["bread"]), supplier])
    found = solve_monolith(market)
    assert not found.mcp.converged
    assert found.mcp.status is Status.INFEASIBLE
    said = str(found.equilibrium.stop)
    assert not found.equilibrium.stop.reason.is_success
    assert "clearing of bread" in said and "eater: hunger[0]" in said
    assert not found.equilibrium.solved
    assert not certify(market, found.equilibrium.price, found.equilibrium.responses, Tolerances()).holds


def failing_cold(monkeypatch):
    """Make the cold start fail: the first call ends at its starting point, with a poor residual."""
    genuine, calls = monolith.solve_mcp, []

    def solve_mcp(problem, start=None, tolerance=1e-10, **more):
        calls.append(start)
        if start is None:
            return genuine(problem, tolerance=tolerance, **(more | {"time_limit": 1e-9}))
        return genuine(problem, start=start, tolerance=tolerance, **more)

    monkeypatch.setattr(monolith, "solve_mcp", solve_mcp)
    return calls


def test_where_the_cold_start_fails_the_fallback_is_used_and_said(monkeypatch):
    model, swept = solved("teaching", "stress", True)
    calls = failing_cold(monkeypatch)
    found = solve_monolith(model.market, fallback=swept)
    assert len(calls) == 2 and calls[0] is None
    assert found.mcp.converged and not found.independent
    assert certify(model.market, found.equilibrium.price, found.equilibrium.responses, Tolerances()).holds


def test_without_a_fallback_the_failure_stands(monkeypatch):
    model, _ = solved("teaching", "stress", True)
    failing_cold(monkeypatch)
    found = solve_monolith(model.market)
    assert not found.mcp.converged and found.independent
    assert not found.equilibrium.stop.reason.is_success
    assert "The worst rows are " in str(found.equilibrium.stop)


def test_a_cold_start_that_succeeds_ignores_the_fallback(monkeypatch):
    model, swept = solved("teaching", "base", True)
    genuine, starts = monolith.solve_mcp, []

    def solve_mcp(problem, start=None, **more):
        starts.append(start)
        return genuine(problem, start=start, **more)

    monkeypatch.setattr(monolith, "solve_mcp", solve_mcp)
    assert solve_monolith(model.market, fallback=swept).independent
    assert starts == [None]
