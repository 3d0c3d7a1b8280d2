"""The paths that drivers choose from: given once and for all, or found when they become the cheapest.

Paths that are found are numbered in the order in which they were found, and keep their numbers: a vector of path flows
that is shorter than another one was made before the further paths were known, and has no flow on them. In use is a
part of them, from which paths are dropped that long had no flow; one that is found again keeps its number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from bestresponse.errors import DataError, SolverError
from bestresponse.typing import IntVector, Vector
from networks.errors import NetworkDataError
from networks.path_set import Path, collect_paths
from networks.trips import CheapestTrips, StopCosts, TripSearch
from players.traffic.block import describe
from players.traffic.classes import Stations, VehicleClass
from players.traffic.linearised import leaders
from players.traffic.problem import State
from players.traffic.resources import ResourceForm, resource_form
from players.traffic.travel_time import LinkTime

IDLE_ANSWERS = 20  # a path that had no flow in so many answers in a row is dropped when the next one is added
ROUNDING = 1e-12  # relative; a path that saves less is none to add

Known = tuple[int, Path]  # class and path


@dataclass(frozen=True)
class Cheapest:
    """The cheapest trips of all there are, at one state."""

    minimum: Vector  # (n_groups,) [$] scaled like path costs
    trips: tuple[CheapestTrips, ...]  # class by class


class Columns:
    """The paths in use, in resource form, and all that were found. Without searches the paths given are all."""

    def __init__(
        self,
        link_time: LinkTime,
        classes: Sequence[VehicleClass],
        stations: Stations,
        v2g: bool,
        searches: Sequence[TripSearch] | None = None,
    ) -> None:
        if searches is not None and len(searches) != len(classes):
            raise DataError(f"traffic: {len(searches)} searches for {len(classes)} classes; every class needs one")
        self._link_time, self._stations, self._v2g = link_time, stations, v2g
        self._classes, self._searches = tuple(classes), searches
        self.form = resource_form(link_time, classes, stations, v2g)
        self.number = np.arange(self.form.n_paths)  # (n_paths,) of the form's paths among all found
        self._found: list[Known] = [(k, path) for k, each in enumerate(classes) for path in each.paths.paths]
        self._numbers = {_key(*known): number for number, known in enumerate(self._found)}
        self._idle = np.zeros(self.n_found, dtype=np.int64)

    @property
    def generated(self) -> bool:
        """Whether paths are found by searches."""
        return self._searches is not None

    @property
    def n_found(self) -> int:
        """The number of all paths found."""
        return len(self._found)

    @property
    def names(self) -> tuple[str, ...]:
        """(n_found,) a word for every path found."""
        return tuple(f"{self._classes[k].name} {describe(path)}" for k, path in self._found)

    def of_form(self, flow: Vector) -> Vector:
        """Return (n_paths,) of the form: flows of the paths found, (n_found,) or shorter. Takes used paths into use."""
        if not self.generated:
            return flow
        known = np.zeros(self.n_found)
        known[: len(flow)] = flow
        missing = np.setdiff1d(np.flatnonzero(known), self.number)
        if len(missing):
            self._use(np.union1d(self.number, missing))
        return known[self.number]

    def of_found(self, flow: Vector) -> Vector:
        """Return (n_found,) flows of all paths found: flows (n_paths,) of the form's paths."""
        if not self.generated:
            return flow.copy()
        known = np.zeros(self.n_found)
        known[self.number] = flow
        return known

    def whole_form(self) -> ResourceForm:
        """Return the resource form of all paths found, in the order of their numbers: good for rows, not for groups."""
        if not self.generated:
            return self.form
        form, number = self._form_of(np.arange(self.n_found))
        return form.in_order(np.argsort(number))

    def cheapest(self, state: State) -> Cheapest | None:
        """Return the cheapest trips of all there are at a state; None where the paths in use are all.

        Raises SolverError where the search gives up.
        """
        if self._searches is None:
            return None
        form = self.form
        time, waiting, energy = form.split(state.marginal)
        trips = []
        for each, search, scale in zip(self._classes, self._searches, form.scale_of_class, strict=True):
            try:
                trips.append(search.cheapest(time, self._stop_costs(each, scale, waiting, energy)))
            except NetworkDataError as error:
                raise SolverError(f"class {each.name!r}: {error}") from error
        exact = np.concatenate([each.cost for each in trips])
        return Cheapest(np.minimum(exact, state.minimum), tuple(trips))

    def _stop_costs(self, vehicles: VehicleClass, scale: float, waiting: Vector, energy: Vector) -> StopCosts:
        n, dwell = self.form.n_stations, self.form.reference / self._stations.pile_kw
        given = energy[n:] if self._v2g else np.zeros(n)
        return StopCosts(
            charge=waiting,
            charge_per_kwh=scale * energy[:n] + dwell,
            discharge=waiting,
            discharge_per_kwh=scale * (vehicles.degradation - given) + dwell,
        )

    def add(self, state: State, cheapest: Cheapest) -> bool:
        """Take cheapest trips that cost less than all paths in use into use; return whether there were any."""
        saving = state.minimum - cheapest.minimum
        groups = np.flatnonzero(saving > ROUNDING * np.abs(state.minimum))
        own = np.cumsum([0, *(len(each.demand) for each in self._classes)])
        new: set[int] = set()
        for group in groups.tolist():
            k = int(self.form.class_of_group[group])
            new.add(self._number(k, cheapest.trips[k].path(int(group - own[k]))))
        self._idle = np.append(self._idle, np.zeros(self.n_found - len(self._idle), dtype=np.int64))
        new -= set(self.number.tolist())
        if new:
            self._idle[list(new)] = 0
            self._use(np.union1d(self._not_dropped(state), list(new)))
        return bool(new)

    def note_use(self, flow: Vector) -> None:
        """Count how long each path in use (n_paths,) has had no flow."""
        self._idle[self.number] = np.where(flow > 0.0, 0, self._idle[self.number] + 1)

    def _not_dropped(self, state: State) -> IntVector:
        kept = (state.flow > 0.0) | (self._idle[self.number] <= IDLE_ANSWERS)
        kept[leaders(state.flow, self.form.group, self.form.first)] = True
        return self.number[kept]

    def _number(self, k: int, path: Path) -> int:
        key = _key(k, path)
        if key not in self._numbers:
            self._numbers[key] = len(self._found)
            self._found.append((k, path))
        return self._numbers[key]

    def _use(self, numbers: Iterable[int]) -> None:
        self.form, self.number = self._form_of(numbers)

    def _form_of(self, numbers: Iterable[int]) -> tuple[ResourceForm, IntVector]:
        """Return the form of some paths and the number of each of its paths."""
        order = sorted(numbers, key=lambda number: (self._found[number][0], self._found[number][1].od, number))
        classes = []
        for k, each in enumerate(self._classes):
            paths = [self._found[number][1] for number in order if self._found[number][0] == k]
            known = collect_paths(each.paths.od_pairs, paths, self.form.n_links, self._stations.nodes)
            classes.append(replace(each, paths=known))
        return resource_form(self._link_time, classes, self._stations, self._v2g), np.array(order, dtype=np.int64)

    def memory(self) -> dict[str, Vector]:
        """Return all paths found and which are in use, as arrays of whole numbers."""
        if not self.generated:
            return {}
        paths, links, stops = [], list[int](), []
        for k, path in self._found:
            paths.append((k, path.od, len(path.links), len(path.stops)))
            links += path.links
            stops += [(place, stop.charges) for place, stop in zip(path.stop_places, path.stops, strict=True)]
        return {
            "paths": np.array(paths, dtype=float).reshape(-1, 4),
            "path_links": np.array(links, dtype=float),
            "path_stops": np.array(stops, dtype=float).reshape(-1, 2),
            "in_use": self.number.astype(float),
            "idle": self._idle.astype(float),
        }

    def recall(self, memory: Mapping[str, Vector]) -> None:
        """Go on from what `memory` returned, of these columns or of others of the same classes."""
        if self._searches is None or "paths" not in memory:
            return
        whole = {name: np.asarray(values).astype(np.int64) for name, values in memory.items() if name != "path_flow"}
        links, stops = iter(whole["path_links"].tolist()), iter(whole["path_stops"].tolist())
        self._found, self._numbers = [], {}
        for k, od, n_links, n_stops in whole["paths"].tolist():
            own, at = list(islice(links, n_links)), list(islice(stops, n_stops))
            self._number(k, self._searches[k].retraced(od, own, [(place, bool(charges)) for place, charges in at]))
        self._idle = whole["idle"]
        self._use(whole["in_use"].tolist())


def _key(k: int, path: Path) -> tuple[object, ...]:
    return (k, path.od, path.links, tuple((stop.node, stop.charges) for stop in path.stops))
