"""The rate plot: how the moves of plays shrink or grow next to a solution, beside the slopes that were predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bestresponse.errors import DataError
from experiments.figures_style import BLACK, COLOURS, new_figure, style

SHOWN = 500  # sweeps
MARKED = 60  # sweeps up to which every one has a dot


@dataclass(frozen=True)
class Play:
    """The moves of one play, with the rates they are held against."""

    name: str
    moves: Sequence[float]  # relative, by sweep
    measured: float | None = None
    predicted: float | None = None


def save(figure: Figure, path: Path) -> None:
    """Write a figure into an image file. Raises DataError if it cannot be written."""
    try:
        with style():
            figure.savefig(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: the figure cannot be written ({error})") from error


def rates_figure(
    plays: Sequence[Play],
    headline: str,
    explanation: str = "Moves of plays that start next to the solution; dashed: the predicted slope.",
    vertical: str = "move or residual, relative to the solution [–]",
) -> Figure:
    """Return the moves of every play over its sweeps, and its predicted slope through the one in the middle."""
    with style():
        figure = new_figure(headline, explanation)
        axes = figure.subplots()
        for k, play in enumerate(plays):
            _draw(axes, play, COLOURS[k % len(COLOURS)])
        _finish(figure, axes, "sweep", vertical)
    return figure


def residuals_figure(residuals: Sequence[float], method: str, headline: str) -> Figure:
    """Return the residuals of a solver over its iterations, for a problem without dynamics."""
    with style():
        figure = new_figure(headline, "No dynamics of players: how the solver converged.")
        axes = figure.subplots()
        _draw(axes, Play(method, residuals), COLOURS[0])
        _finish(figure, axes, "iteration", "residual [–]")
    return figure


def _draw(axes: Axes, play: Play, colour: str) -> None:
    moves = np.array(play.moves[:SHOWN], dtype=float)
    moves[~(moves > 0.0)] = np.nan
    sweeps, known = np.arange(1, len(moves) + 1), np.flatnonzero(np.isfinite(moves))
    told = [f"{word} {rate:.4f}" for word, rate in (("measured", play.measured), ("predicted", play.predicted)) if rate]
    label = "\n".join([play.name, *told])
    axes.plot(sweeps, moves, ".-" if len(moves) <= MARKED else "-", linewidth=1.8, color=colour, label=label)
    if play.predicted and len(known) > 1:
        middle = known[len(known) // 2]
        slope = moves[middle] * play.predicted ** (sweeps - sweeps[middle])
        axes.plot(sweeps, slope, "--", linewidth=1.2, color=BLACK, gid="predicted")


def _finish(figure: Figure, axes: Axes, horizontal: str, vertical: str) -> None:
    axes.set_yscale("log")
    axes.set_xlabel(horizontal)
    axes.set_ylabel(vertical)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.subplots_adjust(left=0.125, right=0.7, bottom=0.12, top=0.85)
    figure.legend(loc="upper left", bbox_to_anchor=(0.71, 0.87))
