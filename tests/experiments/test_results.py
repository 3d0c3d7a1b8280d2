"""Does the JSON file hold what figures and later comparisons read, and does it come back as the same object?"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from bestresponse.errors import DataError
from experiments.case import case_hash, load_case
from experiments.result import load_result
from networks.feeder import load_feeder
from networks.road import load_road
from tests.experiments.runs import PAPER, ROBUST, TEACHING, runs_of, solved

QUANTITIES = """
    social_cost_usd_per_h generation_cost_usd_per_h travel_cost_usd_per_h load_shed_kw dlmp_usd_per_kwh import_kw
    generation_kw household_kw station_net_kw charged_kw discharged_kw stop_share discharge_share station_time_h_per_h
    discharging_od_pairs od_cost_usd od_cost_by_class_usd link_flow_veh_per_h voltage_min_pu wardrop_gap
    import_cost_usd_per_h shortage_cost_usd_per_h degradation_cost_usd_per_h household_price_usd_per_kwh
    station_price_usd_per_kwh dlmp_parts_usd_per_kwh voltage_pu line_flow load_shed_by_bus_kw generation_by_bus_kw
    injection paths
""".split()
FULL = (ROBUST, "congested", True)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("result") / "congested.json"
    solved(FULL).result.save(path)
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_file_has_the_keys_that_others_read(written):
    assert {"case", "scenario", "v2g", "method", "status", "quantities", "certificate", "cross_check"} <= set(written)
    assert {"sweeps", "seconds", "provenance"} <= set(written)
    assert set(written["quantities"]) == set(QUANTITIES)
    assert (written["case"], written["scenario"], written["v2g"], written["method"]) == (*FULL, "both")
    assert written["status"].endswith("The two routes agree.")


def test_quantities_are_named_by_bus_node_line_link_pair_and_entity(written):
    case, found = load_case(ROBUST), written["quantities"]
    feeder, road = load_feeder("ieee123"), load_road("sioux_falls")
    loaded = {bus for bus, load in zip(feeder.buses, feeder.p_kw, strict=True) if load > 0}
    stations = {str(station.node) for station in case.stations}
    keys = {
        "dlmp_usd_per_kwh": set(feeder.buses),
        "voltage_pu": set(feeder.buses),
        "household_price_usd_per_kwh": loaded,
        "load_shed_by_bus_kw": loaded,
        "generation_by_bus_kw": {unit.bus for entity in case.lse for unit in entity.generators},
        "generation_kw": {entity.name for entity in case.lse},
        "station_net_kw": stations,
        "station_price_usd_per_kwh": stations,
        "od_cost_usd": {f"{start}-{end}" for start, end in case.demand.od_pairs},
        "link_flow_veh_per_h": set(road.link_names),
        "line_flow": set(feeder.line_names),
    }
    assert {name: set(found[name]) for name in keys} == keys
    assert all(len(pair) == 2 for name in ("line_flow", "station_price_usd_per_kwh") for pair in found[name].values())


def test_totals_are_the_sums_of_their_parts(written):
    found = written["quantities"]
    parts = ("generation", "import", "shortage", "travel", "degradation")
    total = sum(found[f"{part}_cost_usd_per_h"] for part in parts)
    assert found["social_cost_usd_per_h"] == pytest.approx(total, rel=1e-12)
    assert found["load_shed_kw"] == pytest.approx(sum(found["load_shed_by_bus_kw"].values()), abs=1e-9)
    assert sum(found["generation_kw"].values()) == pytest.approx(sum(found["generation_by_bus_kw"].values()), rel=1e-12)
    net = found["charged_kw"] - found["discharged_kw"]
    assert sum(found["station_net_kw"].values()) == pytest.approx(net, abs=1e-9)
    assert found["voltage_min_pu"] == min(found["voltage_pu"].values())
    supply = found["import_kw"] + sum(found["generation_kw"].values())
    assert supply == pytest.approx(found["household_kw"] + net, rel=1e-6)  # the feeder loses nothing
    case = load_case(ROBUST)
    assert found["import_cost_usd_per_h"] == pytest.approx(case.tso.price_usd_per_kwh * found["import_kw"], rel=1e-12)
    wear = case.vehicles.degradation_usd_per_kwh * found["discharged_kw"]
    assert found["degradation_cost_usd_per_h"] == pytest.approx(wear, rel=1e-9)


def test_used_paths_carry_the_demand_and_the_cost_of_their_pair(written):
    case, found = load_case(ROBUST), written["quantities"]
    energy = {"charge": 0.0, "discharge": 0.0}
    carried: dict[tuple[str, str], float] = {}
    for path in found["paths"]:
        assert set(path) == {
            "od", "class", "route", "stops", "flow_veh_per_h", "time_usd", "station_usd", "energy_usd"
        }  # fmt: skip
        start, end = (int(node) for node in path["od"].split("-"))
        assert (path["route"][0], path["route"][-1]) == (start, end)
        assert path["flow_veh_per_h"] > 1e-6
        carried[path["od"], path["class"]] = carried.get((path["od"], path["class"]), 0.0) + path["flow_veh_per_h"]
        for stop in path["stops"]:
            assert set(stop) == {"node", "action", "energy_kwh"} and stop["node"] in path["route"][1:-1]
            energy[stop["action"]] += stop["energy_kwh"] * path["flow_veh_per_h"]
        if path["class"] == "EV":  # equilibrium: all used paths of a pair cost the same
            cost = path["time_usd"] + path["station_usd"] + path["energy_usd"]
            assert cost == pytest.approx(found["od_cost_usd"][path["od"]], rel=1e-6)
        else:
            assert path["stops"] == [] and path["station_usd"] == path["energy_usd"] == 0.0
    assert len(carried) == 36
    for (_, kind), flow in carried.items():
        assert flow == pytest.approx(case.demand.ev_veh_per_h if kind == "EV" else case.demand.fv_veh_per_h, rel=1e-6)
    assert energy["charge"] == pytest.approx(found["charged_kw"], rel=1e-5)
    assert energy["discharge"] == pytest.approx(found["discharged_kw"], rel=1e-5)


def test_certificate_cross_check_seconds_and_provenance_say_what_they_must(written):
    certificate = written["certificate"]
    families = {"charging", "discharging", "retail_to_cno", "cno_to_retail", "delivery", "import", "household"}
    assert set(certificate["imbalance"]) == families
    players = {"CNO", "DSO", "Households", "Traffic", "LSE 1", "LSE 2", "LSE 3", "LSE 4"}
    assert set(certificate["gain"]) == players
    assert all({"absolute", "relative"} <= set(gain) for gain in certificate["gain"].values())
    assert 0 <= certificate["natural_residual"] < 1e-6
    for row in written["cross_check"].values():
        assert {"coordinator", "monolith", "relative_difference", "unique"} <= set(row)
        assert row["unique"] in (True, False)
    assert {"build", "set-up", "coordination", "monolith", *players} <= set(written["seconds"])
    assert all(0 <= seconds < 600 for seconds in written["seconds"].values())
    assert written["sweeps"] == len(written["trace"])
    provenance = written["provenance"]
    assert {"python", "bestresponse", "numpy", "scipy", "highspy", "piqp"} <= set(provenance["versions"])
    assert provenance["case_hash"] == case_hash(load_case(ROBUST))
    assert provenance["tolerances"] == {"market": 1e-8, "gain": 1e-6, "violation": 1e-6}


@pytest.mark.parametrize("run", [FULL, (PAPER, "island", False), *runs_of(TEACHING)[:2]])
def test_a_result_comes_back_as_the_same_object_with_the_same_tables(tmp_path, run):
    result = solved(run).result
    result.save(tmp_path / "result.json")
    again = load_result(tmp_path / "result.json")
    assert again == result
    for name in result.tables:
        assert again.table(name).equals(result.table(name)), name


COLUMNS = {
    "dlmp": ("bus", ["dlmp_usd_per_kwh"], 123),
    "buses": (
        "bus",
        [
            "dlmp_usd_per_kwh",
            "voltage_pu",
            "injection_kw",
            "injection_kvar",
            "load_shed_kw",
            "generation_kw",
            "household_price_usd_per_kwh",
        ],
        123,
    ),
    "entities": ("entity", ["generation_kw"], 4),
    "stations": ("node", ["net_kw", "charging_usd_per_kwh", "discharging_usd_per_kwh"], 9),
    "od_pairs": ("od_pair", ["cost_usd"], 18),
    "links": ("link", ["flow_veh_per_h"], 76),
    "lines": ("line", ["p_kw", "q_kvar"], 122),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_tables_have_units_in_their_columns_and_a_row_for_each(name):
    index, columns, rows = COLUMNS[name]
    frame = solved(FULL).result.table(name)
    assert (frame.index.name, list(frame.columns), len(frame)) == (index, columns, rows)


def test_the_other_tables():
    result = solved(FULL).result
    assert set(COLUMNS) | {"paths", "trace", "summary", "cross_check"} == set(result.tables)
    assert result.table("dlmp")["dlmp_usd_per_kwh"].to_dict() == result.quantities["dlmp_usd_per_kwh"]
    assert len(result.table("paths")) == len(result.quantities["paths"])
    assert result.table("trace")["sweep"].tolist() == list(range(1, result.sweeps + 1))
    assert result.table("summary").loc["charged_kw", "value"] == result.quantities["charged_kw"]
    assert bool(result.table("cross_check").loc["charged_kw", "unique"])


def test_without_v2g_there_is_no_price_for_discharging():
    stations = solved((ROBUST, "base", False)).result.table("stations")
    assert stations["discharging_usd_per_kwh"].isna().all() and stations["charging_usd_per_kwh"].notna().all()


def test_an_unknown_table_is_refused_with_the_names_of_all():
    result = solved((TEACHING, "base", True)).result
    with pytest.raises(DataError) as caught:
        result.table("dlmps")
    assert str(caught.value) == "there is no table 'dlmps'; there are " + ", ".join(result.tables)


NO_RESULTS = [
    ("{", "line 1, column 2: no JSON"),
    ("[1, 2]", "no result of `bestresponse solve --json`"),
    ('{"case": "teaching"}', "no result of `bestresponse solve --json`"),
]


@pytest.mark.parametrize(("text", "message"), NO_RESULTS)
def test_a_file_that_is_no_result_is_refused_by_name(tmp_path, text, message):
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_result(path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_a_result_with_a_key_missing_or_a_missing_file_is_refused_by_name(tmp_path):
    path = tmp_path / "result.json"
    with pytest.raises(DataError, match=r"result\.json: cannot be read"):
        load_result(path)
    solved((TEACHING, "base", True)).result.save(path)
    data = json.loads(path.read_text(encoding="utf-8"))
    del data["certificate"]
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(DataError, match=r"result\.json: no result of `bestresponse solve --json`"):
        load_result(path)


def test_the_names_that_notebooks_import(tmp_path):
    script = """
from experiments import load_case, load_result, solve
result = solve(load_case("teaching"), "stress", v2g=True)
assert result.solved
result.save("notebook.json")
assert load_result("notebook.json") == result
print(round(result.table("dlmp")["dlmp_usd_per_kwh"].max(), 4))
"""
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    dlmp = solved((TEACHING, "stress", True)).result.quantities["dlmp_usd_per_kwh"]
    assert float(shown.stdout) == pytest.approx(max(dlmp.values()), abs=1e-4)
