"""Does a case that misfits its road or feeder fail before the run, with the nearest name or the numbers at fault?"""

from __future__ import annotations

import pytest

from bestresponse.errors import DataError
from experiments.case import case_from, load_case
from experiments.case_check import check_case
from experiments.case_report import describe
from experiments.solving import solve
from tests.experiments.case_tables import GONE, network_folder, refusal, tables


@pytest.mark.parametrize(
    ("name", "routes", "with_v2g", "without_v2g"), [("sioux_falls_ieee123", 213, 1498, 1018), ("teaching", 9, 13, 11)]
)
def test_built_in_cases_fit_their_networks(name, routes, with_v2g, without_v2g):
    checked = check_case(load_case(name))
    assert checked.paths_of_fuel_vehicles.n_paths == sum(map(len, checked.routes)) == routes
    assert [paths.n_paths for paths in checked.paths_with_v2g] == [with_v2g]
    assert [paths.n_paths for paths in checked.paths_without_v2g] == [without_v2g]


def test_the_capacity_factor_and_the_scenario_reach_the_networks():
    checked = check_case(load_case("sioux_falls_ieee123"))
    assert checked.road.capacity_veh_per_h[0] == pytest.approx(0.012 * 25900.20064)
    congested, island = checked.scenario_feeder("congested"), checked.scenario_feeder("island")
    assert congested.p_kw.sum() == pytest.approx(1.5 * 3490.0)
    assert congested.rate_kva[congested.line_index("18-13")] == 300.0
    assert island.n_lines == 119 and len(set(island.component.tolist())) == 4


UNKNOWN_NAMES = [
    (
        {"stations__1__node": 9},
        "stations[2].node (node 9)",
        "given 9, must be one of the 5 nodes of road teaching: 1 to 5",
    ),
    ({"demand__origins": [1, 0]}, "demand.origins[2]", "given 0, must be one of the 5 nodes"),
    ({"demand__destinations": [2, 3, 5, 77]}, "demand.destinations[4]", "given 77, must be one of the 5 nodes"),
    (
        {"stations__0__bus": "66"},
        "stations[1].bus (node 2)",
        'given "66", must be one of the 6 buses of feeder teaching;',
    ),
    (
        {"lse__1__generators__0__bus": "nowhere"},
        'lse[2].generators[1].bus ("South", bus "nowhere")',
        'given "nowhere", must be one of the 6 buses of feeder teaching.',
    ),
    (
        {"scenarios__island__outages": ["2-3", "3-5"]},
        "scenarios.island.outages[2]",
        'given "3-5", must be one of the 5 lines of feeder teaching; did you mean "',
    ),
    ({"scenarios__island__outages": ["2-3", "3-2"]}, "scenarios.island.outages[2]", 'given "3-2" after "2-3", must be'),
    (
        {"scenarios__base__line_limits_kva": {"1-9": 5}},
        "scenarios.base.line_limits_kva.1-9",
        'given "1-9", must be one of the 5 lines',
    ),
    (
        {"road__network": "teachin"},
        "road.network",
        'given "teachin", no such file or folder and no built-in name; did you',
    ),
    (
        {"feeder__network": "ieee_123"},
        "feeder.network",
        'given "ieee_123", no such file or folder and no built-in name; did',
    ),
]


@pytest.mark.parametrize(("changes", "key", "text"), UNKNOWN_NAMES)
def test_unknown_nodes_buses_lines_and_networks_are_named(changes, key, text):
    assert refusal(tables(**changes)).startswith(f"case.toml: {key}: {text}")


def test_the_nearest_line_is_found_in_either_direction():
    data = tables("sioux_falls_ieee123", scenarios__island__outages=["135-180"])
    assert 'did you mean "135-18"?' in refusal(data)


def test_problems_of_road_and_feeder_come_together():
    data = tables(stations__0__node=9, stations__0__bus="9", scenarios__island__outages=["9-9"])
    assert len(refusal(data).splitlines()) == 3


BAD_NETWORKS = [
    ("lines.csv", ("5,6,0.4,0.5,350", "5,6,0.4,0.5,350\n4,6,0.4,0.5,350"), "has a loop of the lines"),
    ("lines.csv", ("5,6,0.4,0.5,350", "5,6,0.4,0.5,-350"), "rate_kva is -350"),
    ("buses.csv", ("200,80,50", "nan,80,50"), "p_kw is nan"),
    ("buses.csv", ("200,80,50", "-200,80,50"), "given a load below 0 kW at bus 3, must be ≥ 0"),
    ("feeder.toml", ('root = "1"', 'root = "11"'), "root '11' is no bus"),
]


@pytest.mark.parametrize(("file", "replace", "text"), BAD_NETWORKS)
def test_a_bad_feeder_is_reported_under_the_case_files_key(tmp_path, file, replace, text):
    network_folder(tmp_path, file, replace)
    message = refusal(tables(feeder__network="nets"), tmp_path)
    assert message.startswith("case.toml: feeder.network: ")
    assert text in message


def test_a_bad_road_is_reported_under_the_case_files_key(tmp_path):
    network_folder(tmp_path, "links.csv", ("\n2,1,14,13,120", "\n2,1,14,13,-120"))
    message = refusal(tables(road__network="nets"), tmp_path)
    assert message.startswith("case.toml: road.network: ")
    assert "capacity_veh_per_h is -120" in message


def test_every_od_pair_without_an_energy_feasible_path_is_named():
    data = tables(vehicles__battery_kwh=12.0, vehicles__post_discharge_kwh=10.0)  # 9.6 km: less than any first link
    lines = refusal(data).splitlines()
    assert [line.partition(" no ")[0] for line in lines] == [
        "case.toml: demand: OD pair 1-2:",
        "case.toml: demand: OD pair 1-3:",
        "case.toml: demand: OD pair 1-5:",
    ]
    only_long = refusal(tables(stations=GONE)).splitlines()
    assert len(only_long) == 1
    assert "OD pair 1-5: no energy-feasible path" in only_long[0]


def test_an_od_pair_without_a_road_is_named(tmp_path):
    folder = network_folder(tmp_path)
    links = (folder / "links.csv").read_text(encoding="utf-8").splitlines()
    kept = [line for line in links if line.split(",")[1] != "5"]  # nothing leads to node 5
    (folder / "links.csv").write_text("\n".join(kept), encoding="utf-8")
    assert refusal(tables(road__network="nets"), tmp_path).startswith("case.toml: demand: OD pair 1-5: ")


def test_an_island_without_enough_reactive_support_is_named_with_its_numbers():
    data = tables(lse__0__generators__0__q_max_kvar=20.0, stations__1__inverter_kvar=9.0)
    assert refusal(data) == (
        "case.toml: scenarios.island: an island of 2 buses (3, 4) needs 130.0 kvar of reactive power (load 180.0 − "
        "capacitors 50.0); available from generators and station inverters there: -29.0 to 29.0 kvar"
    )
    case_from(data, "c")  # nothing is wrong with the keys themselves


def test_reactive_support_that_is_just_enough_passes():
    data = tables(lse__0__generators__0__q_max_kvar=30.0, stations__1__inverter_kvar=100.0)
    assert check_case(case_from(data, "c")).case.name == "teaching"
    data["stations"][1]["inverter_kvar"] = 99.9
    assert "needs 130.0 kvar" in refusal(data)


def test_capacitors_that_an_island_cannot_absorb_are_refused(tmp_path):
    network_folder(tmp_path, "buses.csv", ("200,80,50", "200,80,500"))
    data = tables(feeder__network="nets")
    assert "needs -320.0 kvar" in refusal(data, tmp_path)
    data["lse"][0]["generators"][0]["q_max_kvar"] = 220.0  # with the inverter's 100 exactly enough
    assert check_case(case_from(data, "c", tmp_path)).feeder.cap_kvar.sum() == 550.0


def test_the_part_with_the_root_counts_the_import():
    data = tables(tso__q_min_kvar=0.0, tso__q_max_kvar=10.0, scenarios__island__outages=[])
    for entity in data["lse"]:
        entity["generators"][0]["q_max_kvar"] = 60.0
    message = refusal(data)
    assert "scenarios.stress: the part with the root of 6 buses" in message
    assert "available from generators and station inverters there and the TSO's import: -320.0 to 330.0" in message
    assert len(message.splitlines()) == 1  # base needs 230, island 296


def test_active_power_that_shedding_can_replace_is_no_error():
    data = tables(lse__0__generators__0__p_max_kw=0.0, lse__1__generators__0__p_max_kw=0.0)
    assert check_case(case_from(data, "c")).case.lse[0].generators[0].p_max_kw == 0.0


def test_charging_that_no_choice_of_paths_could_supply_is_refused():
    data = tables(scenarios__island__outages=["2-3", "2-5"])  # both stations on islands
    for entity in data["lse"]:
        entity["generators"][0]["p_max_kw"] = 0.0
    case = case_from(data, "case.toml")
    check_case(
        case
    )  # the 60 veh/h of 1-2 can sell 4 kWh each at node 3, more than the 12 veh/h of 1-5 must charge there
    shortage = "than generation of the island (station at node 3) allows (0 kW), whatever paths they choose"
    with pytest.raises(DataError) as caught:
        check_case(case, v2g=False)
    assert str(caught.value) == f"case.toml: scenarios.island: electric vehicles need 120.0 kW more {shortage}"
    data["demand"]["ev_by_od"] = {}  # 12 veh/h of 1-2
    assert refusal(data) == f"case.toml: scenarios.island: electric vehicles need 72.0 kW more {shortage}"


BATTERY = {"bus": "3", "power_kw": 50.0, "energy_kwh": 100.0, "stored_kwh": 90.0, "worth_usd_per_kwh": 0.1}


@pytest.mark.parametrize(
    "players", [{"cno": "storage"}, {"traffic": "elastic"}, {"extra": [{"model": "battery", "options": BATTERY}]}]
)
def test_where_others_may_supply_or_drivers_may_stay_at_home_nothing_is_said_about_charging(players):
    data = tables(scenarios__island__outages=["2-3", "2-5"], demand__ev_by_od={})
    for entity in data["lse"]:
        entity["generators"][0]["p_max_kw"] = 0.0
    assert "electric vehicles need" in refusal(data)
    assert check_case(case_from(data | {"players": players}, "c")).case.name == "teaching"


def test_a_copper_plate_needs_no_reactive_power():
    data = tables(lse__0__generators__0__q_max_kvar=20.0, stations__1__inverter_kvar=9.0)
    assert solve(case_from(data | {"players": {"dso": "copperplate"}}, "c"), "island").routes_agree


def test_stations_too_small_for_the_trips_are_refused_in_every_scenario():
    data = tables(station_defaults__capacity_kw=30.0)
    lines = refusal(data).splitlines()
    assert len(lines) >= 3
    assert all("electric vehicles need" in line and "capacity_kw of the station at node" in line for line in lines)
    data["station_defaults"]["capacity_kw"] = 84.0  # 12 veh/h · 14 kWh at node 2, or 10 kWh at node 3, or both
    check_case(case_from(data, "c"))


def test_a_description_counts_what_the_tables_hold():
    found = describe(load_case("sioux_falls_ieee123"))
    expected = {"road_nodes": 24, "road_links": 76, "stations": 9, "od_pairs": 18, "ev_veh_per_h": 216.0, "buses": 123}
    expected |= {"fv_veh_per_h": 360.0, "lines": 122, "load_kw": 3490.0, "load_kvar": 1920.0, "generators": 8}
    expected |= {"capacitors_kvar": 750.0, "generation_max_kw": 2700.0, "import_max_kw": 1650.0, "base_routes": 213}
    assert {key: found[key] for key in expected} == expected
    island = found["scenarios"]["island"]
    assert [(len(part["buses"]), part["load_kw"]) for part in island["islands"]] == [
        (19, 1132.5),
        (36, 1657.5),
        (16, 480),
    ]
    assert island["islands"][1]["needed_kvar"] == 1.5 * 610 - 750
    assert found["scenarios"]["congested"]["line_limits_kva"] == {"67-72": 150.0, "13-18": 300.0}
