"""Bad input on the command line: exit code 2, one message on the error stream, no traceback, nothing computed."""

from __future__ import annotations

import os
from typing import Any

import pytest

import experiments.routes
import experiments.solving
from tests.experiments.case_tables import GONE, network_folder, tables
from tests.experiments.runs import TEACHING, case_file

NAN = float("nan")
# name: (changes to the teaching case, edit of a network file, texts of the message)
BAD_CASES: dict[str, tuple[dict[str, Any], tuple[str, tuple[str, str]] | None, list[str]]] = {
    "unknown key": ({"road__capacity_factr": 1.0}, None, ["road.capacity_factr", "unknown key", '"capacity_factor"']),
    "unknown node": ({"demand__destinations": [2, 5, 9]}, None, ["demand.destinations[3]", "given 9", "1 to 5"]),
    "station on no bus": ({"stations__0__bus": "66"}, None, ["stations[1].bus (node 2)", 'given "66"', "6 buses"]),
    "generator on no bus": ({"lse__0__generators__0__bus": "x"}, None, ["lse[1].generators[1].bus", 'given "x"']),
    "outage of no line": (
        {"scenarios__island__outages": ["2-4"]}, None, ["scenarios.island.outages[1]", 'given "2-4"', "5 lines"]
    ),
    "limit of no line": (
        {"scenarios__base__line_limits_kva": {"1-9": 5.0}}, None, ["scenarios.base.line_limits_kva.1-9", "5 lines"]
    ),
    "no energy-feasible path": (
        {"stations": [], "demand__ev_by_od": {}}, None, ["OD pair 1-5", "no energy-feasible path"]
    ),
    "negative capacity": ({"station_defaults__capacity_kw": -5.0}, None, ["station_defaults.capacity_kw", "-5", "≥ 0"]),
    "shares": ({"lse__0__share": 0.4}, None, ["lse", "0.4 + 0.5 = 0.9", "must sum to 1"]),
    "NaN": ({"tso__p_max_kw": NAN}, None, ["tso.p_max_kw", "given nan", "finite number"]),
    "missing key": ({"tso__p_max_kw": GONE}, None, ["tso.p_max_kw", "missing", "finite number"]),
    "loop": (
        {"feeder__network": "nets"},
        ("lines.csv", ("5,6,0.4,0.5,350", "5,6,0.4,0.5,350\n4,6,0.4,0.5,350")),
        ["feeder.network", "lines.csv", "loop", "4-6"],
    ),
    "NaN in a table": (
        {"feeder__network": "nets"}, ("buses.csv", ("200,80,50", "nan,80,50")), ["buses.csv", "p_kw is nan"]
    ),
    "negative road capacity": (
        {"road__network": "nets"},
        ("links.csv", ("\n2,1,14,13,120", "\n2,1,14,13,-120")),
        ["links.csv", "capacity_veh_per_h is -120"],
    ),
    "reactive support": (
        {"lse__0__generators__0__q_max_kvar": 20.0, "stations__1__inverter_kvar": 9.0},
        None,
        ["scenarios.island", "(3, 4)", "needs 130.0 kvar", "-29.0 to 29.0 kvar"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("verb", ["solve", "check"])
@pytest.mark.parametrize("name", BAD_CASES)
def test_a_bad_case_is_refused_with_one_message_that_names_the_place(call, monkeypatch, tmp_path, name, verb):
    monkeypatch.setattr(experiments.routes, "coordinate", lambda *_, **__: pytest.fail("computed"))
    changes, edit, texts = BAD_CASES[name]
    if "nets" in changes.values():
        network_folder(tmp_path, *edit)
    case_file(tmp_path, tables(**changes))
    shown = call(verb, "mine.toml")
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.startswith("error: mine.toml: ") and shown.err.endswith("\n")
    assert len(shown.err.splitlines()) == 1
    for text in texts:
        assert text in shown.err


def test_a_syntax_error_a_directory_and_a_missing_file_are_refused(call, tmp_path):
    (tmp_path / "broken.toml").write_text('name = "x"\n[road\n', encoding="utf-8")
    (tmp_path / "folder.toml").mkdir()
    refusals = {
        "broken.toml": "broken.toml: no valid TOML: ",
        "folder.toml": "folder.toml: given a directory, must be a TOML file or a built-in case",
        "teachin": 'teachin: no such file and no built-in case; did you mean "teaching"? Built in: ',
    }
    for case, text in refusals.items():
        code, out, err = call("solve", case)
        assert (code, out) == (2, "")
        assert err.startswith(f"error: {text}") and len(err.splitlines()) == 1
    assert "line 2" in call("solve", "broken.toml").err


BAD_ARGUMENTS = [
    (("solve", TEACHING, "--scenario", "nowhere"), 'no scenario "nowhere". Scenarios: base, stress, island'),
    (("solve", TEACHING, "--method", "gauss-seidel"), 'did you mean "gauss_seidel"? Methods: sharing,'),
    (("solve", TEACHING, "--tolerance", "nan"), "tolerance: given nan, must lie between 0 and 1"),
    (("solve", TEACHING, "--tolerance", "small"), "--tolerance"),
    (("solve", TEACHING, "--max-sweeps", "-1"), "max-sweeps: given -1, must be at least 1"),
    (("solve", TEACHING, "--jsn", "x"), "--jsn"),
    (("solve", TEACHING, "stress"), "stress"),
    (("slove",), "No such command 'slove'"),
    (("check",), "name a case, or ask for --schema"),
]


@pytest.mark.parametrize(("arguments", "text"), BAD_ARGUMENTS)
def test_bad_arguments_are_refused(call, arguments, text):
    shown = call(*arguments)
    assert (shown.code, shown.out) == (2, "")
    assert text in shown.err and "Traceback" not in shown.err


def test_a_place_that_cannot_be_written_to_is_found_before_the_run(call, monkeypatch, tmp_path):
    monkeypatch.setattr(experiments.solving, "build", lambda *_: pytest.fail("computed"))
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for option in ("--json", "--trace"):
        assert "folder: is a folder; name a file" in call("solve", TEACHING, option, "folder").err
        assert "cannot be made" in call("solve", TEACHING, option, "file/r.json").err
        assert "is no ordinary file" in call("solve", TEACHING, option, os.devnull).err
        assert "is no ordinary file" in call("solve", TEACHING, option, "link").err
    assert call("solve", TEACHING, "--json", "folder").code == 2
    monkeypatch.setattr("experiments.files.os.access", lambda *_: False)  # what a folder of another user answers
    shown = call("solve", TEACHING, "--json", "r.json")
    assert shown == (2, "", "error: r.json: the folder . cannot be written to\n")
