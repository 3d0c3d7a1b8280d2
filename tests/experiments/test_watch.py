"""One run in the terminal: what `bestresponse watch` draws, prints and refuses."""

import io

import numpy as np
import pytest
from rich.console import Console

from bestresponse.acceleration import Anderson
from bestresponse.coordinator import coordinate
from experiments.build import build
from experiments.case import load_case
from experiments.watch_cli import showing
from experiments.watching import View, _Drawing
from tests.experiments.command_line import unwrapped


@pytest.fixture(scope="module")
def model():
    return build(load_case("teaching"), "base", True)


def _view(model, max_sweeps=600):
    return View("the run", model.market.goods, 1e-8, max_sweeps)


def _console(terminal, height=50, width=80):
    return Console(file=io.StringIO(), force_terminal=terminal, width=width, height=height, color_system=None)


@pytest.fixture(scope="module")
def watched(model):
    view = _view(model)
    found = coordinate(model.market, model.first_price, on_sweep=view.hear)
    view.end = str(found.stop)
    return view, found


def _drawn(view, **size):
    console = _console(True, **size)
    console.print(view)
    return console.file.getvalue()


def test_the_picture_shows_every_family_every_player_and_the_end(watched, model):
    view, found = watched
    text = _drawn(view)
    last = found.trace.records[-1]
    for family, value in last.imbalance_by_family.items():
        assert f"{value:.1e}" in next(line for line in text.splitlines() if line.startswith(f"{family} "))
    for name, gain in last.gains.items():
        assert f"{gain:.1e}" in next(line for line in text.splitlines() if line.startswith(f"{name} "))
    assert f"sweep {last.sweep} of at most 600" in text and "sigma 1 " in text
    assert unwrapped(str(found.stop)) in unwrapped(text)


def test_prices_shown_end_at_the_equilibrium(watched):
    view, found = watched
    text = _drawn(view)
    names = {good.name: g for g, good in enumerate(found.market.goods)}
    shown = [line.split() for line in text.splitlines() if line.split(" ")[0] in names and "[" in line]
    assert len(shown) == 6
    for name, value, path in shown:
        assert float(value) == pytest.approx(found.price[names[name]], rel=1e-3)
        assert len(path) == len(found.trace)


@pytest.mark.parametrize("height", [24, 50])
def test_it_fits_a_terminal_of_80_columns(watched, height):
    lines = _drawn(watched[0], height=height).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= height


def test_a_bar_is_a_logarithm():
    bar = _Drawing(50, ascii_only=True).bar
    assert [len(bar(value)) for value in (10.0, 1.0, 1e-5, 1e-10, 0.0, -1.0)] == [50, 50, 25, 0, 0, 0]
    assert len(bar(np.nan)) == 50 and set(bar(1.0)) == {"#"}


def test_a_path_goes_from_the_lowest_to_the_highest():
    drawing = _Drawing(8, ascii_only=False)
    assert drawing.path([5.0, 0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert drawing.path([3.0, 3.0]) == "▁▁"


def test_without_unicode_it_is_drawn_in_ascii(watched):
    console = Console(
        file=io.TextIOWrapper(io.BytesIO(), encoding="ascii"),
        force_terminal=True,
        width=80,
        height=50,
        color_system=None,
    )
    console.print(watched[0])
    console.file.flush()
    assert b"#" in console.file.buffer.getvalue()


def test_without_a_terminal_every_shown_sweep_is_a_line(model):
    view, console = _view(model), _console(False)
    with showing(console, view, every=5, pause=100.0) as on_sweep:
        found = coordinate(model.market, model.first_price, acceleration=Anderson(), on_sweep=on_sweep)
        view.end = "the end"
    lines = console.file.getvalue().splitlines()
    sweeps = [int(line.split()[1]) for line in lines if line.startswith("sweep")]
    assert sweeps == [5, 10, 15, 20, 21] and sweeps[-1] == len(found.trace)
    assert lines[0] == "the run" and lines[-1] == "the end"
    assert all(f"{r.imbalance:.1e} {r.imbalance_good}" in lines[sweeps.index(r.sweep) + 1] for r in view.records[4::5])


def test_waiting_is_not_counted_as_time_of_the_run(model):
    view, console = _view(model), _console(True)
    with showing(console, view, every=4, pause=0.1) as on_sweep:
        found = coordinate(model.market, model.first_price, on_sweep=on_sweep)
    assert view.waited >= 0.2 and found.trace.records[-1].seconds >= view.waited
    assert f"{found.trace.records[-1].seconds - view.waited:.2f} s" in console.file.getvalue()


def test_the_command_watches_a_scheme_to_its_end(call):
    for setting, label in (("anderson=5", "sharing, anderson 5\n"), ("newton=1", "sharing\n")):
        shown = call("watch", "teaching", "--every", "10", "--set", setting)
        assert shown.code == 0 and label in shown.out and "Certified" in shown.out
    failed = call("watch", "teaching", "--method", "tatonnement", "--max-sweeps", "12", "--every", "10")
    assert failed.code == 3 and "sweep limit" in failed.out and "Not certified" in failed.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--method", "sharng"], 'did you mean "sharing"'),
        (["--method", "sharing,pdhg"], "one run"),
        (["--set", "sigma=1,3"], "one run"),
        (["--set", "sigma=-1"], "numbers > 0"),
        (["--max-sweeps", "0"], "max-sweeps"),
        (["--every", "0"], "--every"),
        (["--method", "tatonnement_averaged", "--set", "anderson=5"], "cannot be accelerated"),
        (["--method", "pdhg", "--set", "newton=1"], "pdhg states none"),
        (["--set", "newton=1", "--set", "anderson=5"], "given newton=1, anderson=5"),
    ],
)
def test_bad_input_is_refused(call, options, words):
    shown = call("watch", "teaching", *options)
    assert shown.code == 2 and words in unwrapped(shown.err)
