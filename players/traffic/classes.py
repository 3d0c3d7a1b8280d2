"""Who drives and where one can stop: classes of vehicles on their paths, and charging stations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bestresponse.errors import DataError
from bestresponse.typing import Vector
from networks.path_set import PathSet
from players.traffic.travel_time import Waiting


@dataclass(frozen=True)
class Stations:
    """The charging stations, in the column order of every path set. Raises DataError on lengths and values."""

    nodes: tuple[int, ...]  # road nodes
    waiting: Waiting  # the queue at every station
    pile_kw: Vector  # (n_stations,) [kW] power at which one vehicle charges or discharges

    def __post_init__(self) -> None:
        if len(set(self.nodes)) != len(self.nodes):
            raise DataError(f"stations at nodes {self.nodes}: one station per node is allowed")
        for what, values in (("waiting", self.waiting.base_h), ("pile_kw", self.pile_kw)):
            if np.shape(values) != (len(self.nodes),):
                raise DataError(f"stations: {what} has shape {np.shape(values)}, but there are {len(self.nodes)} nodes")
        for node, power in zip(self.nodes, self.pile_kw, strict=True):
            if not (0.0 < power < np.inf):
                raise DataError(f"station at node {node}: pile_kw is {power}; it must be positive and finite")

    @classmethod
    def none(cls) -> Stations:
        """Return an empty set of stations, for traffic without stops."""
        nothing = np.zeros(0)
        return cls((), Waiting(nothing, nothing, nothing, nothing, nothing), nothing)

    def with_marginal_waiting(self) -> Stations:
        """Return the same stations with w + x w′ in place of w, see `Waiting.marginal`."""
        return replace(self, waiting=self.waiting.marginal())


@dataclass(frozen=True)
class VehicleClass:
    """Vehicles that share a value of time and a set of paths.

    Raises DataError when the demand is negative or of the wrong length, an OD pair has no path, the paths are out
    of order, or a class that is not electric has stops with energy.
    """

    name: str
    value_of_time: float  # [$/h] > 0
    paths: PathSet
    demand: Vector  # (n_od,) [veh/h] ≥ 0
    electric: bool = True
    degradation: float = 0.0  # [$/kWh] battery wear per discharged energy

    def __post_init__(self) -> None:
        for key, value, low in (("value_of_time", self.value_of_time, 0.0), ("degradation", self.degradation, None)):
            if not np.isfinite(value) or value < 0.0 or value == low:
                rule = "positive" if low == 0.0 else "at least 0"
                raise DataError(f"class {self.name!r}: {key} is {value}; it must be {rule} and finite")
        self._check_demand()
        self._check_paths()

    def _check_demand(self) -> None:
        pairs = self.paths.od_pairs
        if np.shape(self.demand) != (len(pairs),):
            raise DataError(
                f"class {self.name!r}: demand has shape {np.shape(self.demand)}, but there are {len(pairs)} OD pairs"
            )
        for (origin, destination), flow in zip(pairs, self.demand, strict=True):
            if not (0.0 <= flow < np.inf):
                raise DataError(
                    f"class {self.name!r}: demand {origin}-{destination} is {flow}; it must be at least 0 and finite"
                )

    def _check_paths(self) -> None:
        paths, n_paths, n_stations = self.paths, len(self.paths.od), len(self.paths.stations)
        for what in ("visits", "charged", "discharged"):
            if (shape := getattr(paths, what).shape) != (n_paths, n_stations):
                raise DataError(f"class {self.name!r}: {what} has shape {shape}, not {(n_paths, n_stations)}")
        if paths.links.shape[0] != n_paths:
            raise DataError(f"class {self.name!r}: links has {paths.links.shape[0]} rows for {n_paths} paths")
        if np.any(np.diff(paths.od) < 0):
            raise DataError(f"class {self.name!r}: the paths must be sorted by OD pair")
        per_pair = np.bincount(paths.od, minlength=len(paths.od_pairs))
        if not per_pair.all():
            origin, destination = paths.od_pairs[int(np.argmin(per_pair))]
            raise DataError(f"class {self.name!r}: OD pair {origin}-{destination} has no path")
        if not self.electric and any(each.count_nonzero() for each in (paths.charged, paths.discharged, paths.visits)):
            raise DataError(f"class {self.name!r} is not electric, but its paths stop at stations")


def at_one_value_of_time(classes: Sequence[VehicleClass]) -> list[VehicleClass]:
    """Return the classes with every fuel class at the electric classes' value of time, or that of the first class.

    Raises DataError if electric classes differ in their value of time.
    """
    electric = {each.value_of_time for each in classes if each.electric}
    if len(electric) > 1:
        raise DataError(f"a system optimum needs electric classes of one value of time; these have {sorted(electric)}")
    value = next(iter(electric), classes[0].value_of_time if classes else 0.0)
    return [replace(each, value_of_time=value) for each in classes]
