"""Does the command line say what it must, where it must, with the right exit code, and never a traceback?"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import experiments.routes
import experiments.solving
import experiments.verdict
from experiments import screen
from experiments.case import load_case
from experiments.case_keys import schema_table
from experiments.result import Result, load_result
from tests.experiments.command_line import RUN, command, unwrapped
from tests.experiments.runs import TEACHING, solved


def test_solve_prints_the_result_and_writes_what_it_is_asked_for(tmp_path):
    shown = command(tmp_path, "solve", TEACHING, "--scenario", "stress", "--json", "out/r.json", "--trace", "out/t.csv")
    assert (shown.code, shown.err) == (0, "")
    expected = solved((TEACHING, "stress", True)).result
    found = load_result(tmp_path / "out" / "r.json")
    assert found.solved and found.routes_agree
    assert found.quantities["social_cost_usd_per_h"] == pytest.approx(
        expected.quantities["social_cost_usd_per_h"], rel=1e-9
    )
    for text in (
        "teaching / stress / with V2G",
        f"{expected.quantities['social_cost_usd_per_h']:,.4f}",
        "The two routes agree.",
        "Results",
        "Certificate",
        "Cross-check",
        "Monolith: ",
        "Seconds: ",
        f"Written: {Path('out/r.json')}",
        f"Written: {Path('out/t.csv')}",
    ):
        assert text in unwrapped(shown.out)
    lines = (tmp_path / "out" / "t.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == found.sweeps + 1
    assert lines[0].startswith("sweep,imbalance,imbalance_good,")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["r.json", "t.csv", "t.csv.state.npz"]


INTERRUPTED_AT_SWEEP_7 = """
import contextlib, os, signal
import experiments.screen as screen
@contextlib.contextmanager
def progress(self, *settings):
    yield lambda record: os.kill(os.getpid(), signal.SIGINT) if record.sweep == 7 else None
screen.Screen.progress = progress
"""
INTERRUPTED_IN = """
import os, signal
import {module} as module
module.{name} = lambda *given, **named: os.kill(os.getpid(), signal.SIGINT)
"""


def test_an_interrupt_keeps_the_best_sweep_and_the_trace_and_says_where(tmp_path):
    shown = command(tmp_path, "solve", TEACHING, "--trace", "t.csv", script=INTERRUPTED_AT_SWEEP_7 + RUN)
    file = "bestresponse-interrupted-teaching-base.json"
    assert shown.code == 130
    assert shown.err == f"interrupted; the best sweep so far and the trace are in {file}\n"
    assert "The run was interrupted; this is the best sweep so far. It ended after 7 sweeps." in shown.out
    result = load_result(tmp_path / file)
    assert result.stop == "interrupted" and not result.solved
    assert len(result.trace) == result.sweeps == 7
    assert result.quantities["social_cost_usd_per_h"] > 0
    assert len((tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()) == 8


def test_an_interrupt_writes_to_the_file_that_was_named_and_speaks_even_if_quiet(tmp_path):
    shown = command(tmp_path, "solve", TEACHING, "--quiet", "--json", "r.json", script=INTERRUPTED_AT_SWEEP_7 + RUN)
    assert shown == (130, "", "interrupted; the best sweep so far and the trace are in r.json\n")
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


def test_an_interrupt_of_the_monolith_keeps_what_the_coordinator_found(tmp_path):
    script = INTERRUPTED_IN.format(module="experiments.routes", name="solve_monolith") + RUN
    shown = command(tmp_path, "solve", TEACHING, "--quiet", script=script)
    result = load_result(tmp_path / "bestresponse-interrupted-teaching-base.json")
    assert shown.code == 130
    assert result.stop == "interrupted" and not result.solved and result.routes_agree is None
    assert result.certificate["holds"] and "The monolith did not run to its end." in result.status


def test_an_interrupt_before_the_run_says_that_nothing_was_found(tmp_path):
    script = INTERRUPTED_IN.format(module="experiments.case", name="load_case") + RUN
    shown = command(tmp_path, "solve", TEACHING, script=script)
    assert shown == (130, "", "interrupted before there was anything to write\n")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_waits_for_imports(tmp_path):
    """A compiled module whose import is cut short fails later, with a traceback."""
    early = """
import importlib.abc, os, signal, sys
class Interrupt(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "experiments.case":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
"""
    shown = command(tmp_path, "solve", TEACHING, script=early + RUN)
    assert shown == (130, "", "interrupted before there was anything to write\n")


def test_help_and_cases_import_no_solver(tmp_path):
    heavy = "import sys; heavy = {'numpy', 'scipy', 'cvxpy', 'pandas', 'numba', 'pydantic', 'matplotlib'}"
    watched = f"""
{heavy}
from experiments.cli import app
app(standalone_mode=False)
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    shown = command(tmp_path, "--help", script=watched)
    assert (shown.code, shown.err) == (0, "")
    for name in ("solve", "cases", "check"):
        assert name in shown.out


def test_quiet_prints_nothing(call, tmp_path):
    assert call("solve", TEACHING, "--quiet", "--json", "r.json") == (0, "", "")
    assert load_result(tmp_path / "r.json").solved


@pytest.mark.parametrize("method", ["sharing", "gauss_seidel", "monolith", "both"])
def test_every_method_that_finds_the_equilibrium_exits_with_0(call, method):
    shown = call("solve", TEACHING, "--no-v2g", "--method", method)
    assert (shown.code, shown.err) == (0, "")
    assert "teaching / base / without V2G" in shown.out
    assert ("Cross-check" in shown.out) == (method == "both")
    assert ("sweeps" in shown.out) == (method != "monolith")


@pytest.mark.parametrize(
    ("arguments", "stop"),
    [
        (("--max-sweeps", "5"), {"sweep_limit"}),
        (("--method", "tatonnement"), {"oscillating"}),
    ],
)
def test_a_run_that_does_not_converge_exits_with_3_and_is_written(call, tmp_path, arguments, stop):
    shown = call("solve", TEACHING, "--scenario", "stress", *arguments, "--json", "r.json", "--trace", "t.csv")
    assert (shown.code, shown.err) == (3, "")
    assert "Not certified: " in shown.out
    result = load_result(tmp_path / "r.json")
    assert result.stop in stop and not result.solved
    assert len((tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()) == result.sweeps + 1


def plant_a_disagreement(monkeypatch):
    """Let the second quantities asked for, those of the monolith, be off by 0.1 %."""
    true, asked = experiments.verdict.quantities, []

    def wrong(*given: Any) -> dict[str, Any]:
        asked.append(1)
        found = true(*given)
        return found if len(asked) == 1 else found | {"charged_kw": found["charged_kw"] * 1.001}

    monkeypatch.setattr(experiments.verdict, "quantities", wrong)


def test_routes_that_disagree_exit_with_4_and_the_row_is_shown(call, monkeypatch):
    plant_a_disagreement(monkeypatch)
    shown = call("solve", TEACHING, "--json", "r.json")
    assert (shown.code, shown.err) == (4, "")
    assert "The two routes disagree on charged_kw." in unwrapped(shown.out)
    assert "120.1200" in shown.out
    assert not load_result("r.json").cross_check["charged_kw"]["agrees"]


def test_not_converged_outranks_disagreement(call, monkeypatch):
    plant_a_disagreement(monkeypatch)
    assert call("solve", TEACHING, "--max-sweeps", "5", "--quiet").code == 3


def test_an_uncertified_monolith_exits_with_3(call, monkeypatch):
    true = experiments.routes.solve_monolith

    def shifted(market: Any, **given: Any) -> Any:
        found = true(market, **given)
        found.equilibrium.price[:] *= 1.1  # prices that nobody's plan is a best response to
        return found

    monkeypatch.setattr(experiments.routes, "solve_monolith", shifted)
    shown = call("solve", TEACHING, "--scenario", "stress")
    assert shown.code == 3
    assert "The monolith confirms nothing." in unwrapped(shown.out)  # the coordinator's certificate holds
    assert "Certified: " in shown.out and "Not certified: " in shown.out


def test_cases_lists_every_case_with_its_scenarios(call):
    shown = call("cases")
    assert (shown.code, shown.err) == (0, "")
    for text in ("paper_findings", "sioux_falls_ieee123", "base, stress, island, congested", "fits on a slide"):
        assert text in shown.out


def test_check_says_what_a_case_contains_and_solves_nothing(call, monkeypatch):
    monkeypatch.setattr(experiments.solving, "build", lambda *_: pytest.fail("computed"))
    shown = call("check", TEACHING)
    assert (shown.code, shown.err) == (0, "")
    for text in ("Valid: teaching", "road nodes", "OD pairs", "830", "North, South", "stress", "2-3", "456 kW load"):
        assert text in shown.out


def test_the_schema_shows_every_key_with_its_range(call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    shown = call("check", "--schema")
    assert (shown.code, shown.err) == (0, "")
    assert len(schema_table()) > 50
    first_columns = "".join(line.split("  ")[1].strip() for line in shown.out.splitlines() if line.startswith("  "))
    assert all(row["key"] in first_columns for row in schema_table())
    for text in ("Most import", "kVA", "a finite number > 0", "a whole number ≥ 1", "required"):
        assert text in shown.out


def test_help_names_every_option_and_exit_code(call):
    shown = call("solve", "--help")
    assert shown.code == 0
    for text in ("--scenario", "--no-v2g", "--method", "--tolerance", "--max-sweeps", "--json", "--trace", "--quiet"):
        assert text in shown.out
    assert "130 interrupted" in " ".join(shown.out.split())


def test_progress_shows_the_sweep_and_the_worst_of_each_kind_on_a_terminal():
    seen = io.StringIO()
    shown = screen.Screen()
    shown.console = Console(file=seen, force_terminal=True, width=100)
    with shown.progress(1e-8, 600) as on_sweep:
        experiments.solving.solve(load_case(TEACHING), method="sharing", on_sweep=on_sweep)
    for text in ("sweep", "of at most 600", "worst imbalance", "target 1e-08", "worst gain"):
        assert text in seen.getvalue()


def test_names_with_brackets_do_not_style_the_screen():
    result = solved((TEACHING, "base", True)).result
    shown = screen.Screen()
    shown.console = Console(file=io.StringIO(), width=160)
    gains = {f"[red]{name}[/red]": gain for name, gain in result.certificate["gain"].items()}
    generation = {"[bold]": 1.0}
    data = json.loads(json.dumps(vars(result)))
    data["certificate"]["gain"] = gains
    data["quantities"]["generation_kw"] = generation
    shown.show(Result(**data), [Path("a[b].json")])
    text = shown.console.file.getvalue()
    for name in ("[red]CNO[/red]", "generation of [bold]", "a[b].json"):
        assert name in text
