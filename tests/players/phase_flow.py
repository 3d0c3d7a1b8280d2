"""The power flow that an operator's own compiled rows have at given deliveries: nothing is chosen, only solved."""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import spsolve

from players.feeder_operator import FeederOperator
from players.grid_terms import ImportContract, VoltageLimits
from players.three_phase_operator import ThreePhaseOperator

CONTRACT = ImportContract(0.06, 5000.0, -5000.0, 5000.0)
WIDE = VoltageLimits(1.0, 0.5, 1.5)


def three_phase(feeder, buses=(), limits=WIDE, support=None, **options):
    """Return an operator that buys at 0.06 $/kWh."""
    reactive = np.zeros(feeder.n_buses) if support is None else support
    return ThreePhaseOperator(feeder, buses or feeder.buses, CONTRACT, limits, reactive, **options)


def flow(player: FeederOperator, delivered_kw) -> dict[str, np.ndarray]:
    """Return the variables of an operator without reactive support who delivers (n_delivery_buses,) [kW]."""
    program = player.program
    x = np.where(program.lower == program.upper, program.lower, 0.0)  # the root's voltages
    x[program.variables["delivery"]] = delivered_kw
    free = program.lower < program.upper
    free[program.variables["delivery"]] = False
    assert free.sum() == len(program.b), "there is something left to choose"
    x[free] = spsolve(program.A[:, free].tocsc(), program.b - program.A @ x)
    return program.split(x)


def voltages(player: FeederOperator, delivered_kw) -> dict[str, float]:
    """Return the voltage [p.u.] at every node."""
    return dict(zip(player.conductors.buses, np.sqrt(flow(player, delivered_kw)["u"]).tolist(), strict=True))
