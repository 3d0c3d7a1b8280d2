"""The table of promises kept tells who got there, who did not, and leaves out what no theorem covers."""

from __future__ import annotations

import pytest

from experiments.benchmarks.theorems import Kept, Promise, keep, main, table
from experiments.case import load_case
from tests.experiments.runs import TEACHING
from tests.experiments.test_vehicle_classes import case_of, valued


def promise(case, scheme="sharing", max_sweeps=3000):
    return Promise(scheme, case, "base", True, 1e-3, max_sweeps)


def test_a_promise_kept_and_one_cut_short():
    kept = keep(promise(load_case(TEACHING)))
    assert kept.sweeps > 3 and kept.nearest <= 1e-3
    short = keep(promise(load_case(TEACHING), max_sweeps=3))
    assert short.sweeps is None and short.nearest > 1e-3
    assert short.run == kept.run == "teaching/base/v2g"


def test_several_values_of_time_meet_no_assumption():
    assert keep(promise(case_of(*valued(12.0, 48.0)))) is None


def test_the_table_names_what_fell_short():
    kept = [Kept("pdhg", "a", 10, 1e-9), Kept("pdhg", "b", None, 2e-3), Kept("pdhg", "c", 40, 1e-9)]
    assert table([*kept, Kept("jacobi", "a", None, 0.5)], 1e-4, 50).rows == (
        ("pdhg", "2 of 3", "25", "40", "b (2e-03)"),
        ("jacobi", "0 of 1", "–", "–", "a (5e-01)"),
    )


@pytest.mark.parametrize(("sweeps", "code"), [("600", 0), ("5", 3)])
def test_the_command_says_by_its_exit_code_whether_all_got_there(tmp_path, capsys, sweeps, code):
    page = tmp_path / "page.md"
    page.write_text("<!-- theorems:begin -->\n<!-- theorems:end -->\n", encoding="utf-8")
    words = [TEACHING, "--schemes", "sharing", "--accuracy", "0.1", "--max-sweeps", sweeps, "--page", str(page)]
    assert main(words) == code
    printed = capsys.readouterr().out.strip()
    assert "| sharing |" in printed and printed in page.read_text(encoding="utf-8")


def test_an_unknown_case_is_bad_input(capsys):
    assert main(["nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err
