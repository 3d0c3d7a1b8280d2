"""Figures of a result: how the coordinator converged, and what energy costs where."""

from __future__ import annotations

from pathlib import Path

from experiments.figures_convergence import convergence_figure
from experiments.figures_dlmp import dlmp_figure
from experiments.figures_style import style, write
from experiments.files import writable
from experiments.result import Result


def save_figures(result: Result, folder: Path) -> list[Path]:
    """Write the figures of a result as PNG and SVG and return their paths.

    `convergence` shows the imbalance, price disagreement and gains of every sweep; a result without sweeps has none.
    `dlmp` shows the locational price at every bus: on the feeder's map if the case that was solved is at hand, has
    coordinates and has not changed since, by bus otherwise. Of a result without quantities nothing is drawn.
    Each file appears complete or not at all. Raises DataError if the folder cannot be written to.
    """
    if not result.quantities:
        return []
    writable(folder, folder=True)
    with style():
        written = write(convergence_figure(result), folder, "convergence") if result.trace else []
        return written + write(dlmp_figure(result), folder, "dlmp")
