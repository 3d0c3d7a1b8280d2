"""How figures look, and how they get into files: for a projector, for every eye, the same bytes every time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Colours that people with any colour vision tell apart (Okabe and Ito, 2008).
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#8C8C8C"
COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, BLACK, GREY)  # of lines, in order

COLOUR_MAP = "viridis"
SMALL, NORMAL, LARGE = 12.0, 13.0, 15.0  # [pt] at the size below; nothing is smaller
SIZE = (10.0, 6.0)  # [inch]
LEFT = 0.02  # where headlines start, as a share of the width

_STYLE: dict[Any, Any] = {
    "font.size": NORMAL,
    "axes.labelsize": NORMAL,
    "axes.titlesize": NORMAL,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "legend.title_fontsize": SMALL,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "savefig.dpi": 150,
    "svg.hashsalt": "bestresponse",
}
_METADATA: Mapping[str, Mapping[str, None]] = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the style of this project inside the block; the settings of matplotlib are as before after it."""
    with rc_context(_STYLE):
        yield


def new_figure(headline: str, explanation: str) -> Figure:
    """Return an empty figure with a headline and a line below it."""
    figure = Figure(figsize=SIZE)
    FigureCanvasAgg(figure)
    figure.text(LEFT, 0.975, headline, size=LARGE, weight="bold", va="top")
    figure.text(LEFT, 0.915, explanation, size=NORMAL, va="top")
    return figure


def write(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as PNG and SVG and return their paths; each file appears complete or not at all."""
    return [write_as(figure, folder / f"{name}.{kind}", kind) for kind in _METADATA]


def write_as(figure: Figure, target: Path, kind: str) -> Path:
    """Write a figure as one kind of file, png or svg, and return its path; it appears complete or not at all."""
    temporary = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        figure.savefig(temporary, format=kind, metadata=dict(_METADATA[kind]))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target
