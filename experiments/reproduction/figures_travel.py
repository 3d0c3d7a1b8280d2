"""Figures 7 and 8 of the paper: what vehicles do at stations, and what their trips cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures_style import BLUE, GREY, ORANGE, PURPLE, SMALL, new_figure
from experiments.reproduction.bars import Look, Values, draw_ranges, draw_stack, start_at_zero, write_totals
from experiments.reproduction.evidence import Evidence, Name, NoEvidence, Span
from experiments.reproduction.trips import Path, dominant_path

COST_PARTS = {
    "time on the road": ("time_usd", GREY),
    "at stations": ("station_usd", PURPLE),
    "energy": ("energy_usd", ORANGE),
}


def stations_figure(e: Evidence, names: Sequence[Name]) -> Figure:
    """Return Figure 7: (a) shares of trips, (b) gross energy, (c) station time and (d) discharging OD pairs."""
    about = "Left bars without, right bars with V2G. Whiskers: the range over all equilibria, where there is one."
    figure = new_figure("What electric vehicles do at stations", about)
    grid = {"left": 0.085, "right": 0.985, "bottom": 0.12, "top": 0.8, "wspace": 0.24, "hspace": 0.52}
    (shares, energy), (time, pairs) = figure.subplots(2, 2, gridspec_kw=grid)
    stops, discharges = (_spans(e, names, key, 100.0) for key in ("stop_share", "discharge_share"))
    only = {name: _less(stops[name], discharges[name]) for name in names}
    kinds = {"discharge": (_middle(discharges), {"color": ORANGE}), "charge only": (only, {"color": BLUE})}
    draw_stack(shares, names, kinds)
    _finish(shares, names, stops, ".1f", "(a) EV trips\nthat stop [%]")
    charged, discharged = ({name: e.known(name, key) for name in names} for key in ("charged_kw", "discharged_kw"))
    given = {name: None if kw is None else -kw for name, kw in discharged.items()}
    draw_stack(energy, names, {"charged": (charged, {"color": BLUE}), "discharged": (given, {"color": ORANGE})})
    write_totals(energy, names, {n: "" if kw is None else f"{kw:.0f}" for n, kw in charged.items()}, charged)
    down = {n: kw if kw is None or kw < -0.5 else 0.0 for n, kw in given.items()}
    write_totals(energy, names, {n: f"{-kw:.0f}" if kw else "" for n, kw in down.items()}, down)
    energy.set_ylabel("(b) energy\n[kW]")
    hours = _spans(e, names, "station_time_h_per_h")
    draw_stack(time, names, {"": (_middle(hours), {"color": PURPLE})})
    _finish(time, names, hours, ".2f", "(c) station time\n[veh·h/h]")
    counts = _spans(e, names, "discharging_od_pairs")
    draw_stack(pairs, names, {"": (_middle(counts), {"color": ORANGE})})
    _finish(pairs, names, counts, ".0f", "(d) OD pairs\nthat discharge")
    figure.legend(*energy.get_legend_handles_labels(), loc="upper right", bbox_to_anchor=(0.995, 0.885), ncols=2)
    figure.legend(*shares.get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(0.07, 0.885), ncols=2)
    return figure


def trips_figure(e: Evidence, names: Sequence[Name], pairs: Sequence[str]) -> Figure:
    """Return Figure 8: what the dominant path of some OD pairs costs by part, in every scenario but Base."""
    if not pairs:
        raise NoEvidence("no OD pair has costs both without and with V2G")
    names = [name for name in names if name[0] != "base"] or names
    about = "Left bars without, right bars with V2G. Numbers: the whole cost."
    figure = new_figure("What a trip costs on the path that most vehicles take", about)
    grid = {"left": 0.075, "right": 0.99, "bottom": 0.13, "top": 0.78, "wspace": 0.22}
    panels = np.atleast_1d(figure.subplots(1, len(pairs), gridspec_kw=grid))
    for axes, pair in zip(panels, pairs, strict=True):
        _draw_trip(axes, names, {name: dominant_path(e.known(name, "paths") or [], pair) for name in names})
        axes.set_title(f"{pair.replace('-', ' → ')}", size=SMALL, weight="bold", loc="left")
    panels[0].set_ylabel(r"path cost [\$]")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(0.01, 0.885), ncols=3)
    return figure


def _draw_trip(axes: Axes, names: Sequence[Name], paths: Mapping[Name, Path | None]) -> None:
    costs = {name: [float(path[key]) for key, _ in COST_PARTS.values()] if path else [] for name, path in paths.items()}
    parts: dict[str, tuple[Values, Look]] = {
        label: ({name: cost[k] if cost else None for name, cost in costs.items()}, {"color": colour})
        for k, (label, (_, colour)) in enumerate(COST_PARTS.items())
    }
    draw_stack(axes, names, parts)
    tops = {name: sum(max(part, 0.0) for part in cost) if cost else None for name, cost in costs.items()}
    write_totals(axes, names, {name: f"{sum(cost):.3g}" for name, cost in costs.items()}, tops)


def _finish(axes: Axes, names: Sequence[Name], spans: Mapping[Name, Span | None], digits: str, label: str) -> None:
    draw_ranges(axes, names, spans)
    tops = {name: None if span is None else span.high for name, span in spans.items()}
    texts = {name: "" if span is None else f"{span.value:{digits}}" for name, span in spans.items()}
    write_totals(axes, names, texts, tops)
    start_at_zero(axes)
    axes.set_ylabel(label)


def _spans(e: Evidence, names: Sequence[Name], key: str, factor: float = 1.0) -> dict[Name, Span | None]:
    found = {name: e.known_span(name, key) for name in names}
    return {name: span.times(factor) if span else None for name, span in found.items()}


def _middle(spans: Mapping[Name, Span | None]) -> Values:
    return {name: span.value if span else None for name, span in spans.items()}


def _less(one: Span | None, other: Span | None) -> float | None:
    return None if one is None or other is None else one.value - other.value
