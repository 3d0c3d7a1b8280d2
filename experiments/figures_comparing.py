"""The figures of a comparison: every run's way to the equilibrium, and what every accuracy costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from experiments.comparing import TARGETS, Entry
from experiments.figures_style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, new_figure

COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, BLACK, GREY)
PLAIN_NUMBERS = FuncFormatter(lambda value, _: f"{value:g}")
LINES = ("-", (0, (5, 1.5)), (0, (1, 1.2)))


def paths_figure(entries: Sequence[Entry], headline: str) -> Figure:
    """Return the imbalance or price disagreement, whichever is worse, of every run over its sweeps."""
    figure = new_figure(headline, "How far every sweep is from clearing the markets.")
    axes = figure.subplots()
    for entry, look in zip(entries, _looks(len(entries)), strict=True):
        if entry.records:
            worst = [max(record.imbalance, record.disagreement) for record in entry.records]
            sweeps = [record.sweep for record in entry.records]
            axes.plot(sweeps, worst, label=entry.label, linewidth=2, **look)
    axes.set_yscale("log")
    axes.set_xlabel("sweep")
    axes.set_ylabel("worst imbalance or\nprice disagreement [–]")
    _legend(figure, axes)
    return figure


def costs_figure(entries: Sequence[Entry], headline: str) -> Figure:
    """Return sweeps and seconds that every run needed to every target; a line ends where it got no further."""
    figure = new_figure(headline, "What every accuracy costs; a line ends where its run got no further.")
    left, right = figure.subplots(1, 2)
    for entry, look in zip(entries, _looks(len(entries)), strict=True):
        for axes, cost in ((left, entry.sweeps_to), (right, entry.seconds_to)):
            values = [np.nan if value is None else value for value in cost.values()]
            axes.plot(list(TARGETS.values()), values, marker="o", linewidth=2, label=entry.label, **look)
    for axes, unit in ((left, "sweeps"), (right, "time [s]")):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(2e-2, 5e-9)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(PLAIN_NUMBERS)
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("target [–]")
        axes.set_ylabel(unit)
    _legend(figure, left)
    figure.subplots_adjust(wspace=0.42)
    return figure


def _looks(count: int) -> list[dict[str, Any]]:
    return [
        {"color": COLOURS[k % len(COLOURS)], "linestyle": LINES[k // len(COLOURS) % len(LINES)]} for k in range(count)
    ]


def _legend(figure: Figure, axes: Axes) -> None:
    figure.subplots_adjust(left=0.115, right=0.68, bottom=0.12, top=0.84)
    figure.legend(*axes.get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(0.69, 0.86), handlelength=2.6)
