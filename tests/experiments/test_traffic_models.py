"""Cases whose drivers are in no user equilibrium: both ways to the answer, its certificate, and what it is worth."""

import numpy as np
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


@pytest.mark.parametrize(("name", "v2g"), [("teaching", True), ("teaching", False), ("sioux_falls_ieee123", True)])
def test_both_ways_agree_on_the_trips_that_are_made(name, v2g):
    found = solve(case(name, "elastic"), "stress", v2g, ranges=True)
    assert found.solved and found.routes_agree and found.monolith["independent"]
    made, od_cost = found.quantities["trips_made_veh_per_h"]["EV"], found.quantities["od_cost_usd"]
    assert made.keys() == od_cost.keys()
    assert found.quantities["forgone_trips_usd_per_h"] > 0.0
    without = build(case(name, "enumerated"), "stress", v2g).road.link_names
    assert tuple(found.quantities["link_flow_veh_per_h"]) == without


def test_dearer_trips_are_worth_fewer_trips_and_the_stated_ones_are_made_at_the_reference_cost():
    first = solve(elastic({}), "stress", method="sharing")
    cost = first.quantities["od_cost_usd"]["1-3"]
    again = solve(elastic({"1-3": 2.0 * cost}), "stress", method="sharing").quantities
    made, stated = again["trips_made_veh_per_h"]["EV"]["1-3"], case("teaching", "elastic").demand
    reached = dict(zip(stated.od_pairs, stated.ev_by_pair, strict=True))[(1, 3)]
    assert again["od_cost_usd"]["1-3"] == pytest.approx(2.0 * cost * (1.0 + (1.0 - made / reached) / 0.5), rel=1e-6)
    assert made > first.quantities["trips_made_veh_per_h"]["EV"]["1-3"]


def test_elastic_drivers_conform():
    model = build(elastic({}), "stress", True)
    found = coordinate(model.market, model.first_price)
    assert found.solved
    assert not check_player(model.player("traffic"), model.market, found.price, found.responses)


def test_a_reference_cost_of_no_od_pair_is_named():
    with pytest.raises(DataError, match=r'players.options.traffic: reference_cost_usd: no OD pair "1-33"; .*"1-3"'):
        build(elastic({"1-33": 2.0}), "stress", True)


def elastic(reference):
    options = {"traffic": {"elasticity": 0.5, "reference_cost_usd": reference}}
    return case_from(tables(players={"traffic": "elastic", "options": options}), "case.toml")


@pytest.mark.parametrize(("theta", "v2g"), [(1.0, True), (10.0, True), (1.0, False)])
def test_both_ways_agree_on_logit_choice(theta, v2g):
    found = solve(logit(theta), "stress", v2g, ranges=True)
    assert found.solved and found.routes_agree and found.monolith["independent"]
    assert abs(found.quantities["wardrop_gap"]) <= 1e-10  # of the logit choice
    assert not found.ranges  # path flows are unique


def test_both_ways_agree_on_logit_choice_in_the_reference_case():
    found = solve(logit(0.2, "sioux_falls_ieee123"), "base")
    assert found.solved and found.routes_agree and found.monolith["independent"]


@pytest.mark.parametrize(
    ("theta", "scenario", "v2g"), [(0.2, "congested", True), (1.0, "base", True), (5.0, "stress", False)]
)
def test_tiny_trades_of_logit_choice_do_not_stop_the_coordinator(theta, scenario, v2g):
    model = build(logit(theta, "sioux_falls_ieee123"), scenario, v2g)
    found = coordinate(model.market, model.first_price)
    assert found.solved, found.stop
    assert 0 < np.abs(found.responses["Traffic"].trade).min() < 0.01


def test_drivers_of_logit_choice_conform():
    model = build(logit(2.0), "stress", True)
    found = coordinate(model.market, model.first_price)
    assert found.solved
    assert not check_player(model.player("traffic"), model.market, found.price, found.responses)


def test_options_of_logit_choice_are_checked():
    with pytest.raises(DataError, match=r"players.options.traffic: theta is 0\.0; it must be positive"):
        build(logit(0.0), "stress", True)
    classes = [{"name": name, "share": 0.5, "value_of_time_usd_per_h": w} for name, w in (("a", 12.0), ("b", 60.0))]
    with pytest.raises(DataError, match=r"logit choice needs electric classes of one value of time; these have \[12"):
        build(case("teaching", "logit", vehicles__classes=classes), "stress", True)


def logit(theta, name="teaching"):
    return case_from(tables(name, players={"traffic": "logit", "options": {"traffic": {"theta": theta}}}), "case.toml")
