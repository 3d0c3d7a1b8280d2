"""Does the store give back what it was given, and is nothing half there, misread or overwritten?"""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bestresponse.errors import DataError
from experiments.case import case_from, load_case
from experiments.plain_json import from_json, to_json
from experiments.result_tables import LAYOUTS
from experiments.store import MANIFEST, MARKER, SCHEMA, Store, load_run
from experiments.task import Task
from tests.experiments.runs import TEACHING, solved

RUNS = [(TEACHING, scenario, v2g) for scenario in ("base", "stress") for v2g in (False, True)]


def task(run, **more):
    case, scenario, v2g = run
    return Task(load_case(case), scenario, v2g, **more)


@pytest.fixture
def store(tmp_path):
    return Store.make(tmp_path / "out")


@pytest.mark.parametrize("run", RUNS)
def test_a_result_comes_back_as_the_same_object(store, run):
    result = solved(run).result
    kept = store.add(task(run), result)
    again = Store.open(store.folder).run(task(run))
    assert again.result == result == kept.result
    assert (again.hash, again.failure) == (task(run).hash, None)
    for name in result.tables:
        assert again.result.table(name).equals(result.table(name)), name


def test_a_result_without_quantities_or_with_numbers_that_json_does_not_know_comes_back(store):
    result = solved(RUNS[0]).result
    empty = replace(result, quantities={}, cross_check={}, trace=(), solved=False)
    store.add(task(RUNS[0]), empty)
    assert store.run(task(RUNS[0])).result == empty
    strange = {"a": [math.inf, -math.inf], "b": {"c": 1.0}}
    assert from_json(json.loads(json.dumps(to_json(strange), allow_nan=False))) == strange
    assert math.isnan(from_json(to_json(math.nan)))


def test_every_table_of_numbers_is_a_parquet_file_that_others_read(store):
    result = solved(RUNS[3]).result
    folder = store.add(task(RUNS[3]), result).folder
    assert {path.stem for path in folder.glob("*.parquet")} == {*LAYOUTS, "paths", "od_costs", "cross_check", "trace"}
    buses = pq.read_table(folder / "buses.parquet")
    assert buses.schema.field("bus").type == pa.string() and buses.schema.field("dlmp_usd_per_kwh").type == pa.float64()
    strict = json.loads((folder / MANIFEST).read_text(), parse_constant=lambda word: pytest.fail(word))
    assert strict["result"]["quantities"]["charged_kw"] == result.quantities["charged_kw"]


def test_the_hash_is_of_the_question_alone():
    base = task(RUNS[0])
    assert base.hash == task(RUNS[0], labels={"seed": 1}).hash == Task(load_case(TEACHING), "base", False).hash
    others = [task(RUNS[1]), task(RUNS[2]), task(RUNS[0], tolerance=1e-6), task(RUNS[0], method="monolith")]
    data = base.case.model_dump(mode="json")
    data["vehicles"]["battery_kwh"] *= 1.01
    others.append(Task(case_from(data, "changed"), "base", False))
    assert len({each.hash for each in [base, *others]}) == 1 + len(others)
    data = base.case.model_dump(mode="json")
    data["scenarios"]["new"] = {"load_factor": 3.0}
    assert Task(case_from(data, "other file"), "base", False).hash == base.hash


def test_failures_are_rows_with_a_reason(store):
    failed, done = task(RUNS[0], labels={"battery": 1.0}), task(RUNS[1], labels={"battery": 2.0})
    store.add_failure(failed, "no path is long enough")
    result = solved(RUNS[1]).result
    store.add(done, result)
    assert failed in store and done in store and task(RUNS[2]) not in store
    rows = store.summary()
    assert rows.loc[failed.name, "failure"] == "no path is long enough"
    assert rows.loc[done.name, "charged_kw"] == result.quantities["charged_kw"]
    assert rows["battery"].to_dict() == {failed.name: 1.0, done.name: 2.0}
    assert [run.result for run in store.runs()] == [store.run(each).result for each in (failed, done)]
    buses = store.table("buses")
    assert set(buses["run"]) == {done.name} and len(buses) == len(result.table("buses"))
    with pytest.raises(DataError, match="no run has a table 'bus'"):
        store.table("bus")


def test_a_run_replaces_the_one_before_it(store):
    store.add_failure(task(RUNS[0]), "out of luck")
    store.add(task(RUNS[0]), solved(RUNS[0]).result)
    assert store.run(task(RUNS[0])).failure is None
    assert [path.name for path in (store.folder / "runs").iterdir()] == [task(RUNS[0]).name]


def test_a_full_disk_leaves_the_earlier_run_and_nothing_half_done(store, monkeypatch):
    store.add(task(RUNS[0]), solved(RUNS[0]).result)

    def full(*arguments, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    for run in RUNS[:2]:
        with pytest.raises(OSError, match="No space left"):
            store.add(task(run), solved(run).result)
    assert store.run(task(RUNS[0])).hash == task(RUNS[0]).hash
    assert [path.name for path in (store.folder / "runs").iterdir()] == [task(RUNS[0]).name]


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(DataError, match="holds something else"):
        Store.make(tmp_path)
    with pytest.raises(DataError, match="is no folder of results"):
        Store.open(tmp_path)
    with pytest.raises(DataError, match="is a file"):
        Store.make(tmp_path / "thesis.tex")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    Store.make(tmp_path, force=True)
    assert (tmp_path / "thesis.tex").read_text() == "mine"
    assert Store.make(tmp_path) == Store.open(tmp_path)


@pytest.mark.parametrize("of", ["store", "run"])
def test_a_newer_schema_is_refused_by_name(store, of):
    folder = store.add(task(RUNS[0]), solved(RUNS[0]).result).folder
    path = store.folder / MARKER if of == "store" else folder / MANIFEST
    data = json.loads(path.read_text())
    path.write_text(json.dumps(data | {"schema": SCHEMA + 1}))
    with pytest.raises(DataError) as caught:
        Store.open(store.folder) if of == "store" else load_run(folder)
    assert f"{path}: is in schema {SCHEMA + 1}" in str(caught.value) and "install a newer one" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no file of bestresponse results"),
        ('{"format": "x", "schema": 1}', "its format is 'x'"),
        ('{"format": "bestresponse results", "schema": 1}', "is damaged"),
    ],
)
def test_a_damaged_manifest_is_refused_by_name(store, text, message):
    folder = store.add_failure(task(RUNS[0]), "why").folder
    (folder / MANIFEST).write_text(text)
    with pytest.raises(DataError, match=message):
        load_run(folder)


def test_a_damaged_table_is_refused_by_name(store):
    folder = store.add(task(RUNS[0]), solved(RUNS[0]).result).folder
    (folder / "buses.parquet").write_bytes(b"no table")
    with pytest.raises(DataError, match="its tables cannot be read"):
        load_run(folder)
