"""Benchmarks: the figures come from real runs, and the tables say what was measured. No test depends on speed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from bestresponse.coordinator import coordinate
from bestresponse.errors import DataError
from bestresponse.monolith import solve_monolith
from bestresponse.stopping import Tolerances
from experiments.benchmarks import commands
from experiments.benchmarks.__main__ import main
from experiments.benchmarks.commands import CommandSample, call, forget_bytecode
from experiments.benchmarks.measure import Sample, sample
from experiments.benchmarks.one_program import load_one_program
from experiments.benchmarks.report import as_data, tables
from experiments.benchmarks.runs import Run, select_runs
from experiments.build import build
from experiments.case import load_case
from tests.one_program import solve_one_program

RUN = Run("teaching", "stress", v2g=True)


def half_a_second(case: str, scenario: str, v2g: bool) -> SimpleNamespace:
    """A yardstick with known figures, which answers for one run only."""
    assert (case, scenario, v2g) == (RUN.case, RUN.scenario, RUN.v2g)
    return SimpleNamespace(run=SimpleNamespace(canonicalisation_seconds=0.375, solve_seconds=0.125))


@pytest.fixture(scope="module")
def measured() -> Sample:
    return sample(RUN, half_a_second)


def test_the_figures_are_those_of_the_routes(measured: Sample) -> None:
    model = build(load_case(RUN.case), RUN.scenario, RUN.v2g)
    alone = coordinate(model.market, model.first_price, tolerances=Tolerances.of(1e-8))
    monolith = solve_monolith(model.market).mcp

    assert measured.converged and measured.monolith_converged
    assert measured.sweeps == {name: alone.trace.sweeps_to(float(name)) for name in ("1e-3", "1e-6", "1e-8")}
    assert measured.sweeps["1e-8"] == len(alone.trace)
    assert (measured.factorisations, measured.natural_residual) == (monolith.factorisations, monolith.residual)
    assert measured.natural_residual <= 1e-10
    assert list(measured.player_seconds) == [player.name for player in model.market]


def test_seconds_add_up(measured: Sample) -> None:
    to = measured.coordinator_seconds
    assert 0 < to["1e-3"] <= to["1e-6"] <= to["1e-8"]
    assert measured.ms_per_sweep * measured.sweeps["1e-8"] == pytest.approx(1e3 * to["1e-8"])
    assert sum(measured.player_seconds.values()) + measured.other_seconds >= to["1e-8"]
    assert min(measured.build_seconds, measured.compile_seconds, measured.monolith_seconds) > 0
    assert measured.one_program_seconds == 0.5
    assert measured.coordinator_ratio("1e-6") == pytest.approx(2 * to["1e-6"])
    assert measured.monolith_ratio == pytest.approx(2 * measured.monolith_seconds)


def test_the_tables_have_a_row_a_run_and_medians_and_ranges(measured: Sample) -> None:
    repeated = [replace(measured, monolith_seconds=seconds) for seconds in (0.1, 0.4, 0.2)]
    never = replace(
        measured,
        sweeps=measured.sweeps | {"1e-8": None},
        coordinator_seconds=measured.coordinator_seconds | {"1e-8": None},
    )
    other = Run("teaching", "base", v2g=False)
    routes, time, whole = tables({RUN: repeated, other: [measured, never]}, [CommandSample("solve", 0, 2.345, 171.6)])

    assert [row[0] for row in routes.rows] == [row[0] for row in time.rows]
    assert [row[0] for row in routes.rows] == ["teaching/stress/v2g", "teaching/base/no-v2g"]
    first, second = (dict(zip(routes.columns, row, strict=True)) for row in routes.rows)
    sweeps = "sweeps to 1e-3 / 1e-6 / 1e-8"
    assert first["monolith s"] == "0.200"
    assert first["monolith / one program"] == "0.40 (0.20–0.80)"
    assert first[sweeps] == " / ".join(str(n) for n in measured.sweeps.values())
    assert second[sweeps].endswith(" / –") and not second[sweeps].startswith("–")
    assert second["s to 1e-8"] == second["coordinator to 1e-8 / one program"] == "–"
    assert second["s to 1e-6"] != "–"
    assert {*measured.player_seconds} < {*time.columns}
    assert whole.rows == (("solve", "0", "2.35", "172"),)
    assert len(tables({RUN: repeated}, [])) == 2


def test_markdown_has_a_header_a_rule_and_the_rows(measured: Sample) -> None:
    table = tables({RUN: [measured]}, [])[0]
    title, blank, *lines = table.markdown().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert title.startswith("**") and blank == ""
    assert tuple(cells[0]) == table.columns
    assert all(set(rule) <= set("-:") for rule in cells[1])
    assert tuple(cells[2]) == table.rows[0] and len(cells) == 3
    assert table.rich().row_count == 1 and len(table.rich().columns) == len(table.columns)


def test_every_repetition_is_in_the_data(measured: Sample) -> None:
    data = json.loads(json.dumps(as_data({"system": "here"}, {RUN: [measured, measured]}, [])))
    assert data["machine"] == {"system": "here"} and data["commands"] == []
    assert [found["sweeps"] for found in data["runs"]["teaching/stress/v2g"]] == [measured.sweeps] * 2


def test_groups_of_runs_and_single_runs() -> None:
    robust, everything = select_runs(["robust"]), select_runs(["all"])
    assert (len(robust), len(everything)) == (8, 14)
    assert everything[:8] == robust and len(set(everything)) == 14
    assert select_runs(["teaching/stress/v2g", "teaching/base/no-v2g", "teaching/stress/v2g"]) == [
        RUN,
        Run("teaching", "base", v2g=False),
    ]


@pytest.mark.parametrize(
    "word", ["teaching", "teaching/base", "teaching/base/yes", "teaching/nowhere/v2g", "no/base/v2g"]
)
def test_a_word_that_names_no_run(word: str) -> None:
    wrong = {"teaching/nowhere/v2g": "nowhere", "no/base/v2g": "no"}.get(word, word)
    with pytest.raises(DataError, match=wrong):
        select_runs([word])


def test_the_yardstick_comes_with_a_checkout_only(tmp_path: Path) -> None:
    assert load_one_program() is solve_one_program
    with pytest.raises(DataError, match="checkout"):
        load_one_program(tmp_path)


def test_the_command_prints_and_writes_the_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--runs", "teaching/base/no-v2g", "--repeat", "2", "--no-commands"]
    assert main([*words, "--json", str(tmp_path / "b.json"), "--markdown", str(tmp_path / "b.md")]) == 0
    found = json.loads((tmp_path / "b.json").read_text())
    (name, repeated), *others = found["runs"].items()
    assert (name, len(repeated), others) == ("teaching/base/no-v2g", 2, [])
    assert repeated[0]["sweeps"] == repeated[1]["sweeps"]
    assert repeated[0]["solve_seconds"] != repeated[1]["solve_seconds"]
    printed, written = capsys.readouterr().out, (tmp_path / "b.md").read_text()
    for text in (printed, written):
        assert "teaching/base/no-v2g" in text and found["machine"]["packages"] in text
        assert " / ".join(str(n) for n in repeated[0]["sweeps"].values()) in text


def test_bad_words_end_with_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--runs", "nothing"]) == 2
    assert "'nothing'" in capsys.readouterr().err
    assert main(["--runs", "teaching/base/v2g", "--json", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--repeat", "0"])
    assert "at least 1" in capsys.readouterr().err


def test_commands_are_measured_from_outside() -> None:
    ballast = b"x" * 2**28  # of this process; must not be counted for the other one
    helped, refused = call(["--help"], "help"), call(["check", "no_such_case"], "check")
    assert (helped.command, helped.exit_code, refused.exit_code) == ("help", 0, 2)
    assert 5 < helped.peak_mib < len(ballast) / 2**20
    assert helped.seconds > 0


def test_only_the_projects_own_bytecode_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "PROJECT", tmp_path)
    for folder in ("players/traffic/__pycache__", "elsewhere/__pycache__"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "module.pyc").touch()
    (tmp_path / "players/traffic/module.py").touch()
    forget_bytecode()
    left = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.py*")]
    assert sorted(left) == ["elsewhere/__pycache__/module.pyc", "players/traffic/module.py"]
