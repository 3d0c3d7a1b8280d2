"""Does `diff` show what differs between two results, the largest first, and refuse what cannot be compared?"""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from experiments.case import load_case
from experiments.differences import SECTIONS, SINGLE, differences, load_any
from experiments.store import MANIFEST, Store
from experiments.task import Task
from tests.experiments.runs import TEACHING, solved


def result(scenario="stress", v2g=True):
    return solved((TEACHING, scenario, v2g)).result


def changed(found, **quantities):
    return replace(found, quantities={**found.quantities, **quantities})


@pytest.fixture
def files(tmp_path):
    for name, v2g in (("a", False), ("b", True)):
        result(v2g=v2g).save(tmp_path / f"{name}.json")
    return tmp_path / "a.json", tmp_path / "b.json"


@pytest.fixture
def store(tmp_path):
    store = Store.make(tmp_path / "store")
    for v2g in (False, True):
        store.add(Task(load_case(TEACHING), "stress", v2g), result(v2g=v2g))
    return store


def test_changes_are_right_and_the_largest_come_first():
    a = result()
    prices = dict(a.quantities["dlmp_usd_per_kwh"])
    one, other = list(prices)[2], list(prices)[4]
    prices[one] += 0.02
    prices[other] -= 0.5
    b = changed(a, dlmp_usd_per_kwh=prices, import_kw=a.quantities["import_kw"] * 1.5, charged_kw=0.0)
    found = {section.name: section for section in differences(a, b)}
    first, second = found[SINGLE].changes[:2]
    assert (first.name, first.b, first.relative) == ("charged_kw", 0.0, -1.0)
    assert second.name == "import_kw" and second.relative == pytest.approx(0.5)
    assert second.absolute == pytest.approx(0.5 * a.quantities["import_kw"])
    assert [change.name for change in found["dlmp_usd_per_kwh"].changes[:2]] == [other, one]
    assert [change.absolute for change in found["dlmp_usd_per_kwh"].changes[:2]] == pytest.approx([-0.5, 0.02])
    assert all(change.same for change in found["link_flow_veh_per_h"].changes)


def test_nothing_is_left_out_and_a_result_does_not_differ_from_itself():
    a = result()
    found = differences(a, a)
    assert [section.name for section in found] == [SINGLE, *SECTIONS]
    assert all(change.same and change.absolute == 0 for section in found for change in section.changes)
    for section in found[1:]:
        assert {change.name for change in section.changes} == set(a.quantities[section.name])
    singles = {name for name, value in a.quantities.items() if isinstance(value, int | float)}
    assert {change.name for change in found[0].changes} == singles


def test_what_only_one_has_and_what_is_no_number_is_said():
    a = result()
    flows = {name: flow for name, flow in a.quantities["link_flow_veh_per_h"].items() if name != "1-2"}
    b = changed(a, link_flow_veh_per_h=flows | {"9-9": 1.0}, import_kw=math.nan)
    found = {section.name: section for section in differences(a, b)}
    assert (found["link_flow_veh_per_h"].only_a, found["link_flow_veh_per_h"].only_b) == (("1-2",), ("9-9",))
    assert found[SINGLE].changes[0].name == "import_kw" and not found[SINGLE].changes[0].same


def test_quantities_that_need_not_be_unique_are_marked():
    found = {section.name: section for section in differences(result(), result(v2g=False))}
    singles = {change.name: change.unique for change in found[SINGLE].changes}
    assert not singles["stop_share"] and singles["charged_kw"]
    assert not any(change.unique for change in found["station_net_kw"].changes)


def test_files_and_stored_runs_are_the_same_to_it(files, store, call):
    runs = [store.place(Task(load_case(TEACHING), "stress", v2g)) for v2g in (False, True)]
    assert [load_any(path) for path in files] == [load_any(path) for path in runs]
    assert load_any(runs[0] / MANIFEST) == load_any(runs[0])
    shown = call("diff", str(files[0]), str(runs[1]), "--most", "3")
    assert shown.code == 0
    assert "A: teaching / stress / without V2G" in shown.out and "load_shed_kw" in shown.out
    assert "dlmp_usd_per_kwh by bus" in shown.out and "link_flow_veh_per_h by link" in shown.out


@pytest.mark.parametrize("to_file", [True, False])
def test_json_holds_every_change(files, call, tmp_path, to_file):
    target = str(tmp_path / "diff.json") if to_file else "-"
    shown = call("diff", *map(str, files), "--json", target)
    assert shown.code == 0
    data = json.loads((tmp_path / "diff.json").read_text() if to_file else shown.out)
    assert data["a"]["v2g"] is False and data["b"]["v2g"] is True
    shed = next(row for row in data[SINGLE] if row["name"] == "load_shed_kw")
    assert shed["a"] == pytest.approx(result(v2g=False).quantities["load_shed_kw"]) and shed["relative"] == -1.0
    assert len(data["dlmp_usd_per_kwh"]) == 6 and {"a", "b", "absolute", "relative", "unique", "same"} <= set(shed)


def test_other_kinds_are_refused_by_a_sentence(files, store, call, tmp_path):
    failed = store.add_failure(Task(load_case(TEACHING), "island"), "out of luck").folder
    (tmp_path / "other.json").write_text('[{"scheme": "pdhg"}]')
    (tmp_path / "empty").mkdir()
    replace(result(), quantities={}, status="No sweep ended.").save(tmp_path / "nothing.json")
    for path, message in (
        (store.folder, "is a whole folder of runs; compare two of a kind"),
        (failed, "this run failed and holds nothing to compare: out of luck"),
        (tmp_path / "other.json", "no result of `bestresponse solve --json`"),
        (tmp_path / "empty", "is a folder without a run"),
        (tmp_path / "nothing.json", "holds no quantities to compare. No sweep ended."),
        (tmp_path / "none.json", "cannot be read"),
    ):
        shown = call("diff", str(files[0]), str(path))
        assert shown.code == 2 and str(path) in shown.err and message in shown.err
