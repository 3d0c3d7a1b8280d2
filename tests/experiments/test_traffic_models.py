"""Cases whose drivers are in no user equilibrium: both ways to the answer, its certificate, and what it is worth."""

import pytest

from bestresponse.conformance import check_player
from bestresponse.coordinator import coordinate
from bestresponse.errors import DataError
from experiments.build import build
from experiments.case import case_from
from experiments.solving import solve
from tests.experiments.case_tables import tables


def case(name, traffic, **changes):
    return case_from(tables(name, players={"traffic": traffic}, **changes), "case.toml")


@pytest.mark.parametrize(("name", "v2g"), [("teaching", True), ("teaching", False), ("sioux_falls_ieee123", True)])
def test_drivers_at_the_system_optimum_spare_society_cost(name, v2g):
    one_value = {"vehicles__fv_value_of_time_usd_per_h": tables(name)["vehicles"]["ev_value_of_time_usd_per_h"]}
    best = solve(case(name, "system_optimum", **one_value), "stress", v2g)
    selfish = solve(case(name, "enumerated", **one_value), "stress", v2g, "sharing")
    assert best.solved and best.routes_agree and best.monolith["independent"]
    cost = {kind: found.quantities["social_cost_usd_per_h"] for kind, found in (("so", best), ("ue", selfish))}
    assert cost["so"] < cost["ue"] - 1.0
    assert best.quantities["travel_cost_usd_per_h"] < selfish.quantities["travel_cost_usd_per_h"]


def test_the_drivers_conform_with_fuel_vehicles_of_another_value_of_time_too():
    model = build(case("teaching", "system_optimum"), "stress", True)
    found = coordinate(model.market, model.first_price)
    assert found.solved
    assert not check_player(model.player("traffic"), model.market, found.price, found.responses)


def test_what_has_no_optimum_is_named():
    classes = [{"name": name, "share": 0.5, "value_of_time_usd_per_h": w} for name, w in (("a", 12.0), ("b", 60.0))]
    with pytest.raises(DataError, match=r"case.toml: players.traffic: a system optimum needs .* one value of time"):
        build(case("teaching", "system_optimum", vehicles__classes=classes), "stress", True)
