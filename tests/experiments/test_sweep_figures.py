"""Figures of sweeps show what the table says: every line, band, cross and cell recomputed from it."""

from __future__ import annotations

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection

from bestresponse.errors import DataError
from experiments.figures_style import BLUE, VERMILLION
from experiments.sweeps.figure import save_figure, sweep_figure
from experiments.sweeps.labels import label
from experiments.sweeps.study import Study


def study_of(samples=None, **figure):
    random = {"samples": samples, "draw": {"lse[*].conduct": {"uniform": [0.0, 1.0]}}} if samples else None
    return Study(name="s", case="teaching", random=random, figure={"title": "T", **figure})


def lines(axes):
    return {line.get_gid(): np.array(line.get_data()) for line in axes.get_lines() if line.get_gid()}


GRID = pd.DataFrame(
    {
        "vehicles.battery_kwh": [30.0, 20.0, 10.0, 20.0, 30.0, 10.0],
        "scenario": ["base", "base", "base", "stress", "stress", "stress"],
        "status": ["solved", "solved", "failed", "solved", "solved", "solved"],
        "load_shed_kw": [3.0, 2.0, np.nan, 20.0, 30.0, 10.0],
        "station_net_kw.2": [0.0, 0.0, np.nan, 0.0, 0.0, 0.0],
        "station_net_kw.3": [1.0, 1.0, np.nan, -20.0, -30.0, -10.0],
    }
)


def test_a_line_for_every_value_and_a_cross_where_a_run_failed():
    study = study_of(x="vehicles.battery_kwh", by="scenario", y=["load_shed_kw", "station_net_kw.*"])
    figure = sweep_figure(study, GRID)
    shed, net = figure.axes
    drawn = lines(shed)
    assert np.array_equal(drawn["load_shed_kw 0"], [[20.0, 30.0], [2.0, 3.0]])
    assert np.array_equal(drawn["load_shed_kw 1"], [[10.0, 20.0, 30.0], [10.0, 20.0, 30.0]])
    assert np.array_equal(drawn["failed"], [[10.0], [0.0]])
    assert np.array_equal(lines(net)["station_net_kw.3 0"], [[10.0, 20.0, 30.0], [-10.0, -20.0, -30.0]])
    assert len(net.get_lines()) == 1 and net.get_legend().get_title().get_text() == "scenario: stress"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["scenario:", "base", "stress"]
    assert [line.get_color() for line in shed.get_lines()[:2]] == [BLUE, VERMILLION]
    assert "Battery of an electric vehicle" in shed.get_xlabel() and "[kWh]" in shed.get_xlabel()
    assert (shed.get_title(loc="left"), net.get_title(loc="left")) == ("load shed [kW]", "station net [kW]")
    assert "6 runs (1 failed: ×)" in figure.texts[1].get_text()


def test_samples_are_a_mean_its_confidence_interval_and_their_spread():
    rng = np.random.default_rng(3)
    drawn = rng.exponential(10.0, size=(2, 40))
    table = pd.DataFrame(
        {"x": np.repeat([0.0, 1.0], 40), "status": "solved", "load_shed_kw": drawn.ravel(), "scenario": "base"}
    )
    figure = sweep_figure(study_of(samples=40, x="x", y=["load_shed_kw"]), table)
    (axes,) = figure.axes
    assert lines(axes)["load_shed_kw 0"][1] == pytest.approx(drawn.mean(axis=1))
    spread, interval = (band.get_paths()[0].vertices for band in axes.collections if isinstance(band, PolyCollection))
    for k in (0, 1):
        error = 1.96 * drawn[k].std(ddof=1) / np.sqrt(40)
        ends = drawn[k].mean() - error, drawn[k].mean() + error
        assert set(np.round(interval[interval[:, 0] == k][:, 1], 9)) >= set(np.round(ends, 9))
        assert set(np.round(spread[spread[:, 0] == k][:, 1], 9)) >= set(
            np.round(np.quantile(drawn[k], [0.05, 0.95]), 9)
        )
    assert "mean, its 95 % interval (dark), 5 to 95 % of 40 samples (light)" in figure.texts[1].get_text()


SITES = pd.DataFrame(
    {  # together 8 and 11 are best, but neither is best alone
        "stations": ["6", "8", "11", "6+8", "6+11", "8+11", "6+8+11"],
        "n_stations": [1, 1, 1, 2, 2, 2, 3],
        "social_cost_usd_per_h": [10.0, 11.0, 12.0, 8.0, 9.0, 5.0, 4.0],
        "status": "solved",
    }
)


def test_siting_shows_the_best_choices_and_what_greedy_searches_find():
    study = study_of(kind="siting", y=["social_cost_usd_per_h"])
    (axes,) = sweep_figure(study, SITES).axes
    found = {name: points[1].tolist() for name, points in lines(axes).items()}
    assert found == {
        "best of all choices": [10.0, 5.0, 4.0],
        "adding one at a time": [10.0, 8.0, 4.0],
        "dropping one at a time": [4.0, 5.0, 11.0],
    }
    assert [text.get_text() for text in axes.texts] == ["6", "8+11", "6+8+11"]


def test_a_cell_for_every_change():
    table = pd.DataFrame(
        {
            "changed": ["nothing", "a", "a", "b", "b", "b"],
            "factor": [1.0, 0.98, 1.02, 0.98, 1.02, 1.02],
            "findings_held": [13.0, 12.0, 13.0, 7.0, 11.0, 11.0],
            "status": "solved",
        }
    )
    (axes,) = sweep_figure(study_of(kind="changes", y=["findings_held"]), table).axes
    assert [text.get_text() for text in axes.texts] == ["12", "13", "7", "11"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["-2 %", "+2 %"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b"]
    light = {text.get_text(): text.get_color() for text in axes.texts}
    assert light["7"] == "white" and light["13"] == "black"
    assert matplotlib.colors.is_color_like(light["12"])


def test_where_no_change_was_solved_the_figure_says_so():
    table = pd.DataFrame({"changed": ["nothing"], "factor": [1.0], "findings_held": [13.0], "status": "solved"})
    figure = sweep_figure(study_of(kind="changes", y=["findings_held"]), table)
    assert not figure.axes and "No run with a change was solved." in [text.get_text() for text in figure.texts]


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        ({"x": "vehicles.battery_kwh", "y": ["load_shd_kw"]}, 'no column "load_shd_kw"; did you mean "load_shed_kw"'),
        ({"x": "vehicles.batery_kwh", "y": ["load_shed_kw"]}, 'did you mean "vehicles.battery_kwh"?'),
        ({"x": "vehicles.battery_kwh", "y": ["price.*"]}, r'no column "price.\*"'),
        ({"y": ["load_shed_kw"]}, r"figure\.x: missing"),
    ],
)
def test_a_column_that_is_none_is_refused(figure, message):
    with pytest.raises(DataError, match=message):
        sweep_figure(study_of(**figure), GRID)


def test_the_files_are_the_same_every_time(tmp_path):
    study = study_of(x="vehicles.battery_kwh", by="scenario", y=["load_shed_kw"])
    first = [path.read_bytes() for path in save_figure(study, GRID, tmp_path)]
    assert first == [path.read_bytes() for path in save_figure(study, GRID, tmp_path)]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("load_shed_kw", "load shed [kW]"),
        ("dlmp_max_usd_per_kwh", "highest DLMP [$/kWh]"),
        ("station_net_kw.8", "station net 8 [kW]"),
        ("station_net_kw.*", "station net [kW]"),
        ("vehicles.post_discharge_kwh", "post discharge [kWh]"),
        ("n_stations", "number of stations"),
        ("station_time_h_per_h", "station time [veh·h/h]"),
        ("factor of vehicles.battery_kwh", "factor of battery"),
    ],
)
def test_columns_in_words(column, words):
    assert label(column) == words
