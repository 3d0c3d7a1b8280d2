"""Models of charging operators: each by both routes, conforming, and where theory says it must be."""

from functools import cache

import numpy as np
import pytest

from bestresponse.conformance import check_player
from bestresponse.coordinator import coordinate
from bestresponse.errors import DataError
from experiments.build import build
from experiments.case_check import check_case
from experiments.cross_check import UNIQUE
from experiments.solving import solve
from players import goods
from tests.experiments.test_retail_models import case_with, certified

MARKUP = 0.03


def operators(name, **options):
    return {"cno": name, "options": {"cno": options}}


MODELS = {
    "regulated": {"markup_usd_per_kwh": MARKUP},
    "competing": {},
    "storage": {"solar_kw": 20.0, "battery_kw": 40.0, "stored_kwh": 30.0, "room_kwh": 15.0, "value_usd_per_kwh": 0.12},
}


@cache
def answer(name, scenario="stress", v2g=True):
    return solve(case_with(**operators(name, **MODELS.get(name, {}))), scenario, v2g)


@cache
def found(name, scenario="stress"):
    """The model, its equilibrium, and its prices by good."""
    model = build(case_with(**operators(name, **MODELS[name])), scenario, True)
    equilibrium = coordinate(model.market, model.first_price)
    return model, equilibrium, dict(zip((g.name for g in model.market.goods), equilibrium.price, strict=True))


@pytest.mark.parametrize(("scenario", "v2g"), [("stress", True), ("island", False)])
@pytest.mark.parametrize("name", MODELS)
def test_both_routes_find_the_same_certified_equilibrium(name, scenario, v2g):
    result = answer(name, scenario, v2g)
    assert result.solved and result.routes_agree and certified(result), result.status
    assert result.monolith["independent"]


@pytest.mark.parametrize("name", MODELS)
def test_both_routes_agree_on_the_robust_case(name):
    result = solve(case_with("sioux_falls_ieee123", **operators(name, **MODELS[name])), "stress")
    assert result.solved and result.routes_agree and certified(result), result.status


@pytest.mark.parametrize("name", MODELS)
def test_every_operator_conforms(name):
    model, equilibrium, _ = found(name)
    for player in model.players["cno"]:
        assert not check_player(player, model.market, equilibrium.price, equilibrium.responses, draws=4)


def test_the_markup_is_what_stations_add_and_take_off():
    model, equilibrium, price = found("regulated")
    (operator,) = model.players["cno"]
    plan, seen = equilibrium.responses[operator.name].plan, set()
    for site, charged, discharged in zip(operator.stations, plan["charge"], plan["discharge"], strict=True):
        if 1 < charged < site.capacity_kw - 1:
            seen.add("charge")
            bought = price[goods.retail_to_cno(site.bus)]
            assert price[goods.charging(site.node)] - bought == pytest.approx(MARKUP, abs=1e-7)
        if 1 < discharged < site.capacity_kw - 1:
            seen.add("discharge")
            sold = price[goods.cno_to_retail(site.bus)]
            assert sold - price[goods.discharging(site.node)] == pytest.approx(MARKUP, abs=1e-7)
    assert seen == {"charge", "discharge"}


def test_the_markup_is_a_transfer():
    quantities = answer("regulated").quantities
    energy = quantities["charged_kw"] + quantities["discharged_kw"]
    assert quantities["charging_markup_usd_per_h"] == pytest.approx(MARKUP * energy, rel=1e-6)
    parts = ("generation", "import", "shortage", "travel", "degradation")
    total = sum(quantities[f"{part}_cost_usd_per_h"] for part in parts)
    assert quantities["social_cost_usd_per_h"] == pytest.approx(total, rel=1e-12)
    assert "other_cost_usd_per_h" not in quantities


def test_without_a_markup_nothing_is_new():
    case = case_with(**operators("regulated", markup_usd_per_kwh=0.0))
    assert solve(case, "stress").quantities == answer("price_taker").quantities


def test_a_higher_markup_means_less_discharged():
    steps = [
        solve(case_with(**operators("regulated", markup_usd_per_kwh=markup)), "stress", method="monolith")
        for markup in (0.0, 0.1, 2.0)
    ]
    discharged = [result.quantities["discharged_kw"] for result in steps]
    assert np.all(np.diff(discharged) <= 1e-6) and discharged[-1] < discharged[0] - 1


def test_competitors_share_a_bus_and_retail_station_by_station():
    players = operators("competing", operators={"A": [2], "B": [3]}, markups_usd_per_kwh={"B": MARKUP})
    case = case_with(**players)
    stations = [site.model_copy(update={"bus": "4"}) for site in case.stations]
    result, model = (f(case.model_copy(update={"stations": tuple(stations)})) for f in (solve, in_base))
    assert result.solved and result.routes_agree, result.status
    assert [player.name for player in model.players["cno"]] == ["A", "B"]
    retail = {good.name for good in model.market.goods if good.family == "retail_to_cno"}
    assert retail == {"retail_to_cno[station 2]", "retail_to_cno[station 3]"}


def in_base(case):
    return build(case, "base", True)


@pytest.mark.parametrize("owned", [{}, {"operators": {"All": [2, 3]}}], ids=["one each", "all in one hand"])
def test_competitors_without_power_are_the_one_price_taker(owned):
    found = solve(case_with(**operators("competing", **owned)), "stress")
    one = answer("price_taker")
    for name in UNIQUE:
        assert found.quantities[name] == pytest.approx(one.quantities[name], rel=1e-6, abs=1e-3), name


def test_vehicles_leave_the_operator_that_takes_a_markup():
    def charged(markups):
        case = case_with(**operators("competing", markups_usd_per_kwh=markups))
        return solve(case, "stress", method="monolith").quantities["station_net_kw"]

    alike, dearer = charged({}), charged({"CNO 3": 2.0})
    assert abs(dearer["3"]) < abs(alike["3"]) - 1


@pytest.mark.parametrize(
    ("players", "message"),
    [
        (operators("regulated", markup_usd_per_kwh=-0.1), r"cno.markup_usd_per_kwh: given -0.1: .*greater than or"),
        (operators("competing", operators={"A": ["2"]}), r"cno.operators.A.1.: given \"2\": .*integer"),
        (operators("regulated", markup=0.1), r"cno.markup: unknown option. Options: markup_usd_per_kwh"),
    ],
)
def test_options_that_do_not_fit_are_named(players, message):
    with pytest.raises(DataError, match=message):
        check_case(case_with(**players))


def test_sun_and_batteries_save_society_what_they_replace():
    """Under stress a kWh is worth more than the battery's value: it gives all, the sun is used, less is shed."""
    with_it, without = answer("storage").quantities, answer("price_taker").quantities
    _, equilibrium, _ = found("storage")
    plan = equilibrium.responses["CNO"].plan
    assert plan["given"] == pytest.approx([30.0, 30.0]) and plan["solar"] == pytest.approx([20.0, 20.0])
    assert plan["taken"] == pytest.approx([0.0, 0.0], abs=1e-6)
    assert with_it["other_cost_usd_per_h"] == pytest.approx(0.12 * 60, rel=1e-6)
    assert with_it["social_cost_usd_per_h"] < without["social_cost_usd_per_h"] - 1
    assert surplus(with_it) == pytest.approx(-100, abs=1e-3) and surplus(without) == pytest.approx(0, abs=1e-3)


def surplus(quantities):
    """What grid and generators give beyond what households and vehicles use [kW]."""
    supply = quantities["import_kw"] + sum(quantities["generation_kw"].values())
    return supply - quantities["household_kw"] - quantities["charged_kw"] + quantities["discharged_kw"]


def test_a_battery_stores_what_is_cheaper_than_its_value():
    case = case_with(**operators("storage", battery_kw=40.0, room_kwh=18.0, value_usd_per_kwh=0.5, nodes=[3]))
    model = build(case, "base", True)
    equilibrium = coordinate(model.market, model.first_price)
    assert equilibrium.responses["CNO"].plan["taken"] == pytest.approx([0.0, 20.0])  # 18 kWh of room, 90 % stored


@pytest.mark.parametrize("v2g", [True, False])
def test_with_nothing_on_site_it_is_the_price_taker(v2g):
    alone, one = solve(case_with(cno="storage"), "stress", v2g), answer("price_taker", "stress", v2g)
    for name in UNIQUE:
        assert alone.quantities[name] == pytest.approx(one.quantities[name], rel=1e-6, abs=1e-3), name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"operators": {"A": [2]}}, "players.options.cno: operators: the station at node 3 must have one operator"),
        ({"operators": {"A": [2, 3], "B": [3]}}, r"the station at node 3 must have one operator, given A, B"),
        ({"operators": {"A": [2, 3, 7]}}, r"operators.A: given node 7, which has no station; stations: 2, 3"),
        ({"operators": {"A": [2, 3], "B": []}}, r"operators.B: no station given"),
        ({"markups_usd_per_kwh": {"CNO 4": 0.1}}, r'nobody is called "CNO 4"; did you mean "CNO 3"'),
    ],
)
def test_owners_that_do_not_fit_are_named(options, message):
    with pytest.raises(DataError, match=message):
        in_base(case_with(**operators("competing", **options)))


def test_a_battery_without_a_station_is_named():
    with pytest.raises(DataError, match=r"players.options.cno: nodes: given node 9, which has no station; stations: 2"):
        in_base(case_with(**operators("storage", nodes=[9])))
