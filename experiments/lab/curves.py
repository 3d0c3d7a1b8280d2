"""Curves over the sweeps of a run that grow while it goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, Legend, LegendItem, Span
from bokeh.plotting import figure

from bestresponse.market import Good
from experiments.convergence import farthest
from experiments.figures_style import COLOURS, GREY
from experiments.lab.stepping import TOLERANCES, Moment

LOWEST = 1e-12  # a logarithmic axis shows what is smaller, zero too, there
MARKS = ("circle", "square", "triangle", "diamond", "inverted_triangle", "plus", "x", "asterisk")
FAMILIES, MEMBERS = 4, 2  # families whose prices are drawn, and goods of each


class Chart:
    """One chart with room for as many curves as can be told apart."""

    def __init__(self, title: str, unit: str, tolerance: float | None = None) -> None:
        """Draw an empty chart; with a tolerance, its axis is logarithmic and has a line there."""
        self._logarithmic = tolerance is not None
        self.figure = figure(
            title=title,
            x_axis_label="sweep",
            y_axis_label=unit,
            y_axis_type="log" if self._logarithmic else "linear",
            height=280,
            min_width=340,
            sizing_mode="stretch_width",
            tools="pan,wheel_zoom,reset,save",
        )
        self.figure.toolbar.logo = None
        self.figure.xaxis.ticker.min_interval = 1
        if tolerance is not None:
            self.figure.add_layout(Span(location=tolerance, dimension="width", line_color=GREY, line_dash="dashed"))
        self._sources = [ColumnDataSource({"x": [], "y": []}) for _ in COLOURS]
        self._items = [self._curve(*look) for look in zip(self._sources, COLOURS, MARKS, strict=True)]
        self.figure.add_layout(Legend(items=self._items, label_text_font_size="12px", border_line_color=None), "right")

    def _curve(self, source: ColumnDataSource, colour: str, mark: str) -> LegendItem:
        line = self.figure.line("x", "y", source=source, color=colour, line_width=2)
        marks = self.figure.scatter("x", "y", source=source, color=colour, marker=mark, size=6)
        return LegendItem(label=value(""), renderers=[line, marks], visible=False)

    def show(self, sweeps: Sequence[int], curves: Mapping[str, Sequence[float]]) -> None:
        """Show curves by name, each with a height for every sweep; of too many, the first ones."""
        named = [*curves.items()][: len(self._items)]
        for source, item, (name, heights) in zip(self._sources, self._items, named, strict=False):
            y = np.asarray(heights, dtype=float)
            source.data = {"x": np.asarray(sweeps), "y": np.maximum(y, LOWEST) if self._logarithmic else y}
            item.label, item.visible = value(name), True
        for source, item in zip(self._sources[len(named) :], self._items[len(named) :], strict=True):
            source.data, item.visible = {"x": [], "y": []}, False


class Curves:
    """Imbalance by family of goods, gain by player, and the prices that travel farthest."""

    def __init__(self, goods: Sequence[Good]) -> None:
        self._goods = goods
        unit = goods[0].price_unit if goods else ""
        self._imbalance = Chart("Imbalance of the worst good, by family", "relative to its trade", TOLERANCES.market)
        self._gains = Chart("Gain from deviating, by player", "relative to its outlay", TOLERANCES.gain)
        self._prices = Chart("Prices that travel farthest", f"price [{unit}]")
        self.figures = [chart.figure for chart in (self._imbalance, self._gains, self._prices)]

    def show(self, moments: Sequence[Moment]) -> None:
        """Show the sweeps so far."""
        records = [moment.record for moment in moments]
        sweeps = [record.sweep for record in records]
        apart = {"(price gap)": [record.disagreement for record in records]}
        families = records[-1].imbalance_by_family
        by_family = {name: [record.imbalance_by_family[name] for record in records] for name in families}
        self._imbalance.show(sweeps, apart | by_family)
        players = [*records[-1].trades]
        self._gains.show(sweeps, {name: [each.gains.get(name, np.nan) for each in moments] for name in players})
        chosen = farthest(records, self._goods, FAMILIES, MEMBERS) if len(records) > 1 else {}
        travellers = sorted(good for members in chosen.values() for good in members) or [*range(FAMILIES)]
        shown = [good for good in travellers if good < len(self._goods)]
        self._prices.show(sweeps, {self._goods[k].name: [float(each.price[k]) for each in records] for k in shown})
