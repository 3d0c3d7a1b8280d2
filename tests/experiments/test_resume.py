"""Runs on record: killed at any moment, resumed, and the same as a run that nobody disturbed."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from bestresponse.coordinator import coordinate
from bestresponse.errors import DataError
from bestresponse.market import Good, Market
from bestresponse.trace_file import TraceFile, full_row, load_trace
from experiments.build import build
from experiments.case import load_case
from experiments.recording import state_file
from experiments.solving import solve
from tests.bestresponse.toys import Trader
from tests.experiments.command_line import command, unwrapped
from tests.experiments.runs import without_newton
from tests.experiments.test_retail_models import case_with


def _same_but_for_the_clock(one, other):
    timeless = [name for name in one.columns if not name.startswith("seconds")]
    pd.testing.assert_frame_equal(one[timeless], other[timeless], check_exact=True)
    assert list(one.columns) == list(other.columns)


@pytest.fixture(scope="module", params=["newton", "anderson"])
def undisturbed(request, tmp_path_factory):
    """How the steps are found, and the run that nobody disturbed."""
    path = tmp_path_factory.mktemp("undisturbed") / "trace.csv"
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "anderson":
            without_newton(patch)
        whole = solve("teaching", method="sharing", trace=path)
    assert whole.provenance["steps"] == request.param
    return request.param, (whole, pd.read_csv(path, float_precision="round_trip"))


@pytest.fixture
def steps(undisturbed, monkeypatch):
    """How the steps of every run are found."""
    if undisturbed[0] == "anderson":
        without_newton(monkeypatch)
    return undisturbed[0]


@pytest.fixture
def unbroken(steps, undisturbed):
    return undisturbed[1]


def test_a_trace_has_every_gain_of_every_sweep(unbroken):
    _, rows = unbroken
    gains = rows[[name for name in rows.columns if name.startswith("gain")]]
    assert gains.shape[1] == 2 + len(list(build(load_case("teaching"), "base", True).market))
    assert gains.notna().all(axis=None)


@pytest.mark.parametrize(
    ("case", "scenario"),
    [
        (load_case("sioux_falls_ieee123"), "base"),
        (load_case("sioux_falls_ieee123"), "island"),
        (case_with(traffic="logit"), "stress"),
        (case_with(lse="constant_elasticity", households="constant_elasticity"), "stress"),
    ],
    ids=["base", "island", "logit", "constant elasticity"],
)
def test_looking_at_gains_does_not_move_the_run(case, scenario):
    """Players answer what a certificate asks beside what the scheme asks, from hints of its own."""
    ways = []
    for every in (1, 10_000):
        model = build(case, scenario, True)
        ways.append(coordinate(model.market, model.first_price, gains_every=every).trace.records)
    often, never = ways
    assert sum(bool(record.gains) for record in often) == len(often) > 10 > sum(bool(record.gains) for record in never)
    assert all(np.array_equal(one.price, other.price) for one, other in zip(often, never, strict=True))


@pytest.mark.parametrize("name", ["trace.csv", "trace.parquet"])
def test_a_run_cut_by_its_limit_goes_on_to_the_result_of_the_unbroken_run(name, unbroken, tmp_path):
    whole, rows = unbroken
    path = tmp_path / name
    cut = solve("teaching", method="sharing", max_sweeps=7, trace=path)
    rest = solve("teaching", method="sharing", trace=path, resume=True)
    assert cut.stop == "sweep_limit" and rest.solved
    assert rest.sweeps == whole.sweeps and rest.quantities == whole.quantities
    assert [row["imbalance"] for row in rest.trace] == [row["imbalance"] for row in whole.trace]
    found = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, float_precision="round_trip")
    _same_but_for_the_clock(found, rows)
    assert sorted(file.name for file in tmp_path.iterdir()) == [name, f"{name}.state.npz"]


def test_an_interrupted_run_counts_all_its_sweeps_in_every_part(tmp_path):
    def interrupted_at(number):
        def hear(record):
            if record.sweep == number:
                raise KeyboardInterrupt

        return hear

    for number, resume in ((5, False), (8, True)):
        found = solve(
            "teaching", method="jacobi", trace=tmp_path / "t.csv", resume=resume, on_sweep=interrupted_at(number)
        )
        assert found.stop == "interrupted" and f"It ended after {number} sweeps." in found.status


def test_a_finished_run_resumed_says_the_same_again(unbroken, tmp_path):
    path = tmp_path / "trace.csv"
    solve("teaching", method="sharing", trace=path)
    again = solve("teaching", method="sharing", trace=path, resume=True)
    assert again.sweeps == unbroken[0].sweeps and again.quantities == unbroken[0].quantities
    _same_but_for_the_clock(pd.read_csv(path, float_precision="round_trip"), unbroken[1])


@pytest.mark.parametrize("sweeps", [1, 8])
def test_a_killed_run_loses_at_most_the_sweep_it_was_in(sweeps, steps, unbroken, tmp_path):
    path = tmp_path / "trace.csv"
    as_here = "from pytest import MonkeyPatch; from tests.experiments.runs import without_newton; "
    slow = (
        (as_here + "without_newton(MonkeyPatch()); " if steps == "anderson" else "")
        + "import time; from experiments.solving import solve; "
        f"solve('teaching', method='sharing', trace={str(path)!r}, on_sweep=lambda record: time.sleep(0.05))"
    )
    run = subprocess.Popen([sys.executable, "-c", slow])
    while not path.exists() or len(path.read_text().splitlines()) < 1 + sweeps:
        assert run.poll() is None
        time.sleep(0.01)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    done = len(path.read_text().splitlines()) - 1
    with path.open("a") as file:
        file.write("99,0.5,half a r")  # as if it had been killed while it wrote
    (tmp_path / "trace.csv.state.npz.4711.part").write_bytes(b"half a state")
    seen = []
    rest = solve("teaching", method="sharing", trace=path, resume=True, on_sweep=lambda r: seen.append(r.sweep))
    assert seen[0] in (done, done + 1) and rest.solved
    assert sorted(file.name for file in tmp_path.iterdir()) == ["trace.csv", "trace.csv.state.npz"]
    _same_but_for_the_clock(pd.read_csv(path, float_precision="round_trip"), unbroken[1])


def test_a_trace_is_read_back_exactly(tmp_path):
    path, records = tmp_path / "trace.csv", []
    solve("teaching", method="sharing", trace=path, on_sweep=records.append)
    market = build(load_case("teaching"), "base", True).market
    for written, read in zip(records, load_trace(path).records, strict=True):
        assert full_row(written, market) == full_row(read, market)
        assert np.array_equal(written.price, read.price) and written.gains == read.gains


def test_a_family_of_goods_may_be_called_good(tmp_path):
    """Beside its column stands "imbalance_good", the name of the worst good."""
    traders = (Trader("buyer", {"x": 1.0}, 1.0, -4.0), Trader("seller", {"x": -1.0}, 1.0))
    market = Market((Good("x", "good", price_scale=1.0, quantity_scale=1.0),), traders)
    with TraceFile(tmp_path / "t.csv", market) as file:
        found = coordinate(market, np.zeros(1), on_sweep=file.write)
    for written, read in zip(found.trace.records, load_trace(tmp_path / "t.csv").records, strict=True):
        assert read.imbalance_by_family == written.imbalance_by_family and read.imbalance_good == "x"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scenario": "stress"}, "scenario was 'base' and is 'stress'"),
        ({"v2g": False}, "v2g was True and is False"),
        ({"method": "exchange"}, "scheme was 'sharing' and is 'exchange'"),
        ({"tolerance": 1e-5}, "tolerance was 1e-08 and is 1e-05"),
        ({"case": "sioux_falls_ieee123"}, "case."),
    ],
)
def test_the_state_of_another_run_is_refused(change, words, tmp_path):
    path, run = tmp_path / "trace.csv", {"case": "teaching", "method": "sharing", "max_sweeps": 3}
    solve(**run, trace=path)
    before = path.read_bytes(), state_file(path).read_bytes()
    with pytest.raises(DataError, match="state of another run") as refused:
        solve(**(run | change), trace=path, resume=True)
    assert words in str(refused.value)
    assert (path.read_bytes(), state_file(path).read_bytes()) == before


def test_the_state_of_a_run_whose_steps_were_found_otherwise_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "trace.csv"
    solve("teaching", method="sharing", max_sweeps=3, trace=path)
    without_newton(monkeypatch)
    with pytest.raises(DataError, match="steps was 'newton' and is 'anderson'"):
        solve("teaching", method="sharing", trace=path, resume=True)


def test_a_state_whose_trace_is_gone_or_short_is_refused(tmp_path):
    path = tmp_path / "trace.csv"
    solve("teaching", method="sharing", max_sweeps=5, trace=path)
    path.write_text("\n".join(path.read_text().splitlines()[:3]) + "\n")
    with pytest.raises(DataError, match=r"trace\.csv: it does not hold the 4 sweeps"):
        solve("teaching", method="sharing", trace=path, resume=True)
    path.unlink()
    with pytest.raises(DataError, match="no such file, but 4 sweeps"):
        solve("teaching", method="sharing", trace=path, resume=True)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("t.csv", lambda file: file[:3000] + b"\xff" + file[3001:]),
        ("t.csv", lambda file: file.replace(b",0.", b",x.", 1)),
        ("t.csv", lambda file: b"\n".join(b",".join(line.split(b",")[:5]) for line in file.splitlines())),
        ("t.csv", lambda file: b""),
        ("t.parquet", lambda file: file[:2000]),
    ],
    ids=["bytes", "numbers", "columns", "nothing", "half"],
)
def test_a_damaged_trace_is_not_gone_on_with(name, damage, tmp_path, call):
    path = tmp_path / name
    assert call("solve", "teaching", "--method", "sharing", "--max-sweeps", "5", "--quiet", "--trace", name).code == 3
    path.write_bytes(damage(path.read_bytes()))
    shown = call("solve", "teaching", "--method", "sharing", "--trace", name, "--resume")
    assert shown.code == 2 and name in shown.err and "Traceback" not in shown.err


def test_the_monolith_has_no_sweeps_to_trace(tmp_path):
    with pytest.raises(DataError, match="no sweeps to trace"):
        solve("teaching", method="monolith", trace=tmp_path / "trace.csv")


def test_resume_on_the_command_line(tmp_path):
    bare = command(tmp_path, "solve", "teaching", "--resume")
    assert bare.code == 2 and "--trace FILE" in unwrapped(bare.err)
    fresh, again = (command(tmp_path, "solve", "teaching", "--resume", "--trace", "t.csv") for _ in range(2))
    assert fresh.code == again.code == 0
    assert "nothing to resume" in unwrapped(fresh.out) and "nothing to resume" not in unwrapped(again.out)
