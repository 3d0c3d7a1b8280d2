"""Figures of a comparison by good: the prices that travel farthest, and which goods are the last to clear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from bestresponse.typing import Vector
from experiments.comparing import Entry
from experiments.convergence import cleared_for_good, farthest
from experiments.figures_style import COLOURS, GREY, LEFT, SMALL, new_figure

MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
FAMILIES, MEMBERS = 4, 2  # families whose prices are drawn, and goods of each
CLEAR = 1e-6  # imbalance within which a good counts as cleared


def prices_figure(entry: Entry, headline: str) -> Figure:
    """Return the prices, over the sweeps of a run, of the goods that travel farthest; one panel for every family."""
    figure = new_figure(f"{headline}: {entry.label}", "Prices that travel farthest; the families that do first.")
    families = list(farthest(entry.records, entry.goods, FAMILIES, MEMBERS).values())
    sweeps = np.array([record.sweep for record in entry.records])
    prices = np.array([record.price for record in entry.records])
    panels = figure.subplots(len(families), 1, sharex=True, squeeze=False)[:, 0]
    for axes, members in zip(panels, families, strict=True):
        every = max(1, len(sweeps) // 8)
        for k, good in enumerate(members):
            look = {"color": COLOURS[k], "marker": MARKS[k], "markevery": (k * every // len(members), every)}
            axes.plot(
                sweeps, prices[:, good], label=entry.goods[good].name, linewidth=1.5, markersize=6, alpha=0.85, **look
            )
        axes.set_ylabel(f"[{entry.goods[members[0]].price_unit}]")
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=2.2)
    panels[-1].set_xlabel("sweep")
    panels[-1].set_xlim(0, sweeps[-1] + 1)
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.subplots_adjust(left=0.115, right=0.76, bottom=0.115, top=0.86, hspace=0.25)
    figure.align_ylabels(panels)
    return figure


def last_to_clear_figure(entries: Sequence[Entry], headline: str) -> Figure:
    """Return a bar for every run, as long as it took to clear all goods for good, and on it the families of goods."""
    figure = new_figure(headline, f"Sweeps until goods stay in balance within {CLEAR:g}; named: the last good.")
    axes = figure.subplots()
    families = list(dict.fromkeys(good.family for entry in entries for good in entry.goods))
    looks = dict(zip(families, zip(COLOURS, MARKS, strict=True), strict=False))
    furthest = max(entry.records[-1].sweep for entry in entries)
    for row, entry in enumerate(entries):
        _draw_bar(axes, row, entry, looks)
    axes.set_yticks(range(len(entries)), [entry.label for entry in entries])
    axes.set_ylim(len(entries) - 0.5, -0.5)
    axes.set_xlim(0, 1.04 * furthest)
    axes.set_xlabel("sweep")
    axes.grid(axis="y", visible=False)
    handles = [
        Line2D([], [], color=colour, marker=mark, linestyle="none", markersize=8, label=_words(family))
        for family, (colour, mark) in looks.items()
    ]
    handles.append(Line2D([], [], color=GREY, marker="o", fillstyle="none", linestyle="none", label="hollow: not yet"))
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(LEFT - 0.012, 0.885), ncols=4, columnspacing=1.2)
    widest = max(len(entry.label) for entry in entries)
    figure.subplots_adjust(left=min(0.04 + 0.0105 * widest, 0.45), right=0.765, bottom=0.115, top=0.77)
    return figure


def _draw_bar(axes: Axes, row: int, entry: Entry, looks: Mapping[str, tuple[str, str]]) -> None:
    cleared = cleared_for_good(entry.records, CLEAR)
    end = float(entry.records[-1].sweep)
    axes.barh(row, min(float(cleared.max()), end), height=0.62, color="#DDDDDD", zorder=1)
    for family, (colour, mark) in looks.items():
        sweep = max((cleared[g] for g, good in enumerate(entry.goods) if good.family == family), default=None)
        if sweep is not None:
            fill = colour if np.isfinite(sweep) else "white"
            look: dict[str, Any] = {"color": colour, "marker": mark, "markersize": 8, "markerfacecolor": fill}
            axes.plot([min(float(sweep), end)], [row], linestyle="none", gid=family, clip_on=False, **look)
    axes.annotate(
        _last(entry, cleared), (1.01, row), xycoords=axes.get_yaxis_transform(), va="center", size=SMALL, gid="last"
    )


def _last(entry: Entry, cleared: Vector) -> str:
    """The good that was the last to clear, or that is worst at the end where several never did."""
    never = np.flatnonzero(~np.isfinite(cleared))
    if not len(never):
        return entry.goods[int(np.argmax(cleared))].name
    worst = never[np.argmax(entry.records[-1].imbalance_by_good[never])]
    return f"{entry.goods[worst].name}, {len(never)} open"


def _words(family: str) -> str:
    return family.replace("_", " ")
