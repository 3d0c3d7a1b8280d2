"""The linearised branch-flow equations LinDistFlow, eqs. (9b)-(9e), as matrices (Baran and Wu 1989, without losses).

P and Q are in kW and kvar, u is the squared voltage in per unit, so the impedances are divided by base_kva here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from networks.errors import NetworkDataError
from networks.radial_feeder import Feeder
from networks.tree import Forest
from networks.typing import SparseMatrix, Vector

BALANCE_TOLERANCE_KW = 1e-6  # per island, relative to its largest injection or 1 kW


def line_incidence(forest: Forest) -> SparseMatrix:
    """Return (n_buses, n_lines): +1 where a line enters a bus, -1 where it leaves, so `incidence @ P` arrives."""
    lines = np.arange(forest.n_lines)
    places = (np.concatenate([forest.line_to, forest.line_from]), np.concatenate([lines, lines]))
    values = np.repeat([1.0, -1.0], forest.n_lines)
    return sparse.csr_array((values, places), shape=(forest.n_buses, forest.n_lines))


def sum_along_feeder(forest: Forest, per_line: Vector, at_top: Vector | None = None) -> Vector:
    """Return (n_buses,): the sum of values (n_lines,) over the lines between every bus and the top of its part.

    The sums begin with the top's entry of `at_top` (n_buses,), without it at zero.
    """
    total = np.zeros(forest.n_buses) if at_top is None else at_top.copy()
    for line in forest.outward_lines:
        total[forest.line_to[line]] = total[forest.line_from[line]] + per_line[line]
    return total


@dataclass(frozen=True, eq=False)
class VoltageDrop:
    """The rows of eq. (9d), one per line: `squared_voltage @ u + active @ P + reactive @ Q = 0`."""

    squared_voltage: SparseMatrix  # (n_lines, n_buses) [1]
    active: SparseMatrix  # (n_lines, n_lines) [1/kW] 2 r / base_kva on the diagonal
    reactive: SparseMatrix  # (n_lines, n_lines) [1/kvar] 2 x / base_kva on the diagonal


def voltage_drop(feeder: Feeder, taps: bool = False) -> VoltageDrop:
    """Return the rows u_j - t² u_i + 2 (r P + x Q) / base_kva = 0 of every line i -> j.

    Without `taps` t is 1; with them it is the feeder's tap ratio.
    """
    lines = np.arange(feeder.n_lines)
    ratio = feeder.tap_ratio if taps else np.ones(feeder.n_lines)
    places = (np.concatenate([lines, lines]), np.concatenate([feeder.line_to, feeder.line_from]))
    values = np.concatenate([np.ones(feeder.n_lines), -(ratio**2)])
    return VoltageDrop(
        squared_voltage=sparse.csr_array((values, places), shape=(feeder.n_lines, feeder.n_buses)),
        active=sparse.csr_array(sparse.diags_array(2.0 * feeder.r_pu / feeder.base_kva)),
        reactive=sparse.csr_array(sparse.diags_array(2.0 * feeder.x_pu / feeder.base_kva)),
    )


def polygon(n_sides: int = 12) -> tuple[Vector, Vector, float]:
    """Return (cos θ, sin θ, factor) of the polygon inscribed in P² + Q² <= S², eq. (9e).

    Its sides are P cos θ_k + Q sin θ_k <= factor · S with θ_k = 2πk/n_sides and factor = cos(π/n_sides); both vectors
    have shape (n_sides,). Raises NetworkDataError for fewer than 3 sides.
    """
    if not (n_sides >= 3):
        raise NetworkDataError(f"a polygon has at least 3 sides, not {n_sides}")
    angle = 2.0 * np.pi * np.arange(n_sides) / n_sides
    return np.cos(angle), np.sin(angle), float(np.cos(np.pi / n_sides))


def solve_voltages(
    feeder: Feeder, p_kw_injection: Vector, q_kvar_injection: Vector, root_u: float, taps: bool = False
) -> tuple[Vector, Vector, Vector]:
    """Return (u, P, Q) for given injections: squared voltages (n_buses,) [p.u.], flows (n_lines,) [kW], [kvar].

    Injections (n_buses,) are generation and capacitors less load; the root supplies what is missing in its part,
    whatever its own entry. An island has to balance by itself, else NetworkDataError; its voltages have no
    reference and are NaN.
    """
    P = _flows(feeder, p_kw_injection, "active power [kW]")
    Q = _flows(feeder, q_kvar_injection, "reactive power [kvar]")
    drop = 2.0 * (feeder.r_pu * P + feeder.x_pu * Q) / feeder.base_kva
    ratio = feeder.tap_ratio if taps else np.ones(feeder.n_lines)
    u = np.full(feeder.n_buses, np.nan)
    u[feeder.root] = root_u
    for line in feeder.outward_lines:
        u[feeder.line_to[line]] = ratio[line] ** 2 * u[feeder.line_from[line]] - drop[line]
    return u, P, Q


def _flows(feeder: Feeder, injection: Vector, what: str) -> Vector:
    """Return the flow on every line: what the buses behind it do not inject themselves."""
    if np.shape(injection) != (feeder.n_buses,) or not np.all(np.isfinite(injection)):
        raise NetworkDataError(f"injections of {what}: expected {feeder.n_buses} finite numbers")
    surplus = np.array(injection, dtype=np.float64)  # (n_buses,) of a bus and everything behind it
    flow = np.zeros(feeder.n_lines)
    for line in feeder.outward_lines[::-1]:
        flow[line] = 0.0 - surplus[feeder.line_to[line]]
        surplus[feeder.line_from[line]] += surplus[feeder.line_to[line]]
    _check_islands(feeder, injection, what)
    return flow


def _check_islands(feeder: Feeder, injection: Vector, what: str) -> None:
    total = np.bincount(feeder.component, weights=injection)
    largest = np.zeros(len(total))
    np.maximum.at(largest, feeder.component, np.abs(injection))
    unbalanced = ~(np.abs(total) <= BALANCE_TOLERANCE_KW * np.maximum(1.0, largest))
    unbalanced[feeder.component[feeder.root]] = False
    for part in np.flatnonzero(unbalanced)[:1]:
        bus = feeder.buses[int(np.argmax(feeder.component == part))]
        raise NetworkDataError(f"the island with bus {bus} does not balance: its {what} sums to {total[part]:g}")
