"""Figures 5, 6 and 10 of the paper: who supplies, what is scarce, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures_style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, new_figure
from experiments.quantities import SOCIAL_COST_PARTS
from experiments.reproduction.bars import (
    WIDTH,
    Look,
    Values,
    draw_stack,
    name_runs,
    places,
    scenarios,
    start_at_zero,
    write_totals,
)
from experiments.reproduction.evidence import Evidence, Name

LEGEND_Y = 0.88
PANELS = {"left": 0.085, "right": 0.985, "bottom": 0.13, "wspace": 0.22}
LEFT_IS_WITHOUT = "Left bars without, right bars with V2G."

COST_COLOURS = {  # from the foot of the stack up
    "travel_cost_usd_per_h": GREY,
    "generation_cost_usd_per_h": GREEN,
    "import_cost_usd_per_h": SKY,
    "shortage_cost_usd_per_h": VERMILLION,
    "degradation_cost_usd_per_h": PURPLE,
    "forgone_trips_usd_per_h": ORANGE,
    "other_cost_usd_per_h": BLUE,
}


def supply_figure(e: Evidence, names: Sequence[Name]) -> Figure:
    """Return Figure 5: (a) supply by source, (b) what the stations exchange with the grid."""
    figure = new_figure("Who supplies, and what stations exchange with the grid", LEFT_IS_WITHOUT)
    supply, exchange = figure.subplots(1, 2, gridspec_kw={**PANELS, "top": 0.74})
    generation = {name: e.known(name, "generation_kw") for name in names}
    local = {name: None if found is None else sum(found.values()) for name, found in generation.items()}
    discharged, charged = (_values(e, names, key) for key in ("discharged_kw", "charged_kw"))
    shed = _values(e, names, "load_shed_kw")
    draw_stack(
        supply,
        names,
        {
            "import": (_values(e, names, "import_kw"), {"color": SKY}),
            "local generation": (local, {"color": GREEN}),
            "vehicles discharging": (discharged, {"color": ORANGE}),
            "load shed": (shed, {"color": "white", "edgecolor": VERMILLION, "hatch": "////", "linewidth": 1.5}),
        },
    )
    supply.set_ylabel("(a) supply [kW]")
    supply.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, columnspacing=1.2)
    net = {name: _difference(charged[name], discharged[name]) for name in names}
    draw_stack(
        exchange,
        names,
        {
            "": ({name: max(value or 0.0, 0.0) for name, value in net.items()}, {"color": BLUE}),
            " ": ({name: min(value or 0.0, 0.0) for name, value in net.items()}, {"color": ORANGE}),
        },
    )
    write_totals(exchange, names, {name: f"{value:.0f}" for name, value in _there(net).items()} | _missing(net), net)
    exchange.set_ylabel("(b) stations' net load [kW]")
    return figure


def scarcity_figure(e: Evidence, names: Sequence[Name]) -> Figure:
    """Return Figure 6: load shedding, and the maximum DLMP on a logarithmic scale."""
    figure = new_figure("What is scarce: load not served, and the highest price of a bus", LEFT_IS_WITHOUT)
    shedding, price = figure.subplots(1, 2, gridspec_kw={**PANELS, "top": 0.84})
    shed = _values(e, names, "load_shed_kw")
    draw_stack(shedding, names, {"": (shed, {"color": VERMILLION})})
    write_totals(shedding, names, {name: f"{value:.1f}" for name, value in _there(shed).items()} | _missing(shed), shed)
    shedding.set_ylabel("load shed [kW]")
    start_at_zero(shedding)
    dlmp = {name: e.known(name, "dlmp_usd_per_kwh") for name in names}
    top = {name: None if found is None else max(found.values()) for name, found in dlmp.items()}
    _draw_points(price, names, top)
    price.set_ylabel(r"maximum DLMP [\$/kWh]")
    return figure


def cost_figure(e: Evidence, names: Sequence[Name]) -> Figure:
    """Return Figure 10: (a) the social cost by part, (b) what V2G saves of every part."""
    figure = new_figure("What it costs, and what V2G saves", LEFT_IS_WITHOUT)
    cost, saving = figure.subplots(1, 2, gridspec_kw={**PANELS, "top": 0.74})
    parts = {key: _thousands(_values(e, names, key)) for key in COST_COLOURS}
    looks: dict[str, dict[str, Any]] = {key: {"color": colour} for key, colour in COST_COLOURS.items()}
    draw_stack(cost, names, {SOCIAL_COST_PARTS[key]: (values, looks[key]) for key, values in parts.items()})
    total = _thousands(_values(e, names, "social_cost_usd_per_h"))
    write_totals(cost, names, {name: f"{value:.3g}" for name, value in _there(total).items()} | _missing(total), total)
    cost.set_ylabel(r"(a) social cost [1000 \$/h]")
    figure.legend(*cost.get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(0.01, LEGEND_Y), ncols=5)
    _draw_savings(saving, names, parts, total)
    saving.set_ylabel(r"(b) saved by V2G [1000 \$/h]")
    return figure


def _draw_savings(axes: Axes, names: Sequence[Name], parts: dict[str, Values], total: Values) -> None:
    groups = scenarios(names)
    up, down = np.zeros(len(groups)), np.zeros(len(groups))
    for key, values in parts.items():
        saved = np.array([_difference(values.get((s, False)), values.get((s, True))) or 0.0 for s in groups])
        bottom = np.where(saved >= 0, up, down)
        axes.bar(groups, saved, WIDTH, bottom, color=COST_COLOURS[key], edgecolor=BLACK, linewidth=0.6)
        up, down = up + np.maximum(saved, 0), down + np.minimum(saved, 0)
    for k, scenario in enumerate(groups):
        before, after = total.get((scenario, False)), total.get((scenario, True))
        if before is not None and after is not None:
            gain = before - after
            axes.plot([k], [gain], "D", color="white", markeredgecolor=BLACK, markersize=9, markeredgewidth=1.6)
            share = 100 * gain / before if before else 0.0
            text = rf"{1000 * gain:,.0f} \$/h" + f"\n{share:.{3 if abs(share) < 0.1 else 2}f} %"
            axes.annotate(text, (k, max(up[k], gain)), (0, 8), textcoords="offset points", ha="center")
    axes.axhline(0, color=BLACK, linewidth=0.8)
    axes.grid(visible=False, axis="x")
    axes.set_axisbelow(True)
    axes.margins(x=0.2)
    reach = max(up.max(initial=0.0) - down.min(initial=0.0), 1e-3)
    axes.set_ylim(down.min(initial=0.0) - 0.05 * reach, up.max(initial=0.0) + 0.3 * reach)
    axes.set_xticks(range(len(groups)), labels=[scenario.capitalize() for scenario in groups], weight="bold")
    axes.tick_params(axis="x", length=0)
    axes.plot([], [], "D", color="white", markeredgecolor=BLACK, markersize=9, markeredgewidth=1.6, label="total")
    axes.legend(loc="upper left")


def _draw_points(axes: Axes, names: Sequence[Name], values: Values) -> None:
    """Draw prices as points on stems; their scale is logarithmic, where bars would have no foot to stand on."""
    there = _there(values)
    for (_, v2g), at, value in zip(names, places(names), (values[name] for name in names), strict=True):
        if value is not None:
            look: Look = {"markerfacecolor": BLUE if v2g else "white", "markeredgecolor": BLUE, "markeredgewidth": 2}
            axes.plot([at], [value], "o", markersize=12, **look)
            shift, va = ((0, -11), "top") if v2g else ((0, 11), "bottom")
            axes.annotate(f"{value:.3g}", (at, value), shift, textcoords="offset points", ha="center", va=va)
    if there and min(there.values()) > 0:
        axes.set_yscale("log")
        axes.set_ylim(min(there.values()) / 3, max(there.values()) * 3)
    name_runs(axes, names)


def _values(e: Evidence, names: Sequence[Name], key: str) -> Values:
    return {name: e.known(name, key) for name in names}


def _thousands(values: Values) -> Values:
    return {name: None if value is None else value / 1000 for name, value in values.items()}


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _there(values: Values) -> dict[Name, float]:
    return {name: value for name, value in values.items() if value is not None}


def _missing(values: Values) -> dict[Name, str]:
    return {name: "" for name, value in values.items() if value is None}
