"""What a map of the prices needs besides the result: the feeder of the case that was solved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bestresponse.errors import DataError
from bestresponse.typing import Vector
from experiments.case_check import scenario_feeder
from experiments.case_schema import Case
from experiments.provenance import case_of
from experiments.result import Result
from networks.errors import NetworkDataError
from networks.feeder import Feeder, load_feeder
from networks.lindistflow import polygon
from networks.tree import component_labels

BINDING = 1 - 1e-4  # share of its limit from which on a line counts as full


@dataclass(frozen=True)
class FeederMap:
    """Where the buses of a scenario lie and what connects them. Line ends are positions among the buses."""

    buses: tuple[str, ...]
    xy: Vector  # (n_buses, 2)
    root: int
    lines: Mapping[str, tuple[int, int]]  # closed lines, by name
    rate_kva: Vector  # (n_lines,) inf: no limit
    out: Mapping[str, tuple[int, int]]  # lines out of service, by name
    stations: Mapping[str, tuple[int, ...]]  # bus → road nodes of its stations
    full: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # closed lines at their limit, by name

    def carrying(self, flow: Mapping[str, Sequence[float]]) -> FeederMap:
        """Return the map with the lines full whose [P kW, Q kvar] touch a side of the polygon that limits them."""
        cos, sin, factor = polygon()
        p, q = np.array([flow[name] for name in self.lines], dtype=float).reshape(-1, 2).T
        apparent = (np.outer(p, cos) + np.outer(q, sin)).max(axis=1, initial=0.0)
        at_limit = apparent >= BINDING * factor * self.rate_kva
        full = {name: ends for (name, ends), touches in zip(self.lines.items(), at_limit, strict=True) if touches}
        return replace(self, full=full)

    @property
    def islands(self) -> tuple[tuple[int, ...], ...]:
        """The buses of every part that is cut off from the root, as positions."""
        start, end = np.array([*self.lines.values()], dtype=np.int64).reshape(-1, 2).T
        part = component_labels(len(self.buses), start, end)
        cut_off = [label for label in np.unique(part).tolist() if label != part[self.root]]
        return tuple(tuple(np.flatnonzero(part == label).tolist()) for label in cut_off)


def feeder_map(result: Result) -> FeederMap:
    """Return the map of a result.

    Raises DataError if the case file is gone or has changed since, or its feeder has no coordinates.
    """
    if not result.quantities["line_flow"]:
        raise DataError("the model of the operator tells no line flows")
    try:
        case = case_of(result)
    except DataError as error:
        raise DataError(f"no map: {error}") from error
    return scenario_map(case, result.scenario).carrying(result.quantities["line_flow"])


def scenario_map(case: Case, scenario: str, layout: Callable[[Feeder], Vector] | None = None) -> FeederMap:
    """Return the map of a case's scenario, before anything flows.

    A feeder without coordinates lies where `layout` puts its buses (n_buses, 2); without that, DataError is raised.
    """
    try:
        whole = load_feeder(case.feeder.network)
        feeder = scenario_feeder(case, whole, scenario)
    except NetworkDataError as error:
        raise DataError(f"no map: {error}") from error
    xy = layout(whole) if whole.xy is None and layout else whole.xy
    if xy is None:
        raise DataError(f"no map: the feeder {whole.name} has no coordinates")
    stations: dict[str, tuple[int, ...]] = {}
    for site in case.stations:
        stations[site.bus] = (*stations.get(site.bus, ()), site.node)
    out = [whole.line_index(name) for name in case.scenario(scenario).outages]
    return FeederMap(
        buses=feeder.buses,
        xy=xy,
        root=feeder.root,
        lines=_ends(feeder, range(feeder.n_lines)),
        rate_kva=feeder.rate_kva,
        out=_ends(whole, out),
        stations=stations,
    )


def _ends(feeder: Feeder, lines: Sequence[int]) -> dict[str, tuple[int, int]]:
    return {feeder.line_names[k]: (int(feeder.line_from[k]), int(feeder.line_to[k])) for k in lines}
