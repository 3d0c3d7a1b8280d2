"""The price figure: the locational price of energy at every bus, on a map of the feeder or by bus."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure

from bestresponse.errors import DataError
from bestresponse.typing import BoolVector, Vector
from experiments.figures_convergence import title
from experiments.figures_map import FeederMap, feeder_map
from experiments.figures_network import (
    draw_buses,
    draw_islands,
    draw_legend,
    draw_lines,
    draw_names,
    draw_rings,
    draw_station,
)
from experiments.figures_style import BLUE, COLOUR_MAP, SMALL, VERMILLION, new_figure
from experiments.result import Result

PRICE = r"\$/kWh"  # two bare dollar signs in one text would enclose a formula
EQUAL = 1e-4  # prices nearer to one another than this share count as one
SMALL_PRICE = 0.01  # [$/kWh] shares of smaller prices are shares of this one
WIDE = 30.0  # ratio of prices from which on an axis or colours follow their logarithm
MOST_LEVELS = 6  # different prices that each get a colour of their own
SHED_KW = 0.01  # less is nothing
MOST_NAMES = 40  # buses that are all named


def dlmp_figure(result: Result, place: FeederMap | None = None) -> Figure:
    """Return the figure of a result with prices: a map of the feeder, or a strip of buses where there is no map.

    Without a map given, it is that of the case that was solved, if that is at hand.
    """
    try:
        place = place or feeder_map(result)
    except DataError as error:
        return dlmp_strip(result, str(error))
    figure = new_figure(title(result), _explanation(result))
    _draw_map(figure, result, place)
    return figure


def dlmp_strip(result: Result, reason: str) -> Figure:
    """Return the figure of a result with its prices by bus, and the reason why there is no map."""
    figure = new_figure(title(result), _explanation(result))
    _draw_strip(figure, result, reason)
    return figure


def _prices(result: Result) -> Vector:
    """(n_buses,) [$/kWh] in the order of the feeder's buses."""
    return np.array(list(result.quantities["dlmp_usd_per_kwh"].values()), dtype=float)


def _shed(result: Result) -> BoolVector:
    """(n_buses,) whether load is shed at the bus."""
    shed = result.quantities["load_shed_by_bus_kw"]
    return np.array([shed.get(bus, 0.0) > SHED_KW for bus in result.quantities["dlmp_usd_per_kwh"]])


def _explanation(result: Result) -> str:
    """What there is to see, in one line."""
    price, shed = _prices(result), result.quantities["load_shed_kw"]
    spread = f"DLMP from {price.min():.4g} to {price.max():.4g} {PRICE}."
    same = f"DLMP is the same at all {len(price)} buses: {price.mean():.4g} {PRICE}."
    parts = [
        same if len(price_levels(price)) == 1 else spread,
        f"Load shed: {shed:.1f} kW." if shed > SHED_KW else "No load is shed.",
    ]
    if not result.solved:
        parts.append(f"Not solved (stop: {result.stop.replace('_', ' ')}).")
    return " ".join(parts)


def price_levels(price: Vector) -> Vector:
    """Return the different prices (n_levels,), rising; prices that only numerical error keeps apart count as one."""
    rising = np.sort(price)
    apart = np.diff(rising) > EQUAL * np.maximum(np.abs(rising[1:]), SMALL_PRICE)
    return np.array([group.mean() for group in np.split(rising, np.flatnonzero(apart) + 1)])


def _is_wide(price: Vector) -> bool:
    return bool(price.min() > 0 and price.max() > WIDE * price.min())


def _scale(price: Vector) -> ScalarMappable:
    """From prices to colours: a colour for each of a few prices, a continuous scale for many."""
    levels = price_levels(price)
    if len(levels) > MOST_LEVELS:
        ends = float(price.min()), float(price.max())
        return ScalarMappable(LogNorm(*ends) if _is_wide(price) else Normalize(*ends), COLOUR_MAP)
    between = (levels[1:] + levels[:-1]) / 2
    edges = [levels[0] - 1, *between, levels[-1] + 1]
    colours = colormaps[COLOUR_MAP](np.linspace(0, 1, len(levels)) if len(levels) > 1 else [0.5])
    return ScalarMappable(BoundaryNorm(edges, len(levels)), ListedColormap(colours))


def _draw_map(figure: Figure, result: Result, place: FeederMap) -> None:
    price, shed = _prices(result), _shed(result)
    few = len(price) <= MOST_NAMES
    axes = figure.add_axes((0.005, 0.01, 0.71, 0.85))
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.margins(*((0.2, 0.14) if few else (0.04, 0.04)))
    size = float(np.clip(7000 / len(price), 55, 300))  # [pt²]
    at_station = np.array([bus in place.stations for bus in place.buses])
    scale = _scale(price)
    colours = scale.to_rgba(price)
    draw_islands(axes, place)
    draw_lines(axes, place)
    draw_buses(axes, place.xy[~at_station], colours[~at_station], size)
    net = result.quantities["station_net_kw"]
    for bus, nodes in place.stations.items():
        k = place.buses.index(bus)
        draw_station(axes, place.xy[k], colours[k], size, sum(net[str(node)] for node in nodes))
    draw_rings(axes, place.xy[shed], np.where(at_station[shed], 6.5, 2.8) * size)
    draw_names(axes, place, size, net, all_buses=few)
    if len(price_levels(price)) > 1:
        _draw_colour_bar(figure, scale, price_levels(price))
    draw_legend(figure, axes)


def _draw_colour_bar(figure: Figure, scale: ScalarMappable, levels: Vector) -> None:
    bar = figure.colorbar(scale, cax=figure.add_axes((0.745, 0.47, 0.025, 0.37)), spacing="uniform")
    bar.ax.grid(visible=False)
    bar.set_label(f"DLMP [{PRICE}]")
    if len(levels) <= MOST_LEVELS:
        edges = np.array(scale.norm.boundaries) if isinstance(scale.norm, BoundaryNorm) else levels
        bar.set_ticks(((edges[1:] + edges[:-1]) / 2).tolist(), labels=[f"{value:.4g}" for value in levels])
        bar.ax.tick_params(which="both", length=0)


def _draw_strip(figure: Figure, result: Result, reason: str) -> None:
    figure.text(0.02, 0.86, f"({reason})", size=SMALL, va="top")
    axes = figure.add_axes((0.1, 0.14, 0.88, 0.62))
    price, shed = _prices(result), _shed(result)
    buses = list(result.quantities["dlmp_usd_per_kwh"])
    places = np.arange(len(buses))
    size = 7 if len(buses) <= MOST_NAMES else 4  # [pt]
    axes.plot(places, price, "o", color=BLUE, markersize=size, label="DLMP", gid="bus")
    if shed.any():
        axes.plot(places[shed], price[shed], "o", label="load shed here", gid="load shed here", **_ring(size + 5))
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    if _is_wide(price):
        axes.set_yscale("log")
    else:
        low, high = min(0.0, float(price.min())), max(0.0, float(price.max()))
        axes.set_ylim(1.15 * low, 1.15 * high)
    every = -(-len(buses) // MOST_NAMES)
    axes.set_xticks(places[::every], labels=buses[::every], rotation=90 if len(buses) > MOST_NAMES // 2 else 0)
    axes.set_xlim(-1, len(buses))
    axes.set_xlabel("bus")
    axes.set_ylabel(f"DLMP [{PRICE}]")


def _ring(size: float) -> dict[str, Any]:
    return {
        "markersize": size,
        "markerfacecolor": "none",
        "markeredgecolor": VERMILLION,
        "markeredgewidth": 2.2,
    }
