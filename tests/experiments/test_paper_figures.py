"""Do the paper's figures show the numbers of the runs, the ranges, and which runs are missing?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from experiments.case import load_case
from experiments.figures_style import style
from experiments.reproduction.bars import places
from experiments.reproduction.evidence import Evidence
from experiments.reproduction.figures_power import cost_figure, scarcity_figure, supply_figure
from experiments.reproduction.figures_road import road_figure
from experiments.reproduction.figures_travel import stations_figure, trips_figure
from experiments.reproduction.maps import maps_of
from experiments.reproduction.trips import dominant_path, path_text, rerouted, shown_pairs
from experiments.store import StoredRun
from experiments.task import Task
from tests.experiments.runs import TEACHING, solved

NAMES = [(scenario, v2g) for scenario in ("base", "stress", "island") for v2g in (False, True)]


@pytest.fixture(scope="module")
def runs():
    found = {}
    for name in NAMES:
        task = Task(load_case(TEACHING), *name)
        found[name] = StoredRun(Path(task.name), task.content, task.hash, {}, solved((TEACHING, *name)).result, None)
    return found


def drawn(make, runs, *more):
    with style():
        return make(Evidence(runs), NAMES, *more)


def heights(axes):
    """Of every bar (x, bottom to top)."""
    return [(bar.get_x() + bar.get_width() / 2, bar.get_y(), bar.get_y() + bar.get_height()) for bar in axes.patches]


def texts(axes):
    return [note.get_text() for note in axes.texts]


def test_supply_is_stacked_to_what_is_used_and_shed(runs):
    supply, exchange = drawn(supply_figure, runs).axes
    tops = {}
    for x, _, top in heights(supply):
        tops[round(x, 6)] = max(top, tops.get(round(x, 6), 0.0))
    for name, x in zip(NAMES, places(NAMES), strict=True):
        q = runs[name].result.quantities
        used = q["household_kw"] + q["charged_kw"] + q["load_shed_kw"]
        assert tops[round(x, 6)] == pytest.approx(used, rel=1e-5)
    q = runs["stress", True].result.quantities
    assert f"{q['charged_kw'] - q['discharged_kw']:.0f}".replace("-", "−") in texts(exchange)
    assert supply.get_ylabel() and "[kW]" in exchange.get_ylabel()


def test_scarcity_shows_shedding_and_the_highest_price_on_a_logarithmic_axis(runs):
    shedding, price = drawn(scarcity_figure, runs).axes
    assert f"{runs['stress', False].result.quantities['load_shed_kw']:.1f}" in texts(shedding)
    top = max(runs["stress", False].result.quantities["dlmp_usd_per_kwh"].values())
    assert f"{top:.3g}" in texts(price) and price.get_yscale() == "log"
    assert top in [line.get_ydata()[0] for line in price.lines]


def test_costs_are_stacked_to_the_social_cost_and_savings_to_the_difference(runs):
    cost, saving = drawn(cost_figure, runs).axes
    for name, x in zip(NAMES, places(NAMES), strict=True):
        total = max(top for at, _, top in heights(cost) if at == pytest.approx(x))
        assert 1000 * total == pytest.approx(runs[name].result.quantities["social_cost_usd_per_h"], rel=1e-9)
    before, after = (runs["stress", v2g].result.quantities["social_cost_usd_per_h"] for v2g in (False, True))
    assert any(f"{100 * (before - after) / before:.2f} %" in text for text in texts(saving))
    diamonds = [line.get_ydata()[0] for line in saving.lines if line.get_marker() == "D" and len(line.get_ydata())]
    assert diamonds[1] == pytest.approx((before - after) / 1000)


def test_stations_show_shares_energy_time_and_pairs_and_ranges_as_whiskers(runs):
    shares, energy, hours, pairs = drawn(stations_figure, runs).axes
    q = runs["island", True].result.quantities
    assert f"{100 * q['stop_share']:.1f}" in texts(shares) and f"{q['charged_kw']:.0f}" in texts(energy)
    assert f"{q['station_time_h_per_h']:.2f}" in texts(hours) and f"{q['discharging_od_pairs']}" in texts(pairs)
    assert not shares.containers[-1].get_label().startswith("range") and not any(map(is_whisker, shares.containers))
    wide = replace(runs["island", True].result, ranges={"stop_share": [0.2, 0.9]})
    shares = drawn(stations_figure, {**runs, ("island", True): replace(runs["island", True], result=wide)}).axes[0]
    (whisker,) = filter(is_whisker, shares.containers)
    ends = whisker.lines[2][0].get_segments()[0][:, 1]
    assert ends.tolist() == pytest.approx([20.0, 90.0])


def is_whisker(container):
    return type(container).__name__ == "ErrorbarContainer"


def test_trips_show_the_cost_of_the_path_that_most_take(runs):
    pairs = shown_pairs(Evidence(runs), NAMES)
    assert len(pairs) == 3 and set(pairs) == {"1-2", "1-3", "1-5"}
    figure = drawn(trips_figure, runs, pairs)
    for axes, pair in zip(figure.axes, pairs, strict=True):
        cost = runs["stress", True].result.quantities["od_cost_usd"][pair]
        assert f"{cost:.3g}".replace("-", "−") in texts(axes)
        assert not any("Base" in text for text in texts(axes))


def test_the_road_map_shows_flows_stations_and_both_paths(runs):
    e, road = Evidence(runs), maps_of(load_case(TEACHING)).road
    scenario, pair = rerouted(e, NAMES, shown_pairs(e, NAMES))
    with style():
        figure = road_figure(e, road, scenario, pair)
    (axes,) = figure.axes
    widths = next(c for c in axes.collections if c.get_gid() == "flow").get_linewidths()
    flow = runs[scenario, True].result.quantities["link_flow_veh_per_h"]
    assert widths[list(flow).index(max(flow, key=flow.get))] == max(widths) and len(widths) == len(flow)
    assert len([line for line in axes.lines if line.get_gid() == "route"]) == 2
    shown = " ".join(text.get_text() for text in figure.texts)
    for v2g in (False, True):
        path = dominant_path(runs[scenario, v2g].result.quantities["paths"], pair)
        assert "-".join(map(str, path["route"])) in shown and f"{path['flow_veh_per_h']:.1f} veh/h" in shown
        assert path_text(path).startswith("1-")
    assert {str(node) for node in road.nodes} <= set(texts(axes))


@pytest.mark.parametrize("make", [supply_figure, scarcity_figure, cost_figure, stations_figure])
def test_a_run_that_is_not_there_is_no_bar_of_height_zero(runs, make):
    incomplete = {name: run for name, run in runs.items() if name != ("stress", True)}
    figure = drawn(make, incomplete)
    x = places(NAMES)[3]
    for axes in figure.axes[:1]:
        assert not [bar for bar in heights(axes) if bar[0] == pytest.approx(x) and bar[2] != bar[1]]
    if make is not cost_figure:
        assert any("not solved" in texts(axes) for axes in figure.axes)
