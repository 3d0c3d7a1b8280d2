"""The figures of a comparison: every run's way to the equilibrium, and what every accuracy costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from experiments.comparing import Entry
from experiments.convergence import RESIDUALS, TARGETS
from experiments.figures_goods import last_to_clear_figure, prices_figure
from experiments.figures_style import BLACK, COLOURS, SMALL, new_figure, style, write

LINES = ("-", (0, (4, 1.5)), (0, (1, 1.2)))
NAMES = {"imbalance": "imbalance", "gain": "worst gain", "natural_residual": "natural residual"}
PLAIN_NUMBERS = FuncFormatter(lambda value, _: f"{value:g}")
LOWEST = 1e-10  # residuals below it are not drawn
MOST = 16  # runs in one figure
LEGEND_WIDTH = 31  # characters


def save_figures(entries: Sequence[Entry], headline: str, folder: Path) -> list[Path]:
    """Write the figures of a comparison as PNG and SVG and return the paths of the PNGs.

    `compare`: sweeps and seconds to every accuracy; `convergence`: imbalance, and the rates of its tails;
    `last_to_clear`: when every family of goods was in balance for good; `prices_SCHEME`: the goods that travel most, of
    every scheme's best run, as are all the others if there are more than `MOST` runs. Without any run that took a
    sweep nothing is drawn.
    """
    ran = [entry for entry in entries if entry.records]
    if not ran:
        return []
    best = _best_of_every_scheme(ran)
    if len(ran) > MOST:
        ran, headline = list(best.values()), f"{headline}: best run of every scheme"
    with style():
        figures = {
            "compare": costs_figure(ran, headline),
            "convergence": convergence_figure(ran, headline),
            "last_to_clear": last_to_clear_figure(ran, headline),
        }
        for scheme, entry in best.items():
            figures[f"prices_{scheme}"] = prices_figure(entry, headline)
        return [write(figure, folder, name)[0] for name, figure in figures.items()]


def convergence_figure(entries: Sequence[Entry], headline: str) -> Figure:
    """Return the imbalance of every run over its sweeps, the line of its tail, and the slope that was predicted."""
    figure = new_figure(headline, "Distance from clearing; thin: the line that a rate is taken of; dotted: predicted.")
    axes = figure.subplots()
    for entry, look in zip(entries, _looks(len(entries)), strict=True):
        sweeps = np.array([reading.sweep for reading in entry.readings])
        worst = np.array([reading.imbalance for reading in entry.readings])
        tail = entry.tail
        rates = ["–" if tail is None else f"{tail.rate:.3f}"]
        if entry.predicted is not None:
            rates.append(f"predicted {entry.predicted:.3f}")
        label = f"{entry.label}: {', '.join(rates)}"
        axes.plot(sweeps, np.where(worst > LOWEST, worst, np.nan), label=label, linewidth=1.8, alpha=0.85, **look)
        if tail is not None:
            ends = np.array([tail.first, tail.last])
            axes.plot(ends, tail.line(ends), color=BLACK, linewidth=0.9, marker="|", markersize=9, gid="tail")
        if tail is not None and entry.predicted is not None:
            promised = replace(tail, rate=entry.predicted).line(ends)
            axes.plot(ends, promised, color=BLACK, linewidth=1.2, linestyle=":", gid="predicted")
    _on_a_log_scale([axes], f"no run was off by more than {LOWEST:g}")
    axes.set_xlabel("sweep")
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("worst imbalance or\nprice disagreement [–]")
    _legend(figure, axes, "scheme: factor of one sweep,\nfitted (– no linear tail)")
    return figure


def costs_figure(entries: Sequence[Entry], headline: str) -> Figure:
    """Return sweeps (above) and seconds (below) that every run needed to every target, for the three residuals."""
    figure = new_figure(headline, "What every accuracy costs; a line ends where its run got no further.")
    rows = figure.subplots(2, len(RESIDUALS), sharex=True, sharey="row")
    for axes, cost, residual in _panels(rows):
        for entry, look in zip(entries, _looks(len(entries)), strict=True):
            reached = entry.sweeps_to(residual) if cost == "sweeps" else entry.seconds_to(residual)
            values = [np.nan if value is None else value for value in reached.values()]
            axes.plot(
                list(TARGETS.values()), values, marker="o", markersize=4, linewidth=1.8, label=entry.label, **look
            )
        axes.set_xscale("log")
        axes.set_xlim(2e-2, 5e-9)
        axes.set_xticks([1e-3, 1e-5, 1e-7])
        axes.xaxis.set_minor_locator(NullLocator())
    for line in rows:
        if _on_a_log_scale(line, f"no run got to {max(TARGETS.values()):g}"):
            for axes in line:
                axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                axes.yaxis.set_major_formatter(PLAIN_NUMBERS)
                axes.yaxis.set_minor_formatter(NullFormatter())
    for axes, residual in zip(rows[0], RESIDUALS, strict=True):
        axes.set_title(NAMES[residual], size="medium")
    rows[0, 0].set_ylabel("sweeps")
    rows[1, 0].set_ylabel("time [s]")
    rows[1, 1].set_xlabel("accuracy [–]")
    _legend(figure, rows[0, 0])
    figure.subplots_adjust(wspace=0.1, hspace=0.12, top=0.82)
    return figure


def _on_a_log_scale(panels: Sequence[Axes], otherwise: str) -> bool:
    """Whether panels of one height have anything to show on a logarithmic scale, which they get; else they say why."""
    heights = [np.asarray(line.get_ydata(), dtype=float) for axes in panels for line in axes.lines]
    if any((np.isfinite(values) & (values > 0)).any() for values in heights):
        for axes in panels:
            axes.set_yscale("log")
        return True
    for axes in panels:
        axes.set_yticks([])
        axes.text(0.5, 0.5, fill(otherwise, 14), transform=axes.transAxes, ha="center", va="center", size=SMALL)
    return False


def _panels(rows: Any) -> Iterator[tuple[Axes, str, str]]:
    for line, cost in zip(rows, ("sweeps", "seconds"), strict=True):
        for axes, residual in zip(line, RESIDUALS, strict=True):
            yield axes, cost, residual


def _best_of_every_scheme(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Return the run of every scheme that came closest, and of those the one with the fewest sweeps."""
    best: dict[str, Entry] = {}
    for entry in entries:
        if entry.scheme not in best or _rank(entry) < _rank(best[entry.scheme]):
            best[entry.scheme] = entry
    return best


def _rank(entry: Entry) -> tuple[int, int]:
    reached = [sweep for sweep in entry.sweeps_to().values() if sweep is not None]
    return -len(reached), max(reached, default=0)


def _looks(count: int) -> list[dict[str, Any]]:
    return [
        {"color": COLOURS[k % len(COLOURS)], "linestyle": LINES[k // len(COLOURS) % len(LINES)]} for k in range(count)
    ]


def _legend(figure: Figure, axes: Axes, title: str | None = None) -> None:
    figure.subplots_adjust(left=0.125, right=0.63, bottom=0.12, top=0.85)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles,
        [fill(label, LEGEND_WIDTH) for label in labels],
        loc="upper left",
        bbox_to_anchor=(0.635, 0.87),
        handlelength=1.8,
        title=title,
        alignment="left",
    )
