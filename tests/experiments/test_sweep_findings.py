"""The paper's findings, judged for every change of a sweep."""

from __future__ import annotations

from dataclasses import replace

import pytest

from experiments.sweeps.design import points
from experiments.sweeps.judging import judged
from experiments.sweeps.runs import Outcome, run_of, work
from experiments.sweeps.study import load_study

STUDY = """
name = "judged"
case = "paper_findings"
findings = true
grid.scenario = ["base", "stress", "island"]
grid.v2g = [false, true]
"""


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    path = tmp_path_factory.mktemp("judged") / "judged.toml"
    path.write_text(STUDY, encoding="utf-8")
    study = load_study(path)
    runs = [run_of(study, k, point) for k, point in enumerate(points(study), start=1)]
    return [(run, work(run)) for run in runs]


def test_all_findings_hold_in_the_case_as_it_is(ended):
    assert all(columns == {"findings_held": 13, "findings_lost": ""} for columns in judged(ended).values())


def test_a_finding_that_is_lost_is_named_for_the_runs_of_its_change_only(ended):
    (run, outcome), *rest = ended
    shedding = replace(outcome.result, quantities={**outcome.result.quantities, "load_shed_kw": 50.0})
    changed = [
        (replace(each, number=each.number + 6, columns={**each.columns, "changed": "x"}), o) for each, o in ended
    ]
    found = judged([*changed, (run, Outcome.of(shedding)), *rest])
    assert found[1] == found[6] == {"findings_held": 12, "findings_lost": "F1"}
    assert found[7]["findings_held"] == 13


def test_changes_by_lists_are_judged_too(ended):
    listed = [
        (replace(run, number=run.number + 6 * k, columns={**run.columns, "scenarios.base.outages": outages}), outcome)
        for k, outages in enumerate([[], ["1-2"]])
        for run, outcome in ended
    ]
    assert len(judged(listed)) == 12


def test_what_cannot_be_judged_does_not_hold(ended):
    (run, _), *rest = ended
    lost = judged([(run, Outcome("failed", "no answer")), *rest])[2]["findings_lost"].split()
    assert {"F1", "F2", "F4"} <= set(lost)
