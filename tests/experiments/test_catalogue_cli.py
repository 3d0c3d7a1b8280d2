"""`bestresponse games` from the outside."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from bestresponse.errors import DataError
from bestresponse.games import linear_rate
from experiments import cli
from experiments.catalogue import load
from experiments.catalogue.diagnosing import diagnose
from experiments.catalogue.figure import save_rate_figure
from experiments.files import finite
from experiments.games_cli import games

runner = CliRunner()


def run(*words):
    return runner.invoke(games, list(words))


def test_list_shows_slugs_of_one_family():
    out = run("list", "traffic")
    assert out.exit_code == 0
    assert "traffic/braess-1968" in out.output and "cournot" not in out.output


def test_show_leads_from_the_slug_to_the_paper_the_data_and_the_answer():
    out = run("show", "gnep/haurie-krawczyk-river-basin-1997").output
    for words in ("Haurie", "Krawczyk", "2.2915", "21.14479602", "0.57436", "gauss_seidel"):
        assert words in out


def test_solve_writes_the_promised_json(tmp_path):
    path = tmp_path / "new" / "answer.json"
    out = run("solve", "cournot/harker-ten-firms-1988", "--method", "gauss_seidel", "--json", str(path))
    assert out.exit_code == 0 and "Certified" in out.output and "Cournot equilibrium" in out.output
    data = json.loads(path.read_text())
    assert {"slug", "x", "prices", "multipliers", "residual", "certificate", "matches_published"} <= data.keys()
    assert data["slug"] == "cournot/harker-ten-firms-1988" and data["matches_published"] is True
    assert data["x"][4] == pytest.approx(17.94895234, abs=1e-8)
    assert data["certificate"]["holds"] is True and data["residual"] <= 1e-10


def test_what_is_not_certified_has_exit_code_3_and_is_written_all_the_same(tmp_path):
    path = tmp_path / "cycle.json"
    out = run("solve", "cournot/theocharis-three-firms-1960", "--method", "jacobi", "--json", str(path))
    assert out.exit_code == 3 and "Not certified" in out.output
    assert json.loads(path.read_text())["certificate"]["holds"] is False


def test_a_generalised_equilibrium_that_is_not_the_normalised_one_is_no_disagreement():
    out = run("solve", "gnep/facchinei-kanzow-a16-cap-200-2010", "--method", "gauss_seidel")
    assert out.exit_code == 0 and "no common multipliers" in out.output and "matches none" in out.output


def test_weights_choose_another_normalised_equilibrium(tmp_path):
    """(x − 1)² and (y − ½)² with x + y ≤ 1: by hand, weights 1 and 2 give (2/3, 1/3) and λ = 2/3."""
    path = tmp_path / "weighted.json"
    slug = "gnep/facchinei-fischer-piccialli-2007"
    out = run("solve", slug, "--weights", "1,2", "--json", str(path))
    assert out.exit_code == 0 and "Certified" in out.output and "player 2 2" in out.output
    data = json.loads(path.read_text())
    assert data["x"] == pytest.approx([2 / 3, 1 / 3], abs=1e-9)
    assert data["multipliers"]["shared"] == pytest.approx([2 / 3], abs=1e-9)
    assert data["weights"] == {"player 1": 1.0, "player 2": 2.0}
    assert data["certificate"]["normalised"] is True and data["matches_published"] is False
    assert "matches what is published" in run("solve", slug, "--weights", "1,1").output


def test_one_command_shows_paper_answer_certificate_and_rates(tmp_path):
    figure = tmp_path / "rates.png"
    out = run("diagnose", "cournot/murphy-sherali-soyster-1982", "--figure", str(figure))
    assert out.exit_code == 0
    for words in ("Murphy", "36.93251082", "Certified", "published", "predicted", "measured", "0.5868", "monotone"):
        assert words in out.output
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert f"rate plot: {figure}" in out.output.replace("\n", "")


def test_a_problem_without_dynamics_shows_how_its_solver_converged(tmp_path):
    figure = tmp_path / "residuals.png"
    out = run("diagnose", "traffic/leblanc-sioux-falls-1975", "--figure", str(figure))
    assert out.exit_code == 0 and figure.read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_plotted_is_said(tmp_path):
    found = diagnose(load("traffic/leblanc-sioux-falls-1975"))
    silent = replace(found, solved=replace(found.solved, found=replace(found.solved.found, moves=())))
    with pytest.raises(DataError, match="has no dynamics, and newton no iterations, to plot"):
        save_rate_figure(silent, tmp_path / "never.png")


def test_the_plays_that_are_plotted_are_the_ones_that_were_measured():
    found = diagnose(load("gnep/facchinei-kanzow-a3-2010"))
    for row in found.rates[:2]:
        assert row.moves[-1] > 1e3 * row.moves[0]  # it runs away from next to the equilibrium
        assert linear_rate(np.array(row.moves)) == pytest.approx(row.measured)


def test_show_states_the_published_rates():
    out = run("show", "cournot/puu-duopoly-1991").output
    assert "jacobi" in out and "0.5625" in out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("show", "cournot/murphy-1982"), "did you mean cournot/murphy-sherali-soyster-1982"),
        (("list", "chess"), "families|there are admm"),
        (("solve", "traffic/pigou-1920", "--method", "jacobi"), "allowed: mcp"),
        (("solve", "gnep/harker-two-players-1991", "--weights", "1,2,3"), "3 given, 2 needed: player 1, player 2"),
        (("solve", "gnep/harker-two-players-1991", "--weights", "1,0"), "the weight of player 2 is 0.0"),
        (("solve", "gnep/harker-two-players-1991", "--weights", "1,nan"), "the weight of player 2 is nan"),
        (("solve", "gnep/harker-two-players-1991", "--weights", "1;2"), "separated by commas"),
        (("solve", "gnep/harker-two-players-1991", "--weights", "1,2", "--method", "jacobi"), "with weights; allowed"),
        (("solve", "cournot/singh-vives-1984", "--weights", "1,2"), "share no rows"),
        (("solve", "traffic/pigou-1920", "--weights", "1,2"), "is no game with shared rows"),
        (("diagnose", "traffic/pigou-1920", "--figure", "rates.docx"), "the figure cannot be written"),
    ],
)
def test_bad_input_is_explained_with_exit_code_2(words, complaint, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["bestresponse", "games", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ") and any(part in message for part in complaint.split("|"))


def test_numbers_that_json_does_not_know_become_null():
    assert finite({"a": [1.0, float("nan")], "b": (float("inf"), 2)}) == {"a": [1.0, None], "b": [None, 2]}
