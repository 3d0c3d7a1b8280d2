"""The maps of a case, road and feeders, as plain data: figures are drawn from these, not from network files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bestresponse.errors import DataError
from bestresponse.typing import Vector
from experiments.case_check import road_of
from experiments.case_schema import Case
from experiments.figures_map import FeederMap, scenario_map
from networks.errors import NetworkDataError


@dataclass(frozen=True)
class RoadMap:
    """Where the road's nodes lie and what connects them."""

    nodes: tuple[int, ...]
    xy: Vector  # (n_nodes, 2)
    links: Mapping[str, tuple[int, int]]  # link → the nodes at its start and end
    length_km: Mapping[str, float]
    stations: tuple[int, ...]  # nodes

    @property
    def place(self) -> dict[int, Vector]:
        """Node → (x, y)."""
        return dict(zip(self.nodes, self.xy, strict=True))


@dataclass(frozen=True)
class Maps:
    """The maps of a case; None where a network has no coordinates."""

    road: RoadMap | None
    feeders: Mapping[str, FeederMap | None]  # by scenario


def maps_of(case: Case) -> Maps:
    """Return the maps of a case."""
    return Maps(_road_map(case), {scenario: _feeder_map(case, scenario) for scenario in case.scenarios})


def _road_map(case: Case) -> RoadMap | None:
    road = road_of(case)
    if road.xy is None:
        return None
    ends = zip(road.tail.tolist(), road.head.tolist(), strict=True)
    return RoadMap(
        nodes=tuple(road.nodes.tolist()),
        xy=road.xy,
        links=dict(zip(road.link_names, ends, strict=True)),
        length_km=dict(zip(road.link_names, road.length_km.tolist(), strict=True)),
        stations=tuple(station.node for station in case.stations),
    )


def _feeder_map(case: Case, scenario: str) -> FeederMap | None:
    try:
        return scenario_map(case, scenario)
    except (DataError, NetworkDataError):  # no coordinates
        return None


def maps_data(maps: Maps) -> dict[str, Any]:
    """Return maps as plain data."""
    return {
        "road": maps.road and _plain(vars(maps.road)),
        "feeders": {name: place and _plain(vars(place)) for name, place in maps.feeders.items()},
    }


def maps_from(data: Mapping[str, Any]) -> Maps:
    """Return the maps that `maps_data` was given."""
    feeders = {name: place and _feeder_from(place) for name, place in data["feeders"].items()}
    return Maps(data["road"] and _road_from(data["road"]), feeders)


def _road_from(data: Mapping[str, Any]) -> RoadMap:
    return RoadMap(
        nodes=tuple(data["nodes"]),
        xy=np.array(data["xy"], dtype=float),
        links=_pairs(data["links"]),
        length_km=data["length_km"],
        stations=tuple(data["stations"]),
    )


def _feeder_from(data: Mapping[str, Any]) -> FeederMap:
    return FeederMap(
        buses=tuple(data["buses"]),
        xy=np.array(data["xy"], dtype=float),
        root=data["root"],
        lines=_pairs(data["lines"]),
        rate_kva=np.array(data["rate_kva"], dtype=float),
        out=_pairs(data["out"]),
        stations={bus: tuple(nodes) for bus, nodes in data["stations"].items()},
    )


def _pairs(data: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    return {name: (int(start), int(end)) for name, (start, end) in data.items()}


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in fields.items()}
