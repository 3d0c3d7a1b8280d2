"""AC power flow of a feeder by OpenDSS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from networks.ac_power_flow import ACFlow, line_ohms
from networks.feeder import Feeder
from networks.opendss import opendss_engine
from networks.typing import Vector

_SOLUTION = "Set controlmode=off tolerance=1e-12 maxiterations=500"  # tolerance: p.u., of a voltage's last change
_STIFF = "R1=1e-9 X1=1e-9 R0=1e-9 X0=1e-9"  # [ohm] of a source
_CONSTANT_POWER = "model=1 vminpu=0 vmaxpu=10 vlowpu=0"  # at every voltage


def opendss_flow(feeder: Feeder, p_kw: Vector, q_kvar: Vector, top_voltage_pu: Vector) -> ACFlow | None:
    """Return the power flow of injections (n_buses,); None if it does not converge.

    In every connected part the bus at its top (`Feeder.tops`) keeps its entry of `top_voltage_pu` (n_buses,) and
    supplies what is missing; regulators stand at ratio 1. The circuit has three balanced phases and the feeder's
    positive sequence. Raises NetworkDataError if OpenDSSDirect.py is not installed.
    """
    engine = opendss_engine()
    for command in _circuit(feeder, p_kw, q_kvar, top_voltage_pu):
        engine.Text.Command(command)
    engine.Solution.Solve()
    if not engine.Solution.Converged():
        return None
    powers = np.array([_powers(engine, line) for line in range(feeder.n_lines)]).reshape(-1, 4)
    return ACFlow(np.array([_voltage_pu(engine, feeder, bus) for bus in range(feeder.n_buses)]), *powers.T)


def _circuit(feeder: Feeder, p_kw: Vector, q_kvar: Vector, top_voltage_pu: Vector) -> Iterator[str]:
    """Yield the commands that build the circuit; its names are positions in the feeder."""
    for top in sorted(np.flatnonzero(feeder.tops).tolist(), key=lambda top: top != feeder.root):
        new, pu = "Vsource" if top != feeder.root else "Circuit", float(top_voltage_pu[top])
        yield f"New {new}.s{top} bus1=b{top} phases=3 basekv={feeder.base_kv!r} pu={pu!r} {_STIFF}"
    ends = zip(feeder.line_from.tolist(), feeder.line_to.tolist(), strict=True)
    for line, ((start, end), r, x) in enumerate(zip(ends, *(ohm.tolist() for ohm in line_ohms(feeder)), strict=True)):
        ohms = f"r1={r!r} x1={x!r} r0={r!r} x0={x!r} c1=0 c0=0"
        yield f"New Line.l{line} bus1=b{start} bus2=b{end} phases=3 length=1 {ohms}"
    for bus, (p, q) in enumerate(zip(p_kw.tolist(), q_kvar.tolist(), strict=True)):
        yield f"New Load.d{bus} bus1=b{bus} phases=3 kv={feeder.base_kv!r} kW={-p!r} kvar={-q!r} {_CONSTANT_POWER}"
    yield _SOLUTION


def _voltage_pu(engine: Any, feeder: Feeder, bus: int) -> float:
    engine.Circuit.SetActiveBus(f"b{bus}")
    return float(engine.Bus.VMagAngle()[0]) / (1000.0 * feeder.base_kv / np.sqrt(3.0))


def _powers(engine: Any, line: int) -> Vector:
    """(4,) [kW], [kvar] into the line where it begins, and where it ends."""
    engine.Circuit.SetActiveElement(f"Line.l{line}")
    return np.array(engine.CktElement.Powers()).reshape(2, 3, 2).sum(axis=1).ravel()
