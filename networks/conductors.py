"""What carries power along a feeder: a conductor for every line, or one for each of its phases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from networks.errors import NetworkDataError
from networks.lindistflow import VoltageDrop, voltage_drop
from networks.phases import PHASES, Phases
from networks.radial_feeder import Feeder
from networks.tree import lines_from_the_top
from networks.typing import IntVector, SparseMatrix, Vector


@dataclass(frozen=True, eq=False)
class Conductors:
    """A forest of nodes, in which buses end by phase, and of conductors between them, which point away from the roots.

    Fields have the names of a `Feeder`, a node for a bus and a conductor for a line.
    """

    buses: tuple[str, ...]  # (n_nodes,) names
    line_names: tuple[str, ...]  # (n_conductors,) names
    line_from: IntVector  # (n_conductors,) node at the root's side
    line_to: IntVector  # (n_conductors,) node at the far side
    outward_lines: IntVector  # (n_conductors,) each after the one that feeds it
    roots: IntVector  # the nodes of the feeder's root
    bus_of: IntVector  # (n_nodes,) the bus of the feeder
    line_of: IntVector  # (n_conductors,) the line of the feeder
    split: SparseMatrix  # (n_nodes, n_buses) shares in which what a bus takes or gives stands at its nodes
    base_kva: float  # of one conductor
    r_pu: Vector  # (n_conductors,) own resistance
    x_pu: Vector  # (n_conductors,) own reactance
    rate_kva: Vector  # (n_conductors,) inf = no limit
    q_kvar: Vector  # (n_nodes,) reactive load less capacitors
    drop: VoltageDrop

    @property
    def n_buses(self) -> int:
        """The number of nodes."""
        return len(self.buses)

    @property
    def n_lines(self) -> int:
        """The number of conductors."""
        return len(self.line_names)

    def mean_by_bus(self, values: Vector) -> Vector:
        """Return (n_buses,) the mean over the nodes of every bus."""
        return self.total_by_bus(values) / np.bincount(self.bus_of)

    def total_by_bus(self, values: Vector) -> Vector:
        """Return (n_buses,) the sum over the nodes of every bus."""
        return np.bincount(self.bus_of, values).astype(np.float64)

    def total_by_line(self, values: Vector) -> Vector:
        """Return (n_lines,) the sum over the conductors of every line."""
        return np.bincount(self.line_of, values).astype(np.float64)


def one_for_each_line(feeder: Feeder) -> Conductors:
    """Return the conductors of the balanced feeder: its buses and its lines."""
    return Conductors(
        buses=feeder.buses,
        line_names=feeder.line_names,
        line_from=feeder.line_from,
        line_to=feeder.line_to,
        outward_lines=feeder.outward_lines,
        roots=np.array([feeder.root]),
        bus_of=np.arange(feeder.n_buses),
        line_of=np.arange(feeder.n_lines),
        split=sparse.csr_array(sparse.eye_array(feeder.n_buses)),
        base_kva=feeder.base_kva,
        r_pu=feeder.r_pu,
        x_pu=feeder.x_pu,
        rate_kva=feeder.rate_kva,
        q_kvar=feeder.q_kvar - feeder.cap_kvar,
        drop=voltage_drop(feeder),
    )


def one_for_each_phase(feeder: Feeder, taps: bool = False) -> Conductors:
    """Return the conductors of a feeder with phases; regulators stand at ratio 1, with `taps` at their own.

    Every phase of a line carries an equal part of the line's rating. Raises NetworkDataError for a feeder without
    three-phase tables.
    """
    phases = feeder.phases
    if phases is None:
        raise NetworkDataError(f"feeder {feeder.name!r} has no three-phase tables")
    bus, at = np.nonzero(phases.at_bus)
    line, of = np.nonzero(phases.in_line)
    node = np.zeros(phases.at_bus.shape, dtype=np.int64)
    node[bus, at] = np.arange(len(bus))
    start, end = node[feeder.line_from[line], of], node[feeder.line_to[line], of]
    base_kva = feeder.base_kva / len(PHASES)
    own = phases.z_pu[line, of, of]
    ratio = phases.tap_ratio[line, of] if taps else np.ones(len(line))
    shares = (phases.share[bus, at], (np.arange(len(bus)), bus))
    return Conductors(
        buses=tuple(f"{feeder.buses[n]}.{PHASES[k]}" for n, k in zip(bus, at, strict=True)),
        line_names=tuple(f"{feeder.line_names[n]}.{PHASES[k]}" for n, k in zip(line, of, strict=True)),
        line_from=start,
        line_to=end,
        outward_lines=lines_from_the_top(len(bus), start, end),
        roots=np.flatnonzero(bus == feeder.root),
        bus_of=bus,
        line_of=line,
        split=sparse.csr_array(shares, shape=(len(bus), feeder.n_buses)),
        base_kva=base_kva,
        r_pu=own.real,
        x_pu=own.imag,
        rate_kva=(feeder.rate_kva / phases.in_line.sum(axis=1))[line],
        q_kvar=(phases.q_kvar - phases.cap_kvar)[bus, at],
        drop=_coupled_drop(phases, base_kva, (start, end), ratio, len(bus)),
    )


def _coupled_drop(
    phases: Phases, base_kva: float, ends: tuple[IntVector, IntVector], ratio: Vector, n_nodes: int
) -> VoltageDrop:
    """The rows u_j − t² u_i + 2 (Re ẑ P + Im ẑ Q) / base_kva = 0, with P and Q of all phases of the line."""
    line, of = np.nonzero(phases.in_line)
    row, other = np.nonzero(line[:, None] == line)  # conductors of one line
    turned = 2.0 / base_kva * phases.turned_z_pu[line[row], of[row], of[other]]
    square, conductors = (len(line), len(line)), np.arange(len(line))
    places = (np.concatenate([conductors, conductors]), np.concatenate(ends[::-1]))
    values = np.concatenate([np.ones(len(line)), -(ratio**2)])
    return VoltageDrop(
        squared_voltage=sparse.csr_array((values, places), shape=(len(line), n_nodes)),
        active=sparse.csr_array((turned.real, (row, other)), shape=square),
        reactive=sparse.csr_array((turned.imag, (row, other)), shape=square),
    )
