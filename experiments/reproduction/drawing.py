"""All figures of a reproduction, drawn from its folder and written as SVG and PNG."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from experiments.figures_dlmp import dlmp_figure, dlmp_strip
from experiments.figures_style import GREY, LEFT, SMALL, style, write
from experiments.files import writable
from experiments.reproduction.evidence import Evidence, NoEvidence
from experiments.reproduction.figures_power import cost_figure, scarcity_figure, supply_figure
from experiments.reproduction.figures_road import road_figure
from experiments.reproduction.figures_travel import stations_figure, trips_figure
from experiments.reproduction.folder import Reproduction
from experiments.reproduction.trips import rerouted, shown_pairs

FIGURES = "figures"  # the folder


@dataclass(frozen=True)
class Drawing:
    """A figure on file."""

    name: str
    title: str
    svg: Path
    sources: tuple[tuple[str, str], ...]  # (file in the folder of results, quantity)
    why_not: str = ""  # why it could not be drawn; then there is no file


@dataclass(frozen=True)
class _Plan:
    name: str
    title: str
    draw: Callable[[Evidence], Figure]


def draw_all(found: Reproduction) -> list[Drawing]:
    """Draw Figures 5 to 10 and a map of the feeder for every run; write them below the folder and return them."""
    folder = found.folder / FIGURES
    writable(folder, folder=True)
    with style():
        return [_drawn(plan, found, folder) for plan in _plans(found)]


def _drawn(plan: _Plan, found: Reproduction, folder: Path) -> Drawing:
    e = Evidence(found.runs)
    try:
        figure = plan.draw(e)
    except NoEvidence as reason:
        for kind in ("svg", "png"):  # of an earlier drawing
            (folder / f"{plan.name}.{kind}").unlink(missing_ok=True)
        return Drawing(plan.name, plan.title, folder / f"{plan.name}.svg", (), str(reason))
    if plan.name.startswith("figure"):  # the headline of a feeder says it
        figure.text(1 - LEFT, 0.975, found.case, size=SMALL, color=GREY, ha="right", va="top")
    files = write(figure, folder, plan.name)
    svg = next(path for path in files if path.suffix == ".svg")
    return Drawing(plan.name, plan.title, svg, tuple(e.seen))


def _plans(found: Reproduction) -> Iterator[_Plan]:
    names = found.names
    pairs = shown_pairs(Evidence(found.runs), names)
    of: Mapping[str, tuple[str, Callable[[Evidence], Figure]]] = {
        "figure_05_supply": ("supply by source, and what the stations exchange", lambda e: supply_figure(e, names)),
        "figure_06_scarcity": ("load shedding and highest DLMP", lambda e: scarcity_figure(e, names)),
        "figure_07_stations": ("what electric vehicles do at stations", lambda e: stations_figure(e, names)),
        "figure_08_trips": ("what trips cost", lambda e: trips_figure(e, names, pairs)),
        "figure_09_roads": ("the roads, and an OD pair without and with V2G", lambda e: _roads(e, found, pairs)),
        "figure_10_cost": ("social cost, and what V2G saves", lambda e: cost_figure(e, names)),
    }
    for name, (title, draw) in of.items():
        yield _Plan(name, f"Figure {int(name.split('_')[1])}: {title}", draw)
    for scenario, v2g in names:
        title = f"Feeder in {scenario.capitalize()} {'with' if v2g else 'without'} V2G"
        name = f"feeder_{scenario}_{'v2g' if v2g else 'no-v2g'}"
        yield _Plan(name, title, lambda e, run=(scenario, v2g): _feeder(e, found, *run))  # type: ignore[misc]


def _roads(e: Evidence, found: Reproduction, pairs: list[str]) -> Figure:
    road, changed = found.maps.road, rerouted(Evidence(found.runs), found.names, pairs)
    if road is None:
        raise NoEvidence("the road network has no coordinates")
    if changed is None:
        raise NoEvidence("no OD pair has electric vehicles both without and with V2G")
    return road_figure(e, road, *changed)


def _feeder(e: Evidence, found: Reproduction, scenario: str, v2g: bool) -> Figure:
    place = found.maps.feeders[scenario]
    for name in ("dlmp_usd_per_kwh", "load_shed_by_bus_kw", "station_net_kw", "load_shed_kw"):
        e.quantity(scenario, v2g, name)
    result, flow = e.result(scenario, v2g), e.quantity(scenario, v2g, "line_flow")
    if place is None:
        return dlmp_strip(result, "no map: the feeder has no coordinates")
    return dlmp_figure(result, place.carrying(flow))
