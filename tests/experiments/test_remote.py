"""Players on the workers of a real local cluster, one of which is lost."""

import subprocess
import sys

from bestresponse.acceleration import Anderson
from bestresponse.coordinator import coordinate
from experiments.build import build
from experiments.case import load_case


def test_a_lost_worker_is_named_and_the_run_goes_on_to_the_same_answer():
    command = [sys.executable, "-m", "experiments.remote", "teaching", "--lose", "DSO"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    model = build(load_case("teaching"), "base", True)
    unbroken = coordinate(model.market, model.first_price, acceleration=Anderson())
    first, second, stop, certificate = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert first.startswith("A player could not answer. At sweep 10: ") and "DSO: its worker" in first
    assert second == "All players are placed anew; the run goes on from sweep 9."
    assert stop == str(unbroken.stop)
    assert certificate == str(unbroken.certificate)


def test_a_player_to_lose_must_exist():
    command = [sys.executable, "-m", "experiments.remote", "--lose", "Nobody"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 2
    assert "no player 'Nobody'" in done.stderr and "Traffic" in done.stderr
