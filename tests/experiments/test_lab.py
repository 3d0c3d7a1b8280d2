"""The lab without its page: choices, and runs that wait to be let through."""

import re
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from bestresponse.acceleration import Anderson
from bestresponse.coordinator import coordinate
from bestresponse.errors import DataError
from bestresponse.newton import Newton
from bestresponse.trace_file import load_trace
from experiments.case import case_tables, content, load_case
from experiments.lab.choice import Choice
from experiments.lab.stepping import TOLERANCES, SteppedRun
from tests.experiments.command_line import RUN, command

PATIENCE = 60.0  # [s]


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.005)


def run_to_the_end(choice):
    run = SteppedRun(choice)
    run.gate.let()
    run.join(PATIENCE)
    assert run.found is not None, run.problem
    return run


def test_a_step_is_one_sweep_and_nothing_follows_by_itself():
    run = SteppedRun(Choice())
    for sweep in (1, 2):
        run.gate.let(1)
        wait_for(lambda expected=sweep: len(run.moments) == expected)
        time.sleep(0.1)
        assert len(run.moments) == sweep
        assert run.gate.holds
    run.close()
    run.join(PATIENCE)
    assert run.found.stop.reason.name == "INTERRUPTED"
    assert len(run.moments) == 2


@pytest.mark.parametrize(
    ("steps", "acceleration"),
    [({}, Newton()), ({"newton": "1"}, Newton()), ({"newton": "0"}, Anderson()), ({"anderson": "3"}, Anderson(3))],
)
def test_a_watched_run_is_the_run_that_nobody_watches(steps, acceleration):
    run = run_to_the_end(Choice(sigma="2", **steps))
    experiment = Choice(sigma="2", **steps).experiment()
    alone = coordinate(
        experiment.model.market,
        experiment.model.first_price,
        scheme=experiment.scheme,
        sigma=2.0,
        acceleration=acceleration,
        tolerances=TOLERANCES,
    )
    assert run.found.stop == alone.stop
    assert len(run.moments) == len(alone.trace)
    for moment, record in zip(run.moments, alone.trace.records, strict=True):
        assert np.array_equal(moment.record.price, record.price)
    assert set(run.moments[0].gains) == {player.name for player in experiment.model.market}


def test_the_trace_can_be_read_back_exactly(tmp_path):
    run = run_to_the_end(Choice(sigma="0.5"))
    file = tmp_path / "trace.csv"
    file.write_text(run.trace_csv(), encoding="utf-8")
    loaded = load_trace(file)
    assert len(loaded) == len(run.moments)
    assert all(
        np.array_equal(read.price, moment.record.price)
        for read, moment in zip(loaded.records, run.moments, strict=True)
    )


def test_the_time_of_a_run_is_not_that_of_the_reader():
    run = SteppedRun(Choice())
    run.gate.let(1)
    wait_for(lambda: run.moments)
    time.sleep(1.0)
    run.gate.let(1)
    wait_for(lambda: len(run.moments) == 2)
    run.close()
    first, second = (moment.record.seconds for moment in run.moments)
    assert second - first < 1.0
    run.join(PATIENCE)


def test_the_case_as_toml_states_what_was_chosen(tmp_path):
    file = tmp_path / "case.toml"
    file.write_text(Choice(scenario="stress", v2g_share="0.25", load_factor="1.1").toml(), encoding="utf-8")
    case = load_case(file)
    assert case.vehicles.v2g_share == 0.25
    assert case.scenario("stress").load_factor == 1.1
    assert case.scenario("base") == load_case("teaching").scenario("base")
    file.write_text(Choice().toml(), encoding="utf-8")
    assert content(load_case(file)) == content(load_case("teaching"))


def test_networks_of_a_case_are_found_from_anywhere(tmp_path, monkeypatch):
    (tmp_path / "case.toml").write_text('[road]\nnetwork = "my_roads"\n[feeder]\nnetwork = "teaching"\n')
    monkeypatch.chdir(tmp_path)
    tables, _ = case_tables("case.toml")
    assert tables["road"]["network"] == str(tmp_path / "my_roads")
    assert tables["feeder"]["network"] == "teaching"


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Choice(sigma="-1"), "given sigma=-1, allowed: numbers > 0"),
        (Choice(sigma="nan"), "given sigma=nan, allowed: numbers > 0"),
        (Choice(sigma="1,2"), "given sigma=1,2, allowed: numbers > 0"),
        (Choice(relaxation="2"), "given relaxation=2, allowed: numbers between 0 and 2"),
        (Choice(anderson="1.5"), "given anderson=1.5, allowed: whole numbers ≥ 0"),
        (Choice(newton="1", anderson="5"), "given newton=1, anderson=5: newton=1 and damping ask for Newton's method"),
        (Choice(v2g_share="1.5"), "teaching.toml: vehicles.v2g_share: given 1.5, must be a finite number ≥ 0 and ≤ 1"),
        (Choice(load_factor="much"), "load factor: given 'much', must be a number"),
        (Choice(load_factor="-1"), "scenarios.base.load_factor: given -1.0"),
        (Choice(case="teachin"), 'did you mean "teaching"?'),
        (Choice(scenario="strees"), 'did you mean "stress"?'),
    ],
)
def test_a_choice_that_does_not_fit_is_told(choice, message):
    with pytest.raises(DataError) as refused:
        choice.experiment()
    assert message in str(refused.value)
    run = SteppedRun(choice)
    run.join(PATIENCE)
    assert run.ended
    assert run.problem == str(refused.value)


def test_a_run_that_breaks_says_so(monkeypatch):
    def broken(_):
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(Choice, "experiment", broken)
    run = SteppedRun(Choice())
    run.join(PATIENCE)
    assert run.problem == "The run broke: ZeroDivisionError: planted"


def test_without_the_extra_it_says_what_to_install(tmp_path):
    script = "import sys; sys.modules['panel'] = None\nfrom experiments.cli import main; main()"
    shown = command(tmp_path, "lab", "--no-browser", script=script)
    assert shown.code == 2
    assert 'python -m pip install "bestresponse[lab]"' in shown.err


def test_a_port_that_is_taken_is_told(tmp_path):
    pytest.importorskip("panel", reason="the extra [lab] is not installed")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        shown = command(tmp_path, "lab", "--no-browser", "--port", str(port))
    assert shown.code == 2
    assert f"--port: {port} cannot be used" in shown.err


def test_it_listens_before_it_says_where_and_ctrl_c_ends_it():
    pytest.importorskip("panel", reason="the extra [lab] is not installed")
    started = [sys.executable, "-c", RUN, "lab", "--port", "0", "--no-browser"]
    with subprocess.Popen(started, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            port = re.search(r"http://127\.0\.0\.1:(\d+)", server.stdout.readline())[1]
            socket.create_connection(("127.0.0.1", int(port))).close()
            server.send_signal(signal.SIGINT)
            assert server.wait(timeout=60) == 0
        finally:
            server.kill()
