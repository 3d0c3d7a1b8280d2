"""Do the figures show the numbers of the result, all of them, with units, and legibly?"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import LogNorm, to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from bestresponse.errors import DataError
from experiments.case import BUILT_IN
from experiments.figures import save_figures
from experiments.figures_convergence import convergence_figure
from experiments.figures_dlmp import dlmp_figure, price_levels
from experiments.figures_map import feeder_map
from experiments.figures_style import VERMILLION, style
from experiments.solving import solve
from networks.feeder import DATA, load_feeder

COLUMNS = {
    "imbalance": "worst imbalance of a good",
    "disagreement": "worst price disagreement",
    "gain": "worst gain of a player",
}

TARGETS = ("target", "for gains")


@pytest.fixture(scope="module")
def island():
    """Buses 3 and 4 of six are cut off and dearer; the station of road node 3 discharges, that of node 2 charges."""
    return solve("teaching", "island", method="sharing")


@pytest.fixture(scope="module")
def one_price():
    return solve("teaching", "base", method="monolith")


@pytest.fixture(scope="module")
def congested():
    return solve("sioux_falls_ieee123", "congested", method="sharing")


def drawn(make, result) -> Figure:
    with style():
        return make(result)


def texts(figure) -> str:
    return " | ".join(text.get_text() for text in figure.texts)


def with_quantities(result, **changes):
    return replace(result, quantities={**result.quantities, **changes})


def with_prices(result, values):
    return with_quantities(
        result, dlmp_usd_per_kwh=dict(zip(result.quantities["dlmp_usd_per_kwh"], values, strict=True))
    )


def collections(axes, mark):
    return [found for found in axes.collections if found.get_gid() == mark]


def legend_labels(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def colour_of_bus(axes):
    """(x, y) → colour, of all buses on a map."""
    marks = ("bus", "station, charging", "station, discharging", "station, idle")
    return {
        tuple(at): to_hex(colour)
        for mark in marks
        for group in collections(axes, mark)
        for at, colour in zip(group.get_offsets().tolist(), np.atleast_2d(group.get_facecolors()), strict=True)
    }


# files


@pytest.fixture(scope="module")
def written(island, tmp_path_factory):
    return save_figures(island, tmp_path_factory.mktemp("figures") / "new" / "folder")


def test_every_figure_is_written_as_png_and_svg_and_nothing_else(written):
    assert [path.name for path in written] == ["convergence.png", "convergence.svg", "dlmp.png", "dlmp.svg"]
    assert sorted(written[0].parent.iterdir()) == sorted(written)
    for path in written:
        if path.suffix == ".png":
            content = path.read_bytes()
            assert content.startswith(b"\x89PNG")
            assert [int.from_bytes(content[k : k + 4]) for k in (16, 20)] == [1500, 900]
        else:
            assert ElementTree.parse(path).getroot().tag.endswith("svg")


def test_the_same_result_gives_the_same_bytes_and_leaves_no_settings_behind(island, written, tmp_path):
    before = dict(matplotlib.rcParams)
    again = save_figures(island, tmp_path)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in written]
    assert dict(matplotlib.rcParams) == before


def test_figures_are_drawn_without_the_library_that_opens_windows(one_price, tmp_path, monkeypatch):
    program = "import sys, experiments.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # an import of it fails
    assert len(save_figures(one_price, tmp_path)) == 2


def test_without_sweeps_there_is_no_convergence_figure(one_price, tmp_path):
    assert one_price.trace == ()
    assert [path.name for path in save_figures(one_price, tmp_path)] == ["dlmp.png", "dlmp.svg"]


def test_of_nothing_computed_nothing_is_drawn(island, tmp_path):
    assert save_figures(replace(island, quantities={}), tmp_path / "none") == []
    assert not (tmp_path / "none").exists()


def test_a_figure_cut_short_leaves_the_old_file_and_no_half_one(one_price, tmp_path, monkeypatch):
    (tmp_path / "dlmp.png").write_text("old")

    def fail(figure, path, **options):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        save_figures(one_price, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["dlmp.png"]
    assert (tmp_path / "dlmp.png").read_text() == "old"


def test_a_folder_that_cannot_be_made_is_named(one_price, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file.*cannot be made"):
        save_figures(one_price, tmp_path / "file")


# convergence


def test_the_curves_are_the_columns_of_the_trace_on_a_logarithmic_axis(island):
    axes = drawn(convergence_figure, island).axes[0]
    curves = {line.get_label(): line for line in axes.lines}
    for key, label in COLUMNS.items():
        rows = [row for row in island.trace if row[key] is not None and row[key] > 0]
        x, y = curves[label].get_data()
        seen = np.isfinite(y)
        assert x[seen].tolist() == [row["sweep"] for row in rows]
        assert y[seen].tolist() == [row[key] for row in rows]
        assert rows
    assert axes.get_yscale() == "log"
    assert axes.get_ylabel() == "relative size [–]"


def test_both_targets_are_drawn_at_their_tolerances_and_one_line_where_they_are_equal(island):
    axes = drawn(convergence_figure, island).axes[0]
    lines = {line.get_gid(): line.get_ydata() for line in axes.lines}
    assert set(lines["target"]) == {1e-8}
    assert set(lines["for gains"]) == {1e-6}
    equal = {"tolerances": {"market": 3e-5, "gain": 3e-5}}
    axes = drawn(convergence_figure, replace(island, provenance={**island.provenance, **equal})).axes[0]
    assert [note.get_text() for note in axes.texts] == [r"target $3\cdot 10^{-5}$"]


def test_the_stop_and_the_last_good_to_clear_are_named(island):
    last_off = max(
        (row for row in island.trace if max(row["imbalance"], row["disagreement"]) > 1e-8), key=lambda row: row["sweep"]
    )
    good = last_off["imbalance_good" if last_off["imbalance"] > 1e-8 else "disagreement_good"]
    figure = drawn(convergence_figure, island)
    assert "teaching / island / with V2G" in texts(figure)
    assert f"Stop: converged after {island.sweeps} sweeps. Last good to clear: {good}." in texts(figure)


def test_a_good_whose_price_was_the_last_to_be_agreed_on_is_named(island):
    rows = [
        {**island.trace[0], "imbalance": 1e-3, "disagreement": 1e-3},
        {**island.trace[0], "imbalance": 1e-9, "disagreement": 1e-5, "disagreement_good": "import"},
        {**island.trace[0], "imbalance": 1e-9, "disagreement": 1e-9},
    ]
    assert "Last good to clear: import." in texts(drawn(convergence_figure, replace(island, trace=tuple(rows))))


def test_a_run_that_did_not_clear_names_its_worst_good(island):
    cut = replace(island, trace=island.trace[:10], stop="sweep_limit", solved=False)
    figure = drawn(convergence_figure, cut)
    assert f"Stop: sweep limit after 10 sweeps. Worst good: {cut.trace[-1]['imbalance_good']}." in texts(figure)


def test_penalties_and_safeguards_are_drawn_at_their_sweeps(island):
    sigma, cut, back = (1.0, 1.0, 4.0, 4.0, 2.0), (0, 1, 1, 3, 3), (0, 0, 0, 0, 1)
    rows = [
        {**island.trace[0], "sweep": k + 1, "sigma": sigma[k], "clipped": cut[k], "rolled_back": back[k]}
        for k in range(5)
    ]
    figure = drawn(convergence_figure, replace(island, trace=tuple(rows)))
    axes = figure.axes[1]
    steps, *marks = axes.lines
    assert steps.get_ydata().tolist() == list(sigma)
    assert {mark.get_label(): (mark.get_xdata().tolist(), mark.get_ydata().tolist()) for mark in marks} == {
        "accelerated step cut": ([2, 4], [1.0, 4.0]),
        "accelerated step taken back": ([5], [2.0]),
    }
    assert axes.get_xlabel() == "sweep"
    assert axes.get_ylabel() == "penalty\nfactor σ [–]"
    assert {"accelerated step cut", "accelerated step taken back"} <= set(legend_labels(figure))


def test_what_has_no_logarithm_is_left_out_and_a_distance_that_is_always_zero_is_said_to_be_none(island):
    rows = [{**row, "disagreement": 0.0, "gain": None} for row in island.trace[:3]]
    rows[1]["imbalance"] = float("inf")
    figure = drawn(convergence_figure, replace(island, trace=tuple(rows)))
    assert legend_labels(figure) == ["worst imbalance of a good", "worst price disagreement: none"]
    curves = [line.get_ydata() for line in figure.axes[0].lines[:2]]
    assert np.isfinite(curves[0]).tolist() == [True, False, True]
    assert np.isnan(curves[1]).all()


# prices on a map


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


# legibility


@pytest.fixture(params=["convergence", "map", "large map", "by bus"])
def figure(request, island, congested):
    stale = replace(congested, provenance={**congested.provenance, "case_hash": "other"})
    make, result = {
        "convergence": (convergence_figure, congested),
        "map": (dlmp_figure, island),
        "large map": (dlmp_figure, congested),
        "by bus": (dlmp_figure, with_quantities(stale, load_shed_by_bus_kw={"7": 1.0})),
    }[request.param]
    with style():
        figure = make(result)
        figure.canvas.draw()
        return figure


def test_every_text_is_inside_the_figure_and_large_enough_for_a_projector(figure):
    renderer = figure.canvas.get_renderer()
    beyond_an_axis = tick_labels_that_are_not_drawn(figure)
    shown = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    shown = [text for text in shown if text not in beyond_an_axis]
    assert len(shown) > 10
    for text in shown:
        assert text.get_fontsize() >= 12, text
        box = text.get_window_extent(renderer)
        assert 0 <= box.x0 < box.x1 <= figure.bbox.x1 and 0 <= box.y0 < box.y1 <= figure.bbox.y1, text


def tick_labels_that_are_not_drawn(figure):
    axles = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    ticks = {tick for axis in axles for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())}
    inside = {tick for axis in axles if axis.axes.axison for tick in axis._update_ticks()}
    return {label for tick in ticks - inside for label in (tick.label1, tick.label2)}


def test_legends_and_data_do_not_overlap(figure):
    renderer = figure.canvas.get_renderer()
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend())]
    assert legends
    for legend in legends:
        box = legend.get_window_extent(renderer)
        for axes in figure.axes:
            points = [
                axes.transData.transform(line.get_xydata()) for line in axes.lines if line.get_gid() not in TARGETS
            ]
            points += [axes.transData.transform(group.get_offsets()) for group in axes.collections]
            assert not box.count_contains(np.vstack([np.empty((0, 2)), *points]))
