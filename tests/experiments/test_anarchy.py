"""The price of anarchy of a market: both principles, one value of time, what is written and refused."""

import json

import pytest

from bestresponse.errors import DataError
from experiments.anarchy import price_of_anarchy
from experiments.case import case_from
from experiments.solving import solve
from tests.experiments.case_tables import tables
from tests.experiments.command_line import unwrapped


def test_one_command_compares_both_principles(call, tmp_path):
    shown = call("price-of-anarchy", "teaching", "--scenario", "stress", "--json", "p.json")
    assert (shown.code, shown.err) == (0, "")
    assert "Every hour counts" in unwrapped(shown.out)
    data = json.loads((tmp_path / "p.json").read_text(encoding="utf-8"))
    assert data["solved"] and data["scenario"] == "stress" and data["v2g"]
    for name, key in (
        ("price_of_anarchy", "social_cost_usd_per_h"),
        ("price_of_anarchy_of_travel", "travel_cost_usd_per_h"),
    ):
        assert data[name] == data[key]["user_equilibrium"] / data[key]["system_optimum"] > 1.0
        for principle, cost in data[key].items():
            assert data["by_principle"][principle]["quantities"][key] == cost
    assert all(each["routes_agree"] for each in data["by_principle"].values())


def test_it_takes_a_road_network_too(call, tmp_path):
    assert call("price-of-anarchy", "sioux_falls", "sioux_falls", "--json", "r.json").code == 0
    data = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert data["price_of_anarchy"] == pytest.approx(7_480_225.345 / 7_194_256, rel=1e-5)


def test_hours_of_fuel_vehicles_count_as_those_of_electric_ones_and_nobody_drives_otherwise():
    stated = tables("teaching")["vehicles"]
    own, common = stated["fv_value_of_time_usd_per_h"], stated["ev_value_of_time_usd_per_h"]
    assert own != common
    case = case_from(tables("teaching"), "case.toml")
    found, plain = price_of_anarchy(case, "stress"), solve(case, "stress", method="sharing")
    assert (found.value_of_time, found.stated_fuel_value_of_time) == (common, own)
    counted = found.entries[0].result.quantities
    assert counted["link_flow_veh_per_h"] == pytest.approx(plain.quantities["link_flow_veh_per_h"], rel=1e-6)
    assert counted["travel_cost_usd_per_h"] != pytest.approx(plain.quantities["travel_cost_usd_per_h"], rel=1e-3)


def test_several_values_of_time_are_refused(call, tmp_path):
    classes = [{"name": name, "share": 0.5, "value_of_time_usd_per_h": w} for name, w in (("a", 12.0), ("b", 60.0))]
    case = case_from(tables("teaching", vehicles__classes=classes), "case.toml")
    with pytest.raises(DataError, match=r"of one value of time; these have \[12.0, 60.0\]"):
        price_of_anarchy(case)
    assert call("price-of-anarchy", "teachin").code == 2


@pytest.mark.parametrize("traffic", ["logit", "elastic", "generated"])
def test_drivers_of_another_kind_are_not_replaced_in_silence(traffic):
    with pytest.raises(
        DataError, match=f'players.traffic: given "{traffic}", must be one of enumerated, system_optimum'
    ):
        price_of_anarchy(case_from(tables("teaching", players={"traffic": traffic}), "case.toml"))
