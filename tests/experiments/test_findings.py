"""Are the paper's findings judged by what the results say, and do they come out as findings.md has them?"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from experiments.case import load_case
from experiments.reproduction.evidence import Evidence, Span
from experiments.reproduction.findings import findings
from experiments.reproduction.trips import dominant_path
from experiments.store import StoredRun
from experiments.task import Task
from tests.experiments.runs import PAPER, ROBUST, SCENARIOS, solved


@cache
def runs_of_case(case):
    """All runs of a case by the monolith, as a store would give them back."""
    found = {}
    for scenario in SCENARIOS[case]:
        for v2g in (False, True):
            task = Task(load_case(case), scenario, v2g, "monolith")
            result = solved((case, scenario, v2g), "monolith").result
            found[scenario, v2g] = StoredRun(Path(task.name), task.content, task.hash, {}, result, None)
    return found


def judged(runs):
    return {finding.name: finding for finding in findings(runs)}


def with_result(runs, name, **changes):
    run = runs[name]
    return {**runs, name: replace(run, result=replace(run.result, **changes))}


def planted(runs, name, **quantities):
    return with_result(runs, name, quantities={**runs[name].result.quantities, **quantities})


OURS = {
    "F1": "shed 0.0 / 0.0 kW; maximum DLMP 0.1515 / 0.1513 $/kWh",
    "F2": "Stress sheds 99.7 kW; Stress 43.0 $/kWh (284× Base); Island sheds 115.4 kW; Island 43.0 $/kWh (284× Base)",
    "F3": "Stress sheds 0.0 kW; Stress 43.0 → 0.205 $/kWh (1.35× Base); "
    "Island sheds 0.0 kW; Island 43.0 → 0.212 $/kWh (1.40× Base)",
    "F4": "without V2G 4.28 %; Base with V2G 5.17 %; Stress 22.36 %; Island 34.81 %",
    "F5": "Stress 22.36 %, Base 0.89 %; Island 34.81 %, Base 0.89 %",
    "F6": "charged in Base 241 → 228 kW; charged in Stress 342 → 228 kW; charged in Island 334 → 228 kW; "
    "discharged 13, 328, 510 kW",
    "F7": "Base 1.34 → 1.40 veh·h/h; Stress 11.72 → 3.63 veh·h/h; Island 11.00 → 5.21 veh·h/h",
    "F9": "OD 3 Stress 36.44 $; OD 3 Stress with V2G 14.53 $; OD 3 Island 528.35 $; OD 3 Island with V2G 14.59 $; "
    "OD 14 and 17 never more",
    "F10": "Stress without V2G 1-2(+)-6-8-7-18-20; Stress with V2G 1-3(+)-12(−)-13-24-21-20; "
    "Island without V2G 1-2(+)-6-8-7-18-20; Island with V2G 1-3(+)-12(−)-13-24-21-20",
    "F11": "Base 0.003 %; Stress 5.95 %; avoided shortage is 94% of the saving in Stress; "
    "Island 6.84 %; avoided shortage is 94% of the saving in Island",
    "F12": "net load −282 kW",
    "F13": "without V2G 1.61, 3.09, 3.07 MW; with V2G 1.58, 2.75, 2.57 MW",
}


def test_all_thirteen_come_out_with_the_known_values():
    found = judged(runs_of_case(PAPER))
    assert list(found) == [f"F{k}" for k in range(1, 14)] and len(found) == 13
    assert {name: found[name].ours for name in OURS} == OURS
    assert found["F8"].ours == "2, 6, 9"
    assert all(finding.holds is True and finding.why_not == "" for finding in found.values())


RANGES = {"stop_share": [0.2471, 0.3027], "dominant_path_share": {"1-20": [0.0, 1.0]}}


def test_the_robust_case_is_reported_as_it_is():
    runs = with_result(runs_of_case(ROBUST), ("island", True), ranges=RANGES)
    found = judged(runs)
    assert [name for name, finding in found.items() if not finding.holds] == ["F6", "F7", "F9", "F10"]
    assert sum(finding.holds is True for finding in found.values()) == 9
    assert found["F6"].why_not == (
        "not true: V2G lowers charging in Base; V2G lowers charging in Stress; V2G lowers charging in Island"
    )
    assert "(24.71 to 30.27) %" in found["F4"].ours and "(0% to 100% of them)" in found["F10"].ours


def times(factor, name):
    """A plant: every number of a quantity times a factor."""

    def plant(quantities):
        value = quantities[name]
        return {name: {k: factor * v for k, v in value.items()} if isinstance(value, dict) else factor * value}

    return plant


def to(value, name):
    return lambda quantities: {name: value}


def entry(value, name, key):
    return lambda quantities: {name: {**quantities[name], key: value}}


def other_path(quantities):
    """A plant: OD 3's trips no longer discharge on their way."""
    chosen = dominant_path(quantities["paths"], "1-20")
    without = {**chosen, "stops": [stop for stop in chosen["stops"] if stop["action"] == "charge"]}
    return {"paths": [without if path is chosen else path for path in quantities["paths"]]}


def other_route(quantities):
    chosen = dominant_path(quantities["paths"], "1-20")
    return {"paths": [{**path, "route": [1, 20]} if path is chosen else path for path in quantities["paths"]]}


B, S, I = "base", "stress", "island"  # noqa: E741
PLANTS = [
    ("F1", (B, True), to(1.0, "load_shed_kw")),
    ("F1", (B, True), times(1.02, "dlmp_usd_per_kwh")),
    ("F2", (S, False), to(0.0, "load_shed_kw")),
    ("F2", (I, False), times(0.01, "dlmp_usd_per_kwh")),
    ("F3", (S, True), to(0.5, "load_shed_kw")),
    ("F3", (I, True), times(50.0, "dlmp_usd_per_kwh")),
    ("F4", (S, False), to(0.06, "stop_share")),
    ("F4", (B, True), to(0.06, "stop_share")),
    ("F4", (S, True), to(0.27, "stop_share")),
    ("F4", (I, True), to(0.29, "stop_share")),
    ("F5", (S, True), to(0.03, "discharge_share")),
    ("F5", (B, True), to(0.2, "discharge_share")),
    ("F6", (B, True), to(241.0, "charged_kw")),
    ("F6", (I, True), to(300.0, "discharged_kw")),
    ("F7", (B, True), to(1.3, "station_time_h_per_h")),
    ("F7", (S, True), to(12.0, "station_time_h_per_h")),
    ("F8", (I, True), to(6, "discharging_od_pairs")),
    ("F9", (I, False), entry(400.0, "od_cost_usd", "1-20")),
    ("F9", (S, True), entry(16.0, "od_cost_usd", "1-20")),
    ("F9", (B, True), entry(99.0, "od_cost_usd", "3-22")),
    ("F10", (S, True), other_path),
    ("F10", (I, False), other_route),
    ("F11", (S, True), times(1.05, "social_cost_usd_per_h")),
    ("F11", (I, False), to(1000.0, "shortage_cost_usd_per_h")),
    ("F11", (B, True), times(1.001, "social_cost_usd_per_h")),
    ("F12", (I, True), to(600.0, "charged_kw")),
    ("F13", (S, True), times(0.6, "generation_kw")),
]


@pytest.mark.parametrize(("name", "run", "plant"), PLANTS)
def test_a_planted_result_makes_its_finding_fail_and_say_why(name, run, plant):
    runs = runs_of_case(PAPER)
    found = judged(planted(runs, run, **plant(runs[run].result.quantities)))
    assert found[name].holds is False
    assert found[name].why_not.startswith("not true: ")


def test_no_number_that_is_none_makes_a_finding_hold():
    runs = runs_of_case(PAPER)
    for run in runs:
        quantities = runs[run].result.quantities
        nothing = {k: float("nan") for k, v in quantities.items() if isinstance(v, float)}
        runs = planted(runs, run, **nothing)
    unmoved = {"F10", "F13", "F9", "F8"}  # they are about tables and counts
    assert {name for name, finding in judged(runs).items() if finding.holds} <= unmoved


def test_every_finding_names_the_files_of_its_numbers():
    found = judged(runs_of_case(PAPER))
    names = {run.name for run in runs_of_case(PAPER).values()}
    for finding in found.values():
        assert finding.sources
        for file, quantity in finding.sources:
            _, run, table = file.split("/")
            assert run in names and quantity and table.endswith((".json", ".parquet"))
    assert any(file.endswith("/buses.parquet") for file, _ in found["F1"].sources)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda runs: {k: v for k, v in runs.items() if k != ("stress", True)}, "there is no run of stress with V2G"),
        (lambda runs: with_result(runs, ("stress", True), solved=False, status="Too few."), "is not solved: Too few."),
        (
            lambda runs: {**runs, ("stress", True): replace(runs["stress", True], result=None, failure="No way.")},
            "stress with V2G failed: No way.",
        ),
    ],
)
def test_without_a_run_its_findings_are_not_judged(change, reason):
    found = judged(change(runs_of_case(PAPER)))
    assert found["F1"].holds is True and found["F12"].holds is True
    for name in ("F3", "F5", "F10"):
        assert found[name].holds is None and found[name].why_not.endswith(reason)


def test_what_players_do_not_report_is_not_judged():
    runs = runs_of_case(PAPER)
    quantities = {k: v for k, v in runs["base", True].result.quantities.items() if k != "stop_share"}
    found = judged(with_result(runs, ("base", True), quantities=quantities))
    assert found["F4"].holds is None and found["F4"].why_not.endswith("do not report stop_share")
    assert found["F5"].holds is True


def test_a_range_counts_where_a_quantity_is_not_unique():
    runs = planted(runs_of_case(PAPER), ("island", True), stop_share=0.25)
    assert judged(runs)["F4"].holds is False
    runs = with_result(runs, ("island", True), ranges={"stop_share": [0.2, 0.31]})
    assert judged(runs)["F4"].holds is True
    assert Evidence(runs).span("island", True, "stop_share") == Span(0.25, 0.2, 0.31)
    assert Span(-53.1, -66.2, -44.9).text(".1f") == "−53.1 (−66.2 to −44.9)"
    assert Span(-0.0, -1e-9, 0.0).text(".1f") == "0.0"
