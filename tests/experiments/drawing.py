"""Figures to be looked into, and results that are changed before they are drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from experiments.figures_style import style

TARGETS = ("target", "for gains")  # marks of the lines for tolerances


def drawn(make, result) -> Figure:
    with style():
        return make(result)


def texts(figure) -> str:
    return " | ".join(text.get_text() for text in figure.texts)


def with_quantities(result, **changes):
    return replace(result, quantities={**result.quantities, **changes})


def with_prices(result, values):
    return with_quantities(
        result, dlmp_usd_per_kwh=dict(zip(result.quantities["dlmp_usd_per_kwh"], values, strict=True))
    )


def collections(axes, mark):
    return [found for found in axes.collections if found.get_gid() == mark]


def legend_labels(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def colour_of_bus(axes):
    """(x, y) → colour, of all buses on a map."""
    marks = ("bus", "station, charging", "station, discharging", "station, idle")
    return {
        tuple(at): to_hex(colour)
        for mark in marks
        for group in collections(axes, mark)
        for at, colour in zip(group.get_offsets().tolist(), np.atleast_2d(group.get_facecolors()), strict=True)
    }
