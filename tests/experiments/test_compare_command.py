"""`bestresponse compare` from the command line: what it writes, shows, refuses, and keeps of a run that is cut."""

import json
import os
import signal
import subprocess
import sys

import pandas as pd

from experiments.convergence import RESIDUALS, TARGETS
from tests.experiments.command_line import RUN, command, unwrapped


def test_the_command_writes_its_folder(tmp_path):
    shown = command(
        tmp_path,
        "compare",
        "teaching",
        *("--schemes", "sharing,tatonnement,tatonnement_averaged", "--grid", "anderson=10"),
        *("--max-sweeps", "30", "--out", "o"),
    )
    assert shown.code == 0, shown.err
    words = unwrapped(shown.out)
    assert "sweep limit" in words and "converged" in words and "cannot be accelerated" in words
    entries = json.loads((tmp_path / "o" / "compare.json").read_text())
    first, second, refused = entries
    keys = ["scheme", "settings", "sweeps_to", "seconds_to", "stop_reason", "final", "rate"]
    assert all(list(entry)[:7] == keys and set(entry["rate"]) == {"fitted", "predicted"} for entry in entries)
    assert all(set(entry["residuals"]) == set(RESIDUALS) for entry in entries)
    assert first["sweeps_to"]["1e-6"] > 0 and second["sweeps_to"]["1e-6"] is None
    assert list(first["sweeps_to"]) == list(first["seconds_to"]) == list(TARGETS)
    assert set(first["final"]) == set(RESIDUALS) and first["residuals"]["imbalance"]["sweeps_to"] == first["sweeps_to"]
    trace = pd.read_csv(tmp_path / "o" / first["trace"])
    assert refused["trace"] is None and len(trace) == first["sweeps"]
    assert (
        trace["sweep"][(trace[["imbalance", "disagreement"]].max(axis=1) <= 1e-6)].min() == first["sweeps_to"]["1e-6"]
    )
    names = ("compare", "convergence", "last_to_clear", "prices_sharing", "prices_tatonnement")
    files = {path.name for path in (tmp_path / "o").iterdir()}
    assert files == {"compare.json", "traces", *(f"{name}.{kind}" for name in names for kind in ("png", "svg"))}


def test_the_command_names_what_is_wrong(call, tmp_path):
    assert "pdhg" in call("compare", "teaching", "--schemes", "pdgh").err
    assert "did you mean" in call("compare", "teaching", "--grid", "sigmas=1").err
    (tmp_path / "file").write_text("")
    blocked = call("compare", "teaching", "--out", "file")
    assert blocked.code == 2 and "file" in blocked.err
    assert call("compare", "teaching", "--scenario", "nothing").code == 2


def test_a_comparison_in_which_every_run_was_refused_shows_why_and_is_bad_input(call):
    shown = call("compare", "teaching", "--schemes", "pdhg,extragradient", "--grid", "newton=1")
    assert shown.code == 2 and "pdhg states none" in shown.out and "extragradient states none" in shown.out


def test_ctrl_c_keeps_what_was_computed(tmp_path):
    options = (
        "--schemes",
        "sharing,tatonnement,exchange",
        "--max-sweeps",
        "100000",
        "--tolerance",
        "1e-8",
        "--out",
        "o",
    )
    started = subprocess.Popen(
        [sys.executable, "-c", _INTERRUPT + RUN, "compare", "teaching", *options],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "SIGNAL": str(int(signal.SIGINT))},
    )
    out, err = started.communicate(timeout=60)
    assert started.returncode == 130 and "interrupted after 2 of 3 runs" in err, out + err
    entries = json.loads((tmp_path / "o" / "compare.json").read_text())
    assert [entry["stop_reason"] for entry in entries] == ["converged", "interrupted"]


# A process that gets Ctrl-C at the 50th sweep of the tâtonnement.
_INTERRUPT = """
import os
from experiments.bystander import Bystander
hear = Bystander.hear
def interrupted(self, record):
    hear(self, record)
    if record.sweep == 50:
        os.kill(os.getpid(), int(os.environ["SIGNAL"]))
Bystander.hear = interrupted
"""
