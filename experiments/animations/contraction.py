"""Contraction: how the imbalance of a market, or the moves of a game's players, shrink sweep by sweep."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from experiments.animations.moving import Moving
from experiments.animations.runs import Shown
from experiments.convergence import linear_tail
from experiments.figures_rates import Play, rates_figure


def contraction(found: Sequence[Shown], headline: str) -> Moving:
    """Return the imbalance of every run over its sweeps; the legend tells the factor of a sweep in its tail."""
    plays = [Play(each.label.replace(": ", ":\n"), each.imbalance.tolist(), _rate(each)) for each in found]
    explanation = "Worst imbalance of a good, relative to its largest trade, by sweep."
    return _growing(plays, rates_figure(plays, headline, explanation, "imbalance [–]"), headline)


def contraction_of_plays(plays: Sequence[Play], headline: str) -> Moving:
    """Return the moves of every play over its sweeps, with the slope that was predicted."""
    return _growing(plays, rates_figure(plays, headline), headline)


def _growing(plays: Sequence[Play], figure: Figure, headline: str) -> Moving:
    axes = figure.axes[0]
    lines = [line for line in axes.lines if line.get_gid() != "predicted"]
    whole = [(np.asarray(line.get_xdata()), np.asarray(line.get_ydata())) for line in lines]
    axes.set_xlim(*axes.get_xlim())  # as they are with everything drawn
    axes.set_ylim(*axes.get_ylim())

    def draw(step: int) -> None:
        for line, (sweeps, moves) in zip(lines, whole, strict=True):
            line.set_data(sweeps[: step + 1], moves[: step + 1])

    told = "; ".join(_told(play) for play in plays)
    return Moving(figure, max(len(sweeps) for sweeps, _ in whole) - 1, draw, f"{headline}. By sweep: {told}.")


def _rate(shown: Shown) -> float | None:
    if shown.stop != "converged":
        return None
    tail = linear_tail(np.arange(1.0, len(shown.imbalance) + 1), shown.imbalance)
    return tail.rate if tail else None


def _told(play: Play) -> str:
    rates = [
        f"{word} factor {rate:.3f}"
        for word, rate in (("measured", play.measured), ("predicted", play.predicted))
        if rate
    ]
    return ", ".join([play.name.replace("\n", " "), *rates])
