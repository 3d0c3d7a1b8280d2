"""Radial distribution feeders in per unit, whole or split into islands by open lines."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from networks.errors import NetworkDataError, near_matches
from networks.phases import Phases
from networks.tables import Rule, check_values
from networks.tree import component_labels, lines_from_the_top
from networks.typing import BoolVector, IntVector, Vector

_BUS_RULES: dict[str, Rule] = {"p_kw": "finite", "q_kvar": "finite", "cap_kvar": "non-negative"}
_LINE_RULES: dict[str, Rule] = {
    "r_pu": "non-negative",
    "x_pu": "non-negative",
    "rate_kva": "positive or inf",
    "tap_ratio": "positive",
}


@dataclass(frozen=True, eq=False)
class Feeder:
    """A forest of buses and lines; the root is the bus of the transmission system's supply.

    Every line points away from the root; in an island it points away from the island's bus that was nearest to the
    root before lines were opened. Raises NetworkDataError on arrays of unequal length, values out of range, and lines
    that do not form a forest pointing this way.
    """

    name: str
    buses: tuple[str, ...]  # (n_buses,) names
    root: int  # position of the root among the buses
    base_kv: float  # [kV] line to line
    base_kva: float  # [kVA] three-phase
    p_kw: Vector  # (n_buses,) [kW] active load
    q_kvar: Vector  # (n_buses,) [kvar] reactive load
    cap_kvar: Vector  # (n_buses,) [kvar] capacitors, constant
    line_names: tuple[str, ...]  # (n_lines,) "from-to" as in the data
    line_from: IntVector  # (n_lines,) bus position at the root's side
    line_to: IntVector  # (n_lines,) bus position at the far side
    r_pu: Vector  # (n_lines,) [p.u.]
    x_pu: Vector  # (n_lines,) [p.u.]
    rate_kva: Vector  # (n_lines,) [kVA] inf = no limit
    tap_ratio: Vector  # (n_lines,) multiplies the voltage at the from-end; 1 = no regulator
    xy: Vector | None = None  # (n_buses, 2) drawing coordinates
    phases: Phases | None = None  # where more is known than the balanced equivalent

    def __post_init__(self) -> None:
        _check_shapes(self)
        for column, rule in _BUS_RULES.items():
            check_values(getattr(self, column), rule, lambda n: f"feeder {self.name!r}, bus {self.buses[n]}", column)
        for column, rule in _LINE_RULES.items():
            check_values(
                getattr(self, column), rule, lambda k: f"feeder {self.name!r}, line {self.line_names[k]}", column
            )
        if not (0.0 < self.base_kv < np.inf and 0.0 < self.base_kva < np.inf):
            raise NetworkDataError(
                f"feeder {self.name!r}: base_kv is {self.base_kv}, base_kva {self.base_kva}; allowed: positive numbers"
            )
        if len(self.outward_lines) != self.n_lines or np.any(self.line_to == self.root):
            raise NetworkDataError(f"feeder {self.name!r}: the lines do not form trees that point away from the root")

    @property
    def n_buses(self) -> int:
        """Return the number of buses."""
        return len(self.buses)

    @property
    def n_lines(self) -> int:
        """Return the number of closed lines."""
        return len(self.line_names)

    @cached_property
    def outward_lines(self) -> IntVector:
        """Return (n_lines,): the lines in an order in which each comes after the line that feeds it."""
        return lines_from_the_top(self.n_buses, self.line_from, self.line_to)

    @cached_property
    def component(self) -> IntVector:
        """Return (n_buses,): the number of every bus's connected part, numbered by their first buses."""
        return component_labels(self.n_buses, self.line_from, self.line_to)

    @cached_property
    def connected_to_root(self) -> BoolVector:
        """Return (n_buses,): whether the bus is connected to the root."""
        return np.equal(self.component, self.component[self.root])

    @cached_property
    def tops(self) -> BoolVector:
        """Return (n_buses,): whether no line ends at the bus: the root, and in an island where its lines begin."""
        tops = np.ones(self.n_buses, dtype=bool)
        tops[self.line_to] = False
        return tops

    @property
    def base_ohm(self) -> float:
        """Return the impedance that is 1 per unit."""
        return self.base_kv**2 / (self.base_kva / 1000.0)

    def bus_index(self, name: str) -> int:
        """Return a bus's position; raises NetworkDataError with near matches for an unknown name."""
        if name not in self._bus_positions:
            hint = near_matches(name, self.buses)
            raise NetworkDataError(f"feeder {self.name!r} has no bus {name!r} ({self.n_buses} buses{hint})")
        return self._bus_positions[name]

    def line_index(self, name: str) -> int:
        """Return the position of the line "a-b" or "b-a"; raises NetworkDataError with near matches if there is none.

        A line opened by `with_lines_open` is none any more.
        """
        if name not in self._line_positions:
            hint = near_matches(name, self._line_positions)
            raise NetworkDataError(f"feeder {self.name!r} has no closed line {name!r} ({self.n_lines} lines{hint})")
        return self._line_positions[name]

    def with_loads_scaled(self, factor: float) -> Feeder:
        """Return the feeder with every active and reactive load, but no capacitor, multiplied by a factor >= 0."""
        if not (0.0 <= factor < np.inf):
            raise NetworkDataError(f"feeder {self.name!r}: load factor {factor}; allowed: numbers >= 0")
        return replace(
            self,
            p_kw=self.p_kw * factor,
            q_kvar=self.q_kvar * factor,
            phases=self.phases.with_loads_scaled(factor) if self.phases else None,
        )

    def with_lines_open(self, names: Collection[str]) -> Feeder:
        """Return the feeder without the named lines; what they fed becomes islands."""
        keep = np.ones(self.n_lines, dtype=bool)
        keep[[self.line_index(name) for name in names]] = False
        return replace(
            self,
            line_names=tuple(name for name, kept in zip(self.line_names, keep.tolist(), strict=True) if kept),
            phases=self.phases.with_lines(keep) if self.phases else None,
            **{
                column: getattr(self, column)[keep]
                for column in ("line_from", "line_to", "r_pu", "x_pu", "rate_kva", "tap_ratio")
            },
        )

    def with_line_limits(self, limits_kva: Mapping[str, float]) -> Feeder:
        """Return the feeder with the ratings [kVA] of the named lines replaced (inf = no limit)."""
        rate_kva = self.rate_kva.copy()
        for name, limit in limits_kva.items():
            rate_kva[self.line_index(name)] = limit
        return replace(self, rate_kva=rate_kva)

    @cached_property
    def _bus_positions(self) -> dict[str, int]:
        return {name: position for position, name in enumerate(self.buses)}

    @cached_property
    def _line_positions(self) -> dict[str, int]:
        ends = [(self.buses[i], self.buses[j]) for i, j in zip(self.line_from, self.line_to, strict=True)]
        return {name: k for k, (a, b) in enumerate(ends) for name in (f"{a}-{b}", f"{b}-{a}")}


def _check_shapes(feeder: Feeder) -> None:
    sizes = dict.fromkeys(_BUS_RULES, feeder.n_buses) | dict.fromkeys(
        ("line_from", "line_to", *_LINE_RULES), feeder.n_lines
    )
    for column, size in sizes.items():
        shape = np.shape(getattr(feeder, column))
        if shape != (size,):
            raise NetworkDataError(f"feeder {feeder.name!r}: {column} has shape {shape}, expected ({size},)")
    if feeder.xy is not None and np.shape(feeder.xy) != (feeder.n_buses, 2):
        raise NetworkDataError(f"feeder {feeder.name!r}: xy has shape {np.shape(feeder.xy)}, not (n_buses, 2)")
    if feeder.phases is not None and feeder.phases.sizes != (feeder.n_buses, feeder.n_lines):
        raise NetworkDataError(
            f"feeder {feeder.name!r}: its phases are of {feeder.phases.sizes} buses and lines, expected "
            f"({feeder.n_buses}, {feeder.n_lines})"
        )
    if len(set(feeder.buses)) != feeder.n_buses:
        raise NetworkDataError(f"feeder {feeder.name!r}: a bus name appears twice")
    if not (0 <= feeder.root < feeder.n_buses):
        raise NetworkDataError(f"feeder {feeder.name!r}: root {feeder.root} is no position among its buses")
    for ends in (feeder.line_from, feeder.line_to):
        if not np.all((ends >= 0) & (ends < feeder.n_buses)):
            raise NetworkDataError(f"feeder {feeder.name!r}: a line ends at a position where there is no bus")
