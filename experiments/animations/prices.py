"""Price paths: how the prices of some goods move, sweep by sweep, under schemes side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bestresponse.typing import Vector
from experiments.animations.moving import Moving
from experiments.animations.runs import Shown
from experiments.figures_style import COLOURS, SMALL, new_figure, style

MOST_GOODS = 7
STYLES = ("-", "--", "-.", ":")


def price_paths(found: Sequence[Shown], headline: str) -> Moving:
    """Return the path of the price that moves most in every family of goods, in a panel for every run."""
    chosen = _liveliest(found)
    names = [found[0].goods[g].name for g in chosen]
    with style():
        figure = new_figure(
            headline, "In every family of goods the price that moves most; every panel has its own scale."
        )
        panels = figure.subplots(1, len(found), squeeze=False)[0]
        lines = [_panel(axes, each, chosen, names) for axes, each in zip(panels, found, strict=True)]
        panels[0].set_ylabel("price [$/kWh]")
        handles = panels[0].get_legend_handles_labels()
        figure.subplots_adjust(left=0.1, right=0.98, bottom=0.27, top=0.77, wspace=0.3)
        figure.legend(*handles, loc="lower center", ncols=4)
    last = max(len(each.imbalance) for each in found)

    def draw(step: int) -> None:
        for each, own in zip(found, lines, strict=True):
            for g, line in zip(chosen, own, strict=True):
                path = each.prices[: step + 1, g]
                line.set_data(np.arange(len(path)), path)

    how = "; ".join(each.label for each in found)
    return Moving(figure, last, draw, f"{headline}. Price of {', '.join(names)} over sweeps. {how}.")


def _liveliest(found: Sequence[Shown]) -> list[int]:
    """The good of every family whose price moves most in any of the runs, relative to its usual price."""
    goods = found[0].goods
    scale = np.array([good.price_scale for good in goods])
    moved = np.max([np.ptp(each.prices, axis=0) for each in found], axis=0) / scale
    liveliest: dict[str, int] = {}
    for g in np.argsort(-moved, kind="stable").tolist():
        liveliest.setdefault(goods[g].family, g)
    return list(liveliest.values())[:MOST_GOODS]


def _panel(axes: Axes, shown: Shown, chosen: Sequence[int], names: Sequence[str]) -> list[Line2D]:
    axes.set_title(shown.label.replace(": ", "\n"), size=SMALL)
    axes.set_xlabel("sweep")
    axes.set_xlim(0, max(1, len(shown.imbalance)))
    axes.set_ylim(*_limits(shown.prices[:, chosen]))
    return [
        axes.plot([], [], STYLES[k % len(STYLES)], color=COLOURS[k], linewidth=2.2, label=name)[0]
        for k, name in enumerate(names)
    ]


def _limits(prices: Vector) -> tuple[float, float]:
    low, high = np.percentile(prices, [2, 98])  # a spike may leave the picture
    margin = 0.08 * max(high - low, 1e-3)
    return float(low - margin), float(high + margin)
