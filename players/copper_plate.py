"""The distribution system operator without a network: every connected part of the feeder is one bus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import cvxpy as cp
import numpy as np
from scipy import sparse

from bestresponse.errors import DataError
from bestresponse.player import Response
from bestresponse.typing import Vector
from networks.feeder import Feeder
from players import goods
from players.convex_program import ConvexProgram, Formulation
from players.grid_terms import ImportContract
from players.reports import GridReport, PriceParts, injections


class CopperPlate(ConvexProgram):
    """Delivers energy within every connected part of a feeder as if its lines had no limits and no impedance.

    maximise  Σ λₙ yₙ + (τ − c^T) p^T
    subject to  Σ yₙ = p^T over the part of the root, Σ yₙ = 0 over every island
                0 ≤ p^T ≤ p̄^T,  |yₙ| ≤ reach

    Without the reach the operator would trade without end wherever two prices of one part differ. It has to be larger
    than anything that is ever delivered to a bus or taken there; then all buses of a part have one price.
    """

    def __init__(
        self,
        feeder: Feeder,
        delivery_buses: Sequence[str],
        contract: ImportContract,
        reach_kw: float,
        name: str = "DSO",
        solver: Literal["persistent", "cvxpy"] = "persistent",
    ) -> None:
        if not 0 < reach_kw < np.inf:
            raise DataError(f"{name}: reach_kw is {reach_kw}, must be a positive number")
        self.feeder = feeder
        self.delivery_buses = tuple(delivery_buses)
        self.contract = contract
        self.reach_kw = reach_kw
        super().__init__(name, [*map(goods.delivery, delivery_buses), goods.IMPORT], solver)

    def formulate(self) -> Formulation:
        """Return the balance of every part in CVXPY, in kW."""
        part = self.feeder.component
        n_parts, n = int(part.max()) + 1, len(self.delivery_buses)
        y = cp.Variable(n, name="delivery", bounds=[-self.reach_kw, self.reach_kw])
        p_import = cp.Variable(1, name="import", bounds=[0, self.contract.p_max_kw])
        at = part[[self.feeder.bus_index(bus) for bus in self.delivery_buses]]
        delivered = sparse.csr_array((np.ones(n), (at, np.arange(n))), shape=(n_parts, n))
        imported = np.zeros((n_parts, 1))
        imported[part[self.feeder.root]] = 1.0
        return Formulation(
            cost=self.contract.price_usd_per_kwh * cp.sum(p_import),
            trade=cp.hstack([-y, -p_import]),
            constraints={"active_balance": imported @ p_import - delivered @ y == 0},
            labels={
                "delivery": self.delivery_buses,
                "active_balance": [self.feeder.buses[int(np.argmax(part == k))] for k in range(n_parts)],
            },
        )

    def nodal_price(self, duals: Mapping[str, Vector], import_price: float) -> Vector:
        """Return (n_buses,) [$/kWh] DLMP = τ + λ at every bus, the same in every part."""
        return import_price - duals["active_balance"][self.feeder.component]

    def report(self, response: Response, import_price: float, delivery_price: Mapping[str, float]) -> GridReport:
        """Return import, nodal prices and injections of a response; there are no voltages, flows or reactive support.

        Where nobody else trades, the nodal price is the operator's own multiplier. All of it is the price of energy.
        """
        buses = self.feeder.buses
        own = dict(zip(buses, self.nodal_price(response.duals, import_price).tolist(), strict=True))
        imported = float(response.plan["import"][0])
        delivered = dict(zip(self.delivery_buses, response.plan["delivery"].tolist(), strict=True))
        return GridReport(
            import_kw=imported,
            import_cost_usd_per_h=self.contract.price_usd_per_kwh * imported,
            nodal_price=own | {bus: import_price + price for bus, price in delivery_price.items()},
            injection=injections(self.feeder, delivered, np.zeros(self.feeder.n_buses)),
            price_parts={bus: PriceParts(energy=price) for bus, price in own.items()},
        )
