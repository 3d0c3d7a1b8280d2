"""Road networks: directed links with lengths, free-flow times and BPR travel-time data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from networks.errors import NetworkDataError
from networks.gmns import DEMAND, LINKS, is_gmns, read_demand, read_gmns
from networks.tables import Rule, check_powers, check_values, read_table
from networks.tntp import NetFile, read_net, read_trips
from networks.typing import IntVector, Vector

DATA = Path(__file__).parent / "data"
BUILT_IN_ROADS = ("sioux_falls", "teaching")
BUILT_IN_TRIPS = ("sioux_falls",)
MINUTES_PER_HOUR = 60.0

_LINK_RULES: dict[str, Rule] = {
    "length_km": "non-negative",
    "free_flow_h": "non-negative",
    "capacity_veh_per_h": "positive",
    "bpr_coefficient": "non-negative",
    "bpr_power": "non-negative",
    "toll": "finite",
}


@dataclass(frozen=True, eq=False)
class RoadNetwork:
    """Directed road links with the data of t(v) = free_flow (1 + coefficient (v / capacity)^power), eq. (4a).

    Raises NetworkDataError on arrays of unequal length, repeated nodes or links, links to unknown nodes or onto
    themselves, and values out of range (capacity > 0, tolls finite, everything else finite and >= 0).
    """

    name: str
    nodes: IntVector  # (n_nodes,) node numbers as users write them
    tail: IntVector  # (n_links,) node number every link starts at
    head: IntVector  # (n_links,) node number every link ends at
    length_km: Vector  # (n_links,) [km]
    free_flow_h: Vector  # (n_links,) [h]
    capacity_veh_per_h: Vector  # (n_links,) [veh/h]
    bpr_coefficient: Vector  # (n_links,) [1]
    bpr_power: Vector  # (n_links,) [1]
    xy: Vector | None = None  # (n_nodes, 2) drawing coordinates
    first_through_node: int = 1  # smaller node numbers may start or end a trip but not be driven through
    toll: Vector = field(default_factory=lambda: np.zeros(0))  # (n_links,) as in the file; not given: zeros

    def __post_init__(self) -> None:
        if np.size(self.toll) == 0:
            object.__setattr__(self, "toll", np.zeros(len(self.tail)))
        self._check_shapes()
        check_pairs(self.nodes, self.tail, self.head, self._where)
        for column, rule in _LINK_RULES.items():
            check_values(getattr(self, column), rule, self._where, column)

    @property
    def n_nodes(self) -> int:
        """Return the number of nodes."""
        return len(self.nodes)

    @property
    def n_links(self) -> int:
        """Return the number of directed links."""
        return len(self.tail)

    @cached_property
    def link_names(self) -> tuple[str, ...]:
        """Return the links' names, "tail-head"."""
        return tuple(f"{i}-{j}" for i, j in zip(self.tail.tolist(), self.head.tolist(), strict=True))

    @cached_property
    def link_index(self) -> dict[tuple[int, int], int]:
        """Return the mapping (tail node, head node) -> link."""
        return {pair: link for link, pair in enumerate(zip(self.tail.tolist(), self.head.tolist(), strict=True))}

    @cached_property
    def node_index(self) -> dict[int, int]:
        """Return the mapping node number -> position in `nodes`."""
        return {node: position for position, node in enumerate(self.nodes.tolist())}

    def with_capacity_factor(self, factor: float) -> RoadNetwork:
        """Return the same network with every capacity multiplied by a positive number."""
        if not (0.0 < factor < np.inf):
            raise NetworkDataError(f"road network {self.name!r}: capacity factor {factor}; allowed: positive numbers")
        return replace(self, capacity_veh_per_h=self.capacity_veh_per_h * factor)

    def with_marginal_times(self) -> RoadNetwork:
        """Return the same network with t + v t′ in place of t: what one more vehicle costs all vehicles on a link.

        Where drivers face these times their equilibrium is the system optimum, since ∫ (t + v t′) dv = v t(v).
        """
        return replace(self, bpr_coefficient=self.bpr_coefficient * (1.0 + self.bpr_power))

    def _where(self, link: int) -> str:
        return f"road network {self.name!r}, link {self.link_names[link]}"

    def _check_shapes(self) -> None:
        for column in ("tail", "head", *_LINK_RULES):
            if np.shape(getattr(self, column)) != (self.n_links,):
                raise NetworkDataError(
                    f"road network {self.name!r}: {column} has shape {np.shape(getattr(self, column))}, "
                    f"but there are {self.n_links} links"
                )
        if self.xy is not None and np.shape(self.xy) != (self.n_nodes, 2):
            raise NetworkDataError(f"road network {self.name!r}: xy has shape {np.shape(self.xy)}, not (n_nodes, 2)")
        if len(self.node_index) != self.n_nodes:
            raise NetworkDataError(f"road network {self.name!r}: a node number appears twice in nodes")
        if self.n_links == 0:
            raise NetworkDataError(f"road network {self.name!r}: there is no link")


def check_pairs(nodes: IntVector, tail: IntVector, head: IntVector, where: Callable[[int], str]) -> None:
    """Raise NetworkDataError at the first link that is a loop, a repetition or leads to no node."""
    known = set(nodes.tolist())
    seen: set[tuple[int, int]] = set()
    for link, pair in enumerate(zip(tail.tolist(), head.tolist(), strict=True)):
        for node in pair:
            if node not in known:
                raise NetworkDataError(f"{where(link)}: node {node} is not among the {len(known)} nodes")
        if pair[0] == pair[1]:
            raise NetworkDataError(f"{where(link)}: the link leads from node {pair[0]} to itself")
        if pair in seen:
            raise NetworkDataError(f"{where(link)}: there is a link {pair[0]}-{pair[1]} already; merge the two")
        seen.add(pair)


def load_road(
    source: str | Path, *, minutes_per_time_unit: float = 1.0, km_per_length_unit: float = 1.0
) -> RoadNetwork:
    """Return a road network by built-in name or from files.

    `source` is "sioux_falls", "teaching", a TNTP `_net` file (a sibling `_node` file gives the coordinates), a GMNS
    folder (see `read_gmns`), or a folder with links.csv (from, to, length_km, free_flow_time_min, capacity_veh_per_h;
    optional b = 0.15, power = 4, toll = 0) and nodes.csv (node; optional x, y). The unit arguments apply to TNTP
    files, which do not state theirs, and that of length to a GMNS folder without config.csv. A link with power 0 has
    the constant time free_flow (1 + b); it is stored with that free-flow time and b = 0.
    Raises NetworkDataError that names file, line and column.
    """
    path = DATA / source if source in BUILT_IN_ROADS else Path(source)
    if path.is_dir() and is_gmns(path):
        return _of_net(path.resolve().name, read_gmns(path, km_per_length_unit), path / LINKS)
    if path.is_dir():
        return _read_folder(path, str(source) if source in BUILT_IN_ROADS else path.resolve().name)
    if path.is_file():
        net = read_net(path)
        return _of_net(path.stem.removesuffix("_net"), net, path, minutes_per_time_unit, km_per_length_unit)
    raise NetworkDataError(
        f"road network {str(source)!r}: neither a built-in name ({', '.join(BUILT_IN_ROADS)}) "
        "nor an existing folder or TNTP _net file"
    )


def load_trips(source: str | Path) -> dict[tuple[int, int], float]:
    """Return (origin, destination) -> trips [veh/h] by built-in name or from a file.

    A file is TNTP's `_trips`, or a demand.csv (see `read_demand`), which may go by the folder that holds it.
    Only positive entries between different nodes are returned; trips within a zone use no link.
    Raises NetworkDataError that names file and line.
    """
    return load_trip_table(source)[0]


def load_trip_table(source: str | Path) -> tuple[dict[tuple[int, int], float], dict[int, float]]:
    """Return the positive trips [veh/h] between different nodes, as `load_trips`, and node -> trips within it."""
    trips = _all_trips(source)
    between = {pair: number for pair, number in trips.items() if pair[0] != pair[1]}
    return between, {pair[0]: number for pair, number in trips.items() if pair[0] == pair[1]}


def _all_trips(source: str | Path) -> dict[tuple[int, int], float]:
    if source in BUILT_IN_TRIPS:
        table = read_table(DATA / source / "trips.csv", ("origin", "destination", "veh_per_h"))
        pairs = zip(table.integers("origin").tolist(), table.integers("destination").tolist(), strict=True)
        return dict(zip(pairs, table.numbers("veh_per_h", "positive").tolist(), strict=True))
    path = Path(source)
    if path.is_dir():
        return read_demand(path / DEMAND)
    return read_demand(path) if path.suffix.lower() == ".csv" else read_trips(path)


def _read_folder(folder: Path, name: str) -> RoadNetwork:
    nodes = read_table(folder / "nodes.csv", ("node",), ("x", "y"))
    links = read_table(
        folder / "links.csv",
        ("from", "to", "length_km", "free_flow_time_min", "capacity_veh_per_h"),
        ("b", "power", "toll"),
    )
    numbers, tail, head = nodes.integers("node"), links.integers("from"), links.integers("to")
    nodes.unique(numbers.tolist(), "this node")
    check_pairs(numbers, tail, head, links.where)
    minutes = links.numbers("free_flow_time_min", "non-negative")
    coefficient = links.numbers("b", "non-negative", blank=0.15)
    power = links.numbers("power", "non-negative", blank=4.0)
    check_powers(minutes * coefficient, power, links.where)
    placed = "x" in nodes.cells and "y" in nodes.cells
    return RoadNetwork(
        name=name,
        nodes=numbers,
        tail=tail,
        head=head,
        length_km=links.numbers("length_km", "non-negative"),
        free_flow_h=_at_zero_flow(minutes, coefficient, power) / MINUTES_PER_HOUR,
        capacity_veh_per_h=links.numbers("capacity_veh_per_h", "positive"),
        bpr_coefficient=np.where(power > 0.0, coefficient, 0.0),
        bpr_power=power,
        toll=links.numbers("toll", "finite", blank=0.0),
        xy=np.column_stack([nodes.numbers("x", "finite"), nodes.numbers("y", "finite")]) if placed else None,
    )


def _of_net(
    name: str, net: NetFile, path: Path, minutes_per_unit: float = 1.0, km_per_unit: float = 1.0
) -> RoadNetwork:
    """Return the network of a file's columns, which are in units of so many minutes and km."""
    check_pairs(net.nodes, net.tail, net.head, lambda link: f"{path}, line {net.lines[link]}")
    minutes = _at_zero_flow(net.free_flow_time, net.coefficient, net.power) * minutes_per_unit
    return RoadNetwork(
        name=name,
        nodes=net.nodes,
        tail=net.tail,
        head=net.head,
        length_km=net.length * km_per_unit,
        free_flow_h=minutes / MINUTES_PER_HOUR,
        capacity_veh_per_h=net.capacity,
        bpr_coefficient=np.where(net.power > 0.0, net.coefficient, 0.0),
        bpr_power=net.power,
        toll=net.toll,
        xy=net.xy,
        first_through_node=net.first_through_node,
    )


def _at_zero_flow(time: Vector, coefficient: Vector, power: Vector) -> Vector:
    """Return the time of every link without flow: with power 0 the BPR term is there at any flow."""
    return np.where(power > 0.0, time, time * (1.0 + coefficient))
