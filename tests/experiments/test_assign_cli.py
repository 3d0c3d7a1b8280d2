"""`bestresponse assign`: what it writes, says and refuses, and the benchmark against other programs."""

import csv
import json
import sys
from pathlib import Path

import pytest

from experiments.benchmarks import assignment
from experiments.benchmarks.assignment import instances, own, peer
from tests.experiments.command_line import unwrapped

FIXTURES = Path(__file__).parents[1] / "networks" / "fixtures"
NET, TRIPS = str(FIXTURES / "odd_net.tntp"), str(FIXTURES / "odd_trips.tntp")
KEYS = {"relative_gap", "beckmann", "total_travel_time", "iterations", "seconds", "phases", "conservation_error"}


def test_sioux_falls_to_json_and_csv(call, tmp_path):
    shown = call("assign", "sioux_falls", "sioux_falls", "--gap", "1e-8", "--json", "r.json", "--flows", "out/f.csv")
    assert (shown.code, shown.err) == (0, "")
    data = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert KEYS <= set(data)
    assert data["converged"] and 0.0 <= data["relative_gap"] <= 1e-8
    assert data["beckmann"] == pytest.approx(4_231_335.28710744, rel=1e-11)
    assert (data["nodes"], data["links"], data["pairs"]) == (24, 76, 528)
    assert data["intrazonal_trips_dropped"] == {"trips": 0, "zones": 0}
    assert "dropped" not in shown.out
    with (tmp_path / "out" / "f.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["from"], row["to"]) for row in rows[:2]] == [("1", "2"), ("1", "3")]
    assert float(rows[0]["flow"]) == pytest.approx(4494.65764646, rel=1e-5)
    spent = sum(float(row["flow"]) * float(row["time"]) for row in rows)
    assert spent == pytest.approx(data["total_travel_time"], rel=1e-12)


def test_trips_within_a_zone_are_dropped_and_said(call, tmp_path):
    (tmp_path / "net.tntp").write_text("1 2 10 1 1\n2 1 10 1 1\n", encoding="utf-8")
    shown = call("assign", "net.tntp", TRIPS, "--json", "r.json")
    assert shown.code == 0
    assert "dropped: 5 trips within one zone," in unwrapped(shown.out)
    data = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert data["intrazonal_trips_dropped"] == {"trips": 5.0, "zones": 1}
    assert data["pairs"] == 2


def test_weights_of_toll_and_distance_are_part_of_the_cost(call, tmp_path):
    (tmp_path / "trips.tntp").write_text("Origin 1\n2 : 10;\n", encoding="utf-8")
    found = []
    for weights in ([], ["--toll-weight", "0.1", "--distance-weight", "2"]):
        shown = call("assign", NET, "trips.tntp", "--json", "r.json", *weights)
        assert shown.code == 0
        found.append(json.loads((tmp_path / "r.json").read_text(encoding="utf-8")))
    assert found[0]["total_cost"] == pytest.approx(found[0]["total_travel_time"])
    # 1-3-5-2: toll 25 on the connector, length 0.5 + 1 + 1
    assert found[1]["total_cost"] - found[1]["total_travel_time"] == pytest.approx(10 * (0.1 * 25 + 2 * 2.5))


def optimum_of(call, tmp_path, *network, gap="1e-10"):
    shown = call("assign", *network, "--price-of-anarchy", "--gap", gap, "--json", "r.json")
    assert (shown.code, shown.err) == (0, "")
    assert "price of anarchy" in shown.out
    data = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    both = data["by_principle"]
    assert data["total_cost"] == both["user_equilibrium"]["total_cost"]
    assert data["price_of_anarchy"] == data["total_cost"] / both["system_optimum"]["total_cost"]
    return data["price_of_anarchy"], both["user_equilibrium"], both["system_optimum"]


def test_price_of_anarchy_of_pigou_is_four_thirds(call, tmp_path):
    """A constant hour by way of 3, or as many hours as vehicles on the link 1-2."""
    (tmp_path / "net.tntp").write_text("1 2 1 0 1e-9 1e9 1\n1 3 1 0 1 0 1\n3 2 1 0 0 0 1\n", encoding="utf-8")
    (tmp_path / "trips.tntp").write_text("Origin 1\n2 : 1;\n", encoding="utf-8")
    ratio, equilibrium, optimum = optimum_of(call, tmp_path, "net.tntp", "trips.tntp")
    assert ratio == pytest.approx(4 / 3, rel=1e-7)
    assert equilibrium["total_cost"] == pytest.approx(1.0, rel=1e-7)
    assert optimum["total_travel_time"] == pytest.approx(0.75, rel=1e-7)


def test_price_of_anarchy_of_braess_is_92_over_83(call, tmp_path):
    links = ["1 2 1 0 1e-9 1e10 1", "1 3 1 0 50 0.02 1", "2 4 1 0 50 0.02 1", "3 4 1 0 1e-9 1e10 1", "2 3 1 0 10 0.1 1"]
    (tmp_path / "net.tntp").write_text("\n".join(links) + "\n", encoding="utf-8")
    (tmp_path / "trips.tntp").write_text("Origin 1\n4 : 6;\n", encoding="utf-8")
    ratio, equilibrium, optimum = optimum_of(call, tmp_path, "net.tntp", "trips.tntp")
    assert equilibrium["total_cost"] == pytest.approx(6 * 92, rel=1e-7)
    assert optimum["total_cost"] == pytest.approx(6 * 83, rel=1e-7)  # nobody takes the bridge
    assert ratio == pytest.approx(92 / 83, rel=1e-7)


def test_sioux_falls_at_the_optimum_by_two_algorithms(call, tmp_path):
    """The published total time is 7,194,256; the relative gap bounds what is left to save, since v t(v) is convex."""
    ratio, _, exact = optimum_of(call, tmp_path, "sioux_falls", "sioux_falls", gap="1e-8")
    assert exact["total_travel_time"] == pytest.approx(7_194_256, rel=1e-6)
    assert ratio == pytest.approx(7_480_225.345 / 7_194_256, rel=1e-6)
    options = ["--principle", "system_optimum", "--algorithm", "biconjugate", "--gap", "1e-5", "--json", "link.json"]
    assert call("assign", "sioux_falls", "sioux_falls", *options).code == 0
    rough = json.loads((tmp_path / "link.json").read_text(encoding="utf-8"))
    assert rough["principle"] == "system_optimum" and rough["relative_gap"] <= 1e-5
    assert 0.0 <= rough["total_travel_time"] / exact["total_travel_time"] - 1.0 <= 5e-5
    assert rough["beckmann"] > 4_231_335.3  # the optimum is no user equilibrium


def test_not_converging_is_a_result(call, tmp_path):
    options = ["--algorithm", "frank-wolfe", "--gap", "1e-9", "--max-iterations", "4", "--json", "r.json"]
    shown = call("assign", "sioux_falls", "sioux_falls", *options)
    assert shown.code == 3
    assert "not converged" in shown.out
    data = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert not data["converged"] and data["iterations"] == 4 and data["relative_gap"] > 1e-9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sioux_falls", "sioux_falls", "--algorithm", "paths"], "there is no algorithm 'paths'; there are path,"),
        (["sioux_falls", "sioux_falls", "--gap", "0"], "gap 0.0; allowed"),
        (["sioux_falls", "sioux_falls", "--principle", "system"], "no principle 'system'; there are user_equilibrium,"),
        (["missing.tntp", "sioux_falls"], "neither a built-in name"),
        ([NET, TRIPS], "no route from 2 to 1, but there are trips"),
        (["sioux_falls", "bad.tntp"], "bad.tntp, line 2: 'nonsense' is no 'destination : trips'"),
        (["zero.tntp", TRIPS], "zero.tntp, line 1: capacity is 0; allowed: positive numbers"),
        (["weak.tntp", TRIPS], "weak.tntp, line 1: power is 0.5; allowed: 1 or more"),
        (["sioux_falls", "sioux_falls", "--json", "."], "is a folder; name a file"),
    ],
)
def test_bad_input_is_named(call, tmp_path, arguments, message):
    (tmp_path / "bad.tntp").write_text("Origin 1\nnonsense;\n", encoding="utf-8")
    (tmp_path / "zero.tntp").write_text("1 2 0 1 1\n2 1 10 1 1\n", encoding="utf-8")
    (tmp_path / "weak.tntp").write_text("1 2 10 1 1 0.15 0.5\n2 1 10 1 1\n", encoding="utf-8")
    shown = call("assign", *arguments)
    assert shown.code == 2
    assert shown.err.startswith("error: ") and message in unwrapped(shown.err)


def small_folder(folder: Path) -> Path:
    (folder / "Two_net.tntp").write_text("1 2 10 1 1\n2 1 10 1 1\n", encoding="utf-8")
    (folder / "Two_trips.tntp").write_text("Origin 1\n2 : 20;\n", encoding="utf-8")
    (folder / "Lonely_net.tntp").write_text("1 2 10 1 1\n", encoding="utf-8")
    return folder


def test_the_benchmark_judges_its_own_flows(tmp_path):
    (instance,) = instances(small_folder(tmp_path))
    timing = own(instance, 1e-6, threads=1, repeat=2)
    assert len(timing.seconds) == 2
    assert timing.found.beckmann == pytest.approx(20 * (1 + 0.15 / 5 * 2**4))
    assert timing.found.relative_gap == pytest.approx(0.0, abs=1e-12)
    assert len(timing.cells()) == len(assignment.COLUMNS)


def test_the_benchmark_leaves_out_programs_that_are_not_there(tmp_path):
    (instance,) = instances(small_folder(tmp_path))
    assert peer("aequilibrae", Path(sys.executable), instance, 1e-6, 1, 1) is None
    assert assignment.main([str(tmp_path / "nowhere")]) == 2
