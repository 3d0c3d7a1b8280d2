"""AC power flow of a feeder by pandapower: what its linear and relaxed models leave out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from networks.errors import NetworkDataError
from networks.feeder import Feeder
from networks.typing import Vector

LEAST_OHM = 1e-6  # of a line, so that no engine divides by zero


@dataclass(frozen=True, eq=False)
class ACFlow:
    """An AC power flow."""

    voltage_pu: Vector  # (n_buses,)
    from_kw: Vector  # (n_lines,) into the line where it begins
    from_kvar: Vector
    to_kw: Vector  # (n_lines,) into the line where it ends
    to_kvar: Vector

    @property
    def losses_kw(self) -> Vector:
        """(n_lines,) what every line loses."""
        return self.from_kw + self.to_kw

    @property
    def apparent_kva(self) -> Vector:
        """(n_lines,) the apparent power at the end of every line where it is larger."""
        return np.maximum(np.hypot(self.from_kw, self.from_kvar), np.hypot(self.to_kw, self.to_kvar))


def pandapower_flow(feeder: Feeder, p_kw: Vector, q_kvar: Vector, top_voltage_pu: Vector) -> ACFlow | None:
    """Return the power flow of injections (n_buses,); None if it does not converge.

    In every connected part the bus at its top (`Feeder.tops`) keeps its entry of `top_voltage_pu` (n_buses,) and
    supplies what is missing. Raises NetworkDataError if pandapower is not installed.
    """
    try:
        import pandapower
    except ImportError:
        raise NetworkDataError(
            "pandapower is not installed; install it by: pip install 'bestresponse[pandapower]'"
        ) from None
    net = pandapower.create_empty_network(sn_mva=feeder.base_kva / 1000.0)
    bus = pandapower.create_buses(net, feeder.n_buses, vn_kv=feeder.base_kv)
    for top in np.flatnonzero(feeder.tops):
        pandapower.create_ext_grid(net, bus[top], vm_pu=float(top_voltage_pu[top]))
    pandapower.create_sgens(net, bus, p_mw=p_kw / 1000.0, q_mvar=q_kvar / 1000.0)
    ohm = feeder.base_ohm
    if feeder.n_lines:
        pandapower.create_lines_from_parameters(
            net,
            bus[feeder.line_from],
            bus[feeder.line_to],
            length_km=1.0,
            r_ohm_per_km=np.maximum(feeder.r_pu * ohm, LEAST_OHM),
            x_ohm_per_km=np.maximum(feeder.x_pu * ohm, LEAST_OHM),
            c_nf_per_km=0.0,
            max_i_ka=1.0,
        )
    try:
        pandapower.runpp(net, numba=False, tolerance_mva=1e-9)
    except pandapower.LoadflowNotConverged:
        return None
    lines = net.res_line
    return ACFlow(
        net.res_bus.vm_pu.to_numpy(),
        *(1000.0 * lines[column].to_numpy() for column in ("p_from_mw", "q_from_mvar", "p_to_mw", "q_to_mvar")),
    )
