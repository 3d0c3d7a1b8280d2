"""Figures that show an algorithm step by step: what they draw is right, and every kind of file holds it."""

import html
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from bestresponse.complementarity import ComplementarityProblem
from bestresponse.complementarity.pairs import Pairs
from bestresponse.errors import DataError
from bestresponse.schemes.sharing import Sharing
from bestresponse.schemes.tatonnement import Tatonnement
from experiments.animations.central_path import central_path, interior_point_path, iterates
from experiments.animations.contraction import contraction
from experiments.animations.moving import MOST_FRAMES, save, steps
from experiments.animations.prices import price_paths
from experiments.animations.responses import response_map
from experiments.animations.runs import runs
from experiments.case import load_case
from experiments.catalogue import load, model_of
from experiments.cli import app

DUOPOLY = model_of(load("cournot/theocharis-two-firms-1960"))  # price 12 − Q, no costs: the answer to q is 6 − q/2


@pytest.fixture(scope="module")
def teaching():
    return runs(load_case("teaching"), "base", True, [Tatonnement(), Sharing()], max_sweeps=12)


@pytest.fixture(scope="module")
def duopoly():
    return response_map(DUOPOLY.game, DUOPOLY.start, ["jacobi", "gauss_seidel"], "duopoly")


def line(axes, label):
    return next(each for each in axes.lines if each.get_label() == label).get_xydata()


def test_best_responses_and_iterations_of_a_duopoly_are_those_of_the_textbook(duopoly):
    panels = duopoly.figure.axes
    one, two = line(panels[0], "best response of firm 1"), line(panels[0], "best response of firm 2")
    np.testing.assert_allclose(one[:, 0], 6 - one[:, 1] / 2, atol=1e-9)
    np.testing.assert_allclose(two[:, 1], 6 - two[:, 0] / 2, atol=1e-9)
    np.testing.assert_allclose(line(panels[1], "equilibrium"), [[4, 4]], atol=1e-8)
    duopoly.draw(duopoly.last)
    ends = [[arrow.xy for arrow in panel.texts if arrow.get_text() == ""] for panel in panels]
    x = DUOPOLY.start
    for end in ends[0]:  # both at once
        x = 6 - x[::-1] / 2
        np.testing.assert_allclose(end, x, atol=1e-9)
    x = DUOPOLY.start.copy()
    for k, end in enumerate(ends[1]):  # in turns
        x[k % 2] = 6 - x[1 - k % 2] / 2
        np.testing.assert_allclose(end, x, atol=1e-9)


def test_steps_appear_one_by_one(duopoly, teaching):
    for step in (0, 1, 3):
        duopoly.draw(step)
        for panel in duopoly.figure.axes:
            assert sum(arrow.get_visible() for arrow in panel.texts if arrow.get_text() == "") == step
    paths = price_paths(teaching, "teaching")
    paths.draw(5)
    for shown, panel in zip(teaching, paths.figure.axes, strict=True):
        names = {good.name: g for g, good in enumerate(shown.goods)}
        for drawn in panel.lines:
            np.testing.assert_array_equal(drawn.get_ydata(), shown.prices[:6, names[drawn.get_label()]])
    families = {shown.goods[names[drawn.get_label()]].family for drawn in panel.lines}
    assert families == {good.family for good in teaching[0].goods}  # the liveliest of every family
    moving = contraction(teaching, "teaching")
    moving.draw(4)
    for shown, drawn in zip(teaching, moving.figure.axes[0].lines, strict=True):
        np.testing.assert_array_equal(drawn.get_ydata(), shown.imbalance[:5])


def test_the_central_path_is_where_slack_times_multiplier_is_mu():
    problem = ComplementarityProblem.of(lambda x: x - 1.0, lambda x: np.eye(2), np.zeros(2), np.full(2, np.inf))
    pairs = Pairs.of(problem)
    points = iterates(problem, pairs, np.array([3.0, 0.5]))
    path = central_path(problem, pairs, points[0])
    mu = (path * (path - 1.0))[:, 0]  # F(x) = x − 1 is the multiplier of x ≥ 0
    np.testing.assert_allclose(path[:, 0], path[:, 1], rtol=1e-8)
    assert (np.diff(mu) < 0).all() and mu[0] > points[0].mu and abs(mu[-1]) < 1e-7
    np.testing.assert_allclose(points[-1].x, 1.0, atol=1e-6)
    moving = interior_point_path(problem, np.array([3.0, 0.5]), "two")
    moving.draw(2)
    np.testing.assert_array_equal(line(moving.figure.axes[0], "iterates"), [point.x for point in points[:3]])


def test_every_kind_of_file(duopoly, tmp_path):
    short = replace(duopoly, last=3)
    for name in ("a.svg", "a.png", "a.gif", "a.html"):
        save(short, tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gif", "a.html", "a.png", "a.svg"]
    assert ElementTree.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")
    with Image.open(tmp_path / "a.png") as still, Image.open(tmp_path / "a.gif") as moving:
        assert still.width >= 1500 and moving.n_frames == 4 and moving.info["loop"] == 0
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert len(re.findall(r'"data:image/png;base64,', page)) == 5  # every step, and the last for a start
    assert f'alt="{short.description}"' in html.unescape(page) and "://" not in page


def test_long_runs_are_thinned_out_and_keep_their_ends():
    assert steps(3) == [0, 1, 2, 3] and steps(0) == [0]
    assert len(steps(5000)) == MOST_FRAMES and steps(5000)[0] == 0 and steps(5000)[-1] == 5000


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("responces --out a.png", "WHAT: given 'responces'; did you mean \"responses\"?"),
        ("responses --out a.pdf", "given suffix '.pdf', allowed: .svg, .png, .gif, .html"),
        ("responses --slug cournot/theocharis-two-firms --out a.png", "did you mean cournot/theocharis-two-firms-1960"),
        ("responses --slug cournot/theocharis-six-firms-1960 --out a.png", "two players with one variable each"),
        ("responses --slug mcp/billups-1995 --out a.png", "no game of players"),
        ("responses --schemes jacoby --out a.png", "no order 'jacoby'; did you mean \"jacobi\"?"),
        ("contraction --slug cournot/puu-duopoly-1991 --schemes jacoby --out a.png", 'did you mean "jacobi"?'),
        ("interior-point --schemes jacobi --out a.png", "--schemes: interior-point draws one method"),
        ("responses --case teaching --out a.png", "--case: responses draws a --slug only"),
        ("prices --slug mcp/billups-1995 --out a.png", "--slug: prices draws a --case only"),
        ("prices --case teeching --out a.png", "teaching"),
        ("contraction --case teaching --slug mcp/billups-1995 --out a.png", "exclude each other"),
        ("interior-point --slug mcp/billups-1995 --out a.png", "in two variables; this problem has 1"),
        ("interior-point --slug vi/korpelevich-skew-1976 --out a.png", "no bounds"),
    ],
)
def test_bad_input_is_told(words, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(app, ["animate", *words.split()])
    assert isinstance(ended.exception, DataError) and told in str(ended.exception)
    assert not [*tmp_path.iterdir()]


def test_one_command_each(tmp_path):
    told = "interior-point", "steps of the interior point beside the central path to (5, 9)"
    for what, words in (told, ("contraction --slug cournot/theocharis-two-firms-1960", "predicted factor 0.250")):
        ended = CliRunner().invoke(app, ["animate", *what.split(), "--out", str(tmp_path / "a.png")])
        assert ended.exit_code == 0 and words in ended.stdout, ended.stdout
