"""Sweeps: every run is kept when it ends, whoever works on it, and only what is missing is done again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import Future

import pandas as pd
import pytest

import experiments.sweeps.runs
from bestresponse.errors import DataError
from experiments.case import case_from, load_case
from experiments.solving import solve
from experiments.store import load_run
from experiments.sweeps.crews import Here, crew
from experiments.sweeps.design import points
from experiments.sweeps.folder import SweepFolder
from experiments.sweeps.runs import Outcome
from experiments.sweeps.study import load_study
from experiments.sweeps.sweep import Sweep
from tests.experiments.command_line import RUN, unwrapped

STUDY = """
name = "few"
case = "teaching"
grid.scenario = ["base", "stress"]
grid.vehicles.battery_kwh = [2.0, 12.0, 24.0, 26.0]

[figure]
title = "Battery"
x = "vehicles.battery_kwh"
by = "scenario"
y = ["load_shed_kw", "dlmp_max_usd_per_kwh", "station_net_kw.*"]
"""
NOTHING = lambda sweep: None  # noqa: E731


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "few.toml"
    path.write_text(STUDY, encoding="utf-8")
    return load_study(path)


def sweep_of(study, folder):
    return Sweep(study, points(study), SweepFolder(folder, study.name))


def without_clock(rows):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The sweep done by this process alone: its folder and rows."""
    folder = tmp_path_factory.mktemp("reference")
    (folder / "few.toml").write_text(STUDY, encoding="utf-8")
    sweep = sweep_of(load_study(folder / "few.toml"), folder / "out")
    sweep.go(Here(), NOTHING)
    return folder / "out", sweep.rows()


def test_a_row_holds_what_varied_how_it_ended_and_the_numbers_of_its_result(reference):
    folder, rows = reference
    assert [(row["run"], row["scenario"], row["vehicles.battery_kwh"]) for row in rows] == [
        (k, scenario, battery)
        for k, (scenario, battery) in enumerate(
            ((s, b) for s in ("base", "stress") for b in (2.0, 12.0, 24.0, 26.0)), start=1
        )
    ]
    assert [row["status"] for row in rows] == ["failed", "failed", "solved", "solved"] * 2
    assert "post_discharge_kwh: given 10, must be" in rows[0]["reason"] and rows[0]["folder"] == ""
    assert "no energy-feasible path" in rows[1]["reason"]
    alone = solve("teaching", "stress", method="monolith").quantities
    prices = alone["dlmp_usd_per_kwh"].values()
    assert rows[6]["social_cost_usd_per_h"] == alone["social_cost_usd_per_h"]
    assert (rows[6]["dlmp_min_usd_per_kwh"], rows[6]["dlmp_max_usd_per_kwh"]) == (min(prices), max(prices))
    assert rows[6]["local_generation_kw"] == pytest.approx(sum(alone["generation_kw"].values()))
    assert rows[6]["station_net_kw.3"] == alone["station_net_kw"]["3"]
    kept = load_run(folder / rows[6]["folder"])
    assert kept.result.quantities["load_shed_kw"] == rows[6]["load_shed_kw"]
    assert kept.labels == {"scenario": "stress", "vehicles.battery_kwh": 24.0}
    assert load_run(folder / rows[1]["folder"]).failure == rows[1]["reason"]


def test_a_sweep_that_was_cut_goes_on_and_does_nothing_twice(study, tmp_path, monkeypatch, reference):
    def cut_after_three(sweep):
        if sweep.done == 4:
            raise KeyboardInterrupt

    first = sweep_of(study, tmp_path / "out")
    with pytest.raises(KeyboardInterrupt):
        first.go(Here(), cut_after_three)
    kept = set((tmp_path / "out" / "runs").iterdir())
    assert len(kept) == 3
    (tmp_path / "out" / first.rows()[2]["folder"] / "manifest.json").write_text("{", encoding="utf-8")  # half a file
    solved = []
    monkeypatch.setattr(experiments.sweeps.runs, "solve", lambda *a, **k: solved.append(a) or solve(*a, **k))
    second = sweep_of(study, tmp_path / "out")
    second.go(Here(), NOTHING)
    assert (second.found, len(solved)) == (2, 4)
    assert without_clock(second.rows()) == without_clock(reference[1])
    third = sweep_of(study, tmp_path / "out")
    third.go(Here(), NOTHING)
    assert (third.found, len(solved)) == (6, 4)


def test_two_processes_find_the_same_even_if_one_is_killed(study, tmp_path, reference):
    sweep = sweep_of(study, tmp_path / "out")
    killed = []

    with crew(2) as processes:

        def kill_one(sweep):
            if sweep.done == 3 and not killed:
                killed.append(next(iter(processes._pool._processes)))
                os.kill(killed[0], signal.SIGKILL)

        sweep.go(processes, kill_one)
    assert killed and "lost" not in [row["status"] for row in sweep.rows()]
    assert without_clock(sweep.rows()) == without_clock(reference[1])


def test_a_killed_sweep_leaves_no_process_and_loses_only_what_was_in_flight(study, tmp_path, reference):
    arguments = ["-c", RUN, "sweep", "few.toml", "--workers", "2", "--out", "out"]
    process = subprocess.Popen([sys.executable, *arguments], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    runs = tmp_path / "out" / "runs"
    while len(list(runs.glob("[!.]*"))) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.communicate(timeout=60)  # returns when no child holds the pipe any longer
    sweep = sweep_of(study, tmp_path / "out")
    sweep.go(Here(), NOTHING)
    assert sweep.found >= 2 and without_clock(sweep.rows()) == without_clock(reference[1])


def test_processes_use_one_thread_of_linear_algebra_each(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    with crew(2):
        assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    assert os.environ["OPENBLAS_NUM_THREADS"] == "7"


class _Deadly:
    """A crew of four whose workers all die together when one run is among those in flight."""

    slots, lost = 4, (EOFError,)

    def __init__(self, deadly):
        self.deadly, self.in_flight, self.together = deadly, [], []

    def submit(self, run):
        self.in_flight.append((run, Future()))
        if len(self.in_flight) == 1:
            threading.Timer(0.05, self.answer).start()
        return self.in_flight[-1][1]

    def answer(self):
        answered, self.in_flight = self.in_flight, []
        self.together.append([run.number for run, _ in answered])
        for run, future in answered:
            if self.deadly in self.together[-1]:
                future.set_exception(EOFError())
            else:
                future.set_result(Outcome("failed", str(run.number)))


def test_a_run_that_its_workers_die_of_is_found_out_and_takes_no_other_with_it(study, tmp_path):
    sweep, deadly = sweep_of(study, tmp_path / "out"), _Deadly(deadly=2)
    sweep.go(deadly, NOTHING)
    rows = sweep.rows()
    assert sorted(deadly.together[0]) == [1, 2, 3, 4] and [2] in deadly.together
    assert [row["status"] for row in rows] == ["failed", "lost", *["failed"] * 6]
    assert rows[1]["reason"] == "its worker was lost 3 times" and rows[1]["folder"] == ""
    assert len(list((tmp_path / "out" / "runs").iterdir())) == 5  # what is lost or refused is tried again next time


def test_siting_by_a_quantity_that_is_none_is_refused(tmp_path, call):
    text = STUDY.partition("grid.")[0] + '[siting]\nsearch = ["drop"]\nsizes = [1]\nminimise = "load_shd_kw"\n'
    (tmp_path / "sites.toml").write_text(text, encoding="utf-8")
    shown = call("sweep", "sites.toml", "--workers", "1")
    assert shown.code == 2
    assert 'sites.toml: siting.minimise: no quantity "load_shd_kw"; did you mean "load_shed_kw"?' in shown.err


def test_a_generator_that_is_out_is_no_obstacle():
    tables = load_case("teaching").model_dump()
    tables["lse"][1]["generators"][0]["p_max_kw"] = 0.0
    tables["lse"][1]["generators"][0]["bus"] = "1"  # a bus with nothing else
    assert solve(case_from(tables, "out"), method="monolith").solved


def test_what_nobody_foresaw_is_a_row_too(study, tmp_path, monkeypatch):
    monkeypatch.setattr(experiments.sweeps.runs, "solve", lambda *a, **k: 1 / 0)
    sweep = sweep_of(study, tmp_path / "out")
    sweep.go(Here(), NOTHING)
    assert sweep.rows()[2]["reason"] == "ZeroDivisionError: division by zero" and sweep.count("lost") == 6


CLUSTER = """
import logging, os, signal, sys, threading, time
from pathlib import Path
from distributed import LocalCluster
from experiments.cli import main

def kill_a_worker():
    while len(list(Path("out/runs").glob("[!.]*"))) < 3:
        time.sleep(0.01)
    os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
    print("killed", flush=True)

if __name__ == "__main__":
    options = {"threads_per_worker": 1, "dashboard_address": None, "silence_logs": logging.CRITICAL}
    with LocalCluster(2, **options) as cluster:
        threading.Thread(target=kill_a_worker).start()
        sys.argv = ["bestresponse", "sweep", "few.toml", "--out", "out", "--scheduler", cluster.scheduler_address]
        main()
"""


def test_a_dask_cluster_finds_the_same_though_a_worker_is_killed(study, tmp_path, reference):
    (tmp_path / "cluster.py").write_text(CLUSTER, encoding="utf-8")
    done = subprocess.run([sys.executable, "cluster.py"], cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert "killed" in done.stdout and "few: 8 of 8 runs done: 4 solved, 4 failed" in done.stdout
    table = pd.read_parquet(tmp_path / "out" / "table.parquet")
    expected = pd.DataFrame(reference[1])
    assert list(table) == list(expected)
    pd.testing.assert_frame_equal(
        table.drop(columns="seconds"), expected.drop(columns="seconds"), check_dtype=False, check_exact=True
    )


def test_the_command_writes_table_and_figure_and_says_what_failed(call, study, tmp_path):
    shown = call("sweep", "few.toml", "--workers", "1", "--out", "out")
    assert shown.code == 0 and "few: 8 of 8 runs done: 4 solved, 4 failed" in shown.out
    assert "run 1: teaching.toml: vehicles.post_discharge_kwh: given 10, must be" in shown.out
    table, csv = pd.read_parquet(tmp_path / "out" / "table.parquet"), pd.read_csv(tmp_path / "out" / "table.csv")
    assert list(table) == list(csv) and len(table) == len(csv) == 8
    assert {"figure.png", "figure.svg", "sweep.json", "runs"} <= {path.name for path in (tmp_path / "out").iterdir()}
    again = call("sweep", "few.toml", "--workers", "1", "--out", "out")
    assert "(6 had been done before)" in again.out


def test_a_folder_that_holds_something_else_is_left_alone(call, study, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear", encoding="utf-8")
    shown = call("sweep", "few.toml", "--workers", "1", "--out", "mine")
    assert (shown.code, shown.out) == (2, "") and "holds something else" in shown.err and "--force" in shown.err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]
    assert call("sweep", "few.toml", "--workers", "1", "--out", "mine", "--force").code == 0
    assert (tmp_path / "mine" / "letter.txt").read_text(encoding="utf-8") == "dear"
    with pytest.raises(DataError, match='holds the table of study "few", which that of "other" would replace'):
        SweepFolder(tmp_path / "mine", "other")


def test_a_full_disk_ends_the_sweep_and_what_is_kept_is_named(call, study, tmp_path, monkeypatch):
    keep, kept = SweepFolder.keep, []

    def full_after_three(folder, run, outcome):
        if len(kept) == 3:
            raise OSError(28, "No space left on device", str(folder.path / "x.json"))
        kept.append(run)
        keep(folder, run, outcome)

    monkeypatch.setattr(SweepFolder, "keep", full_after_three)
    shown = call("sweep", "few.toml", "--workers", "1", "--out", "out")
    assert shown.code == 2 and "Traceback" not in shown.err
    assert "No space left on device; 3 of 8 runs are kept in out" in unwrapped(shown.err)
    assert len(list((tmp_path / "out" / "runs").iterdir())) == 2  # of three, one was refused


def test_an_interrupt_keeps_what_is_done(call, study, tmp_path, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(experiments.sweeps.runs, "solve", interrupted)
    shown = call("sweep", "few.toml", "--workers", "1", "--out", "out")
    assert shown.code == 130 and "the same command goes on from here" in shown.err
    assert len(pd.read_csv(tmp_path / "out" / "table.csv")) == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("v2g_adopton",), 'no built-in study; did you mean "v2g_adoption"? Built in: battery,'),
        (("few.toml", "--workers", "0"), "--workers"),
        (("few.toml", "--scheduler", "here"), "--scheduler here: is no address such as tcp://host:8786"),
    ],
)
def test_bad_arguments_are_refused(call, study, arguments, text):
    shown = call("sweep", *arguments)
    assert (shown.code, shown.out) == (2, "") and text in unwrapped(shown.err) and "Traceback" not in shown.err


def test_every_key_of_a_study_is_told(call):
    shown = call("sweep", "--schema")
    assert shown.code == 0 and all(name in shown.out for name in ("random.samples", "siting.search", "figure.x_scale"))
    assert "name a study (battery, conduct," in unwrapped(call("sweep").err)


@pytest.mark.parametrize("listens", [False, True])
def test_a_scheduler_that_does_not_answer_is_given_up(call, study, monkeypatch, listens):
    monkeypatch.setattr("experiments.sweeps.crews.PATIENCE", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listens:
            silent.listen()
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        shown = call("sweep", "few.toml", "--scheduler", address)
    assert shown.code == 2 and f"error: --scheduler {address}: no answer within 0.3 s" in shown.err
