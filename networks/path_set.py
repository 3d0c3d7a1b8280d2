"""What a vehicle, a stop, a path and the set of all paths of one class are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Literal

import numpy as np
from scipy import sparse

from networks.errors import NetworkDataError
from networks.typing import IntVector, SparseMatrix, Vector

ENERGY_TOLERANCE = 1e-9  # [kWh] below which an energy counts as zero and a shortfall as none
DISCHARGE_POLICIES = ("level", "need")


@dataclass(frozen=True)
class Vehicle:
    """An electric vehicle that departs fully charged (A2).

    With the policy "level" a discharge empties the battery to `post_discharge_kwh` (A3); with "need" to what the next
    leg takes plus the range-anxiety reserve, and `post_discharge_kwh` plays no part. Raises NetworkDataError on values
    out of range.
    """

    battery_kwh: float  # [kWh] > 0
    post_discharge_kwh: float  # [kWh] at least the reserve, below the battery
    post_discharge: Literal["level", "need"] = "level"
    range_anxiety: float = 0.2  # [1] share of the battery kept as a reserve, at least 0, below 1
    consumption_kwh_per_km: float = 0.2  # [kWh/km] >= 0

    def __post_init__(self) -> None:
        if not (0.0 < self.battery_kwh < np.inf):
            raise NetworkDataError(f"battery_kwh is {self.battery_kwh}; allowed: positive numbers")
        if not (0.0 <= self.range_anxiety < 1.0):
            raise NetworkDataError(f"range_anxiety is {self.range_anxiety}; allowed: 0 <= range_anxiety < 1")
        if not (0.0 <= self.consumption_kwh_per_km < np.inf):
            raise NetworkDataError(f"consumption_kwh_per_km is {self.consumption_kwh_per_km}; allowed: numbers >= 0")
        if self.post_discharge not in DISCHARGE_POLICIES:
            raise NetworkDataError(f"post_discharge is {self.post_discharge!r}; allowed: 'level', 'need'")
        if self.post_discharge == "level" and not (self.reserve_kwh <= self.post_discharge_kwh < self.battery_kwh):
            raise NetworkDataError(
                f"post_discharge_kwh is {self.post_discharge_kwh}; allowed: at least range_anxiety * battery_kwh = "
                f"{self.reserve_kwh:g} and below battery_kwh = {self.battery_kwh:g}"
            )

    @property
    def reserve_kwh(self) -> float:
        """Return the energy [kWh] below which the driver does not let the battery fall."""
        return self.range_anxiety * self.battery_kwh


@dataclass(frozen=True)
class Stop:
    """One stop at a station: a charge to full (A4) or a discharge (A3)."""

    node: int
    charges: bool
    energy_kwh: float  # [kWh/veh] > 0 in both directions


_PATTERNS = {
    (): "0",
    (True,): "1-1",
    (True, True): "1-2",
    (False,): "2",
    (True, False): "3",
    (False, True): "4",
}  # Table I: do the stops charge?


@dataclass(frozen=True)
class Path:
    """A route of one OD pair with what the vehicle does on the way."""

    od: int  # position of the OD pair
    nodes: tuple[int, ...]  # node numbers, origin first
    links: tuple[int, ...]  # link positions in the road network
    stops: tuple[Stop, ...] = ()  # in path order, at different nodes

    @property
    def pattern(self) -> str:
        """Return the pattern of Table I: "0", "1-1", "1-2", "2", "3" or "4"."""
        return _PATTERNS[tuple(stop.charges for stop in self.stops)]

    @property
    def stop_places(self) -> tuple[int, ...]:
        """Return the position in `nodes` of every stop: the first pass of its node after the stop before."""
        places: list[int] = []
        for stop in self.stops:
            places.append(self.nodes.index(stop.node, places[-1] + 1 if places else 0))
        return tuple(places)


@dataclass(frozen=True, eq=False)
class PathSet:
    """The paths of one class of vehicles over all OD pairs; those of an OD pair stand together, in its order."""

    od_pairs: tuple[tuple[int, int], ...]  # (origin, destination)
    paths: tuple[Path, ...]
    od: IntVector  # (n_paths,) position of the OD pair
    links: SparseMatrix  # (n_paths, n_links) times a link is used
    visits: SparseMatrix  # (n_paths, n_stations) stops at the station
    charged: SparseMatrix  # (n_paths, n_stations) [kWh/veh] q+
    discharged: SparseMatrix  # (n_paths, n_stations) [kWh/veh] q-
    stations: tuple[int, ...]  # road nodes of the stations, in column order

    @property
    def n_paths(self) -> int:
        """Return the number of paths."""
        return len(self.paths)

    @cached_property
    def first_path(self) -> IntVector:
        """Return (n_od + 1,): the paths of OD pair k are first_path[k] up to, not including, first_path[k + 1]."""
        return np.searchsorted(self.od, np.arange(len(self.od_pairs) + 1)).astype(np.int64)


def collect_paths(
    od_pairs: Sequence[tuple[int, int]], paths: Sequence[Path], n_links: int, stations: Sequence[int]
) -> PathSet:
    """Return the path set of paths that stand in the order of their OD pairs."""
    column = {node: k for k, node in enumerate(stations)}
    stops = [(p, column[stop.node], stop) for p, path in enumerate(paths) for stop in path.stops]
    links = np.fromiter(chain.from_iterable(path.links for path in paths), np.int64)
    on_path = np.repeat(np.arange(len(paths)), [len(path.links) for path in paths])
    shape = (len(paths), len(stations))
    return PathSet(
        od_pairs=tuple(od_pairs),
        paths=tuple(paths),
        od=np.array([path.od for path in paths], dtype=np.int64),
        links=_matrix(on_path, links, np.ones(len(links)), (len(paths), n_links)),
        visits=_stop_matrix([(p, k, 1.0) for p, k, _ in stops], shape),
        charged=_stop_matrix([(p, k, stop.energy_kwh) for p, k, stop in stops if stop.charges], shape),
        discharged=_stop_matrix([(p, k, stop.energy_kwh) for p, k, stop in stops if not stop.charges], shape),
        stations=tuple(stations),
    )


def _stop_matrix(entries: Sequence[tuple[int, int, float]], shape: tuple[int, int]) -> SparseMatrix:
    rows, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
    return _matrix(np.array(rows, np.int64), np.array(columns, np.int64), np.array(values, np.float64), shape)


def _matrix(rows: IntVector, columns: IntVector, values: Vector, shape: tuple[int, int]) -> SparseMatrix:
    """Return a matrix of given entries; every matrix owns its index arrays, for scipy may sort them."""
    return sparse.csr_array((values, (rows, columns)), shape=shape)
