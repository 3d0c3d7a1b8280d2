"""Exact cheapest trips of electric vehicles over all routes: what Algorithm 1 does for given routes, for any.

Under A1-A4 a trip is at most three legs, and a leg starts with a full battery (at the origin or after a charge) or with
the post-discharge level. So what a leg costs is a sum over its links plus a constant: the energy charged at its end is
what the leg used plus what was missing at its start; the energy discharged is what the leg left over. A trip is the
cheapest sum of a leg from its origin to a stop, at most one leg between two stops, and a leg to its destination.

A leg is a simple path; a trip may pass a node again on another leg, as no simple route can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from networks.compiled import compiled
from networks.errors import NetworkDataError
from networks.legs import Budget, Graph, Legs, Root
from networks.path_set import ENERGY_TOLERANCE, Path, PathSet, Vehicle, collect_paths
from networks.paths import check_stations, drive, energy_used
from networks.road import RoadNetwork
from networks.shortest_paths import dead_ends, forward_star, workspace
from networks.typing import IntVector, Vector

NO_STOP = -1


@dataclass(frozen=True)
class StopCosts:
    """What stops cost, station by station: a fixed part and one per energy charged or discharged, of any sign."""

    charge: Vector  # (n_stations,)
    charge_per_kwh: Vector  # (n_stations,)
    discharge: Vector  # (n_stations,)
    discharge_per_kwh: Vector  # (n_stations,)


@dataclass(frozen=True, eq=False)
class CheapestTrips:
    """A cheapest trip of every OD pair, until the next search."""

    cost: Vector  # (n_od,) inf where no trip is energy-feasible
    _search: TripSearch
    _stops: IntVector  # (n_od, 2) the stops, as numbered by the search
    _direct: dict[int, Legs]  # by origin
    _from_full: list[Legs]  # by the stop where the leg ends
    _from_level: list[Legs]
    _last: list[Legs]  # by the stop where the leg starts

    def path(self, od: int) -> Path:
        """Return the trip of an OD pair. Raises NetworkDataError where it has none."""
        search, stops = self._search, [int(stop) for stop in self._stops[od] if stop != NO_STOP]
        start, end = search.ends[od].tolist()
        if not np.isfinite(self.cost[od]):
            raise NetworkDataError(search.why_infeasible(od))
        if not stops:
            return search.path(od, [self._direct[start].links(end)], [])
        legs = [self._from_full[stops[0]].links(start)]
        for one, other in pairwise(stops):
            between = self._from_full if search.charges(one) else self._from_level
            legs.append(between[other].links(search.node(one)))
        return search.path(od, [*legs, self._last[stops[-1]].links(end)], stops)


class TripSearch:
    """Searches cheapest trips of one class of vehicles: every OD pair, all stations, both actions at once.

    Stops are numbered: to charge at every station, then to discharge at every station. A station at an end of a pair,
    or at a node that none may pass, is no stop. Vehicles without a battery (None) drive without stops.
    Raises NetworkDataError for bad stations, and for the policy "need", whose post-discharge level is no constant.
    """

    def __init__(
        self,
        road: RoadNetwork,
        od_pairs: Sequence[tuple[int, int]],
        stations: Sequence[int] = (),
        vehicle: Vehicle | None = None,
        v2g: bool = True,
    ) -> None:
        check_stations(road, stations)
        if vehicle is not None and vehicle.post_discharge != "level":
            raise NetworkDataError(
                f'post_discharge is {vehicle.post_discharge!r}; allowed where routes are generated: "level", for with '
                '"need" what a stop costs depends on the leg that follows'
            )
        self._road, self._stations, self._vehicle = road, tuple(stations), vehicle
        self._pairs, position = tuple(od_pairs), road.node_index
        for pair in od_pairs:
            if not (pair[0] in position and pair[1] in position and pair[0] != pair[1]):
                raise NetworkDataError(f"OD pair {pair[0]}-{pair[1]}: allowed are two nodes of road {road.name!r}")
        self.ends = np.array([(position[o], position[d]) for o, d in od_pairs]).reshape(-1, 2)
        star = forward_star(road)
        self._passable, self._work = star.through, workspace(star)
        at = np.array([position[node] for node in stations], dtype=np.int64)
        stops = 0 if vehicle is None else len(at)
        self._at = at[:stops]
        self._actions = (True, False) if v2g and stops else (True,)
        self._consumption = (
            np.zeros(road.n_links) if vehicle is None else vehicle.consumption_kwh_per_km * road.length_km
        )
        self._roots()
        self._budgets()

    def _roots(self) -> None:
        stars = [forward_star(self._road, reverse) for reverse in (False, True)]
        inner = self._passable & ~dead_ends(stars[0])  # no simple path passes a dead end
        forth, back = (Graph(star._replace(through=inner), self._consumption[star.link]) for star in stars)
        self._origins = {node: Root(forth, back, node) for node in np.unique(self.ends[:, 0]).tolist()}
        self._onward = [Root(forth, back, node) for node in self._at.tolist()]
        self._inward = [[Root(back, forth, node, backward=True) for node in self._at.tolist()] for _ in self._actions]

    def _budgets(self) -> None:
        starts, finishes = np.unique(self.ends[:, 0]), np.unique(self.ends[:, 1])
        passable = self._at[self._passable[self._at]]
        joined = np.union1d(starts, passable)
        if self._vehicle is None:
            self._direct = Budget(np.inf, finishes)
            return
        full, level = self._vehicle.battery_kwh, self._vehicle.post_discharge_kwh
        reserve, slack = self._vehicle.reserve_kwh, ENERGY_TOLERANCE
        self._direct = Budget(full - reserve + slack, finishes)
        self._after = {True: self._direct, False: Budget(level - reserve + slack, finishes)}
        self._to_charge = [
            Budget(full - reserve + slack, joined, moving=True),
            Budget(level - reserve + slack, passable),
        ]
        self._to_discharge = [Budget(full - level - slack, joined)]

    def charges(self, stop: int) -> bool:
        """Return whether a stop is to charge."""
        return stop < len(self._at)

    def node(self, stop: int) -> int:
        """Return the position of a stop's node."""
        return int(self._at[stop % len(self._at)])

    def cheapest(self, link_cost: Vector, stop_costs: StopCosts | None = None) -> CheapestTrips:
        """Return a cheapest trip of every OD pair at link costs (n_links,) >= 0 and costs of stops."""
        direct = {node: root.search(link_cost, [self._direct], self._work)[0] for node, root in self._origins.items()}
        from_full: list[Legs] = []
        from_level: list[Legs] = []
        last: list[Legs] = []
        constants: list[tuple[float, float]] = []
        if self._vehicle is not None and stop_costs is not None:
            from_full, from_level, constants = self._legs_to_stops(link_cost, stop_costs, self._vehicle)
            last = self._legs_from_stops(link_cost)
        cost, stops = self._joined(direct, from_full, from_level, last, np.array(constants).reshape(-1, 2))
        return CheapestTrips(cost, self, stops, direct, from_full, from_level, last)

    def _legs_to_stops(
        self, link_cost: Vector, costs: StopCosts, vehicle: Vehicle
    ) -> tuple[list[Legs], list[Legs], list[tuple[float, float]]]:
        """Return the legs to each stop from a full battery and from the level, and the constants of both."""
        from_full: list[Legs] = []
        from_level: list[Legs] = []
        constants: list[tuple[float, float]] = []
        room = vehicle.battery_kwh - vehicle.post_discharge_kwh
        for station, root in enumerate(self._inward[0]):
            rate, fixed = float(costs.charge_per_kwh[station]), float(costs.charge[station])
            cost = link_cost + rate * self._consumption
            full, level = root.search(cost, self._to_charge, self._work)
            from_full.append(full)
            from_level.append(level)
            constants.append((fixed, fixed + rate * room))
        for station, root in enumerate(self._inward[1] if len(self._actions) > 1 else ()):
            rate, fixed = float(costs.discharge_per_kwh[station]), float(costs.discharge[station])
            from_full += root.search(link_cost - rate * self._consumption, self._to_discharge, self._work)
            constants.append((fixed + rate * room, np.inf))  # no discharge after a discharge
        return from_full, from_level, constants

    def _legs_from_stops(self, link_cost: Vector) -> list[Legs]:
        """Return the legs from each stop to the destinations."""
        budgets = [self._after[action] for action in self._actions]
        found = [root.search(link_cost, budgets, self._work) for root in self._onward]
        return [legs[k] for k in range(len(budgets)) for legs in found]

    def _joined(
        self,
        direct: dict[int, Legs],
        from_full: list[Legs],
        from_level: list[Legs],
        last: list[Legs],
        constants: Vector,
    ) -> tuple[Vector, IntVector]:
        """Return the costs of the cheapest trips and their stops."""
        n_stops, n_nodes = len(from_full), len(self._passable)
        first, final = np.empty((n_stops, n_nodes)), np.empty((n_stops, n_nodes))
        between = np.full((n_stops, n_stops), np.inf)  # from the stop of the row to that of the column
        nodes = np.array([self.node(stop) for stop in range(n_stops)], dtype=np.int64)
        for stop in range(n_stops):
            first[stop], final[stop] = from_full[stop].cost + constants[stop, 0], last[stop].cost
            charges = np.arange(n_stops) < len(self._at)
            between[charges, stop] = first[stop, nodes[charges]]
            if self.charges(stop):
                between[~charges, stop] = from_level[stop].cost[nodes[~charges]] + constants[stop, 1]
        closed = ~self._passable[nodes]
        first[closed], between[:, closed] = np.inf, np.inf
        by_origin = {node: legs.cost for node, legs in direct.items()}
        start = np.array([by_origin[node][end] for node, end in self.ends.tolist()])
        return join_legs(self.ends, nodes, start, first, between, final)

    def path(self, od: int, legs: Sequence[Sequence[int]], stops: Sequence[int]) -> Path:
        """Return the path of an OD pair along the links of its legs, with a stop after every leg but the last."""
        places = np.cumsum([len(leg) for leg in legs])[:-1].tolist()
        actions = [self.charges(stop) for stop in stops]
        return self.retraced(od, [link for leg in legs for link in leg], list(zip(places, actions, strict=True)))

    def retraced(self, od: int, links: Sequence[int], stops: Sequence[tuple[int, bool]]) -> Path:
        """Return the path of an OD pair along some links, with stops: after so many links, and whether to charge.

        Raises NetworkDataError where it is not energy-feasible.
        """
        nodes = (int(self._road.tail[links[0]]), *(int(self._road.head[link]) for link in links))
        if self._vehicle is None:
            return Path(od, nodes, tuple(links))
        places, actions = tuple(place for place, _ in stops), tuple(charges for _, charges in stops)
        traded = drive(nodes, energy_used(self._road, links, self._vehicle), places, actions, self._vehicle)
        if traded is None:
            raise NetworkDataError(f"{self._name(od)}: the trip {'-'.join(map(str, nodes))} is not energy-feasible")
        return Path(od, nodes, tuple(links), traded)

    def path_set(self, trips: CheapestTrips) -> PathSet:
        """Return the trips of all OD pairs as a path set. Raises NetworkDataError for a pair without any."""
        paths = [trips.path(od) for od in range(len(self._pairs))]
        return collect_paths(self._pairs, paths, self._road.n_links, self._stations)

    def _name(self, od: int) -> str:
        return f"OD pair {self._pairs[od][0]}-{self._pairs[od][1]}"

    def why_infeasible(self, od: int) -> str:
        """Return the message for a pair that these vehicles cannot serve."""
        if self._vehicle is None:
            return f"{self._name(od)}: no route leads there in road network {self._road.name!r}"
        usable = self._vehicle.battery_kwh - self._vehicle.reserve_kwh
        return (
            f"{self._name(od)}: no energy-feasible trip for electric vehicles on any route; a full "
            f"battery gives {usable:g} kWh above the range-anxiety reserve, and at most two stops are allowed; "
            "add stations or enlarge the battery"
        )


@compiled
def join_legs(
    ends: IntVector, nodes: IntVector, direct: Vector, first: Vector, between: Vector, final: Vector
) -> tuple[Vector, IntVector]:
    """Return (n_od,) the cost of the cheapest trips and (n_od, 2) their stops, −1 for none.

    `ends` (n_od, 2) are the node positions of every pair, `nodes` (n_stops,) those of the stops, `direct` (n_od,) the
    costs without stop, `first` (n_stops, n_nodes) from every node to a stop, the stop included, `between` (n_stops,
    n_stops) from the stop of the row to that of the column, that stop included, `final` (n_stops, n_nodes) from a stop
    to every node.
    """
    n_stops = len(nodes)
    least, stops = direct.copy(), np.full((len(ends), 2), NO_STOP)
    to_stop = np.empty((2, n_stops))  # the cheapest way over another stop, and that over a stop at a third node
    over = np.empty((2, n_stops), np.int64)
    origin = NO_STOP
    for od in range(len(ends)):
        if ends[od, 0] != origin:
            origin = ends[od, 0]
            _over_another_stop(origin, nodes, first, between, to_stop, over)
        end = ends[od, 1]
        for stop in range(n_stops):
            if nodes[stop] == end or nodes[stop] == origin:
                continue
            after = final[stop, end]
            if first[stop, origin] + after < least[od]:
                least[od] = first[stop, origin] + after
                stops[od, 0], stops[od, 1] = stop, NO_STOP
            choice = 1 if over[0, stop] >= 0 and nodes[over[0, stop]] == end else 0
            if to_stop[choice, stop] + after < least[od]:
                least[od] = to_stop[choice, stop] + after
                stops[od, 0], stops[od, 1] = over[choice, stop], stop
    return least, stops


@compiled
def _over_another_stop(
    origin: int, nodes: IntVector, first: Vector, between: Vector, to_stop: Vector, over: IntVector
) -> None:
    """Fill the two cheapest ways from an origin to every stop over an earlier one, at two different nodes."""
    to_stop[:] = np.inf
    over[:] = NO_STOP
    for one in range(len(nodes)):
        if nodes[one] == origin:
            continue
        for other in range(len(nodes)):
            if nodes[other] == nodes[one] or nodes[other] == origin:
                continue
            cost = first[one, origin] + between[one, other]
            if cost < to_stop[0, other]:
                if over[0, other] >= 0 and nodes[over[0, other]] != nodes[one]:
                    to_stop[1, other], over[1, other] = to_stop[0, other], over[0, other]
                to_stop[0, other], over[0, other] = cost, one
            elif cost < to_stop[1, other] and nodes[over[0, other]] != nodes[one]:
                to_stop[1, other], over[1, other] = cost, one
