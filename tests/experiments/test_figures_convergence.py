"""Does the convergence figure show the numbers of the trace, all of them, with units?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from experiments.figures_convergence import convergence_figure
from tests.experiments.drawing import (
    drawn,
    legend_labels,
    texts,
)

COLUMNS = {
    "imbalance": "worst imbalance of a good",
    "disagreement": "worst price disagreement",
    "gain": "worst gain of a player",
}


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
        "step cut": ([2, 4], [1.0, 4.0]),
        "step taken back": ([5], [2.0]),
    }
    assert axes.get_xlabel() == "sweep"
    assert axes.get_ylabel() == "penalty\nfactor σ [–]"
    assert {"step cut", "step taken back"} <= set(legend_labels(figure))


def test_what_has_no_logarithm_is_left_out_and_a_distance_that_is_always_zero_is_said_to_be_none(island):
    rows = [{**row, "disagreement": 0.0, "gain": None} for row in island.trace[:3]]
    rows[1]["imbalance"] = float("inf")
    figure = drawn(convergence_figure, replace(island, trace=tuple(rows)))
    assert legend_labels(figure) == ["worst imbalance of a good", "worst price disagreement: none"]
    curves = [line.get_ydata() for line in figure.axes[0].lines[:2]]
    assert np.isfinite(curves[0]).tolist() == [True, False, True]
    assert np.isnan(curves[1]).all()
