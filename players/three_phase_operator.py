"""The distribution system operator of an unbalanced feeder: LinDistFlow by phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Literal

import numpy as np

from bestresponse.errors import DataError
from bestresponse.player import Response
from bestresponse.typing import Vector
from networks.conductors import Conductors, one_for_each_phase
from networks.feeder import Feeder
from networks.tree import component_labels
from players.feeder_operator import FeederOperator
from players.grid_terms import ImportContract, VoltageLimits
from players.reports import GridReport

TOLERANCE_KVAR = 1e-6


class ThreePhaseOperator(FeederOperator):
    """Delivers energy from the root to the buses over lines of up to three phases, without losses.

    maximise  Σ λₙ yₙ + (τ − c^T) p^T
    subject to  active and reactive balance at every bus in each of its phases; yₙ splits in fixed shares over them
                u_jφ = u_iφ − 2 Σ_ψ (Re ẑ_φψ P_ψ + Im ẑ_φψ Q_ψ) along every line
                the limits of eqs. (9e–9i) for every phase: a line's rating in equal parts, p^T and q^T for the sum

    ẑ is the line's impedance matrix turned by the angles between the phases, which are taken to stay 120° apart (Gan
    and Low 2014). Shares are those of the bus's load, equal ones where it has none. The phases of p^T and q^T are free,
    those of reactive support within the shares of its rating. The nodal price of a bus is the mean over its phases,
    weighted by its shares. Regulators stand at ratio 1, with `taps` at their own.
    """

    def __init__(
        self,
        feeder: Feeder,
        delivery_buses: Sequence[str],
        contract: ImportContract,
        voltage: VoltageLimits,
        reactive_support_kvar: Vector,  # (n_buses,) ≥ 0, both signs
        name: str = "DSO",
        solver: Literal["persistent", "cvxpy"] = "persistent",
        *,
        taps: bool = False,
    ) -> None:
        if feeder.phases is None:
            raise DataError(f"{name}: feeder {feeder.name!r} has no three-phase tables")
        self.taps = taps
        super().__init__(feeder, delivery_buses, contract, voltage, reactive_support_kvar, name, solver)
        self._check_islands()

    @cached_property
    def conductors(self) -> Conductors:
        """A conductor for every phase of every line."""
        return one_for_each_phase(self.feeder, self.taps)

    def report(self, response: Response, import_price: float, delivery_price: Mapping[str, float]) -> GridReport:
        """Return what every operator reports, voltages as means over the phases, and each phase by itself."""
        found, grid = super().report(response, import_price, delivery_price), self.conductors
        return replace(
            found,
            phase_voltage_pu=dict(zip(grid.buses, np.sqrt(response.plan["u"]).tolist(), strict=True)),
            phase_price=dict(zip(grid.buses, self.node_price(response.duals, import_price).tolist(), strict=True)),
        )

    def _check_islands(self) -> None:
        """Raise DataError for a phase of an island whose reactive load has no dispatch, whatever is shed."""
        grid = self.conductors
        part = component_labels(grid.n_buses, grid.line_from, grid.line_to)
        supported, support = self._support()
        most = np.bincount(part[supported], support, part.max() + 1)
        needed = np.bincount(part, grid.q_kvar)
        lacking = ~(np.abs(needed) <= most + TOLERANCE_KVAR)
        lacking[part[grid.roots]] = False
        for k in np.flatnonzero(lacking)[:1]:
            nodes = np.flatnonzero(part == k)
            bus, phase = grid.buses[nodes[0]].rsplit(".", 1)
            raise DataError(
                f"{self.name}: in phase {phase} the island of {len(nodes)} buses with bus {bus} needs {needed[k]:.1f} "
                f"kvar of reactive power; generators and station inverters there give and take at most {most[k]:.1f}"
            )
