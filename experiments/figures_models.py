"""The figure of a comparison of models: energy in the hour, and the price at every bus, model by model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.comparing_models import ModelEntry, numbers
from experiments.figures_style import COLOURS, new_figure, style, write
from experiments.models.setting import PRICE_SCALE

ENERGY = {
    "generation_kw": "generated",
    "import_kw": "imported",
    "losses_kw": "lost",
    "household_kw": "households",
    "load_shed_kw": "shed",
    "charged_kw": "charged",
    "discharged_kw": "discharged",
}
MARKERS = "osD^vPX*"
MOST_BUSES_NAMED = 20
LEGEND_WIDTH = 16  # characters
LEAST_SPAN = 0.05  # of the price axis, either way from its middle, as a share
BARS = 0.8  # of the room of one group


def save_figure(entries: Sequence[ModelEntry], headline: str, folder: Path) -> list[Path]:
    """Write the figure as PNG and SVG and return the path of the PNG; without an answer nothing is drawn."""
    told = [entry for entry in entries if entry.has_answer]
    if not told:
        return []
    with style():
        return write(models_figure(told, headline), folder, "compare_models")[:1]


def models_figure(entries: Sequence[ModelEntry], headline: str) -> Figure:
    """Return the figure of entries that have an answer."""
    unsolved = [entry.model for entry in entries if entry.result is not None and not entry.result.solved]
    note = f" Not solved: {', '.join(unsolved)}." if unsolved else ""
    figure = new_figure(headline, f"Above: energy. Below: the locational price of energy, bus by bus.{note}")
    above, below = figure.subplots(2, 1)
    _draw_energy(above, entries)
    _draw_prices(below, entries)
    figure.subplots_adjust(left=0.115, right=0.765, top=0.85, bottom=0.11, hspace=0.35)
    figure.legend(*above.get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(0.77, 0.87), title="model")
    return figure


def _draw_energy(axes: Axes, entries: Sequence[ModelEntry]) -> None:
    told = [numbers(entry) for entry in entries]
    shown = [key for key in ENERGY if any(key in each for each in told)]
    width = BARS / len(entries)
    for k, (entry, each) in enumerate(zip(entries, told, strict=True)):
        place = np.arange(len(shown)) + (k - (len(entries) - 1) / 2) * width
        values = [each.get(key, np.nan) for key in shown]
        axes.bar(place, values, 0.92 * width, label=fill(entry.model, LEGEND_WIDTH), color=COLOURS[k % len(COLOURS)])
    axes.set_xticks(np.arange(len(shown)), [ENERGY[key] for key in shown])
    axes.grid(axis="x", visible=False)
    axes.set_axisbelow(True)
    axes.set_ylabel("power [kW]")


def _draw_prices(axes: Axes, entries: Sequence[ModelEntry]) -> None:
    told = [entry.result.quantities["dlmp_usd_per_kwh"] for entry in entries if entry.result is not None]
    buses = list(dict.fromkeys(bus for prices in sorted(told, key=len, reverse=True) for bus in prices))
    for k, prices in enumerate(told):
        marker, color = MARKERS[k % len(MARKERS)], COLOURS[k % len(COLOURS)]
        values = [prices.get(bus, np.nan) for bus in buses]
        size = max(11.0 - 1.6 * k, 2.0)  # later models are seen inside earlier ones where prices are the same
        axes.plot(np.arange(len(buses)), values, marker=marker, color=color, linestyle="", markersize=size)
    named = len(buses) <= MOST_BUSES_NAMED
    axes.set_xticks(np.arange(len(buses)) if named else [], buses if named else [])
    axes.set_xlabel("bus" if named else f"{len(buses)} buses, in the order of the feeder")
    axes.set_ylabel(r"DLMP [\$/kWh]")
    axes.ticklabel_format(axis="y", useOffset=False)
    _widen(axes)


def _widen(axes: Axes) -> None:
    """Let prices that are the same but for rounding look the same."""
    low, high = axes.get_ylim()
    middle = (low + high) / 2
    half = max((high - low) / 2, LEAST_SPAN * abs(middle), LEAST_SPAN * PRICE_SCALE)
    axes.set_ylim(middle - half, middle + half)
