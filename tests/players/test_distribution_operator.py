"""The distribution operator on a line of three buses, by hand; and what holds on every feeder."""

import dataclasses

import numpy as np
import pytest

from bestresponse.errors import DataError
from bestresponse.player import Signal
from networks.errors import NetworkDataError
from networks.feeder import Feeder, load_feeder
from networks.lindistflow import solve_voltages
from players.distribution_operator import DistributionOperator
from players.grid_terms import ImportContract, VoltageLimits
from tests.players.solved import prices_near, solved

WHOLESALE = 0.06
IN_THE_CIRCLE = np.cos(np.pi / 12)  # of the rating, where the polygon's side is crossed at right angles
WIDE = VoltageLimits(1.0, 0.5, 1.5)


def three_buses(rates=(np.inf, np.inf), r=(0.02, 0.03), x=(0.0, 0.0)):
    """root - A - B, without reactive load; per unit on 1000 kVA."""
    zero = np.zeros(3)
    return Feeder(
        name="three",
        buses=("root", "A", "B"),
        root=0,
        base_kv=10.0,
        base_kva=1000.0,
        p_kw=zero,
        q_kvar=zero,
        cap_kvar=zero,
        line_names=("root-A", "A-B"),
        line_from=np.array([0, 1]),
        line_to=np.array([1, 2]),
        r_pu=np.array(r),
        x_pu=np.array(x),
        rate_kva=np.array(rates),
        tap_ratio=np.ones(2),
    )


def operator(feeder, buses, limits=WIDE, p_max=5000.0, support=None, solver="persistent"):
    contract = ImportContract(WHOLESALE, p_max, -500.0, 500.0)
    reactive = np.zeros(feeder.n_buses) if support is None else np.array(support)
    return DistributionOperator(feeder, buses, contract, limits, reactive, solver=solver)


def ask(player, *price):
    found = player.best_response(Signal(np.array(price)))
    return found, player.nodal_price(found.duals, price[-1])


def parts(player, found, import_price):
    return np.array([dataclasses.astuple(each) for each in player.price_parts(found.duals, import_price)])


@pytest.mark.parametrize("solver", ["persistent", "cvxpy"])
def test_a_line_limit_separates_the_nodal_prices_by_its_multiplier(solver):
    player = operator(three_buses(rates=(300.0, 100.0)), ["B"], solver=solver)
    found, dlmp = ask(player, 0.4, 0.1)  # λ_B, τ
    flow = IN_THE_CIRCLE * 100.0
    assert found.trade == pytest.approx([-flow, -flow], rel=1e-6)
    assert found.plan["P"] == pytest.approx([flow, flow], rel=1e-6)
    assert found.cost == pytest.approx(WHOLESALE * flow, rel=1e-6)
    # Before the limit energy costs the wholesale price, behind it what is paid there, τ + λ.
    assert dlmp == pytest.approx([WHOLESALE, WHOLESALE, 0.5], abs=1e-6)
    pull = found.duals["line_limit"].reshape(12, 2) * np.cos(2 * np.pi * np.arange(12) / 12)[:, None]
    assert pull.sum(axis=0) == pytest.approx([dlmp[1] - dlmp[0], dlmp[2] - dlmp[1]], abs=1e-6)
    assert parts(player, found, 0.1) == pytest.approx(
        np.array([[WHOLESALE, 0, 0, 0], [WHOLESALE, 0, 0, 0], [WHOLESALE, 0.5 - WHOLESALE, 0, 0]]), abs=1e-6
    )


def test_two_line_limits_share_a_feeder():
    player = operator(three_buses(rates=(300.0, 100.0)), ["root", "A", "B"], p_max=600.0)
    found, _ = ask(player, 0.0, 0.1, 0.4, 0.1)
    first, second = 300.0 * IN_THE_CIRCLE, 100.0 * IN_THE_CIRCLE
    assert -found.trade == pytest.approx([600 - first, first - second, second, 600])  # all imported: τ + λ_root > c
    found, _ = ask(player, 0.0, 0.1, 0.4, 0.01)
    assert -found.trade == pytest.approx([-first, first - second, second, 0])  # nothing imported: τ + λ_root < c


@pytest.mark.parametrize("solver", ["persistent", "cvxpy"])
def test_a_voltage_limit_prices_every_bus_by_the_resistance_on_its_way(solver):
    player = operator(three_buses(r=(0.02, 0.03)), ["B"], VoltageLimits(1.0, 0.95, 1.05), solver=solver)
    found, dlmp = ask(player, 0.4, 0.1)
    flow = (1 - 0.95**2) / (2 * 0.05) * 1000
    assert found.trade == pytest.approx([-flow, -flow], rel=1e-6)
    assert found.plan["u"] == pytest.approx([1.0, 1 - 2 * 0.02 * flow / 1000, 0.95**2], rel=1e-6)
    assert dlmp == pytest.approx([WHOLESALE, WHOLESALE + (0.5 - WHOLESALE) * 0.02 / 0.05, 0.5], abs=1e-6)
    drop = [0, (0.5 - WHOLESALE) * 0.02 / 0.05, 0.5 - WHOLESALE]
    assert parts(player, found, 0.1) == pytest.approx(np.array([[WHOLESALE, 0, d, 0] for d in drop]), abs=1e-6)


def test_an_upper_voltage_limit_holds_injections_back():
    player = operator(three_buses(r=(0.02, 0.03)), ["root", "B"], VoltageLimits(1.0, 0.95, 1.05))
    found, _ = ask(player, 0.0, -0.3, 0.0)  # taking from B to the root pays 0.3
    flow = (1.05**2 - 1) / (2 * 0.05) * 1000
    assert -found.trade == pytest.approx([flow, -flow, 0.0])


def test_reactive_support_lifts_the_voltage_and_lets_more_through():
    feeder, limits = three_buses(r=(0.02, 0.03), x=(0.04, 0.01)), VoltageLimits(1.0, 0.95, 1.05)
    found, _ = ask(operator(feeder, ["B"], limits, support=[0.0, 0.0, 200.0]), 0.4, 0.1)
    flow = ((1 - 0.95**2) / 2 * 1000 + 0.05 * 200) / 0.05
    assert -found.trade == pytest.approx([flow, flow])
    assert found.plan["Q"] == pytest.approx([-200, -200])
    assert found.plan["q_import"] == pytest.approx([-200])


def test_reactive_load_uses_up_a_lines_rating():
    feeder = three_buses(rates=(np.inf, 100.0))
    object.__setattr__(feeder, "q_kvar", np.array([0.0, 0.0, 60.0]))
    found, _ = ask(operator(feeder, ["B"]), 0.4, 0.1)
    # P cos θ + Q sin θ ≤ S cos 15° at θ = 30°, the side that Q = 60 meets (at θ = 0 P could be 96.6)
    flow = (IN_THE_CIRCLE * 100 - 60 * 0.5) / np.cos(np.pi / 6)
    assert -found.trade == pytest.approx([flow, flow])
    assert flow**2 + 60**2 <= 100**2


def test_imports_stop_at_the_contract():
    found, _ = ask(operator(three_buses(), ["A"], p_max=700.0), 0.2, 0.1)
    assert -found.trade == pytest.approx([700, 700])
    found, _ = ask(operator(three_buses(), ["A"], p_max=700.0), -0.1, 0.1)
    assert -found.trade == pytest.approx([0, 0])


RUNS = [("teaching", "stress", True), ("teaching", "island", True), ("sioux_falls_ieee123", "stress", True)]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: "-".join(run[:2]))
def test_a_constant_moved_from_the_hub_price_to_all_deliveries_changes_nothing(run):
    model, found = solved(*run)
    player = model.player("dso")
    for price in prices_near(model, found, "DSO", seed=1, draws=2):
        moved = price + 0.37
        moved[-1] = price[-1] - 0.37
        one, other = (player.best_response(Signal(p)) for p in (price, moved))
        assert one.outlay(price) == pytest.approx(other.outlay(moved), rel=1e-9, abs=1e-6)
        assert one.outlay(moved) == pytest.approx(one.outlay(price), rel=1e-9, abs=1e-6)
        before, after = (player.nodal_price(a.duals, p[-1]) for a, p in ((one, price), (other, moved)))
        trading = [player.feeder.bus_index(bus) for bus in player.delivery_buses]
        rooted = [n for n in trading if player.feeder.connected_to_root[n]]
        assert before[rooted] == pytest.approx(after[rooted], abs=1e-7)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: "-".join(run[:2]))
def test_flows_and_voltages_are_those_of_the_network(run):
    model, found = solved(*run)
    player, feeder = model.player("dso"), model.feeder
    for price in prices_near(model, found, "DSO", seed=2, draws=2):
        answer = player.best_response(Signal(price))
        delivered = np.zeros(feeder.n_buses)
        for bus, kw in zip(player.delivery_buses, -answer.trade[:-1], strict=True):
            delivered[feeder.bus_index(bus)] += kw
        for part in np.unique(feeder.component):
            here = feeder.component == part
            supply = -answer.trade[-1] if here[feeder.root] else 0.0
            assert delivered[here].sum() == pytest.approx(supply, abs=1e-6)
        assert 0 <= -answer.trade[-1] <= player.contract.p_max_kw + 1e-6
        support = np.zeros(feeder.n_buses)
        support[player.reactive_support_kvar > 0] = answer.plan["q_support"]
        u, P, Q = solve_voltages(
            feeder, -delivered, support + feeder.cap_kvar - feeder.q_kvar, player.voltage.source_pu**2
        )
        assert answer.plan["P"] == pytest.approx(P, abs=1e-5)
        assert answer.plan["Q"] == pytest.approx(Q, abs=1e-5)
        rooted = feeder.connected_to_root
        assert answer.plan["u"][rooted] == pytest.approx(u[rooted], abs=1e-7)
        assert (np.hypot(P, Q) <= feeder.rate_kva * (1 + 1e-9)).all()
        assert (answer.plan["u"] >= player.voltage.min_pu**2 - 1e-9).all()
        assert (answer.plan["u"] <= player.voltage.max_pu**2 + 1e-9).all()


def test_a_constant_on_an_islands_deliveries_alone_changes_nothing_either():
    model, found = solved("teaching", "island", True)
    player, feeder = model.player("dso"), model.feeder
    price = prices_near(model, found, "DSO", seed=4, draws=1)[0]
    away = [k for k, bus in enumerate(player.delivery_buses) if not feeder.connected_to_root[feeder.bus_index(bus)]]
    assert away
    moved = price.copy()
    moved[away] += 0.8
    one, other = (player.best_response(Signal(p)).outlay(p) for p in (price, moved))
    assert one == pytest.approx(other, rel=1e-9)


def test_nodal_prices_of_trading_buses_are_what_deliveries_there_are_paid():
    model, found = solved("sioux_falls_ieee123", "stress", True)
    player, feeder = model.player("dso"), model.feeder
    price = prices_near(model, found, "DSO", seed=5, draws=1)[0]
    dlmp = player.nodal_price(player.best_response(Signal(price)).duals, price[-1])
    at = [feeder.bus_index(bus) for bus in player.delivery_buses]
    assert dlmp[at] == pytest.approx(price[-1] + price[:-1], abs=1e-8)


def test_rows_are_labelled_by_bus_line_and_side():
    block = operator(three_buses(rates=(np.inf, 100.0)), ["B"]).block()
    assert block.labels["line_limit"][:2] == ("A-B at 0°", "A-B at 30°")
    assert block.labels["active_balance"] == ("root", "A", "B")
    assert len(set(block.labels["line_limit"])) == block.inequalities["line_limit"] == 12


@pytest.mark.parametrize("support", [[0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 0.0, np.nan]])
def test_reactive_support_must_be_one_rating_for_every_bus(support):
    with pytest.raises(DataError, match="reactive_support_kvar must be 3 numbers ≥ 0"):
        operator(three_buses(), ["B"], support=support)


@pytest.mark.parametrize("limits", [(1.0, 1.01, 1.05), (1.06, 0.95, 1.05), (1.0, 0.0, 1.05), (np.nan, 0.95, 1.05)])
def test_voltages_out_of_order_are_refused(limits):
    with pytest.raises(DataError, match="0 < min ≤ source ≤ max"):
        VoltageLimits(*limits)


def test_a_delivery_bus_that_does_not_exist_is_refused():
    with pytest.raises(NetworkDataError, match="no bus '67x'"):
        ask(operator(load_feeder("ieee123"), ["67x"]), 0.1, 0.1)
