"""Algorithm 1 (path generation): routes with at most two stops that the battery allows, Table I's patterns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

from tests.one_program.routes import Link, Route
from tests.one_program.tables import Vehicle

ENERGY_TOLERANCE = 1e-9  # [kWh]
CHARGE, DISCHARGE = "+", "-"
PATTERNS = {1: ["+", "-"], 2: ["++", "+-", "-+"]}  # number of stops -> what is done at each of them


@dataclass(frozen=True)
class Stop:
    """A stop at the station of a road node; `energy` [kWh] > 0 is charged (+) or discharged (-)."""

    node: int
    action: str
    energy: float


@dataclass(frozen=True)
class Path:
    """A route with its stops, of OD pair number `od` (counted from 0)."""

    od: int
    route: Route
    stops: tuple[Stop, ...]

    @property
    def links(self) -> list[Link]:
        return list(pairwise(self.route))


def electric_paths(
    od: int, route: Route, stations: set[int], length: dict[Link, float], vehicle: Vehicle, v2g: bool
) -> Iterator[Path]:
    """Every energy-feasible path over `route`; `length` is in km, `stations` are road nodes."""
    meter = [0.0]  # [kWh] used from the origin up to each node of the route
    for link in pairwise(route):
        meter.append(meter[-1] + vehicle.consumption_kwh_per_km * length[link])
    possible = [place for place in range(1, len(route) - 1) if route[place] in stations]
    for n_stops in range(3):
        for places in combinations(possible, n_stops):
            for actions in PATTERNS.get(n_stops, [""]):
                if v2g or DISCHARGE not in actions:
                    energies = drive(meter, places, actions, vehicle)
                    if energies is not None:
                        stops = zip(places, actions, energies, strict=True)
                        yield Path(od, route, tuple(Stop(route[place], action, q) for place, action, q in stops))


def drive(meter: list[float], places: tuple[int, ...], actions: str, vehicle: Vehicle) -> list[float] | None:
    """Energies [kWh] of the stops along the trip, or None where a leg, eq. (2), or a stop is impossible."""
    full, reserve = vehicle.battery_kwh, vehicle.range_anxiety * vehicle.battery_kwh
    waypoints = [*places, len(meter) - 1]
    energies = []
    level, here = full, 0
    for place, next_place, action in zip(places, waypoints[1:], actions, strict=True):
        level -= meter[place] - meter[here]
        if action == CHARGE:
            needed, energy, level_after = reserve, full - level, full
        else:
            keep = vehicle.post_discharge_kwh
            if vehicle.post_discharge == "need":
                keep = reserve + meter[next_place] - meter[place]
            needed, energy, level_after = max(keep, reserve), level - keep, keep
        if level < needed - ENERGY_TOLERANCE or energy <= ENERGY_TOLERANCE:
            return None
        energies.append(energy)
        level, here = level_after, place
    arrives = level - (meter[-1] - meter[here])
    return energies if arrives >= reserve - ENERGY_TOLERANCE else None
