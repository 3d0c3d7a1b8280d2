"""The rate plot: how the moves of a play shrink or grow next to the solution, beside the predicted slope.

Where a problem has no dynamics it shows how its solver converged.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from bestresponse.errors import DataError
from experiments.catalogue.diagnosing import Diagnosis, RateRow

INCHES = (7.0, 4.5)
SHOWN = 80  # sweeps


def save_rate_figure(diagnosis: Diagnosis, path: str | Path) -> None:
    """Plot into an image file every play that a rate was measured on, and the slope that was predicted for it.

    Raises DataError if the problem has no dynamics and its solver took no iterations that could be shown.
    """
    solved = diagnosis.solved
    plays = [row for row in diagnosis.rates if row.moves and row.predicted is not None]
    if not plays and not solved.found.moves:
        raise DataError(f"{solved.entry.slug} has no dynamics, and {solved.method} no iterations, to plot")
    figure, axes = plt.subplots(figsize=INCHES, layout="constrained")
    for i, row in enumerate(plays):
        _draw_play(axes, row, f"C{i}")
    if plays:
        axes.set(xlabel="sweep", ylabel="move (relative)")
    else:
        _draw(axes, solved.found.moves, solved.method, "C0")
        axes.set(xlabel="iteration", ylabel="residual")
    axes.set_title(f"{solved.entry.slug}\n{solved.entry.title}", fontsize="small", wrap=True)
    axes.legend()
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: the figure cannot be written ({error})") from error
    finally:
        plt.close(figure)


def _draw_play(axes: Axes, row: RateRow, color: str) -> None:
    """Draw the moves, and the predicted slope through the one in the middle."""
    rate = row.predicted or 0.0
    told = f"measured {row.measured:.4f}" if row.measured is not None else f"over after sweep {len(row.moves)}"
    _draw(axes, row.moves, f"{row.name}: {told}", color)
    shown = [move for move in row.moves[:SHOWN] if move > 0.0]
    if len(shown) < 2 or rate <= 0.0:
        return
    middle = len(shown) // 2
    slope = [shown[middle] * rate ** (k - middle) for k in range(len(shown))]
    axes.semilogy(range(1, len(shown) + 1), slope, "--", color=color, label=f"{row.name}: predicted {rate:.4f} a sweep")


def _draw(axes: Axes, values: Sequence[float], label: str, color: str) -> None:
    shown = [value for value in values[:SHOWN] if value > 0.0]
    axes.semilogy(range(1, len(shown) + 1), shown, marker=".", color=color, label=label)
