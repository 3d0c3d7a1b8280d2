"""The road map and the feeder tree of a run, coloured anew after every sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import networkx as nx
import numpy as np
from bokeh.models import ColorBar, ColumnDataSource, HoverTool, LinearColorMapper
from bokeh.palettes import Viridis256
from bokeh.plotting import figure

from bestresponse.typing import Vector
from experiments.build import Model
from experiments.figures_map import scenario_map
from experiments.figures_network import IDLE_KW
from experiments.figures_style import BLACK, GREY, VERMILLION
from experiments.lab.stepping import Moment
from networks.feeder import Feeder
from networks.road import RoadNetwork

FULL = 1.5  # volume over capacity from which on all roads have the last colour
ASIDE = 0.008  # of the map's extent: how far a link lies to the right of the line between its nodes
MARGIN = 0.3  # around what is drawn, as a share of it: room for names
CHARGING, DISCHARGING, IDLE = "triangle", "inverted_triangle", "square"


class RoadMap:
    """Links by flow over capacity, and stations by what they take or give."""

    def __init__(self, model: Model) -> None:
        road = model.road
        self._capacity = dict(zip(road.link_names, road.capacity_veh_per_h.tolist(), strict=True))
        xy = _road_layout(road) if road.xy is None else road.xy
        place = dict(zip(road.nodes.tolist(), xy, strict=True))
        self.figure = _map("Roads: flow over capacity. Stations: ▲ charge, ▼ discharge")
        ends = np.array([[place[i], place[j]] for i, j in zip(road.tail.tolist(), road.head.tolist(), strict=True)])
        shifted = ends + ASIDE * np.ptp(xy, axis=0).max() * _right_of(ends)[:, None]
        still = {"xs": shifted[:, :, 0].tolist(), "ys": shifted[:, :, 1].tolist(), "link": list(road.link_names)}
        self._links = ColumnDataSource(still | dict.fromkeys(("flow", "share", "width"), [0.0] * road.n_links))
        mapper = LinearColorMapper(Viridis256[::-1], low=0.0, high=FULL)
        look: dict[str, Any] = {"color": {"field": "share", "transform": mapper}, "line_width": "width"}
        links = self.figure.multi_line("xs", "ys", source=self._links, **look)
        tips = [("link", "@link"), ("flow", "@flow{0.0} veh/h"), ("of capacity", "@share{0.00}")]
        self.figure.add_tools(HoverTool(renderers=[links], tooltips=tips))
        self.figure.add_layout(ColorBar(color_mapper=mapper, width=10, title="v/c"), "right")
        self.figure.scatter(xy[:, 0], xy[:, 1], size=15, fill_color="white", line_color=BLACK)
        numbers = [str(node) for node in road.nodes.tolist()]
        centred: dict[str, Any] = {"text_align": "center", "text_baseline": "middle", "text_font_size": "10px"}
        self.figure.text(xy[:, 0], xy[:, 1], text=numbers, **centred)
        nodes = [site.node for site in model.setting.stations]
        self._stations = Stations(self.figure, {str(node): place[node] for node in nodes})

    def show(self, moment: Moment) -> None:
        """Show what one sweep found."""
        flow = moment.quantities.get("link_flow_veh_per_h", {})
        share = {link: flow[link] / self._capacity[link] for link in self._links.data["link"]}
        self._links.data = dict(self._links.data) | {
            "flow": list(flow.values()),
            "share": list(share.values()),
            "width": [2.0 + 4.0 * min(1.0, each) for each in share.values()],
        }
        self._stations.show(moment.quantities["station_net_kw"])


class FeederTree:
    """Buses by the locational price of energy, and stations by what they take or give."""

    def __init__(self, model: Model) -> None:
        place = scenario_map(model.case, model.scenario_name, layout=_feeder_layout)
        self._buses = place.buses
        self.figure = _map("Feeder: price at every bus. Stations: ▲ charge, ▼ discharge")
        for ends, look in (
            (place.lines, {"color": GREY, "line_width": 2}),
            (place.out, {"color": VERMILLION, "line_width": 3, "line_dash": "dashed"}),
        ):
            pairs = np.array([place.xy[list(pair)] for pair in ends.values()]).reshape(-1, 2, 2)
            self.figure.segment(pairs[:, 0, 0], pairs[:, 0, 1], pairs[:, 1, 0], pairs[:, 1, 1], **look)
        still = {"x": place.xy[:, 0], "y": place.xy[:, 1], "bus": list(place.buses)}
        self._source = ColumnDataSource(still | {"price": [np.nan] * len(place.buses)})
        self._mapper = LinearColorMapper(Viridis256, low=0.0, high=1.0, nan_color="white")
        look = {"fill_color": {"field": "price", "transform": self._mapper}, "line_color": BLACK}
        buses = self.figure.scatter("x", "y", source=self._source, size=9 if len(place.buses) > 40 else 14, **look)
        tips = [("bus", "@bus"), ("price", "@price{0.0000} $/kWh")]
        self.figure.add_tools(HoverTool(renderers=[buses], tooltips=tips))
        self.figure.add_layout(ColorBar(color_mapper=self._mapper, width=10, title="$/kWh"), "right")
        root = place.xy[place.root]
        self.figure.text([root[0]], [root[1]], text=["source"], y_offset=-8, text_align="center", **_SMALL)
        at = dict(zip(place.buses, place.xy, strict=True))
        sites = {str(node): at[bus] for bus, nodes in place.stations.items() for node in nodes}
        self._stations = Stations(self.figure, sites)

    def show(self, moment: Moment) -> None:
        """Show what one sweep found."""
        price = moment.quantities["dlmp_usd_per_kwh"]
        values = np.array([price.get(bus, np.nan) for bus in self._buses])
        if np.isfinite(values).any():
            low, high = float(np.nanmin(values)), float(np.nanmax(values))
            self._mapper.low, self._mapper.high = low, max(high, low + 1e-4)
        self._source.data = dict(self._source.data) | {"price": values}
        self._stations.show(moment.quantities["station_net_kw"])


class Stations:
    """Marks that point up where vehicles charge on balance and down where they discharge, with the power above."""

    def __init__(self, on: figure, places: Mapping[str, Sequence[float]]) -> None:
        xy = np.array([*places.values()], dtype=float).reshape(-1, 2)
        empty = [""] * len(xy)
        self._source = ColumnDataSource(
            {"x": xy[:, 0], "y": xy[:, 1], "node": [*places], "mark": [IDLE] * len(xy), "text": empty}
        )
        on.scatter("x", "y", source=self._source, marker="mark", size=26, line_width=2, **_HOLLOW)
        on.text("x", "y", text="text", source=self._source, text_align="center", y_offset=-15, **_SMALL)

    def show(self, net_kw: Mapping[str, float]) -> None:
        """Show the power [kW] by road node that stations take on balance."""
        power = [net_kw[node] for node in self._source.data["node"]]
        marks = [IDLE if abs(kw) <= IDLE_KW else CHARGING if kw > 0 else DISCHARGING for kw in power]
        named = zip(self._source.data["node"], power, strict=True)
        texts = [node if abs(kw) <= IDLE_KW else f"{node}: {kw:+.0f} kW".replace("-", "−") for node, kw in named]
        self._source.data = dict(self._source.data) | {"mark": marks, "text": texts}


_SMALL: Mapping[str, Any] = {"text_font_size": "11px"}
_HOLLOW: Mapping[str, Any] = {"fill_color": None, "line_color": VERMILLION}


def _map(title: str) -> figure:
    drawn = figure(
        title=title,
        height=340,
        min_width=340,
        sizing_mode="stretch_width",
        match_aspect=True,
        tools="pan,wheel_zoom,reset,save",
    )
    drawn.toolbar.logo = None
    drawn.x_range.range_padding = drawn.y_range.range_padding = MARGIN
    drawn.axis.visible = False
    drawn.grid.visible = False
    return drawn


def _right_of(ends: Vector) -> Vector:
    """(n, 2) unit vectors to the right of the ways between ends (n, 2, 2)."""
    way = ends[:, 1] - ends[:, 0]
    length = np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-12)
    right: Vector = np.column_stack([way[:, 1], -way[:, 0]]) / length
    return right


def _road_layout(road: RoadNetwork) -> Vector:
    """(n_nodes, 2) places for the nodes of a road network without coordinates."""
    graph = nx.Graph(zip(road.tail.tolist(), road.head.tolist(), strict=True))
    graph.add_nodes_from(road.nodes.tolist())
    place = nx.spring_layout(graph, seed=0)
    return np.array([place[node] for node in road.nodes.tolist()])


def _feeder_layout(feeder: Feeder) -> Vector:
    """(n_buses, 2) places for the buses of a feeder without coordinates: by the number of lines from the root."""
    graph = nx.Graph(zip(feeder.line_from.tolist(), feeder.line_to.tolist(), strict=True))
    place = nx.bfs_layout(graph, feeder.root)
    return np.array([place[bus] for bus in range(feeder.n_buses)])
