"""Where the panels of a figure go."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure


def panels_of(figure: Figure, n: int) -> list[Axes]:
    """Return axes for so many panels, two in a row, below headline and legend."""
    columns = 1 if n == 1 else 2
    grid = figure.subplots(-(-n // columns), columns, sharex=True, squeeze=False)
    figure.subplots_adjust(left=0.075, right=0.97, bottom=0.115, top=0.77, wspace=0.2, hspace=0.27)
    panels = list(grid.ravel())
    for unused in panels[n:]:
        figure.delaxes(unused)
    return panels[:n]
