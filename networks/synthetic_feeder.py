"""Radial feeders drawn from a seed, of any size, like the IEEE 123-bus feeder in what matters to a market.

What is chosen, and why:

- Places: a jittered lattice, the root in the middle of one side. Lines: between neighbours on it (edges of the Delaunay
  triangulation); the next bus to be joined is the one with the least length of new line + `TRADE_OFF` · way from the
  root. Prim's rule alone (0) gives the shortest tree, which wanders; Dijkstra's (1) a star.
- Loads: drawn from those of the IEEE 123-bus feeder, its many buses without load included, and scaled to the total.
- Conductors: overhead kinds of that feeder, the smallest that carries the load behind it `MARGIN` times, in parallel
  circuits where none does. Capacitors: the same share of the reactive load, where lines have several phases.
- Lengths: stretched as one, until the voltage falls from the root to the lowest bus by what is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from heapq import heappop, heappush
from math import ceil, sqrt

import numpy as np
from scipy.spatial import Delaunay

from networks.errors import NetworkDataError
from networks.feeder import Feeder, load_feeder
from networks.lindistflow import solve_voltages
from networks.typing import IntVector, Vector

FEWEST = 10  # buses
TRADE_OFF = 0.1
JITTER = 0.35  # of a lattice spacing, each way
DETOUR = 1.3  # longest line over the straight one
MARGIN = 1.8  # ratings over base load: half as much load again, and some room
BUSES_PER_CAPACITOR = 30
LEVELS = {4.16: 5e3, 12.47: 5e4, 34.5: np.inf}  # [kV] line to line: [kW] most load
BASE_MVA = 5.0


@dataclass(frozen=True)
class Conductor:
    """A kind of overhead line, as the balanced equivalent of its phases."""

    phases: int
    r_ohm_per_km: float
    x_ohm_per_km: float
    ampere: float

    def rate_kva(self, base_kv: float) -> float:
        """Return what it carries at a line-to-line voltage [kV]."""
        return self.phases * base_kv / sqrt(3) * self.ampere


# Configurations 9, 7 and 1 of the IEEE 123-bus feeder (see data/SOURCES.md), the smallest first.
CONDUCTORS = (Conductor(1, 2.478, 2.512, 230.0), Conductor(2, 0.357, 0.819, 530.0), Conductor(3, 0.190, 0.390, 530.0))


def synthetic_feeder(
    n_buses: int, load_kw: float, seed: int, *, base_kv: float | None = None, voltage_drop_pu: float = 0.05
) -> Feeder:
    """Return a feeder of buses "1" (the root) to "n" with a total load [kW]; equal arguments give equal feeders.

    At that load, all supplied from the root, no line is full and the squared voltage falls by twice `voltage_drop_pu`
    to the lowest bus. `base_kv` [kV], where not given, is a usual level for the load. Raises NetworkDataError for
    fewer than 10 buses, a load or base_kv that is not positive, and a drop outside 0 to 0.2.
    """
    _check(n_buses, load_kw, base_kv, voltage_drop_pu)
    kv = next(level for level, most in LEVELS.items() if load_kw <= most) if base_kv is None else base_kv
    rng = np.random.default_rng(seed)
    xy, feeding, length = _tree(n_buses, rng)
    p_kw, q_kvar = _loads(n_buses, load_kw, rng)
    kind, circuits = _conductors(MARGIN * _behind(feeding, np.hypot(p_kw, q_kvar)), kv)
    per_km = np.array([[c.r_ohm_per_km, c.x_ohm_per_km] for c in CONDUCTORS])[kind] / circuits[:, None]
    impedance_pu = per_km * length[:, None] / (kv**2 / BASE_MVA)
    feeder = Feeder(
        name=f"synthetic_{n_buses}",
        buses=tuple(str(n + 1) for n in range(n_buses)),
        root=0,
        base_kv=kv,
        base_kva=1000 * BASE_MVA,
        p_kw=p_kw,
        q_kvar=q_kvar,
        cap_kvar=_capacitors(float(q_kvar.sum()), np.flatnonzero(kind > 0) + 1, n_buses, rng),
        line_names=tuple(f"{i + 1}-{n + 2}" for n, i in enumerate(feeding.tolist())),
        line_from=feeding,
        line_to=np.arange(1, n_buses),
        r_pu=impedance_pu[:, 0],
        x_pu=impedance_pu[:, 1],
        rate_kva=np.array([c.rate_kva(kv) for c in CONDUCTORS])[kind] * circuits,
        tap_ratio=np.ones(n_buses - 1),
        xy=xy,
    )
    return _stretched(feeder, voltage_drop_pu)


def lowest_squared_voltage(feeder: Feeder, root_u: float) -> float:
    """Return the least squared voltage [p.u.] at the feeder's load, supplied from the root alone."""
    u, _, _ = solve_voltages(feeder, -feeder.p_kw, feeder.cap_kvar - feeder.q_kvar, root_u)
    return float(np.min(u))


def _check(n_buses: int, load_kw: float, base_kv: float | None, voltage_drop_pu: float) -> None:
    if not n_buses >= FEWEST:
        raise NetworkDataError(f"synthetic feeder: n_buses is {n_buses}; allowed: whole numbers from {FEWEST}")
    if not 0.0 < load_kw < np.inf:
        raise NetworkDataError(f"synthetic feeder: load_kw is {load_kw}; allowed: positive numbers")
    if base_kv is not None and not 0.0 < base_kv < np.inf:
        raise NetworkDataError(f"synthetic feeder: base_kv is {base_kv}; allowed: positive numbers")
    if not 0.0 < voltage_drop_pu < 0.2:
        raise NetworkDataError(f"synthetic feeder: voltage_drop_pu is {voltage_drop_pu}; allowed: between 0 and 0.2")


def _tree(n_buses: int, rng: np.random.Generator) -> tuple[Vector, IntVector, Vector]:
    """Return places (n_buses, 2), and for all buses but the root the bus that feeds them and the length of the line.

    Buses are numbered as they join, the root first, so every one comes after the bus that feeds it.
    """
    places, root = _places(n_buses, rng)
    neighbours = _neighbours(places, rng)
    number: dict[int, int] = {}
    way = np.zeros(n_buses)  # from the root
    feeding, lengths = [], []
    queue = [(0.0, root, root, 0.0)]
    while queue:
        _, place, before, length = heappop(queue)
        if place in number:
            continue
        if number:
            feeding.append(number[before])
            lengths.append(length)
        number[place] = len(number)
        way[place] = way[before] + length
        for other, new in neighbours[place]:
            if other not in number:
                heappush(queue, (new + TRADE_OFF * float(way[place]), other, place, new))
    return places[list(number)], np.array(feeding), np.array(lengths)


def _places(n_buses: int, rng: np.random.Generator) -> tuple[Vector, int]:
    """Return (n_buses, 2) places on a jittered square lattice with a spacing of one, and which of them is the root."""
    side = ceil(sqrt(n_buses))
    row, column = np.divmod(np.arange(n_buses), side)
    places = np.column_stack([column, row]) + rng.uniform(-JITTER, JITTER, (n_buses, 2))
    middle = np.array([0.0, row[-1] / 2])
    return places, int(np.argmin(np.linalg.norm(places - middle, axis=1)))


def _neighbours(places: Vector, rng: np.random.Generator) -> list[list[tuple[int, float]]]:
    """Return, for every place, its neighbours and the lengths of the ways to them."""
    corners = Delaunay(places).simplices
    pairs = np.unique(np.sort(np.vstack([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]), axis=1), axis=0)
    straight = np.linalg.norm(places[pairs[:, 0]] - places[pairs[:, 1]], axis=1)
    lengths = straight * rng.uniform(1.0, DETOUR, len(pairs))
    found: list[list[tuple[int, float]]] = [[] for _ in places]
    for (i, j), length in zip(pairs.tolist(), lengths.tolist(), strict=True):
        found[i].append((j, length))
        found[j].append((i, length))
    return found


def _loads(n_buses: int, load_kw: float, rng: np.random.Generator) -> tuple[Vector, Vector]:
    """Return (n_buses,) [kW] and [kvar] that sum to `load_kw` and its share of reactive load, none at the root."""
    model = load_feeder("ieee123")
    drawn = rng.integers(model.n_buses, size=n_buses)
    p, q = model.p_kw[drawn], model.q_kvar[drawn]
    largest = int(np.argmax(model.p_kw))
    p[0], q[0] = 0.0, 0.0
    p[-1], q[-1] = model.p_kw[largest], model.q_kvar[largest]  # so that there is some load, whatever was drawn
    return p * load_kw / p.sum(), q * load_kw / p.sum()


def _behind(feeding: IntVector, at_bus: Vector) -> Vector:
    """Return (n_lines,) the sum over all buses that a line feeds."""
    total = at_bus.copy()
    for bus in range(len(at_bus) - 1, 0, -1):
        total[feeding[bus - 1]] += total[bus]
    return total[1:]


def _conductors(needed_kva: Vector, kv: float) -> tuple[IntVector, Vector]:
    """Return (n_lines,) the smallest kind of conductor that carries what is needed, and in how many circuits."""
    rates = np.array([conductor.rate_kva(kv) for conductor in CONDUCTORS])
    kind = np.minimum(np.searchsorted(rates, needed_kva), len(rates) - 1)
    return kind, np.maximum(np.ceil(needed_kva / rates[kind]), 1.0)


def _capacitors(load_kvar: float, places: IntVector, n_buses: int, rng: np.random.Generator) -> Vector:
    """Return (n_buses,) [kvar] equal banks at some of the places, in all the model feeder's share of reactive load."""
    model = load_feeder("ieee123")
    banks = np.zeros(n_buses)
    chosen = rng.permutation(places)[: max(1, n_buses // BUSES_PER_CAPACITOR)]
    if len(chosen):
        banks[chosen] = load_kvar * model.cap_kvar.sum() / model.q_kvar.sum() / len(chosen)
    return banks


def _stretched(feeder: Feeder, voltage_drop_pu: float) -> Feeder:
    """Return the feeder with all impedances multiplied by what makes the squared voltage fall by twice the drop."""
    factor = 2.0 * voltage_drop_pu / -lowest_squared_voltage(feeder, 0.0)
    return replace(feeder, r_pu=feeder.r_pu * factor, x_pu=feeder.x_pu * factor)
