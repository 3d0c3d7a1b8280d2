"""What the histories of runs say, and whether the figures of a comparison show it."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from bestresponse.market import Good
from experiments.bystander import Reading
from experiments.case import load_case
from experiments.comparing import Budget, compare
from experiments.convergence import TARGETS, cleared_for_good, farthest, first_within, linear_tail
from experiments.figures_comparing import MOST, convergence_figure, costs_figure, save_figures
from experiments.figures_goods import last_to_clear_figure, prices_figure
from experiments.figures_style import style
from experiments.grid import chosen, grid


@pytest.fixture(scope="module")
def entries():
    names = "sharing,gauss_seidel,tatonnement"
    return list(compare(load_case("teaching"), "base", True, chosen(names), grid([]), Budget(max_sweeps=110)))


SWEEPS = np.arange(1, 201)
NOISE = np.random.default_rng(5).normal(0, 0.02, 200)


def test_the_rate_of_a_tail_is_that_of_the_tail_alone():
    """Thirty sweeps without progress, then a factor of 0.9 a sweep, hardly disturbed."""
    residuals = np.where(SWEEPS <= 30, 1.0, 0.9 ** (SWEEPS - 30.0)) * 10**NOISE
    tail = linear_tail(SWEEPS, residuals)
    assert tail.rate == pytest.approx(0.9, abs=2e-3) and 20 <= tail.first <= 40 and tail.last == 200
    assert tail.line(np.array([200.0])) == pytest.approx(residuals[-1], rel=0.2)


def test_rounding_and_what_is_no_number_have_no_rate():
    residuals = np.maximum(0.5**SWEEPS, 1e-16)
    assert linear_tail(SWEEPS, residuals).last == 39  # 0.5^40 is 9e-13
    residuals[5] = np.nan
    assert linear_tail(SWEEPS, residuals).rate == pytest.approx(0.5)
    assert linear_tail(SWEEPS[:7], residuals[:7]) is None
    assert linear_tail(SWEEPS, np.full(200, np.nan)) is None


def test_a_history_that_gets_faster_and_faster_or_jumps_about_has_no_rate():
    assert linear_tail(SWEEPS[:12], 10.0 ** -(1.3 ** SWEEPS[:12])) is None
    assert linear_tail(SWEEPS, 10.0 ** np.random.default_rng(1).uniform(-3, 0, 200)) is None


def test_the_first_reading_within_a_target_counts():
    readings = [Reading(k, k / 10, v, g, None) for k, v, g in ((1, 1.0, None), (2, 1e-3, 1e-5), (3, np.nan, None))]
    assert first_within(readings, "imbalance", 1e-3).sweep == 2
    assert first_within(readings, "imbalance", 1e-4) is None
    assert first_within(readings, "gain", 1e-2).sweep == 2
    assert first_within(readings, "natural_residual", 1.0) is None


def _records(imbalances, prices):
    return [
        SimpleNamespace(sweep=k + 1, imbalance_by_good=np.array(row), price=np.array(price))
        for k, (row, price) in enumerate(zip(imbalances, prices, strict=True))
    ]


def test_cleared_for_good_means_from_then_on():
    rows = [[1.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.0, np.nan], [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]
    assert cleared_for_good(_records(rows, [[0.0]] * 4), 1e-6).tolist() == [4, np.inf, 1, 3]


def test_a_price_that_goes_to_and_fro_travels():
    goods = [Good("a", "x"), Good("b", "x"), Good("c", "y", price_scale=100.0), Good("d", "x")]
    prices = [[0.0, 0.0, 0.0, 0.0], [0.1, 1.0, 5.0, 0.2], [0.2, 0.0, 9.0, 0.4]]
    records = _records([[0.0] * 4] * 3, prices)
    assert farthest(records, goods, 2, 2) == {"x": [1, 3], "y": [2]}
    assert farthest(records, goods, 1, 1) == {"x": [1]}


def test_a_line_of_the_convergence_figure_is_a_run_and_its_tail(entries):
    (axes,) = convergence_figure(entries, "headline").axes
    runs = [line for line in axes.lines if line.get_gid() is None]
    for line, entry in zip(runs, entries, strict=True):
        assert line.get_ydata().tolist() == [max(r.imbalance, r.disagreement) for r in entry.records]
    slow = entries[1]
    tail = linear_tail(np.array([r.sweep for r in slow.readings]), np.array([r.imbalance for r in slow.readings]))
    drawn = {tuple(line.get_xdata()) for line in axes.lines if line.get_gid() == "tail"}
    assert (tail.first, tail.last) in drawn and f"gauss_seidel: {tail.rate:.3f}" in runs[1].get_label()


def test_a_predicted_rate_stands_beside_the_fitted_one_and_is_a_slope_from_where_that_begins(entries):
    promised = [entries[0], replace(entries[1], predicted=0.87654), entries[2]]
    (axes,) = convergence_figure(promised, "headline").axes
    runs = [line for line in axes.lines if line.get_gid() is None]
    assert [line.get_label().endswith("predicted 0.877") for line in runs] == [False, True, False]
    (slope,) = [line for line in axes.lines if line.get_gid() == "predicted"]
    (first, last), (high, low) = slope.get_xdata(), slope.get_ydata()
    assert (low / high) ** (1 / (last - first)) == pytest.approx(0.87654)
    assert (first, high) == (entries[1].tail.first, entries[1].tail.level)


def test_where_no_run_got_anywhere_the_figures_say_so(entries, tmp_path):
    short = [replace(entry, records=entry.records[:2], readings=entry.readings[:2]) for entry in entries]
    panels = costs_figure(short, "headline").axes
    assert [text.get_text() for panel in panels for text in panel.texts] == 6 * ["no run got to\n0.01"]
    rest = [replace(reading, imbalance=1e-12) for reading in entries[0].readings]
    (axes,) = convergence_figure([replace(entries[0], readings=rest)], "headline").axes
    assert [text.get_text() for text in axes.texts] == ["no run was off\nby more than\n1e-10"]
    assert len(save_figures(short, "headline", tmp_path)) == 3 + len({entry.scheme for entry in short})


def test_a_line_of_the_costs_figure_is_what_the_targets_cost(entries):
    axes = costs_figure(entries, "headline").axes
    for panel, (cost, residual) in zip(
        axes,
        [
            (cost, residual)
            for cost in ("sweeps_to", "seconds_to")
            for residual in ("imbalance", "gain", "natural_residual")
        ],
        strict=True,
    ):
        for line, entry in zip(panel.lines, entries, strict=True):
            expected = [np.nan if v is None else v for v in getattr(entry, cost)(residual).values()]
            assert np.array_equal(line.get_ydata(), expected, equal_nan=True)
            assert line.get_xdata().tolist() == list(TARGETS.values())


def test_the_last_good_of_a_run_is_named_and_its_bar_ends_there(entries):
    (axes,) = last_to_clear_figure(entries, "headline").axes
    named = [text.get_text() for text in axes.texts if text.get_gid() == "last"]
    for row, (entry, bar) in enumerate(zip(entries, axes.patches, strict=True)):
        cleared = cleared_for_good(entry.records, 1e-6)
        if np.isfinite(cleared).all():
            assert named[row] == entry.goods[int(cleared.argmax())].name
            assert bar.get_width() == cleared.max()
        else:
            assert named[row].endswith(f"{np.isinf(cleared).sum()} open") and bar.get_width() == len(entry.records)
    assert "open" not in named[0] and "open" in named[2]


def test_the_prices_drawn_are_those_of_the_run(entries):
    figure = prices_figure(entries[0], "headline")
    places = {good.name: g for g, good in enumerate(entries[0].goods)}
    lines = [line for axes in figure.axes for line in axes.lines]
    assert len(lines) >= 4
    for line in lines:
        assert line.get_ydata().tolist() == [r.price[places[line.get_label()]] for r in entries[0].records]


def test_nothing_is_cut_off_or_too_small(entries):
    with style():
        figures = [make(entries, "headline") for make in (costs_figure, convergence_figure, last_to_clear_figure)]
        figures.append(prices_figure(entries[2], "headline"))
        for figure in figures:
            inside = figure.get_window_extent()
            figure.canvas.draw()
            box = figure.get_tightbbox(figure.canvas.get_renderer()).transformed(figure.dpi_scale_trans)
            assert box.x0 >= inside.x0 and box.y0 >= inside.y0 and box.x1 <= inside.x1 and box.y1 <= inside.y1
            assert all(text.get_size() >= 12 for legend in figure.legends for text in legend.get_texts())


def test_of_many_runs_the_best_of_every_scheme_are_drawn(entries, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "experiments.figures_comparing.write", lambda figure, folder, name: [drawn.append((name, figure))]
    )
    save_figures([entries[0]] * MOST + [entries[1], entries[1]], "headline", tmp_path)
    figures = dict(drawn)
    assert set(figures) == {"compare", "convergence", "last_to_clear", "prices_sharing", "prices_gauss_seidel"}
    assert len(figures["compare"].axes[0].lines) == 2
    assert "best run of every scheme" in figures["compare"].texts[0].get_text()
    assert save_figures([], "headline", tmp_path) == []
