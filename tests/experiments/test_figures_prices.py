"""Do figures of prices, on a map and by bus, show the numbers of the result with units?"""

from __future__ import annotations

import shutil
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import LogNorm, to_hex

from experiments.case import BUILT_IN
from experiments.figures_dlmp import dlmp_figure, price_levels
from experiments.figures_map import feeder_map
from experiments.figures_style import VERMILLION
from experiments.solving import solve
from networks.feeder import DATA, load_feeder
from tests.experiments.drawing import (
    collections,
    colour_of_bus,
    drawn,
    legend_labels,
    texts,
    with_prices,
    with_quantities,
)


def test_every_bus_is_where_the_feeder_has_it_in_the_colour_of_its_price(island):
    figure = drawn(dlmp_figure, island)
    colour = colour_of_bus(figure.axes[0])
    feeder = load_feeder("teaching")
    price = island.quantities["dlmp_usd_per_kwh"]
    by_price = {}
    for bus, at in zip(feeder.buses, feeder.xy.tolist(), strict=True):
        by_price.setdefault(round(price[bus], 6), set()).add(colour.pop(tuple(at)))
    assert colour == {}
    low, high = (to_hex(matplotlib.colormaps["viridis"](end)) for end in (0.0, 1.0))
    assert by_price == {round(price["1"], 6): {low}, round(price["3"], 6): {high}}


def test_the_colour_bar_states_prices_with_their_unit(island):
    bar = drawn(dlmp_figure, island).axes[1]
    price = island.quantities["dlmp_usd_per_kwh"]
    assert bar.get_ylabel().replace("\\", "") == "DLMP [$/kWh]"
    assert [label.get_text() for label in bar.get_yticklabels()] == [f"{price['1']:.4g}", f"{price['3']:.4g}"]


def test_islands_stations_and_lines_out_of_service_are_marked(island):
    figure = drawn(dlmp_figure, island)
    axes = figure.axes[0]
    (gone,) = collections(axes, "line out of service")
    assert [segment.tolist() for segment in gone.get_segments()] == [[[1, 0], [2, 1]]]
    assert gone.get_linestyle()[0][1] is not None  # dashed
    assert len(collections(axes, "line")[0].get_segments()) == 4
    net = island.quantities["station_net_kw"]
    assert net["2"] > 1 and net["3"] < -1
    assert [group.get_offsets().tolist() for group in collections(axes, "station, charging")] == [[[3, -1]]]
    assert [group.get_offsets().tolist() for group in collections(axes, "station, discharging")] == [[[3, 1]]]
    names = {note.get_text() for note in axes.texts}
    exchange = [f"{net[node]:+.0f} kW".replace("-", "−") for node in ("3", "2")]
    assert {"bus 1 · source", f"bus 4 · node 3: {exchange[0]}", f"bus 6 · node 2: {exchange[1]}", "2-3"} <= names
    (band,) = collections(axes, "island, cut off")
    assert [segment.tolist() for segment in band.get_segments()] == [[[2, 1], [3, 1]]]  # buses 3 and 4
    marks = ["bus", "station, charging", "station, discharging", "line out of service", "island, cut off"]
    assert legend_labels(figure) == marks


def test_one_price_is_stated_and_needs_no_colour_bar(one_price):
    figure = drawn(dlmp_figure, one_price)
    price = one_price.quantities["dlmp_usd_per_kwh"]["1"]
    assert f"DLMP is the same at all 6 buses: {price:.4g} $/kWh." in texts(figure).replace("\\", "")
    assert len(figure.axes) == 1
    assert len(set(colour_of_bus(figure.axes[0]).values())) == 1


def test_a_station_that_trades_nothing_is_idle(one_price):
    assert abs(one_price.quantities["station_net_kw"]["2"]) < 1e-3
    axes = drawn(dlmp_figure, one_price).axes[0]
    assert [group.get_offsets().tolist() for group in collections(axes, "station, idle")] == [[[3, -1]]]


def test_buses_where_load_is_shed_are_ringed_and_the_total_is_stated(island):
    shed = with_quantities(island, load_shed_kw=7.5, load_shed_by_bus_kw={"2": 4.0, "4": 3.5, "5": 1e-7})
    figure = drawn(dlmp_figure, shed)
    (rings,) = collections(figure.axes[0], "load shed here")
    assert rings.get_offsets().tolist() == [[1, 0], [3, 1]]
    assert {to_hex(colour) for colour in rings.get_edgecolors()} == {VERMILLION.lower()}
    assert "Load shed: 7.5 kW." in texts(figure)
    assert not collections(drawn(dlmp_figure, island).axes[0], "load shed here")


def test_the_lines_that_separate_prices_in_the_congested_case_are_the_full_ones(congested):
    assert congested.solved
    figure = drawn(dlmp_figure, congested)
    feeder = load_feeder("ieee123")
    names = {note.get_text() for note in figure.axes[0].texts}
    assert {"67-72", "13-18"} <= names
    (full,) = collections(figure.axes[0], "line at its limit")
    ends = [{feeder.bus_index("13"), feeder.bus_index("18")}, {feeder.bus_index("67"), feeder.bus_index("72")}]
    expected = {frozenset(map(tuple, feeder.xy[list(pair)].tolist())) for pair in ends}
    assert {frozenset(map(tuple, segment.tolist())) for segment in full.get_segments()} == expected
    price = congested.quantities["dlmp_usd_per_kwh"]
    apart = [
        name
        for name, a, b in zip(feeder.line_names, feeder.line_from, feeder.line_to, strict=True)
        if abs(price[feeder.buses[a]] - price[feeder.buses[b]]) > 1e-3
    ]
    assert sorted(feeder_map(congested).full) == sorted(apart)


def test_an_unsolved_result_is_called_so(island):
    failed = replace(island, solved=False, stop="sweep_limit")
    assert "Not solved (stop: sweep limit)." in texts(drawn(dlmp_figure, failed))
    assert "Not solved" not in texts(drawn(dlmp_figure, island))


def test_many_prices_get_a_continuous_scale_and_very_different_ones_a_logarithmic_one(congested):
    n = len(congested.quantities["dlmp_usd_per_kwh"])
    figure = drawn(dlmp_figure, with_prices(congested, np.linspace(0.1, 0.2, n)))
    assert figure.axes[1].get_yscale() == "linear"
    assert figure.axes[1].get_ylim() == pytest.approx((0.1, 0.2))
    assert len(set(colour_of_bus(figure.axes[0]).values())) > 100
    figure = drawn(dlmp_figure, with_prices(congested, np.geomspace(0.1, 20.0, n)))
    assert isinstance(figure.axes[1]._colorbar.norm, LogNorm)


@pytest.mark.parametrize(
    ("price", "levels"),
    [
        ([0.3, 0.1, 0.3], [0.1, 0.3]),
        ([0.1, 0.1 + 1e-9, 0.1 - 1e-9], [0.1]),
        ([0.0, 1e-9, -1e-9], [0.0]),
        ([-0.2, 40.0, 0.1561, 0.1622], [-0.2, 0.1561, 0.1622, 40.0]),
        ([0.5], [0.5]),
    ],
)
def test_prices_that_only_rounding_keeps_apart_are_one_level(price, levels):
    assert price_levels(np.array(price)).tolist() == pytest.approx(levels, abs=1e-8)


# prices by bus


def test_a_case_that_has_changed_since_gives_no_map_but_prices_by_bus(island):
    stale = replace(island, provenance={**island.provenance, "case_hash": "other"})
    stale = with_quantities(stale, load_shed_kw=2.0, load_shed_by_bus_kw={"2": 2.0})
    figure = drawn(dlmp_figure, stale)
    assert "no map: teaching.toml is not at hand or has changed since" in texts(figure)
    (axes,) = figure.axes
    bus, shed = axes.lines
    assert bus.get_ydata().tolist() == list(island.quantities["dlmp_usd_per_kwh"].values())
    assert shed.get_data()[0].tolist() == [1]
    assert [label.get_text() for label in axes.get_xticklabels()] == list("123456")
    assert axes.get_xlabel() == "bus"
    assert axes.get_ylabel().replace("\\", "") == "DLMP [$/kWh]"


@pytest.mark.parametrize("placed", [True, False])
def test_a_case_of_ones_own_gets_a_map_where_its_feeder_has_coordinates(placed, tmp_path):
    shutil.copytree(DATA / "teaching", tmp_path / "feeder")
    if not placed:
        buses = tmp_path / "feeder" / "buses.csv"
        buses.write_text("\n".join(row.rsplit(",", 2)[0] for row in buses.read_text().splitlines()))
    text = (BUILT_IN / "teaching.toml").read_text(encoding="utf-8")
    start, feeder_table, rest = text.partition("[feeder]")
    own = tmp_path / "own.toml"
    own.write_text(start + feeder_table + rest.replace('"teaching"', '"feeder"', 1), encoding="utf-8")
    figure = drawn(dlmp_figure, solve(str(own), method="monolith"))
    assert len(colour_of_bus(figure.axes[0])) == (6 if placed else 0)
    assert ("the feeder feeder has no coordinates" in texts(figure)) is not placed
