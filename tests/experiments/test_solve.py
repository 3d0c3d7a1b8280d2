"""Does every kind of case that users may write solve, by both routes and as one program, and is bad use refused?"""

from __future__ import annotations

from typing import Any

import pytest

from bestresponse.errors import DataError
from experiments.case import load_case
from experiments.routes import METHODS
from experiments.solving import solve
from tests.experiments.case_tables import tables
from tests.experiments.runs import ROBUST, TEACHING, assert_confirmed, case_file, solved, third_route


def with_lse(changes: dict[str, Any], **others: Any) -> dict[str, Any]:
    """The teaching case with the same changes to both load serving entities."""
    data = tables(**others)
    for entity in data["lse"]:
        entity |= changes
    return data


def with_generators(data: dict[str, Any], factor: float) -> dict[str, Any]:
    """The tables with less reactive power from every generator."""
    for entity in data["lse"]:
        for unit in entity["generators"]:
            unit["q_max_kvar"] *= factor
    return data


NORTH = tables()["lse"][0]
# name: (tables, scenario, quantities that are not unique there)
CASES: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "two stations on one bus": (tables(stations__0__bus="4"), "stress", ()),
    "one LSE": (tables(lse=[NORTH | {"share": 1.0}]), "stress", ("dlmp_usd_per_kwh",)),
    "an LSE without generators": (tables(lse__1__generators=[]), "stress", ()),
    "perfect competition": (with_lse({"conduct": 0.0}), "stress", ()),
    "conducts between and apart": (tables(lse__0__conduct=0.3), "island", ()),
    "demand of single pairs": (tables(demand__ev_by_od={"1-2": 30.0, "1-5": 4.0}), "stress", ()),
    "no fuel vehicles": (tables(demand__fv_veh_per_h=0.0), "stress", ()),
    "no electric vehicles between two nodes": (tables(demand__ev_by_od={"1-2": 0.0}), "stress", ("od_cost_usd",)),
    "no vehicles": (
        tables(demand__ev_veh_per_h=0.0, demand__ev_by_od={}, demand__fv_veh_per_h=0.0),
        "base",
        ("od_cost_usd",),
    ),
    "discharging to what the next leg needs": (tables(vehicles__post_discharge="need"), "island", ()),
    "stations with keys of their own": (
        tables(stations__0__pile_kw=20.0, stations__0__slope_h_per_veh=0.05, stations__0__capacity_veh=2.0),
        "stress",
        (),
    ),
    "no obligation to serve": (tables(households__served_portion=0.0), "stress", ()),
    "elastic households": (tables(households__elasticity=3.0), "stress", ()),
}


@pytest.mark.parametrize("v2g", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_cases_of_every_kind_are_solved_alike_by_three_routes(tmp_path, name, v2g):
    data, scenario, not_unique = CASES[name]
    file = case_file(tmp_path, data)
    result = solve(str(file), scenario, v2g, tolerance=1e-9)
    assert result.solved and result.routes_agree, result.status
    assert result.monolith["independent"]
    assert_confirmed(result.quantities, third_route(file, scenario, v2g), *not_unique)


@pytest.mark.parametrize("v2g", [False, True])
def test_a_case_without_stations_is_one_without_v2g(tmp_path, v2g):
    file = case_file(tmp_path, tables(stations=[], demand__destinations=[2, 3]))
    result = solve(str(file), "stress", v2g)
    assert result.solved and result.routes_agree, result.status
    assert result.quantities["charged_kw"] == result.quantities["stop_share"] == 0.0
    assert result.quantities["station_net_kw"] == {}


@pytest.mark.parametrize("v2g", [False, True])
@pytest.mark.parametrize("case", [TEACHING, ROBUST])
def test_a_binding_voltage_limit_separates_prices(tmp_path, case, v2g):
    """Little reactive power and a high lower limit: the voltage, no line, keeps energy from the far buses."""
    if case == TEACHING:
        limit, data = 0.98, tables(feeder__voltage_min_pu=0.98, feeder__source_voltage_pu=1.0)
        data["station_defaults"]["inverter_kvar"], factor = 50.0, 1 / 3
        del data["scenarios"]["island"]
    else:
        limit, data = 1.025, tables(ROBUST, feeder__voltage_min_pu=1.025, station_defaults__inverter_kvar=108.0)
        factor = 0.3
        data["scenarios"] = {"stress": {"load_factor": 1.5}}
    file = case_file(tmp_path, with_generators(data, factor))
    result = solve(str(file), "stress", v2g)
    assert result.solved and result.routes_agree, result.status
    found = result.quantities
    assert found["voltage_min_pu"] == min(found["voltage_pu"].values()) == pytest.approx(limit, abs=1e-9)
    prices = found["dlmp_usd_per_kwh"].values()
    assert max(prices) > min(prices) + 0.01
    loose = solved((case, "stress", v2g)).result.quantities
    assert len({round(price, 6) for price in loose["dlmp_usd_per_kwh"].values()}) == 1
    assert found["social_cost_usd_per_h"] > loose["social_cost_usd_per_h"]
    assert_confirmed(found, third_route(file, "stress", v2g))


def test_voltages_that_no_plan_can_reach_are_a_result_with_the_rows_at_fault(tmp_path):
    data = tables(feeder__source_voltage_pu=1.0, feeder__voltage_min_pu=0.995, station_defaults__inverter_kvar=50.0)
    del data["scenarios"]["island"]
    file = case_file(tmp_path, with_generators(data, 0.1))
    result = solve(str(file), "stress")
    assert not result.solved and result.stop == "player_failed" and result.routes_agree is None
    assert "DSO" in result.status and result.quantities == {}
    assert not result.monolith["converged"] and "DSO: voltage_drop" in result.monolith["status"]
    with pytest.raises(DataError, match="holds no quantities"):
        result.table("dlmp")


@pytest.mark.parametrize("v2g", [False, True])
def test_gauss_seidel_and_sharing_meet(v2g):
    one, other = (solve(TEACHING, "base", v2g, method) for method in ("gauss_seidel", "sharing"))
    assert one.solved and other.solved
    assert one.routes_agree is None and one.cross_check == {} and one.monolith == {}
    assert one.quantities["social_cost_usd_per_h"] == pytest.approx(other.quantities["social_cost_usd_per_h"], rel=1e-6)


def test_the_monolith_alone_is_certified_and_has_no_sweeps():
    result = solved((TEACHING, "stress", True), "monolith").result
    assert result.solved and result.certificate["holds"]
    assert result.sweeps is None and result.trace == ()
    assert result.certificate == result.monolith["certificate"]


def test_tatonnement_ends_with_the_reason_why_it_did_not_converge():
    result = solve(TEACHING, "stress", method="tatonnement", max_sweeps=400)
    assert not result.solved and result.stop == "oscillating" and result.sweeps <= 150
    assert "Not certified" in result.status
    assert result.quantities["social_cost_usd_per_h"] > 0


def test_a_looser_tolerance_takes_fewer_sweeps_and_says_so():
    loose, tight = (
        solve(TEACHING, "stress", method="sharing", tolerance=1e-3),
        solved((TEACHING, "stress", True)).result,
    )
    assert loose.solved and loose.sweeps < tight.sweeps
    assert loose.provenance["tolerances"]["market"] == 1e-3
    assert 1e-8 < max(loose.certificate["imbalance"].values()) <= 1e-3


def test_every_sweep_is_told_and_traced():
    seen = []
    result = solve(TEACHING, method="sharing", on_sweep=seen.append)
    assert [record.row() for record in seen] == list(result.trace)
    assert [record.sweep for record in seen] == list(range(1, result.sweeps + 1))


BAD_USE = [
    (
        {"scenario": "stres"},
        'teaching.toml: no scenario "stres"; did you mean "stress"? Scenarios: base, stress, island',
    ),
    ({"method": "sharin"}, "no method 'sharin'; did you mean \"sharing\"? Methods: " + ", ".join(METHODS)),
    ({"tolerance": 0.0}, "tolerance: given 0.0, must lie between 0 and 1"),
    ({"tolerance": float("nan")}, "tolerance: given nan, must lie between 0 and 1"),
    ({"max_sweeps": 0}, "max-sweeps: given 0, must be at least 1"),
]


@pytest.mark.parametrize(("given", "message"), BAD_USE)
def test_bad_use_is_refused_before_anything_is_built(monkeypatch, given, message):
    monkeypatch.setattr("experiments.solving.build", lambda *_: pytest.fail("built"))
    with pytest.raises(DataError) as caught:
        solve(load_case(TEACHING), **given)
    assert str(caught.value) == message
