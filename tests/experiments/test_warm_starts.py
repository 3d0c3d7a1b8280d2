"""Runs that start where another one ended: from its trace file, from the monolith, on a neighbouring market."""

import pytest

from bestresponse.errors import DataError
from experiments.benchmarks.warm_starts import main, timings
from experiments.build import build
from experiments.case import BUILT_IN, load_case
from experiments.case_schema import Scenario
from experiments.cross_check import compare
from experiments.quantities import quantities
from experiments.recording import load_start, state_file
from experiments.solving import solve
from tests.experiments.command_line import unwrapped
from tests.experiments.runs import without_newton

REFERENCE = "sioux_falls_ieee123"


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A finished run on record: its trace file."""
    path = tmp_path_factory.mktemp("ended") / "base.csv"
    assert solve("teaching", method="sharing", trace=path).solved
    return path


def test_a_neighbour_of_the_reference_case_takes_at_most_twenty_sweeps():
    runs = {run.start: run for run in timings(load_case(REFERENCE), "base", True)}
    assert all(run.found.solved for run in runs.values())
    assert runs["its own end"].sweeps == runs["the monolith"].sweeps == 1
    near, learned = runs["1 % more load"], runs["Anderson, 1 % more load"]
    assert near.sweeps <= 20 and near.sweeps < runs["1 % more load, cold"].sweeps
    unlearned = runs["Anderson, 1 % more load, without lessons"]
    assert learned.sweeps < unlearned.sweeps <= 20 < runs["Anderson, 1 % more load, cold"].sweeps
    model = build(load_case(REFERENCE), "base", True)
    warm, cold = (
        quantities(model, run.found.price, run.found.responses) for run in (near, runs["Anderson, 1 % more load, cold"])
    )
    assert all(row.agrees for row in compare(warm, cold, exchangeable=True).values() if row.unique)


def test_the_benchmark_prints_its_table(capsys, tmp_path):
    whole = (BUILT_IN / "teaching.toml").read_text(encoding="utf-8")
    (tmp_path / "one.toml").write_text(whole.partition("[scenarios.stress]")[0], encoding="utf-8")
    main(str(tmp_path / "one.toml"))
    shown = capsys.readouterr().out
    assert "base, without V2G" in shown and "Anderson, 1 % more load, without lessons" in shown


@pytest.mark.parametrize("name", ["base.csv", "base.parquet"])
def test_a_run_starts_where_its_own_trace_ended(name, tmp_path):
    path = tmp_path / name
    cold = solve("teaching", method="sharing", trace=path)
    warm = solve("teaching", method="sharing", start=path)
    assert (warm.sweeps, warm.solved) == (1, True)
    assert warm.quantities["social_cost_usd_per_h"] == pytest.approx(cold.quantities["social_cost_usd_per_h"], rel=1e-9)
    assert len(warm.provenance["start"]) == 64
    state_file(path).unlink()  # the trace alone is enough to start from
    assert solve("teaching", method="sharing", start=path).sweeps == 1


def test_newtons_method_leaves_where_it_ended_and_no_lessons(tmp_path, monkeypatch):
    path = tmp_path / "base.csv"
    solve("teaching", method="sharing", trace=path)
    assert state_file(path).exists() and load_start(path).lessons is None
    near = load_case("teaching").model_copy(update={"scenarios": {"base": Scenario(load_factor=1.01)}})
    warm = solve(near, method="sharing", start=path)
    assert warm.solved and warm.sweeps < solve(near, method="sharing").sweeps
    without_newton(monkeypatch)
    assert solve(near, method="sharing", start=path).solved


def test_the_state_file_adds_what_the_accelerator_has_learned(tmp_path, monkeypatch):
    without_newton(monkeypatch)
    path = tmp_path / "base.csv"
    solve("teaching", method="sharing", trace=path)
    assert load_start(path).lessons is not None
    near = load_case("teaching").model_copy(update={"scenarios": {"base": Scenario(load_factor=1.01)}})
    taught = solve(near, method="sharing", start=path).sweeps
    state_file(path).unlink()
    assert taught < solve(near, method="sharing", start=path).sweeps


def test_newtons_method_goes_on_from_where_anderson_s_ended(tmp_path, monkeypatch):
    path = tmp_path / "base.csv"
    with monkeypatch.context() as patch:
        without_newton(patch)
        solve("teaching", method="sharing", trace=path)
    assert solve("teaching", method="sharing", start=path).sweeps == 1


def test_goods_that_the_other_run_did_not_know_are_named(tmp_path):
    path = tmp_path / "without.csv"
    solve("teaching", v2g=False, method="sharing", trace=path)
    warm = solve("teaching", v2g=True, method="sharing", start=path)
    assert warm.solved and "Goods that are new started at their usual price (4): discharging" in warm.status
    assert "are new" not in solve("teaching", v2g=False, method="sharing", start=path).status


def test_a_run_of_quite_another_market_is_refused(ended):
    with pytest.raises(DataError, match=r"base\.csv: \d+ of the \d+ goods .* at least half must be known"):
        solve(REFERENCE, method="sharing", start=ended)


def test_a_resumed_run_must_have_had_the_same_start(ended, tmp_path):
    path = tmp_path / "trace.csv"
    warm = solve("teaching", "stress", method="sharing", start=ended, trace=path)
    again = solve("teaching", "stress", method="sharing", start=ended, trace=path, resume=True)
    assert again.sweeps == warm.sweeps and again.quantities == warm.quantities
    with pytest.raises(DataError, match=r"start was '[0-9a-f]{64}' and is 'absent'"):
        solve("teaching", "stress", method="sharing", trace=path, resume=True)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.csv", None, "there is no such file"),
        ("empty.csv", "", "this is no trace"),
        ("rows.csv", "bus,kw\n1,2\n", "this is no trace"),
        ("summary.csv", "sweep,imbalance,disagreement\n", "this is no trace"),
        ("nan.csv", "sweep,imbalance,disagreement,sigma\n1,nan,nan,1\n", "this is no trace"),
        ("r.json", "{}", "a result holds no trades"),
        ("t.csv.state.npz", "", "name the trace, t.csv"),
    ],
)
def test_a_file_that_is_no_trace_is_refused(call, tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    shown = call("solve", "teaching", "--start", name)
    assert (shown.code, shown.out) == (2, "") and words in unwrapped(shown.err) and name in shown.err


def test_start_on_the_command_line(call, ended, tmp_path):
    shown = call("solve", "teaching", "--no-v2g", "--method", "sharing", "--start", str(ended))
    assert shown.code == 0
    both = call("solve", "teaching", "--start", str(ended), "--trace", str(ended))
    assert both.code == 2 and "which the run would overwrite" in unwrapped(both.err)
    same = call("solve", "teaching", "--json", "o.csv", "--trace", "./o.csv")
    assert same.code == 2 and "--trace and --json both name o.csv" in unwrapped(same.err)
    alone = call("solve", "teaching", "--method", "monolith", "--start", str(ended))
    assert alone.code == 2 and "the monolith has no sweeps" in alone.err
