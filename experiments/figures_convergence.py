"""The convergence figure: how far every sweep was from an equilibrium, and what the safeguards did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator, StrMethodFormatter

from bestresponse.typing import Vector
from experiments.figures_style import BLUE, GREEN, LEFT, ORANGE, PURPLE, SMALL, VERMILLION, new_figure
from experiments.result import Result

Rows = Sequence[Mapping[str, Any]]


def convergence_figure(result: Result) -> Figure:
    """Return the figure of a result with at least one sweep: distances above, penalties and safeguards below."""
    figure = new_figure(title(result), f"{_ending(result)} {_last_to_clear(result)}")
    grid = figure.add_gridspec(2, 1, height_ratios=(3.6, 1))
    distances = figure.add_subplot(grid[0])
    penalty = figure.add_subplot(grid[1], sharex=distances)
    _draw_distances(distances, result.trace)
    _draw_targets(distances, result.provenance["tolerances"])
    _draw_penalty(penalty, result.trace)
    handles = [*distances.get_legend_handles_labels()[0], *penalty.get_legend_handles_labels()[0]]
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(LEFT - 0.012, 0.885), ncols=3, columnspacing=1.5)
    top = 0.815 if len(handles) <= 3 else 0.77
    figure.subplots_adjust(left=0.1, right=0.865, bottom=0.115, top=top, hspace=0.12)
    return figure


def title(result: Result) -> str:
    """Return what was solved."""
    return f"{result.case} / {result.scenario} / {'with' if result.v2g else 'without'} V2G"


def _ending(result: Result) -> str:
    return f"Stop: {result.stop.replace('_', ' ')} after {len(result.trace)} sweeps."


def _last_to_clear(result: Result) -> str:
    """Name the good that was the last to be off, in trades or in price; the worst one if one is off to the end."""
    target = result.provenance["tolerances"]["market"]
    off = [row for row in result.trace if not (row["imbalance"] <= target and row["disagreement"] <= target)]
    if not off:
        return "Every good cleared at once."
    row = off[-1]
    good = row["disagreement_good"] if row["imbalance"] <= target else row["imbalance_good"]
    return f"Worst good: {good}." if row is result.trace[-1] else f"Last good to clear: {good}."


def _draw_distances(axes: Axes, rows: Rows) -> None:
    sweeps = _column(rows, "sweep")
    lines: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("imbalance", "worst imbalance of a good", {"color": BLUE, "linewidth": 2.5}),
        (
            "disagreement",
            "worst price disagreement",
            {"color": VERMILLION, "linewidth": 2.0, "linestyle": (0, (4, 1.5))},
        ),
        (
            "gain",
            "worst gain of a player",
            {"color": GREEN, "marker": "o", "markersize": 7, "clip_on": False, "linestyle": "none"},
        ),
    )
    for key, label, look in lines:
        values = _column(rows, key)
        if np.isnan(values).all():
            continue
        has_logarithm = np.isfinite(values) & (values > 0)
        name = f"{label}: none" if np.nanmax(values) <= 0 else label
        axes.plot(sweeps, np.where(has_logarithm, values, np.nan), label=name, **look)
    axes.set_yscale("log")
    axes.set_ylabel("relative size [–]")
    axes.tick_params(labelbottom=False)


def _draw_targets(axes: Axes, tolerances: Mapping[str, float]) -> None:
    targets = {"target": (tolerances["market"], BLUE)}
    if tolerances["gain"] != tolerances["market"]:
        targets["for gains"] = (tolerances["gain"], GREEN)
    for label, (value, colour) in targets.items():
        axes.axhline(value, color=colour, linewidth=1.5, linestyle=":", gid=label)
        place: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "va": "center"}
        axes.annotate(f"{label} {_power_of_ten(value)}", (1.01, value), size=SMALL, color=colour, **place)


def _power_of_ten(value: float) -> str:
    digits, exponent = f"{value:.0e}".split("e")
    power = f"10^{{{int(exponent)}}}"
    return f"${power}$" if digits == "1" else rf"${digits}\cdot {power}$"


def _draw_penalty(axes: Axes, rows: Rows) -> None:
    """Draw the multiple of the automatic penalties, and on it the sweeps that a safeguard led to."""
    sweeps, sigma = _column(rows, "sweep"), _column(rows, "sigma")
    axes.plot(sweeps, sigma, color=PURPLE, linewidth=2.5, drawstyle="steps-post")
    marks: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("clipped", "step cut", {"marker": "v", "color": ORANGE}),
        ("rolled_back", "step taken back", {"marker": "x", "color": "black", "markeredgewidth": 2}),
    )
    for key, label, look in marks:
        happened = np.diff(_column(rows, key), prepend=0.0) > 0
        if happened.any():
            axes.plot(
                sweeps[happened],
                sigma[happened],
                label=label,
                linestyle="none",
                markersize=8,
                zorder=3,
                clip_on=False,
                **look,
            )
    if sigma.max() > sigma.min():
        axes.set_yscale("log")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_yticks(_few(sigma))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:.2g}"))
    axes.margins(y=0.35)
    axes.set_ylabel("penalty\nfactor σ [–]")
    axes.set_xlabel("sweep")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(0, float(sweeps[-1]) + 1)


def _few(sigma: Vector) -> list[float]:
    """The smallest and the largest value, to two digits."""
    return sorted({float(f"{value:.2g}") for value in (sigma.min(), sigma.max())})


def _column(rows: Rows, key: str) -> Vector:
    """(n_sweeps,) the values of a key; NaN where nothing was measured."""
    return np.array([np.nan if row[key] is None else row[key] for row in rows], dtype=float)
