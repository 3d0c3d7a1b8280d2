"""Figure 9 of the paper: the roads with their flows, the stations, and an OD pair that V2G reroutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bestresponse.typing import Vector
from experiments.figures_style import BLACK, BLUE, SMALL, VERMILLION, new_figure
from experiments.reproduction.evidence import Evidence
from experiments.reproduction.maps import RoadMap
from experiments.reproduction.trips import Path, dominant_path

STATION, ROAD = "#F0E442", "#C4C4C4"  # colours
WIDEST = 7.0  # [pt] the busiest link
APART = 0.006  # of the map's width, from the middle of a road to the link of each direction
MOST_NAMES = 60  # nodes that are all named
ROUTES: Mapping[bool, tuple[str, dict[str, Any], float]] = {  # V2G → words, look, how far from the middle of the road
    False: ("without V2G", {"color": BLUE, "linewidth": 5.0}, -0.011),
    True: ("with V2G", {"color": VERMILLION, "linewidth": 5.0, "linestyle": (0, (2.2, 1.0))}, 0.011),
}


def road_figure(e: Evidence, place: RoadMap, scenario: str, pair: str) -> Figure:
    """Return Figure 9: link flows with V2G, and the dominant path of an OD pair without and with V2G."""
    paths = {v2g: dominant_path(e.quantity(scenario, v2g, "paths"), pair) for v2g in (False, True)}
    flow = e.quantity(scenario, True, "link_flow_veh_per_h")
    headline = f"Where electric vehicles from {pair.replace('-', ' to ')} drive in {scenario.capitalize()}"
    figure = new_figure(headline, "Grey: vehicles on every link with V2G. Colour: the path that most of them take.")
    axes = figure.add_axes((0.01, 0.01, 0.6, 0.86))
    axes.set_aspect("auto")
    axes.set_axis_off()
    axes.margins(0.06)
    _draw_flows(axes, place, flow)
    for v2g, path in paths.items():
        if path is not None:
            _draw_route(axes, place, path["route"], ROUTES[v2g][1], ROUTES[v2g][2])
    _draw_nodes(axes, place)
    _explain(figure, place, paths, flow)
    return figure


def _draw_flows(axes: Axes, place: RoadMap, flow: Mapping[str, float]) -> None:
    at, size = place.place, np.ptp(place.xy, axis=0)
    most = max(flow.values(), default=0.0) or 1.0
    segments = [_beside(np.array([at[i], at[j]]), APART, size) for i, j in place.links.values()]
    widths = [WIDEST * max(flow[name] / most, 0.04) for name in place.links]
    axes.add_collection(LineCollection(segments, linewidths=widths, colors=ROAD, zorder=1, gid="flow"))
    axes.autoscale_view()


def _draw_route(axes: Axes, place: RoadMap, route: Sequence[int], look: Mapping[str, Any], apart: float) -> None:
    at, size = place.place, np.ptp(place.xy, axis=0)
    x, y = np.vstack([_beside(np.array([at[i], at[j]]), apart, size) for i, j in pairwise(route)]).T
    axes.plot(x, y, zorder=3, solid_joinstyle="round", dash_joinstyle="round", gid="route", **look)


def _beside(segment: Vector, apart: float, size: Vector) -> Vector:
    """(2, 2) a segment moved to its right by a share of the map's width and height."""
    along = (segment[1] - segment[0]) / np.where(size > 0, size, 1.0)
    right = np.array([along[1], -along[0]]) / (np.hypot(*along) or 1.0)
    return np.asarray(segment + apart * right * np.where(size > 0, size, 1.0))


def _draw_nodes(axes: Axes, place: RoadMap) -> None:
    named = len(place.nodes) <= MOST_NAMES
    station = np.isin(place.nodes, place.stations)
    for kind, marker, area, colour in ((~station, "o", 260, "white"), (station, "s", 330, STATION)):
        xy = place.xy[kind]
        size = area if named else area / 8
        axes.scatter(xy[:, 0], xy[:, 1], s=size, marker=marker, c=colour, edgecolors=BLACK, linewidths=1.4, zorder=4)
    look: dict[str, Any] = {"ha": "center", "va": "center_baseline", "size": SMALL, "zorder": 5}
    for node, xy, stops in zip(place.nodes, place.xy, station.tolist(), strict=True):
        if named or stops:
            axes.annotate(str(node), xy, weight="bold" if stops else "normal", **look)


def _explain(figure: Figure, place: RoadMap, paths: Mapping[bool, Path | None], flow: Mapping[str, float]) -> None:
    left, y = 0.63, 0.83
    for v2g, path in paths.items():
        words, look, _ = ROUTES[v2g]
        figure.add_artist(Line2D([left, left + 0.06], [y - 0.012] * 2, **look))
        figure.text(left + 0.075, y, words, weight="bold", va="top")
        for k, line in enumerate(_about(path, place)):
            figure.text(left, y - 0.055 - 0.045 * k, line, size=SMALL, va="top")
        y -= 0.33
    most = max(flow, key=lambda link: flow[link])
    mark: dict[str, Any] = {"marker": "s", "markersize": 15, "markerfacecolor": STATION, "markeredgecolor": BLACK}
    handles = [
        Line2D([], [], linestyle="none", label="station", **mark),
        Line2D([], [], color=ROAD, linewidth=WIDEST, label=f"{flow[most]:.0f} veh/h (link {most})"),
    ]
    figure.legend(handles=handles, loc="lower left", bbox_to_anchor=(left - 0.015, 0.01))


def _about(path: Path | None, place: RoadMap) -> list[str]:
    if path is None:
        return ["no electric vehicles"]
    route = path["route"]
    links = [f"{i}-{j}" for i, j in pairwise(route)]
    cost = path["time_usd"] + path["station_usd"] + path["energy_usd"]
    stops = [f"{stop['action']} {stop['energy_kwh']:.1f} kWh at {stop['node']}" for stop in path["stops"]]
    nodes = "-".join(str(node) for node in route)
    return [
        *_wrapped(nodes),
        f"{sum(place.length_km[link] for link in links):.0f} km, {path['flow_veh_per_h']:.1f} veh/h, {cost:.2f} \\$",
        *(stops or ["no stop"]),
    ]


def _wrapped(nodes: str, width: int = 36) -> list[str]:
    if len(nodes) <= width:
        return [nodes]
    cut = nodes.rindex("-", 0, width) + 1
    return [nodes[:cut], *_wrapped(nodes[cut:], width)]
