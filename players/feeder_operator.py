"""What models of a distribution operator on a radial feeder share: balances, voltages, limits, and what they report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal

import cvxpy as cp
import numpy as np
from scipy import sparse

from bestresponse.errors import DataError
from bestresponse.player import Response
from bestresponse.typing import IntVector, SparseMatrix, Vector
from networks.conductors import Conductors, one_for_each_line
from networks.feeder import Feeder
from networks.lindistflow import line_incidence, polygon, sum_along_feeder
from players import goods
from players.convex_program import ConvexProgram, Formulation
from players.grid_terms import ImportContract, VoltageLimits
from players.reports import GridReport, PriceParts, injections


class FeederOperator(ConvexProgram):
    """Delivers energy from the root to the buses over a radial feeder or, with lines out, a forest.

    Lines have no losses unless a subclass states a variable for their currents, and one conductor each unless it says
    what their `conductors` are.
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

    @cached_property
    def conductors(self) -> Conductors:
        """What balances, voltage drops and limits are stated for."""
        return one_for_each_line(self.feeder)

    def formulate(self) -> Formulation:
        """Return balances, voltage drops and line limits in CVXPY, with P, Q in kW, kvar and u per unit."""
        grid = self.conductors
        n_nodes, n_lines = grid.n_buses, grid.n_lines
        low, high = self._voltage_bounds()
        supported, support = self._support()

        y = cp.Variable(len(self.delivery_buses), name="delivery")
        p_import = cp.Variable(1, name="import", bounds=[0, self.contract.p_max_kw])
        q_import = cp.Variable(1, name="q_import", bounds=[self.contract.q_min_kvar, self.contract.q_max_kvar])
        P, Q = cp.Variable(n_lines, name="P"), cp.Variable(n_lines, name="Q")
        L = self.current()
        u = cp.Variable(n_nodes, name="u", bounds=[low, high])
        q_support = cp.Variable(len(support), name="q_support", bounds=[-support, support])

        into = line_incidence(grid)  # +1 where a line ends, −1 where it begins
        root = _columns(n_nodes, grid.roots)
        p_root, q_root = self._at_roots(p_import), self._at_roots(q_import)
        delivered = grid.split[:, [self.feeder.bus_index(bus) for bus in self.delivery_buses]]
        drop = grid.drop
        end = _columns(n_nodes, grid.line_to)
        lost_p, lost_q = end @ cp.multiply(grid.r_pu, L), end @ cp.multiply(grid.x_pu, L)
        lifted = cp.multiply((grid.r_pu**2 + grid.x_pu**2) / grid.base_kva, L)
        constraints = {
            "active_balance": into @ P - lost_p + root @ p_root - delivered @ y == 0,
            "reactive_balance": into @ Q - lost_q + root @ q_root + _columns(n_nodes, supported) @ q_support
            == grid.q_kvar,
            "voltage_drop": drop.squared_voltage @ u + drop.active @ P + drop.reactive @ Q - lifted == 0,
        }
        if p_root is not p_import:
            constraints |= {"import_sum": cp.sum(p_root) == p_import, "q_import_sum": cp.sum(q_root) == q_import}
        rated = self._rated
        if len(rated):
            constraints["line_limit"] = self._within_polygon(P, Q, rated)
        nodes, lines = grid.buses, grid.line_names
        return Formulation(
            cost=self.contract.price_usd_per_kwh * cp.sum(p_import),
            trade=cp.hstack([-y, grid.r_pu @ L - p_import]),
            constraints=constraints,
            scale={"u": 0.01, "L": 10.0},
            labels={
                "delivery": self.delivery_buses,
                "q_support": [nodes[n] for n in supported],
                "line_limit": [f"{lines[n]} at {30 * k}°" for k in range(12) for n in rated],
                **{key: nodes for key in ("u", "active_balance", "reactive_balance")},
                **{key: lines for key in ("P", "Q", "L", "voltage_drop")},
            },
        )

    def current(self) -> cp.Expression:
        """Return (n_lines,) [kVA] squared currents in per unit times the base; zero where lines have no losses."""
        return cp.Constant(np.zeros(self.conductors.n_lines))

    def node_price(self, duals: Mapping[str, Vector], import_price: float) -> Vector:
        """Return (n_nodes,) [$/kWh] DLMP = τ + λ at every node, from the multipliers of the active balance."""
        return import_price - duals["active_balance"]

    def nodal_price(self, duals: Mapping[str, Vector], import_price: float) -> Vector:
        """Return (n_buses,) [$/kWh] DLMP = τ + λ at every bus: of its nodes, weighted by their shares."""
        return self.conductors.split.T @ self.node_price(duals, import_price)

    def price_parts(
        self,
        duals: Mapping[str, Vector],
        import_price: float,
        loss: Vector | None = None,  # (n_lines,) [$/kWh] what losses add along every line
    ) -> list[PriceParts]:
        """Return what the nodal price of every bus is made of, from the multipliers; the parts sum to `nodal_price`.

        Along a line i → j stationarity in P says DLMP_j − DLMP_i = Σ_k cos θ_k (multiplier of side k of its limit) +
        2 r (multiplier of its voltage drop) + loss: the parts of line limits, voltages and losses. What a bus has
        beyond the sums over the lines on its way is the price of energy at the top of its part: at the root, or in an
        island where its lines begin.
        """
        grid = self.conductors
        line = np.zeros(grid.n_lines)
        if "line_limit" in duals:
            cosine = polygon()[0]
            line[self._rated] = cosine @ duals["line_limit"].reshape(len(cosine), -1)
        voltage = grid.drop.active.T @ duals["voltage_drop"]
        along = [line, voltage, np.zeros(grid.n_lines) if loss is None else loss]
        energy = sum_along_feeder(grid, np.zeros(grid.n_lines), self.node_price(duals, import_price))
        parts = np.column_stack([energy, *(sum_along_feeder(grid, each) for each in along)])
        return [PriceParts(*each) for each in (grid.split.T @ parts).tolist()]

    def report(self, response: Response, import_price: float, delivery_price: Mapping[str, float]) -> GridReport:
        """Return import, nodal prices with their parts, voltages, flows and injections of a response.

        Where nobody else trades, the nodal price is the operator's own multiplier.
        """
        feeder, grid, plan = self.feeder, self.conductors, response.plan
        nodal = dict(zip(feeder.buses, self.nodal_price(response.duals, import_price).tolist(), strict=True))
        nodal |= {bus: import_price + price for bus, price in delivery_price.items()}
        imported = float(plan["import"][0])
        support = np.zeros(grid.n_buses)
        support[self._support()[0]] = plan["q_support"]
        delivered = dict(zip(self.delivery_buses, plan["delivery"].tolist(), strict=True))
        flow = zip(grid.total_by_line(plan["P"]).tolist(), grid.total_by_line(plan["Q"]).tolist(), strict=True)
        return GridReport(
            import_kw=imported,
            import_cost_usd_per_h=self.contract.price_usd_per_kwh * imported,
            nodal_price=nodal,
            voltage_pu=dict(zip(feeder.buses, grid.mean_by_bus(np.sqrt(plan["u"])).tolist(), strict=True)),
            line_flow=dict(zip(feeder.line_names, flow, strict=True)),
            injection=injections(feeder, delivered, grid.total_by_bus(support)),
            price_parts=dict(zip(feeder.buses, self.price_parts(response.duals, import_price), strict=True)),
        )

    def _support(self) -> tuple[IntVector, Vector]:
        """The nodes with reactive support, and (n_supported,) [kvar] how much each can give or take."""
        at_node = self.conductors.split @ self.reactive_support_kvar
        supported = np.flatnonzero(at_node > 0)
        return supported, at_node[supported]

    def _at_roots(self, total: cp.Variable) -> cp.Expression:
        """(n_roots,) how a supply enters at the nodes of the root: in parts that are free where there are several."""
        n_roots = len(self.conductors.roots)
        return total if n_roots == 1 else cp.Variable(n_roots, name=f"{total.name()}_by_phase")

    @property
    def _rated(self) -> IntVector:
        """The conductors with a rating."""
        return np.flatnonzero(np.isfinite(self.conductors.rate_kva))

    def _voltage_bounds(self) -> tuple[Vector, Vector]:
        low = np.full(self.conductors.n_buses, self.voltage.min_pu**2)
        high = np.full(self.conductors.n_buses, self.voltage.max_pu**2)
        low[self.conductors.roots] = high[self.conductors.roots] = self.voltage.source_pu**2
        return low, high

    def _within_polygon(self, P: cp.Variable, Q: cp.Variable, rated: IntVector) -> cp.Constraint:
        cosine, sine, inscribed = polygon()
        pick = _columns(self.conductors.n_lines, rated).T
        sides = sparse.kron(cosine[:, None], pick) @ P + sparse.kron(sine[:, None], pick) @ Q
        return sides <= np.tile(inscribed * self.conductors.rate_kva[rated], len(cosine))


def _columns(n_rows: int, rows: Sequence[int] | IntVector) -> SparseMatrix:
    """(n_rows, len(rows)) one column for every entry, with a one in its row."""
    return sparse.csr_array((np.ones(len(rows)), (rows, np.arange(len(rows)))), shape=(n_rows, len(rows)))
