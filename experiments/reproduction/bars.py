"""Bars over the runs of a case: a group for every scenario, in it the runs without (left) and with V2G (right)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from bestresponse.typing import Vector
from experiments.figures_style import BLACK, SMALL
from experiments.reproduction.evidence import Name, Span

WIDTH = 0.36
SHIFT = {False: -0.2, True: 0.2}  # of a bar from the middle of its group
SIGN = {False: "no", True: "V2G"}  # what stands below a bar
NOTHING = 1e-6  # smaller parts of a bar are not drawn
ROOM = 0.22  # of the height, above and below the bars, for their numbers

Values = Mapping[Name, float | None]  # None: that run is not there, or not solved
Look = Mapping[str, Any]


def scenarios(names: Sequence[Name]) -> list[str]:
    """Return the scenarios of runs, in their order."""
    return list(dict.fromkeys(scenario for scenario, _ in names))


def places(names: Sequence[Name]) -> Vector:
    """Return (n_runs,) where the bars of runs stand."""
    group = {scenario: k for k, scenario in enumerate(scenarios(names))}
    return np.array([group[scenario] + SHIFT[v2g] for scenario, v2g in names])


def draw_stack(axes: Axes, names: Sequence[Name], parts: Mapping[str, tuple[Values, Look]]) -> None:
    """Draw a stacked bar for every run: of every part the values by run and the look; negative parts hang down."""
    up, down = np.zeros(len(names)), np.zeros(len(names))
    for label, (values, look) in parts.items():
        height = numbers(names, values)
        drawn = np.abs(height) > NOTHING
        bottom = np.where(height >= 0, up, down)
        edge: Look = {"edgecolor": BLACK, "linewidth": 0.6, "label": label, **look}
        if drawn.any():
            axes.bar(places(names)[drawn], height[drawn], WIDTH, bottom[drawn], **edge)
        up, down = up + np.maximum(height, 0), down + np.minimum(height, 0)
    axes.axhline(0, color=BLACK, linewidth=0.8)
    name_runs(axes, names)


def draw_ranges(axes: Axes, names: Sequence[Name], spans: Mapping[Name, Span | None]) -> None:
    """Draw a whisker at every run from the lowest to the highest value, where they differ."""
    for name, at in zip(names, places(names), strict=True):
        span = spans[name]
        if span is not None and span.high - span.low > 1e-3 * abs(span.high):
            ends = [[span.value - span.low], [span.high - span.value]]
            look: Look = {"ecolor": BLACK, "elinewidth": 2, "capsize": 6, "capthick": 2}
            axes.errorbar([at], [span.value], ends, fmt="none", **look)


def write_totals(axes: Axes, names: Sequence[Name], texts: Mapping[Name, str], tops: Values) -> None:
    """Write a text above the bar of every run that has one; `tops` is where bars (and whiskers) end.

    Equal texts of a scenario's two runs become one.
    """
    beside: Look = {"textcoords": "offset points", "size": SMALL, "ha": "center"}
    for name, at in zip(names, places(names), strict=True):
        top, other = tops[name], (name[0], not name[1])
        if top is None:
            axes.annotate("not solved", (at, 0), (0, 4), rotation=90, **beside)
            continue
        same = texts.get(other) == texts[name] and tops.get(other) is not None
        if same and name[1]:
            continue
        middle = at + SHIFT[True] if same else at
        shift, va = ((0, -4), "top") if top < 0 else ((0, 4), "bottom")
        axes.annotate(texts[name].replace("-", "−"), (middle, top), shift, va=va, **beside)
    axes.margins(y=ROOM)


def start_at_zero(axes: Axes) -> None:
    """Let an axis of numbers that are never negative start at zero, once everything is drawn."""
    axes.set_ylim(0, None if axes.containers else 1)


def name_runs(axes: Axes, names: Sequence[Name]) -> None:
    """Write below every bar whether it is with V2G, and below every group its scenario."""
    axes.set_xticks(places(names), labels=[SIGN[v2g] for _, v2g in names])
    axes.tick_params(axis="x", length=0)
    axes.grid(visible=False, axis="x")
    axes.set_axisbelow(True)
    for group, scenario in enumerate(scenarios(names)):
        look: Look = {"ha": "center", "va": "top", "weight": "bold", "size": SMALL}
        at: Look = {"xycoords": axes.get_xaxis_transform(), "textcoords": "offset points"}
        axes.annotate(scenario.capitalize(), (group, 0), (0, -21), **look, **at)
    axes.set_xlim(-0.55, len(scenarios(names)) - 0.45)


def numbers(names: Sequence[Name], values: Values) -> Vector:
    """Return (n_runs,) the values of runs; 0 where there is none."""
    return np.array([values[name] or 0.0 for name in names], dtype=float)
