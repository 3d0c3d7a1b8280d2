"""What models of a distribution operator on a radial feeder share: balances, voltages, limits, and what they report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import cvxpy as cp
import numpy as np
from scipy import sparse

from bestresponse.errors import DataError
from bestresponse.player import Response
from bestresponse.typing import IntVector, SparseMatrix, Vector
from networks.feeder import Feeder
from networks.lindistflow import line_incidence, polygon, sum_along_feeder, voltage_drop
from players import goods
from players.convex_program import ConvexProgram, Formulation
from players.grid_terms import ImportContract, VoltageLimits
from players.reports import GridReport, PriceParts, injections


class FeederOperator(ConvexProgram):
    """Delivers energy from the root to the buses over a radial feeder or, with lines out, a forest.

    Lines have no losses unless a subclass states a variable for their currents.
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
    ) -> None:
        self.feeder = feeder
        self.delivery_buses = tuple(delivery_buses)
        self.contract = contract
        self.voltage = voltage
        self.reactive_support_kvar = np.asarray(reactive_support_kvar, dtype=float)
        if self.reactive_support_kvar.shape != (feeder.n_buses,) or not (self.reactive_support_kvar >= 0).all():
            raise DataError(f"{name}: reactive_support_kvar must be {feeder.n_buses} numbers ≥ 0, one for every bus")
        super().__init__(name, [*map(goods.delivery, delivery_buses), goods.IMPORT], solver)

    def formulate(self) -> Formulation:
        """Return balances, voltage drops and line limits in CVXPY, with P, Q in kW, kvar and u per unit."""
        feeder = self.feeder
        n_buses, n_lines = feeder.n_buses, feeder.n_lines
        low, high = self._voltage_bounds()
        supported = np.flatnonzero(self.reactive_support_kvar > 0)
        support = self.reactive_support_kvar[supported]

        y = cp.Variable(len(self.delivery_buses), name="delivery")
        p_import = cp.Variable(1, name="import", bounds=[0, self.contract.p_max_kw])
        q_import = cp.Variable(1, name="q_import", bounds=[self.contract.q_min_kvar, self.contract.q_max_kvar])
        P, Q = cp.Variable(n_lines, name="P"), cp.Variable(n_lines, name="Q")
        L = self.current()
        u = cp.Variable(n_buses, name="u", bounds=[low, high])
        q_support = cp.Variable(len(support), name="q_support", bounds=[-support, support])

        into = line_incidence(feeder)  # +1 where a line ends, −1 where it begins
        root = _columns(n_buses, [feeder.root])
        delivered = _columns(n_buses, [feeder.bus_index(bus) for bus in self.delivery_buses])
        drop = voltage_drop(feeder)
        fixed_q = feeder.q_kvar - feeder.cap_kvar
        end = _columns(n_buses, feeder.line_to)
        lost_p, lost_q = end @ cp.multiply(feeder.r_pu, L), end @ cp.multiply(feeder.x_pu, L)
        lifted = cp.multiply((feeder.r_pu**2 + feeder.x_pu**2) / feeder.base_kva, L)
        constraints = {
            "active_balance": into @ P - lost_p + root @ p_import - delivered @ y == 0,
            "reactive_balance": into @ Q - lost_q + root @ q_import + _columns(n_buses, supported) @ q_support
            == fixed_q,
            "voltage_drop": drop.squared_voltage @ u + drop.active @ P + drop.reactive @ Q - lifted == 0,
        }
        rated = self._rated
        if len(rated):
            constraints["line_limit"] = self._within_polygon(P, Q, rated)
        buses, lines = feeder.buses, feeder.line_names
        return Formulation(
            cost=self.contract.price_usd_per_kwh * cp.sum(p_import),
            trade=cp.hstack([-y, feeder.r_pu @ L - p_import]),
            constraints=constraints,
            scale={"u": 0.01, "L": 10.0},
            labels={
                "delivery": self.delivery_buses,
                "q_support": [buses[n] for n in supported],
                "line_limit": [f"{lines[n]} at {30 * k}°" for k in range(12) for n in rated],
                **{key: buses for key in ("u", "active_balance", "reactive_balance")},
                **{key: lines for key in ("P", "Q", "L", "voltage_drop")},
            },
        )

    def current(self) -> cp.Expression:
        """Return (n_lines,) [kVA] squared currents in per unit times the base; zero where lines have no losses."""
        return cp.Constant(np.zeros(self.feeder.n_lines))

    def nodal_price(self, duals: Mapping[str, Vector], import_price: float) -> Vector:
        """Return (n_buses,) [$/kWh] DLMP = τ + λ at every bus, from the multipliers of the active balance."""
        return import_price - duals["active_balance"]

    def price_parts(
        self,
        duals: Mapping[str, Vector],
        import_price: float,
        loss: Vector | None = None,  # (n_lines,) [$/kWh] what losses add along every line
    ) -> list[PriceParts]:
        """Return what the nodal price of every bus is made of, from the multipliers; the parts sum to `nodal_price`.

        Along a line i → j stationarity in P says DLMP_j − DLMP_i = Σ_k cos θ_k (multiplier of side k of its limit) +
        2 r (multiplier of its voltage drop) + loss: the parts of line, voltage limits and losses. What a bus has beyond
        the sums over the lines on its way is the price of energy at the top of its part: at the root, or in an island
        where its lines begin.
        """
        feeder = self.feeder
        line = np.zeros(feeder.n_lines)
        if "line_limit" in duals:
            cosine = polygon()[0]
            line[self._rated] = cosine @ duals["line_limit"].reshape(len(cosine), -1)
        line = sum_along_feeder(feeder, line)
        voltage = sum_along_feeder(feeder, voltage_drop(feeder).active.T @ duals["voltage_drop"])
        lost = sum_along_feeder(feeder, np.zeros(feeder.n_lines) if loss is None else loss)
        top_price = np.zeros(feeder.n_buses)  # by part
        top_price[feeder.component[feeder.tops]] = self.nodal_price(duals, import_price)[feeder.tops]
        energy = top_price[feeder.component]
        parts = np.column_stack([energy, line, voltage, lost])
        return [PriceParts(*each) for each in parts.tolist()]

    def report(self, response: Response, import_price: float, delivery_price: Mapping[str, float]) -> GridReport:
        """Return import, nodal prices with their parts, voltages, flows and injections of a response.

        Where nobody else trades, the nodal price is the operator's own multiplier.
        """
        feeder, plan = self.feeder, response.plan
        nodal = dict(zip(feeder.buses, self.nodal_price(response.duals, import_price).tolist(), strict=True))
        nodal |= {bus: import_price + price for bus, price in delivery_price.items()}
        imported = float(plan["import"][0])
        support = np.zeros(feeder.n_buses)
        support[self.reactive_support_kvar > 0] = plan["q_support"]
        return GridReport(
            import_kw=imported,
            import_cost_usd_per_h=self.contract.price_usd_per_kwh * imported,
            nodal_price=nodal,
            voltage_pu=dict(zip(feeder.buses, np.sqrt(plan["u"]).tolist(), strict=True)),
            line_flow=dict(
                zip(feeder.line_names, zip(plan["P"].tolist(), plan["Q"].tolist(), strict=True), strict=True)
            ),
            injection=injections(
                feeder, dict(zip(self.delivery_buses, plan["delivery"].tolist(), strict=True)), support
            ),
            price_parts=dict(zip(feeder.buses, self.price_parts(response.duals, import_price), strict=True)),
        )

    @property
    def _rated(self) -> IntVector:
        """The lines with a rating."""
        return np.flatnonzero(np.isfinite(self.feeder.rate_kva))

    def _voltage_bounds(self) -> tuple[Vector, Vector]:
        low = np.full(self.feeder.n_buses, self.voltage.min_pu**2)
        high = np.full(self.feeder.n_buses, self.voltage.max_pu**2)
        low[self.feeder.root] = high[self.feeder.root] = self.voltage.source_pu**2
        return low, high

    def _within_polygon(self, P: cp.Variable, Q: cp.Variable, rated: IntVector) -> cp.Constraint:
        cosine, sine, inscribed = polygon()
        pick = _columns(self.feeder.n_lines, rated).T
        sides = sparse.kron(cosine[:, None], pick) @ P + sparse.kron(sine[:, None], pick) @ Q
        return sides <= np.tile(inscribed * self.feeder.rate_kva[rated], len(cosine))


def _columns(n_rows: int, rows: Sequence[int] | IntVector) -> SparseMatrix:
    """(n_rows, len(rows)) one column for every entry, with a one in its row."""
    return sparse.csr_array((np.ones(len(rows)), (rows, np.arange(len(rows)))), shape=(n_rows, len(rows)))
