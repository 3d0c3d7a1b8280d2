"""AC power flow of a feeder by pandapower."""

from __future__ import annotations

import numpy as np

from networks.ac_power_flow import ACFlow, line_ohms
from networks.extras import optional
from networks.feeder import Feeder
from networks.typing import Vector


def pandapower_flow(feeder: Feeder, p_kw: Vector, q_kvar: Vector, top_voltage_pu: Vector) -> ACFlow | None:
    """Return the power flow of injections (n_buses,); None if it does not converge.

    In every connected part the bus at its top (`Feeder.tops`) keeps its entry of `top_voltage_pu` (n_buses,) and
    supplies what is missing; regulators stand at ratio 1. Raises NetworkDataError if pandapower is not installed.
    """
    pandapower = optional("pandapower", "pandapower", "pandapower")
    net = pandapower.create_empty_network(sn_mva=feeder.base_kva / 1000.0)
    bus = pandapower.create_buses(net, feeder.n_buses, vn_kv=feeder.base_kv)
    for top in np.flatnonzero(feeder.tops):
        pandapower.create_ext_grid(net, bus[top], vm_pu=float(top_voltage_pu[top]))
    pandapower.create_sgens(net, bus, p_mw=p_kw / 1000.0, q_mvar=q_kvar / 1000.0)
    r_ohm, x_ohm = line_ohms(feeder)
    if feeder.n_lines:
        pandapower.create_lines_from_parameters(
            net,
            bus[feeder.line_from],
            bus[feeder.line_to],
            length_km=1.0,
            r_ohm_per_km=r_ohm,
            x_ohm_per_km=x_ohm,
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
