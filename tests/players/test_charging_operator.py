"""The charging operator's arbitrage, worked out by hand."""

import numpy as np
import pytest

from bestresponse.errors import DataError
from bestresponse.player import Anchor, Signal
from players.charging_operator import ChargingOperator
from players.station_site import StationSite

ONE = StationSite(7, "76", capacity_kw=100.0, net_min_kw=-50.0, net_max_kw=80.0)


def answer(player, charging, retail_to_cno, discharging=(), cno_to_retail=(), anchor=None):
    price = np.concatenate([np.atleast_1d(part) for part in (charging, retail_to_cno, discharging, cno_to_retail)])
    return player.best_response(Signal(price.astype(float), anchor=anchor)), price


# Margins [$/kWh] of charging, ρ⁺ − π⁺, and of discharging, π⁻ − ρ⁻; then e⁺ and e⁻ [kW].
MARGINS = {
    "nothing pays": (-0.1, -0.1, 0.0, 0.0),
    "charging pays: up to the net limit": (0.1, -0.2, 80.0, 0.0),
    "discharging pays: up to the net limit": (-0.2, 0.1, 0.0, 50.0),
    "both pay: up to the capacity": (0.1, 0.1, 100.0, 100.0),
    "a little discharging makes room for charging": (0.2, -0.1, 100.0, 20.0),
    "a little charging makes room for discharging": (-0.1, 0.2, 50.0, 100.0),
}


@pytest.mark.parametrize("solver", ["persistent", "cvxpy"])
@pytest.mark.parametrize("case", MARGINS)
def test_arbitrage_at_one_station(case, solver):
    up, down, charged, discharged = MARGINS[case]
    found, price = answer(ChargingOperator([ONE], solver=solver), 0.3 + up, 0.3, 0.2, 0.2 + down)
    assert found.trade == pytest.approx([-charged, charged, discharged, -discharged], abs=1e-5)
    assert found.cost == 0.0
    assert -found.outlay(price) == pytest.approx(up * charged + down * discharged, abs=1e-5)  # eq. (1a)


def test_the_multiplier_of_a_net_limit_is_the_margin_it_holds_back():
    player = ChargingOperator([ONE])
    assert answer(player, 0.4, 0.3, 0.2, 0.0)[0].duals["net_max"] == pytest.approx([0.1])
    assert answer(player, 0.5, 0.3, 0.2, 0.1)[0].duals["net_max"] == pytest.approx([0.1])  # discharging costs 0.1
    assert answer(player, 0.1, 0.3, 0.2, 0.3)[0].duals["net_min"] == pytest.approx([0.1])


def test_without_v2g_no_plan_discharges():
    player = ChargingOperator([ONE], v2g=False)
    assert player.best_response(Signal(np.array([0.4, 0.2]))).plan.keys() == {"charge"}
    full = ChargingOperator([StationSite(7, "76", 100.0, 20.0, 80.0)], v2g=False)
    assert full.best_response(Signal(np.array([0.4, 0.2]))).plan["charge"] == pytest.approx([80.0])
    assert full.best_response(Signal(np.array([0.1, 0.2]))).plan["charge"] == pytest.approx([20.0])
    with pytest.raises(
        DataError, match="without V2G the station at node 7 can take nothing within net_min_kw -50, net"
    ):
        ChargingOperator([StationSite(7, "76", 100.0, -50.0, -10.0)], v2g=False)


def test_a_station_that_must_take_power_takes_it_at_a_loss():
    player = ChargingOperator([StationSite(7, "76", 100.0, 20.0, 80.0)])
    found, price = answer(player, 0.1, 0.3, 0.2, 0.2)
    assert found.trade[0] == pytest.approx(-20.0)
    assert found.outlay(price) == pytest.approx(0.2 * 20)


def test_stations_on_one_bus_share_its_retail_goods_but_not_their_limits():
    stations = [ONE, StationSite(3, "8", 60.0, -60.0, 60.0), StationSite(5, "76", 40.0, -40.0, 40.0)]
    player = ChargingOperator(stations)
    assert player.goods[:5] == ("charging[7]", "charging[3]", "charging[5]", "retail_to_cno[76]", "retail_to_cno[8]")
    assert player.goods[5:] == (
        "discharging[7]",
        "discharging[3]",
        "discharging[5]",
        "cno_to_retail[76]",
        "cno_to_retail[8]",
    )
    found, _ = answer(player, [0.5, 0.1, 0.4], [0.3, 0.3], [0.9, 0.1, 0.9], [0.2, 0.3])
    assert found.trade[:5] == pytest.approx([-80, 0, -40, 120, 0])
    assert found.trade[5:] == pytest.approx([0, 60, 0, 0, -60])


def test_without_v2g_stations_only_charge_and_two_families_of_goods_are_gone():
    player = ChargingOperator([ONE], v2g=False)
    assert player.goods == ("charging[7]", "retail_to_cno[76]")
    assert answer(player, 0.4, 0.3)[0].trade == pytest.approx([-80, 80])
    assert answer(player, 0.2, 0.3)[0].trade == pytest.approx([0, 0])


def test_an_anchor_lets_the_margin_decide_the_distance_from_the_target():
    weight = 0.01
    anchor = Anchor(np.array([weight, 0, 0, 0]), np.array([-30.0, 0, 0, 0]))
    found, _ = answer(ChargingOperator([ONE]), 0.5, 0.3, 0.9, 0.1, anchor)
    assert found.trade[0] == pytest.approx(-(30 + 0.2 / weight))


@pytest.mark.parametrize("capacity", [-1.0, np.nan])
def test_a_capacity_below_zero_is_refused(capacity):
    with pytest.raises(DataError, match=r"station at node 7: capacity_kw .* must be ≥ 0"):
        StationSite(7, "76", capacity, 0.0, 1.0)


@pytest.mark.parametrize("limits", [(10.0, 5.0), (np.nan, 5.0)])
def test_net_limits_that_cross_are_refused(limits):
    with pytest.raises(DataError, match=r"station at node 7: net_min_kw .* is above net_max_kw 5\.0"):
        StationSite(7, "76", 100.0, *limits)
