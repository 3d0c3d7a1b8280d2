"""The rate plot: moves sweep by sweep, beside the slope that linearisation predicts."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from bestresponse.errors import DataError
from experiments.catalogue.diagnosing import Diagnosis
from experiments.catalogue.solving import model_of

INCHES = (7.0, 4.5)
SHOWN = 80  # sweeps


def save_rate_figure(diagnosis: Diagnosis, path: str | Path) -> None:
    """Plot every dynamic with a predicted rate from the usual start, and the predicted slopes, into an image file.

    Raises DataError if the problem has no dynamics.
    """
    entry = diagnosis.solved.entry
    model = model_of(entry)
    rates = {r.name: r.predicted for r in diagnosis.rates if r.name in model.methods and r.predicted is not None}
    if not rates:
        raise DataError(f"{entry.slug} has no dynamics to plot; its methods are {', '.join(model.methods)}")
    figure, axes = plt.subplots(figsize=INCHES, layout="constrained")
    for method, rate in rates.items():
        moves = [move for move in model.solve(method).moves[:SHOWN] if move > 0.0]
        sweeps = list(range(1, len(moves) + 1))
        (line,) = axes.semilogy(sweeps, moves, marker=".", label=method)
        slope = [moves[0] * rate ** (k - 1) for k in sweeps]
        axes.semilogy(sweeps, slope, "--", color=line.get_color(), label=f"predicted: {rate:.4f} a sweep")
    axes.set(xlabel="sweep", ylabel="move (relative)")
    axes.set_title(f"{entry.slug}\n{entry.title}", fontsize="small", wrap=True)
    axes.set_ylim(bottom=1e-14)
    axes.legend()
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: the figure cannot be written ({error})") from error
    finally:
        plt.close(figure)
