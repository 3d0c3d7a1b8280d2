"""Schemes side by side: what `bestresponse compare` finds, writes and refuses."""

import json

import numpy as np
import pytest

from bestresponse.coordinator import coordinate
from bestresponse.errors import DataError
from experiments.build import build
from experiments.case import load_case
from experiments.comparing import TARGETS, Settings, chosen, compare, grid
from experiments.figures_comparing import costs_figure, paths_figure
from tests.experiments.command_line import command, unwrapped


def _compare(schemes, points, **options):
    return list(compare(load_case("teaching"), "base", True, chosen(schemes), points, **options))


def test_an_entry_is_what_the_coordinator_does_alone():
    (entry,) = _compare("sharing", [Settings()])
    model = build(load_case("teaching"), "base", True)
    alone = coordinate(model.market, model.first_price)
    assert entry.sweeps_to == {key: alone.trace.sweeps_to(target) for key, target in TARGETS.items()}
    assert entry.stop_reason == "converged" and entry.sweeps_to["1e-8"] == len(alone.trace)
    assert entry.final["natural_residual"] < 1e-6


def test_settings_reach_the_run_and_the_entry():
    points = grid(["sigma=1,3", "anderson=0,20"], seeds=2)
    entries = _compare("sharing", points, max_sweeps=40)
    shown = [(e.settings["seed"], e.settings["sigma"], e.settings["anderson"]) for e in entries]
    assert shown == [(s, sigma, memory) for s in (0, 1) for sigma in (1, 3) for memory in (0, 20)]
    assert len({entry.records[15].price.tobytes() for entry in entries}) == len(entries)
    slow, fast = entries[:2]
    assert slow.sweeps_to["1e-8"] is None and slow.stop_reason == "sweep_limit"
    assert fast.sweeps_to["1e-8"] < 40
    assert [entry.label for entry in entries[:2]] == ["sharing, anderson 0", "sharing, anderson 20"]


def test_a_scheme_that_cannot_run_is_an_entry_that_says_why():
    refused, other = _compare("tatonnement_averaged,sharing", [Settings(anderson=5)])
    assert refused.stop_reason == "refused" and "cannot be accelerated" in refused.stop
    assert set(refused.sweeps_to.values()) == {None} and other.stop_reason == "converged"


def test_a_line_of_the_figures_is_a_run():
    entries = _compare("sharing,exchange", [Settings()])
    (axes,) = paths_figure(entries, "headline").axes
    for line, entry in zip(axes.lines, entries, strict=True):
        assert np.array_equal(line.get_ydata(), [max(r.imbalance, r.disagreement) for r in entry.records])
    left, right = costs_figure(entries, "headline").axes
    assert [list(line.get_ydata()) for line in left.lines] == [list(e.sweeps_to.values()) for e in entries]
    assert [list(line.get_ydata()) for line in right.lines] == [list(e.seconds_to.values()) for e in entries]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: chosen("sharing,pdgh"), "no scheme 'pdgh'; did you mean \"pdhg\""),
        (lambda: grid(["sigma=0"]), "sigma=0 is out of range"),
        (lambda: grid(["sigma=nan"]), "out of range"),
        (lambda: grid(["anderson=-1"]), "out of range"),
        (lambda: grid(["anderson=1.5"]), "not a number it can have"),
        (lambda: grid(["colour=1"]), "no known key"),
        (lambda: grid([], seeds=0), "seeds: given 0"),
        (lambda: _compare("sharing", [Settings()], max_sweeps=0), "max-sweeps: given 0"),
    ],
)
def test_bad_input_is_refused(make, words):
    with pytest.raises(DataError) as refused:
        make()
    assert words in str(refused.value)


def test_the_command_writes_its_folder(tmp_path):
    shown = command(
        tmp_path, "compare", "teaching", "--schemes", "sharing,tatonnement", "--max-sweeps", "30", "--out", "o"
    )
    assert shown.code == 0, shown.err
    assert "sweep limit" in unwrapped(shown.out) and "converged" in unwrapped(shown.out)
    first, second = json.loads((tmp_path / "o" / "compare.json").read_text())
    assert {"scheme", "settings", "sweeps_to", "seconds_to", "stop_reason", "final"} <= first.keys()
    assert first["sweeps_to"]["1e-6"] > 0 and second["sweeps_to"]["1e-6"] is None
    assert set(first["final"]) == {"imbalance", "gain", "natural_residual"}
    files = {path.name for path in (tmp_path / "o").iterdir()}
    assert files == {"compare.json", "compare.png", "compare.svg", "convergence.png", "convergence.svg"}
    assert command(tmp_path, "compare", "teaching", "--schemes", "nothing").code == 2
