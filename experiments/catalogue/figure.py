"""The rate plot of a catalogued problem; where it has no dynamics, how its solver converged."""

from __future__ import annotations

from pathlib import Path

from bestresponse.errors import DataError
from experiments.catalogue.diagnosing import Diagnosis
from experiments.figures_rates import Play, rates_figure, residuals_figure, save


def save_rate_figure(diagnosis: Diagnosis, path: Path) -> None:
    """Plot into an image file every play that a rate was measured on, and the slope that was predicted for it.

    Raises DataError if the problem has no dynamics and its solver took no iterations that could be shown.
    """
    solved, rows = diagnosis.solved, diagnosis.rates
    plays = [Play(r.name, r.moves, r.measured, r.predicted) for r in rows if r.moves and r.predicted is not None]
    if plays:
        return save(rates_figure(plays, solved.entry.slug), path)
    if not solved.found.moves:
        raise DataError(f"{solved.entry.slug} has no dynamics, and {solved.method} no iterations, to plot")
    save(residuals_figure(solved.found.moves, solved.method, solved.entry.slug), path)
