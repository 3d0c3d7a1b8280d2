"""The operator with losses, against an AC power flow, against CVXPY, and by hand."""

import cvxpy as cp
import numpy as np
import pytest

from bestresponse.errors import FormulationError
from bestresponse.player import Anchor, Signal
from experiments.quantities import quantities
from networks.feeder import load_feeder
from players.branch_flow_operator import MULTIPLIER, BranchFlowOperator
from players.grid_terms import ImportContract, VoltageLimits
from tests.players.solved import player_of, prices_near, solved

WHOLESALE = 0.06


@pytest.fixture(scope="module")
def ieee33():
    """The operator of IEEE 33 with its loads delivered, held there by an anchor."""
    feeder = load_feeder("ieee33")
    loaded = feeder.p_kw > 0
    buses = [bus for bus, load in zip(feeder.buses, loaded, strict=True) if load]
    contract = ImportContract(WHOLESALE, 1e4, -1e4, 1e4)
    player = BranchFlowOperator(feeder, buses, contract, VoltageLimits(1.0, 0.8, 1.1), np.zeros(33))
    anchor = Anchor(np.append(np.full(len(buses), 10.0), 0.0), np.append(-feeder.p_kw[loaded], 0.0))
    return player, player.best_response(Signal(np.append(np.zeros(len(buses)), WHOLESALE), anchor=anchor))


@pytest.mark.filterwarnings("ignore")  # pandapower and what it imports warn on their own account
def test_ieee_33_is_the_ac_power_flow(ieee33):
    import pandapower
    from pandapower.networks import case33bw

    net = case33bw()
    pandapower.runpp(net, numba=False)
    player, answer = ieee33
    assert player.exactness_gap(answer.plan) <= 1e-8
    assert np.sqrt(answer.plan["u"]) == pytest.approx(net.res_bus.vm_pu.to_numpy(), abs=2e-6)
    losses = player.feeder.r_pu @ answer.plan["L"]
    assert losses == pytest.approx(1000 * net.res_line.pl_mw.sum(), rel=1e-4)
    assert answer.plan["import"][0] == pytest.approx(1000 * net.res_ext_grid.p_mw[0], rel=1e-5)


def test_losses_are_bought_and_deliveries_sum_to_what_the_import_good_gets(ieee33):
    player, answer = ieee33
    losses, imported = player.feeder.r_pu @ answer.plan["L"], answer.plan["import"][0]
    assert -answer.trade[-1] == pytest.approx(imported - losses, abs=1e-6)
    assert -answer.trade[:-1].sum() == pytest.approx(-answer.trade[-1], abs=1e-6)
    assert answer.cost == pytest.approx(WHOLESALE * imported)


@pytest.mark.parametrize("anchored", [False, True], ids=["plain", "anchored"])
@pytest.mark.parametrize("scenario", ["stress", "island"])
def test_the_answers_are_those_of_cvxpy_on_the_same_cones(scenario, anchored):
    model, found = solved("teaching", scenario, True, "socp")
    player = model.player("dso")
    stated = player.formulate()
    value = {variable.name(): variable for variable in stated.trade.variables() + stated.cost.variables()}
    value |= {v.name(): v for rule in stated.constraints.values() for v in rule.variables()}
    cones = [
        cp.quad_over_lin(cp.hstack([value["P"][k], value["Q"][k]]), value["u"][i] * model.feeder.base_kva)
        <= value["L"][k]
        for k, i in enumerate(model.feeder.line_from)
    ]
    weight = np.full(len(player.goods), 1e-3 if anchored else 0.0)
    for price in prices_near(model, found, "DSO", seed=3, draws=2):
        anchor = Anchor(weight, 0.7 * found.responses["DSO"].trade)
        answer = player.best_response(Signal(price, anchor=anchor if anchored else None))
        pull = 0.5 * cp.sum(cp.multiply(weight, cp.square(stated.trade - anchor.target)))
        problem = cp.Problem(
            cp.Minimize(stated.cost + price @ stated.trade + pull), [*stated.constraints.values(), *cones]
        )
        best = problem.solve(solver=cp.CLARABEL)
        assert answer.outlay(price) + anchor.cost(answer.trade) == pytest.approx(best, rel=1e-6, abs=1e-5)
        assert player.violation(answer.plan) <= 1e-7
        if not anchored:
            assert answer.bound == pytest.approx(answer.outlay(price), rel=1e-7, abs=1e-6)
            assert answer.bound <= answer.outlay(price) + 1e-9


def test_the_slope_of_its_trades_is_the_difference_of_its_answers():
    model, found = solved("teaching", "stress", True, "socp")
    player, n = model.player("dso"), len(model.player("dso").goods)
    anchor = Anchor(np.full(n, 1e-3), 0.7 * found.responses["DSO"].trade)
    for price in prices_near(model, found, "DSO", seed=3, draws=3):
        slope = player.sensitivity(Signal(price, anchor=anchor))
        for column, step in zip(slope.T, 1e-6 * np.eye(n), strict=True):
            ahead, back = (player.best_response(Signal(p, anchor=anchor)).trade for p in (price + step, price - step))
            assert (ahead - back) / 2e-6 == pytest.approx(column, abs=1e-4 * np.abs(slope).max())
        assert np.abs(slope - slope.T).max() <= 1e-9 * np.abs(slope).max()
        assert np.linalg.eigvalsh(slope).max() <= 1e-9 * np.abs(slope).max()


def test_there_is_no_answer_without_the_cones():
    model, found = solved("teaching", "stress", True, "socp")
    with pytest.raises(FormulationError, match="no path by CVXPY"):
        player_of(model, "DSO", "cvxpy").best_response(Signal(found.price[model.market.positions["DSO"]]))


def test_a_plan_beyond_a_cone_is_outside_the_set():
    model, found = solved("teaching", "stress", True, "socp")
    player, plan = model.player("dso"), dict(found.responses["DSO"].plan)
    assert player.violation(plan) <= 1e-7
    assert player.violation(plan | {"L": 0.9 * plan["L"]}) > 1e-3


def test_losses_part_the_prices_by_what_the_next_kilowatt_loses():
    model, found = solved("teaching", "stress", True, "socp")
    shown = quantities(model, found.price, found.responses)
    assert shown["exactness_gap_kva"] <= 1e-6
    plan, feeder = found.responses["DSO"].plan, model.feeder
    assert shown["losses_kw"] == pytest.approx(float(feeder.r_pu @ plan["L"]))
    served = shown["import_kw"] + sum(shown["generation_kw"].values()) + shown["discharged_kw"]
    assert served - shown["charged_kw"] - shown["household_kw"] == pytest.approx(shown["losses_kw"], abs=1e-4)
    loss = {bus: part["loss"] for bus, part in shown["dlmp_parts_usd_per_kwh"].items()}
    for k, (i, j) in enumerate(zip(feeder.line_from, feeder.line_to, strict=True)):
        assert np.sign(loss[feeder.buses[j]] - loss[feeder.buses[i]]) == np.sign(plan["P"][k])
    assert (plan[MULTIPLIER] > 0).all()
