"""The figure of single changes: what is left of a quantity when one key alone is changed by a factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from experiments.figures_style import COLOUR_MAP, SIZE, SMALL
from experiments.sweeps.design import UNCHANGED
from experiments.sweeps.labels import label

if TYPE_CHECKING:
    import pandas as pd

HEADER, ROW = 1.6, 0.24  # [inch] of headline and axis, and of a key


def draw_changes(figure: Figure, solved: pd.DataFrame, quantities: list[str]) -> None:
    """Draw a cell for every key and factor, its number in it; one panel for every quantity."""
    changes = solved[solved["changed"] != UNCHANGED]
    if changes.empty:
        figure.text(0.5, 0.5, "No run with a change was solved.", ha="center")
        return
    figure.set_size_inches(SIZE[0], max(SIZE[1], HEADER + ROW * changes["changed"].nunique()))
    panels = figure.subplots(1, len(quantities), sharey=True, squeeze=False)[0]
    for axes, quantity in zip(panels, quantities, strict=True):
        cells = changes.pivot_table(index="changed", columns="factor", values=quantity, sort=False).sort_index(axis=1)
        values = cells.to_numpy(dtype=float)
        axes.imshow(values, cmap=COLOUR_MAP, aspect="auto")
        middle = (np.nanmin(values) + np.nanmax(values)) / 2
        for (row, column), value in np.ndenumerate(values):
            colour = "black" if value > middle else "white"
            axes.text(column, row, f"{value:.4g}", ha="center", va="center", color=colour, size=SMALL)
        factors = cells.columns.to_numpy(dtype=float)
        axes.set_xticks(range(len(factors)), [f"{100 * (factor - 1):+.3g} %" for factor in factors])
        axes.set_yticks(range(cells.shape[0]), list(cells.index))
        axes.grid(visible=False)
        axes.set_xlabel(f"{label(quantity)}, one key changed")
    figure.subplots_adjust(left=0.44, right=0.98, bottom=0.1, top=0.86, wspace=0.08)
