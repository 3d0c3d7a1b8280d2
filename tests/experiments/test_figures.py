"""Are figures written as files, whole ones or none, and legible?"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from bestresponse.errors import DataError
from experiments.figures import save_figures
from experiments.figures_convergence import convergence_figure
from experiments.figures_dlmp import dlmp_figure
from experiments.figures_style import style
from tests.experiments.drawing import (
    TARGETS,
    with_quantities,
)


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
