"""Grown markets: the sizes asked for, nothing else changed, and equilibria that independent routes agree on."""

from __future__ import annotations

import tomllib
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from bestresponse.errors import DataError
from experiments.case import load_case
from experiments.case_check import check_case
from experiments.growing import REFERENCE, SIZES, Grown, Growth, grow, grown_case
from experiments.growing_traffic import plan_traffic
from experiments.solving import solve
from networks.feeder import load_feeder
from networks.road import load_road
from tests.one_program import solve_one_program

AT_ONE = {"stations": 9, "lses": 4, "buses": 123, "routes": 10, "od_pairs": 18}


@cache
def grown(**sizes: int) -> Grown:
    return grow(Growth(**sizes))


def sizes_of(market: Grown) -> dict[str, int]:
    tables = market.tables
    return {
        "stations": len(tables["stations"]),
        "lses": len(tables["lse"]),
        "buses": market.feeder.n_buses,
        "routes": tables["road"]["base_routes"],
        "od_pairs": len(tables["demand"]["origins"]) * len(tables["demand"]["destinations"]),
    }


def totals(market: Grown) -> dict[str, float]:
    tables = market.tables
    units = [unit for entity in tables["lse"] for unit in entity["generators"]]
    return {
        "load": float(market.feeder.p_kw.sum()),
        "electric": sum(tables["demand"]["ev_by_od"].values()),
        "fuel": sum(tables["demand"]["fv_by_od"].values()),
        "generation": sum(unit["p_max_kw"] for unit in units),
        "reactive": sum(unit["q_max_kvar"] for unit in units),
        "import": tables["tso"]["p_max_kw"],
    }


def totals_of_the_reference() -> dict[str, float]:
    case = load_case(REFERENCE)
    units = [unit for entity in case.lse for unit in entity.generators]
    return {
        "load": float(load_feeder("ieee123").p_kw.sum()),
        "electric": sum(case.demand.ev_by_pair),
        "fuel": sum(case.demand.fv_by_pair),
        "generation": sum(unit.p_max_kw for unit in units),
        "reactive": sum(unit.q_max_kvar for unit in units),
        "import": case.tso.p_max_kw,
    }


@pytest.mark.parametrize("multiple", [1, 3, 16])
@pytest.mark.parametrize("size", SIZES)
def test_one_size_grows_and_no_total_does(size, multiple):
    market = grown(**{size: multiple}, seed=4)
    assert sizes_of(market) == AT_ONE | {size: multiple * AT_ONE[size]}
    assert totals(market) == pytest.approx(totals_of_the_reference())


def test_totals_grow_when_they_are_told_to():
    market = grown(buses=2, total=3.0, seed=4)
    assert totals(market) == pytest.approx({key: 3 * value for key, value in totals_of_the_reference().items()})
    factor = market.tables["road"]["capacity_factor"] / grown(buses=2, seed=4).tables["road"]["capacity_factor"]
    assert factor == pytest.approx(3.0)
    assert market.tables["station_defaults"]["capacity_kw"] == 3600.0


def test_growing_one_size_leaves_what_it_does_not_touch():
    plain, feeder, owners, stations = (
        grown(seed=4, **size) for size in ({}, {"buses": 4}, {"lses": 4}, {"stations": 4})
    )
    assert feeder.tables["demand"] == owners.tables["demand"] == plain.tables["demand"]
    assert [site["node"] for site in feeder.tables["stations"]] == [site["node"] for site in plain.tables["stations"]]
    assert np.array_equal(feeder.road.length_km, plain.road.length_km)
    assert np.array_equal(stations.feeder.p_kw, plain.feeder.p_kw)
    assert stations.tables["lse"] == plain.tables["lse"]


def test_equal_growths_are_equal_and_another_seed_is_another_market():
    again, other = grow(Growth(seed=4)), grown(seed=5)
    assert again.tables == grown(seed=4).tables
    assert other.tables["demand"]["ev_by_od"] != again.tables["demand"]["ev_by_od"]
    assert other.tables["lse"] != again.tables["lse"]


@pytest.mark.parametrize("sizes", [{}, {"stations": 2}, {"od_pairs": 4}])
def test_one_pair_in_nine_has_to_charge_and_can(sizes, tmp_path):
    case = grown_case(Growth(seed=6, **sizes), tmp_path)
    checked = check_case(case)  # refuses a pair that cannot
    range_km = 0.8 * case.vehicles.battery_kwh / case.vehicles.consumption_kwh_per_km
    km = checked.road.length_km
    shortest = [
        min(sum(km[checked.road.link_index[link]] for link in pairwise(route)) for route in routes)
        for routes in checked.routes
    ]
    beyond = sorted(length / range_km for length in shortest)[-len(shortest) // 9 :]
    assert len(beyond) == len(shortest) / 9
    assert beyond[0] == pytest.approx(1.02)


def test_stations_too_few_for_the_long_trips_are_refused():
    with pytest.raises(DataError, match="stations: given 0, must be at least"):
        plan_traffic(load_case(REFERENCE), 0, 18, seed=1, rng=np.random.default_rng(1), total=1.0)


def test_networks_are_read_back_as_they_were_written(tmp_path):
    market = grown(stations=2, buses=2, seed=4)
    market.write(tmp_path)
    road, feeder = load_road(tmp_path / "road"), load_feeder(tmp_path / "feeder")
    assert feeder.buses == market.feeder.buses and feeder.line_names == market.feeder.line_names
    for name in ("p_kw", "q_kvar", "cap_kvar", "line_from", "line_to", "r_pu", "x_pu", "rate_kva", "xy"):
        assert getattr(feeder, name) == pytest.approx(getattr(market.feeder, name), rel=1e-12)
    for name in ("nodes", "tail", "head", "length_km", "free_flow_h", "capacity_veh_per_h", "xy"):
        assert getattr(road, name) == pytest.approx(getattr(market.road, name), rel=1e-12)


def test_a_built_in_feeder_keeps_its_lines_without_a_limit(tmp_path):
    from experiments.network_files import write_feeder

    feeder = load_feeder("ieee33")
    write_feeder(feeder, tmp_path)
    found = load_feeder(tmp_path)
    assert np.all(np.isinf(found.rate_kva)) and found.xy is None
    assert found.r_pu == pytest.approx(feeder.r_pu, rel=1e-12) and found.base_kva == feeder.base_kva


@pytest.mark.parametrize(
    ("sizes", "scenario"), [({"seed": 1}, "stress"), ({"stations": 2, "lses": 2, "buses": 2, "seed": 2}, "base")]
)
def test_three_routes_find_the_same_equilibrium_of_a_grown_market(sizes, scenario, tmp_path):
    growth = Growth(**sizes)
    case = grown_case(growth, tmp_path)
    found = solve(case, scenario)
    assert found.solved and found.routes_agree
    other = solve_one_program(tmp_path / "case.toml", scenario, True).unique
    for key in ("social_cost_usd_per_h", "load_shed_kw", "import_kw", "household_kw", "charged_kw", "discharged_kw"):
        assert found.quantities[key] == pytest.approx(other[key], rel=1e-5, abs=1e-2), key
    assert 0.05 < found.quantities["stop_share"] < 0.4 and found.quantities["charged_kw"] > 50
    assert found.quantities["voltage_min_pu"] >= case.feeder.voltage_min_pu - 1e-9


def test_the_command_writes_a_case_that_other_commands_take(call, tmp_path):
    shown = call("grow", "--stations", "2", "--buses", "2", "--seed", "3", "--out", "made")
    assert shown.code == 0 and shown.err == ""
    assert "18 stations, 4 load serving entities, 246 buses, 18 OD pairs with 10 routes each" in shown.out
    text = (tmp_path / "made" / "case.toml").read_text(encoding="utf-8")
    assert text.startswith(f"# Grown from {REFERENCE} by `bestresponse grow --stations 2 --buses 2 --seed 3`.")
    assert tomllib.loads(text)["name"] == "grown_s2_l1_b2_r1_o1_seed3"
    assert call("check", "made/case.toml").code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stations", "0"], "stations: given 0, must be a whole number from 1 to 128"),
        (["--od-pairs", "129"], "od-pairs: given 129, must be a whole number from 1 to 128"),
        (["--total", "nan"], "total: given nan, must be above 0"),
        (["--seed", "-1"], "seed: given -1, must be a whole number from 0"),
    ],
)
def test_bad_sizes_are_named(words, message, call, tmp_path):
    shown = call("grow", "--out", "made", *words)
    assert shown.code == 2 and message in shown.err
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("v2g", [True, False])
def test_a_state_that_drifts_at_constant_speed_arrives(v2g, tmp_path):
    """Plain sharing drifts here for a thousand sweeps; an accelerator that fits differences of equal steps stalls."""
    grown(od_pairs=2, seed=2).write(tmp_path)
    result = solve(load_case(tmp_path / "case.toml"), "base", v2g=v2g)
    assert result.solved and result.routes_agree


def test_a_case_that_was_not_grown_is_not_replaced(call, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "case.toml").write_text("# mine")
    refused = call("grow", "--out", "mine")
    assert refused.code == 2 and "was not grown" in refused.err
    assert (tmp_path / "mine" / "case.toml").read_text() == "# mine"
    assert call("grow", "--out", "grown").code == call("grow", "--out", "grown", "--seed", "1").code == 0
