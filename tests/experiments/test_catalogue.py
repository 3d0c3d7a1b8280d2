"""The catalogue: every file reads, every problem is solved, certified, compared; bad slugs and files are explained."""

import json
import re

import numpy as np
import pytest

from bestresponse.errors import DataError, SolverError
from bestresponse.player import Anchor, Signal
from experiments.catalogue import Answer, load, methods, model_of, slugs, solve
from experiments.catalogue.diagnosing import diagnose
from experiments.catalogue.linear_market import CostlessPlayer
from experiments.catalogue.loader import families, read
from experiments.catalogue.solving import meets

WITHOUT_ROADS = [slug for slug in slugs() if not slug.startswith("traffic/leblanc")]
GAMES = [slug for slug in slugs() if len(methods(load(slug))) > 3]


def test_the_families_are_those_promised():
    assert families() == ("admm", "cournot", "gnep", "mcp", "spatial", "traffic", "vi")
    assert len(slugs()) >= 40


@pytest.mark.parametrize("slug", slugs())
def test_every_slug_names_author_what_and_year_and_every_file_says_where_it_is_from(slug):
    entry = load(slug)
    assert re.fullmatch(r"[a-z]+/[a-z0-9]+(-[a-z0-9]+)*-\d{4}", slug)
    year = slug[-4:]
    assert year in entry.citation.reference
    assert entry.citation.reference.split(",")[0] and entry.title
    assert entry.answers[0].kind != "generalised"


@pytest.mark.parametrize("slug", slugs())
def test_the_usual_method_finds_the_first_published_answer(slug):
    entry = load(slug)
    solved = solve(entry)
    assert solved.certified, solved.found.certificate["statement"]
    assert entry.answers[0] in solved.matches
    same = [answer for answer in entry.answers if answer.x == entry.answers[0].x or answer.x is None]
    if entry.unique:  # prices, multipliers, quantities of the same answer are met too
        assert set(map(repr, same)) <= set(map(repr, solved.matches))


@pytest.mark.parametrize("slug", slugs())
def test_every_stored_answer_is_certified_as_what_it_is_called(slug):
    entry, model = load(slug), model_of(load(slug))
    for answer in entry.answers:
        if answer.x is None or len(answer.x) != len(model.labels) or answer.accuracy > 1e-8:
            continue
        refined = nearest_solution(model, np.array(answer.x)) if slug in GAMES else np.array(answer.x)
        assert refined == pytest.approx(answer.x, abs=answer.accuracy, rel=answer.accuracy)
        verdict = model.judge(refined)
        assert verdict["holds"], verdict["statement"]
        if "normalised" in verdict and len(model.game.shared):
            assert verdict["normalised"] == (answer.kind == "normalised"), answer.meaning


def nearest_solution(model, x):
    """Eight published digits polished by plain sweeps where these contract, else left as they are."""
    verdict = model.judge(x)
    if verdict["holds"]:
        return x
    from bestresponse.games import solve_game

    return solve_game(model.game, x).x


@pytest.mark.parametrize("slug", GAMES)
def test_a_play_is_certified_only_where_it_has_found_an_equilibrium(slug):
    """Whoever is certified by best responses and has common multipliers has found a published answer."""
    entry = load(slug)
    for method in ("gauss_seidel", "gauss_seidel+anderson", "jacobi+anderson"):
        solved = solve(entry, method)
        if solved.certified and solved.found.certificate["normalised"]:
            assert solved.matches_published, (method, solved.found.x)


def test_unknown_slugs_are_answered_with_the_nearest():
    for wrong, right in {
        "cournot/murphy-sherali-soyster-1983": "cournot/murphy-sherali-soyster-1982",
        "gnep/kojima-shindo-1986": "mcp/kojima-shindo-1986",
        "braess": "traffic/braess-1968",
        "Cournot/Puu-duopoly": "cournot/puu-duopoly-1991",
    }.items():
        with pytest.raises(DataError, match=f"did you mean.*{right}"):
            load(wrong)
    with pytest.raises(DataError, match="families are admm"):
        load("???")
    with pytest.raises(DataError):
        load("../../pyproject")


def test_unknown_methods_are_answered_with_the_known():
    with pytest.raises(DataError, match="allowed: mcp, jacobi"):
        solve(load("cournot/puu-duopoly-1991"), "newton")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("title = 1 =", "cannot be read"),
        ('title = "t"\nunique = true', "citation"),
        ('title = "t"\nunique = true\nprize = 1', "prize"),
        ('title = "t"\nunique = true\n[problem]\nkind = "chess"', "chess"),
    ],
)
def test_bad_files_are_explained(tmp_path, text, complaint):
    path = tmp_path / "odd.toml"
    path.write_text(text)
    with pytest.raises(DataError, match=complaint) as caught:
        read(path, "mcp/odd-1999")
    assert "odd.toml" in str(caught.value)


def test_an_answer_is_met_only_within_its_accuracy():
    found = solve(load("cournot/puu-duopoly-1991")).found
    right = Answer(meaning="", accuracy=1e-8, x=(0.16, 0.04), prices={"market": (5.0,)})
    assert meets(found, right)
    assert not meets(found, right.model_copy(update={"x": (0.16, 0.0400001)}))
    assert not meets(found, right.model_copy(update={"x": (0.16,)}))
    assert not meets(found, right.model_copy(update={"prices": {"market": (float("nan"),)}}))
    assert not meets(found, right.model_copy(update={"prices": {"elsewhere": (5.0,)}}))


@pytest.mark.parametrize("slug", [slug for slug in slugs() if load(slug).rates])
def test_published_rates_are_predicted_and_measured(slug):
    entry = load(slug)
    found = {row.name: row for row in diagnose(entry).rates}
    for name, rate in entry.rates.items():
        assert found[name].predicted == pytest.approx(rate.value, abs=rate.accuracy)
        if found[name].measured is not None:
            far_from_linear = 0.1 if rate.value > 4 else 0.02
            assert found[name].measured == pytest.approx(rate.value, rel=far_from_linear)
    known = [name for name in entry.rates if name in ("jacobi", "projection", "gauss_seidel")]
    assert not known or any(found[name].measured is not None for name in known)


@pytest.mark.parametrize("slug", ["traffic/pigou-1920", "gnep/harker-two-players-1991", "vi/korpelevich-skew-1976"])
def test_solutions_are_plain_data(slug):
    data = solve(load(slug)).data()
    assert {"slug", "x", "prices", "multipliers", "residual", "certificate", "matches_published"} <= data.keys()
    assert json.loads(json.dumps(data))["x"] == data["x"]
    assert data["matches_published"] is True


def test_a_costless_player_moves_along_its_column_as_far_as_the_anchor_lets_it():
    """x = (target − price) · column / 5 under weights of one."""
    player = CostlessPlayer("one", ("a", "b"), np.array([1.0, 2.0]))
    signal = Signal(np.array([3.0, -1.0]), anchor=Anchor(np.ones(2), np.zeros(2)))
    assert player.best_response(signal).trade == pytest.approx([-0.2, -0.4])
    assert player.sensitivity(signal) == pytest.approx(np.array([[-0.2, -0.4], [-0.4, -0.8]]))
    with pytest.raises(SolverError, match="one has no cost and no bound: only an anchor holds its trades"):
        player.sensitivity(Signal(np.zeros(2)))
