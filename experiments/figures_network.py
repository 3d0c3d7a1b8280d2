"""The marks on the map of a feeder: lines, buses, stations, names, and the legend that explains them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from bestresponse.typing import BoolVector, Vector
from experiments.figures_map import FeederMap
from experiments.figures_style import BLACK, GREY, SMALL, VERMILLION

IDLE_KW = 0.05  # a station that trades less on balance is idle
STATION = 3.4  # area of a station's mark, relative to a bus
DIRECTIONS = 16  # in which a name may stand beside what it names
GAP = 2.0  # [pt] between a name and what it names
_BOX = np.array([[x, y] for x in np.linspace(-1, 1, 9) for y in (-1, 0, 1)])
Look = dict[str, Any]

_HOLLOW: Look = {"linestyle": "none", "markerfacecolor": "white", "markeredgecolor": BLACK}
_DASHED: Look = {"color": VERMILLION, "linewidth": 2.5, "linestyle": (0, (2, 1))}
_CROSS: Look = {"marker": "x", "markersize": 11, "markeredgecolor": VERMILLION, "markeredgewidth": 2.8}
_BAND: Look = {"color": "#F6DFC3", "linewidth": 13.0, "solid_capstyle": "butt"}
BAND_WIDTH = 17.0  # [pt]
# mark → how it looks in the legend, in the legend's order
_LEGEND: Mapping[str, Look] = {
    "bus": _HOLLOW | {"marker": "o", "markersize": 8},
    "station, charging": _HOLLOW | {"marker": "^", "markersize": 11},
    "station, discharging": _HOLLOW | {"marker": "v", "markersize": 11},
    "station, idle": _HOLLOW | {"marker": "s", "markersize": 11},
    "load shed here": _HOLLOW
    | {"marker": "o", "markersize": 13, "markeredgecolor": VERMILLION, "markeredgewidth": 2.2},
    "line at its limit": {"color": BLACK, "linewidth": 5.0},
    "line out of service": {**_DASHED, **_CROSS},
    "island, cut off": _BAND,
}


def draw_islands(axes: Axes, place: FeederMap) -> None:
    """Draw a pale band under what is cut off from the root."""
    cut_off = {bus for island in place.islands for bus in island}
    inside = [place.xy[list(pair)] for pair in place.lines.values() if pair[0] in cut_off]
    alone = [place.xy[[bus, bus]] for island in place.islands if len(island) == 1 for bus in island]
    if inside or alone:
        look = {"zorder": 1, "gid": "island, cut off", "capstyle": "round", "color": _BAND["color"]}
        axes.add_collection(LineCollection([*inside, *alone], linewidths=BAND_WIDTH, **look))


def draw_lines(axes: Axes, place: FeederMap) -> None:
    """Draw the lines; those at their limit thick, those out of service dashed under a cross."""
    looks: Mapping[str, Look] = {
        "line": {"color": GREY, "linewidth": 2.0},
        "line at its limit": _LEGEND["line at its limit"],
        "line out of service": _DASHED,
    }
    ends = (place.lines.values(), place.full.values(), place.out.values())
    for (mark, look), pairs in zip(looks.items(), ends, strict=True):
        if pairs:
            axes.add_collection(LineCollection([place.xy[list(pair)] for pair in pairs], zorder=2, gid=mark, **look))
    for pair in place.out.values():
        axes.plot(*place.xy[list(pair)].mean(axis=0), zorder=7, **_CROSS)


def draw_buses(axes: Axes, xy: Vector, colours: Vector, size: float) -> None:
    """Draw buses (n, 2) in their colours (n, 4) with a size in pt²."""
    axes.scatter(xy[:, 0], xy[:, 1], c=colours, s=size, edgecolors=BLACK, linewidths=0.6, zorder=3, gid="bus")


def draw_station(axes: Axes, xy: Vector, colour: Vector, size: float, net_kw: float) -> None:
    """Draw the bus of a station, its shape by what it takes from the feeder on balance [kW]."""
    charging = "station, charging" if net_kw > 0 else "station, discharging"
    mark = "station, idle" if abs(net_kw) <= IDLE_KW else charging
    shape = _LEGEND[mark]["marker"]
    axes.scatter(
        xy[0], xy[1], c=[colour], s=STATION * size, marker=shape, edgecolors=BLACK, linewidths=1.8, zorder=4, gid=mark
    )


def draw_rings(axes: Axes, xy: Vector, sizes: Vector) -> None:
    """Draw rings around the buses (n, 2) where load is shed, with sizes (n,) in pt²."""
    if len(xy):
        axes.scatter(
            xy[:, 0],
            xy[:, 1],
            s=sizes,
            facecolors="none",
            edgecolors=VERMILLION,
            linewidths=2.2,
            zorder=5,
            gid="load shed here",
        )


def draw_names(axes: Axes, place: FeederMap, size: float, net_kw: Mapping[str, float], all_buses: bool) -> None:
    """Name the root, the stations' road nodes with what they exchange, lines that matter, and all buses if few."""
    parts = {bus: [f"bus {bus}"] if all_buses else [] for bus in place.buses}
    parts[place.buses[place.root]].append("source")
    for bus, nodes in place.stations.items():
        parts[bus].append(("node " if all_buses else "") + ", ".join(_station(node, net_kw) for node in nodes))
    bus, station = np.sqrt(size) / 2, np.sqrt(STATION * size) / 2 + 1  # [pt] from their middle to their edge
    names = [
        _Name(" · ".join(part), place.xy[k], station if name in place.stations else bus)
        for k, (name, part) in enumerate(parts.items())
        if part
    ]
    lines = (*place.full.items(), *place.out.items())
    names += [_Name(name, place.xy[list(pair)].mean(axis=0), 6.0) for name, pair in lines]
    _write_beside(axes, names, place, bus)


def _station(node: int, net_kw: Mapping[str, float]) -> str:
    kw = net_kw[str(node)]
    return str(node) if abs(kw) <= IDLE_KW else f"{node}: {kw:+.0f} kW".replace("-", "−")


class _Name(NamedTuple):
    """A text, the place that it names, and the size of what is drawn there [pt from its middle]."""

    text: str
    at: Vector
    reach: float


def _write_beside(axes: Axes, names: Sequence[_Name], place: FeederMap, bus: float) -> None:
    """Write every name beside its place, above if there is room, or where buses, lines and names are farthest."""
    axes.apply_aspect()
    taken = _in_points(axes, _along(place))
    angle = np.pi / 2 + 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    direction = np.column_stack([np.cos(angle), np.sin(angle)])
    direction /= np.abs(direction).max(axis=1, keepdims=True)  # on the edge of a square
    places = _in_points(axes, np.array([name.at for name in names]).reshape(-1, 2))
    for k, name in enumerate(names):
        half = SMALL * np.array([0.3 * len(name.text), 0.5])  # [pt] of the box around the text
        shifts = direction * (half + name.reach + GAP)
        centres = places[k] + shifts
        room = (np.abs(centres[:, None] - taken) / (half + bus)).max(axis=2).min(axis=1)
        room[~_belongs(centres, places, k)] = 0
        best = int(np.argmax(np.minimum(room, 1.0)))  # enough room is enough, and the first direction is upwards
        _write(axes, name, tuple(shifts[best]))
        taken = np.vstack([taken, centres[best] + half * _BOX])


def _belongs(centres: Vector, places: Vector, own: int) -> BoolVector:
    """(n_centres,) whether no other place is nearer to a text there than its own."""
    distance = np.linalg.norm(centres[:, None] - places, axis=2)
    nearest = np.delete(distance, own, axis=1).min(axis=1, initial=np.inf)
    return np.less(distance[:, own], nearest)


def _write(axes: Axes, name: _Name, shift: tuple[float, float]) -> None:
    halo = [withStroke(linewidth=3, foreground="white")]
    centred: dict[str, Any] = {"ha": "center", "va": "center", "textcoords": "offset points"}
    axes.annotate(name.text, tuple(name.at), shift, size=SMALL, zorder=8, path_effects=halo, **centred)


def _along(place: FeederMap) -> Vector:
    """(n_points, 2) points along all lines, in and out of service; buses are their ends."""
    start, end = np.array([*place.lines.values(), *place.out.values()], dtype=int).reshape(-1, 2).T
    share = np.linspace(0, 1, 21)[:, None, None]
    return np.vstack([place.xy, ((1 - share) * place.xy[start] + share * place.xy[end]).reshape(-1, 2)])


def _in_points(axes: Axes, xy: Vector) -> Vector:
    """Positions on the figure [pt] of positions on the map."""
    return np.asarray(axes.transData.transform(xy)) * 72 / axes.figure.dpi


def draw_legend(figure: Figure, axes: Axes) -> None:
    """Explain the marks that the map contains, beside it."""
    drawn = {collection.get_gid() for collection in axes.collections}
    handles = [Line2D([], [], label=mark, **look) for mark, look in _LEGEND.items() if mark in drawn]
    legend = figure.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.715, 0.01), alignment="left")
    if any(mark.startswith("station") for mark in drawn if mark):
        legend.set_title("Stations: road node, net load")
