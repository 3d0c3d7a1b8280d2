"""The phases of a feeder: who has which, impedances with their coupling, loads by phase."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from networks.typing import BoolVector, ComplexArray, Vector

PHASES = "abc"
_TURN = np.exp(-2j * np.pi / 3 * np.arange(3))  # the voltages of the phases, each 120° behind the one before


@dataclass(frozen=True, eq=False)
class Phases:
    """What a feeder is by phase; arrays have a last axis of the phases a, b, c, zero where one is missing."""

    at_bus: BoolVector  # (n_buses, 3) whether the bus has the phase
    in_line: BoolVector  # (n_lines, 3) whether the line has it
    z_pu: ComplexArray  # (n_lines, 3, 3) per unit: own impedances on the diagonal, mutual ones beside it
    tap_ratio: Vector  # (n_lines, 3) of regulators, at the line's from-end; 1 = none
    p_kw: Vector  # (n_buses, 3) active load
    q_kvar: Vector  # (n_buses, 3) reactive load
    cap_kvar: Vector  # (n_buses, 3) capacitors, constant

    @property
    def sizes(self) -> tuple[int, int]:
        """The number of buses and of lines."""
        return len(self.at_bus), len(self.in_line)

    @property
    def share(self) -> Vector:
        """(n_buses, 3) how power of a bus splits over its phases: as its active load does, evenly without one."""
        total = self.p_kw.sum(axis=1, keepdims=True)
        even = self.at_bus / self.at_bus.sum(axis=1, keepdims=True)
        return np.where(total != 0, self.p_kw / np.where(total != 0, total, 1.0), even)

    @property
    def turned_z_pu(self) -> ComplexArray:
        """(n_lines, 3, 3) ẑ of the voltage drops: u falls by 2 (Re ẑ · P + Im ẑ · Q) along a line.

        A current of phase ψ meets phase φ at the angle between their voltages, which stay 120° apart here: ẑ_φψ is
        z_φψ turned by arg V_ψ − arg V_φ (Gan and Low 2014, without losses).
        """
        return self.z_pu * (_TURN / _TURN[:, None])

    def with_loads_scaled(self, factor: float) -> Phases:
        """Return the phases with every load, but no capacitor, multiplied by a factor."""
        return replace(self, p_kw=self.p_kw * factor, q_kvar=self.q_kvar * factor)

    def with_lines(self, keep: BoolVector) -> Phases:
        """Return the phases with the lines where `keep` (n_lines,) says so; buses stay as they are."""
        return replace(self, in_line=self.in_line[keep], z_pu=self.z_pu[keep], tap_ratio=self.tap_ratio[keep])


def wye_from_delta(load: ComplexArray) -> ComplexArray:
    """Return (..., 3) power in phases a, b, c of loads between ab, bc, ca, as voltages 120° apart make it."""
    lagging = 0.5 - 0.5j / np.sqrt(3)  # of a load between a and b what phase a gives; phase b gives the conjugate
    return lagging * load + np.conj(lagging) * np.roll(load, 1, axis=-1)
