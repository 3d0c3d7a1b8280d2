"""A load serving entity: a concave quadratic program, eq. (10), with its market conduct as one number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import cvxpy as cp
import numpy as np
from scipy import sparse

from bestresponse.errors import DataError
from bestresponse.player import Response
from bestresponse.typing import SparseMatrix, Vector
from players import goods
from players.convex_program import ConvexProgram, Formulation
from players.quadratic_solver import QuadraticSolver
from players.reports import EntityReport, total_by_bus


@dataclass(frozen=True)
class Generator:
    """A dispatchable unit with cost c₁ g + ½ c₂ g² [$/h]."""

    bus: str
    p_max_kw: float
    c1_usd_per_kwh: float
    c2_usd_per_kw2h: float


@dataclass(frozen=True)
class HouseholdMarket:
    """The household demand one entity meets: where, how steep, how much it must serve."""

    buses: tuple[str, ...]
    slope: Vector  # (n_buses,) bₙ [$/kWh per kW]
    largest_use_kw: Vector  # (n_buses,) aₙ/bₙ, where the price reaches zero
    obligation_kw: Vector  # (n_buses,) d_fn, the portion this entity must serve


class LoadServingEntity(ConvexProgram):
    """Generates, imports, trades with the charging operator and sells to households.

    maximise  Σ Pₙ s − Σ C(g) − Σ λₙ wₙ − τ z + Σ π⁺ e⁺ − Σ π⁻ e⁻ − VOLL Σ ℓ                    (10a)
    subject to  g ≤ ḡ                                                                          (10b)
                s + ℓ ≥ d,  ℓ ≤ d                                                              (10c)
                Σ g + z + Σ e⁻ = Σ s + Σ e⁺                                                    (10d)
                w = s + e⁺ − e⁻ − g at every bus (takes delivery)

    Households answer with the market price, so the price impact in (10a) becomes the entity's own markup cost
    ½ θ bₙ s². The conduct θ = 1 is Cournot, θ = 0 perfect competition.
    """

    def __init__(
        self,
        name: str,
        generators: Sequence[Generator],
        households: HouseholdMarket,
        station_capacity_kw: Mapping[str, float],  # by place of retail: the sum over its stations
        import_max_kw: float,
        value_of_lost_load: float,  # [$/kWh]
        conduct: float = 1.0,
        v2g: bool = True,
        solver: Literal["persistent", "cvxpy"] = "persistent",
        station_bus: Mapping[str, str] | None = None,  # by place of retail; None: the places are buses
    ) -> None:
        if not 0 <= conduct <= 1:
            raise DataError(f"{name}: conduct {conduct} must lie between 0 (competition) and 1 (Cournot)")
        self.generators = tuple(generators)
        self.households = households
        self.station_capacity_kw = dict(station_capacity_kw)
        self.import_max_kw = import_max_kw
        self.value_of_lost_load = value_of_lost_load
        self.conduct = conduct
        self.v2g = v2g
        self.station_bus = {place: station_bus[place] if station_bus else place for place in station_capacity_kw}
        unit_buses = [unit.bus for unit in generators]
        self.buses = tuple(dict.fromkeys([*households.buses, *self.station_bus.values(), *unit_buses]))
        names = [*map(goods.delivery, self.buses), goods.IMPORT, *map(goods.household, households.buses)]
        names += map(goods.retail_to_cno, station_capacity_kw)
        if v2g:
            names += map(goods.cno_to_retail, station_capacity_kw)
        super().__init__(name, names, solver)

    def formulate(self) -> Formulation:
        """Return eq. (10) in CVXPY."""
        units, demand = self.generators, self.households
        c1 = np.array([unit.c1_usd_per_kwh for unit in units])
        c2 = np.array([unit.c2_usd_per_kw2h for unit in units])
        largest = np.array([unit.p_max_kw for unit in units])
        stations = np.array(list(self.station_capacity_kw.values()))

        g = cp.Variable(len(units), name="generation", bounds=[0, largest])
        s = cp.Variable(len(demand.buses), name="sales", bounds=[0, demand.largest_use_kw])
        shed = cp.Variable(len(demand.buses), name="shed", bounds=[0, demand.obligation_kw])
        to_cno = cp.Variable(len(stations), name="to_cno", bounds=[0, stations])
        z = cp.Variable(1, name="import", bounds=[0, self.import_max_kw])
        supply, use = cp.sum(g) + cp.sum(z), cp.sum(s) + cp.sum(to_cno)
        withdrawal = self._at(demand.buses) @ s + self._at(self.station_bus.values()) @ to_cno
        withdrawal -= self._at([unit.bus for unit in units]) @ g
        trades = [-s, -to_cno]
        if self.v2g:
            from_cno = cp.Variable(len(stations), name="from_cno", bounds=[0, stations])
            supply += cp.sum(from_cno)
            withdrawal -= self._at(self.station_bus.values()) @ from_cno
            trades.append(from_cno)

        cost = c1 @ g + 0.5 * c2 @ cp.square(g) + self.value_of_lost_load * cp.sum(shed)
        cost += 0.5 * self.conduct * demand.slope @ cp.square(s)
        labels: dict[str, Sequence[str]] = {"generation": [unit.bus for unit in units]}
        labels |= {key: demand.buses for key in ("sales", "shed", "obligation")}
        labels |= {key: tuple(self.station_capacity_kw) for key in ("to_cno", "from_cno")}
        return Formulation(
            cost=cost,
            trade=cp.hstack([withdrawal, z, *trades]),
            constraints={"balance": supply == use, "obligation": s + shed >= demand.obligation_kw},
            labels=labels,
        )

    def conjectural_gain(self, price: Vector, response: Response) -> float:
        """Return what it could gain [$/h] if the household price fell by θ bₙ per unit of its own further sales.

        For θ = 1 this is the gain of eq. (10a), rivals fixed. It maximises (P − θ b (s′ − s)) s′ instead of P s′ less
        the markup cost: the slope at s is the same, the curvature twice as large, so the gain is never larger.
        """
        program = self.program
        x = program.stack(response.plan)
        markup = np.zeros(program.n)
        markup[program.variables["sales"]] = self.conduct * self.households.slope
        H = sparse.csr_array(program.P + sparse.diags_array(markup))
        c = program.q + program.trade.T @ price - markup * x
        best = QuadraticSolver(program, H).solve(c)
        return float(0.5 * x @ (H @ x) + c @ x) - program.lower_bound(best.x, best.y, best.z, H, c)

    def report(self, response: Response) -> EntityReport:
        """Return generation, shedding and what they cost."""
        g, shed = response.plan["generation"], response.plan["shed"]
        cost = sum(
            unit.c1_usd_per_kwh * kw + 0.5 * unit.c2_usd_per_kw2h * kw**2
            for unit, kw in zip(self.generators, g.tolist(), strict=True)
        )
        return EntityReport(
            generation_kw=total_by_bus((unit.bus for unit in self.generators), g),
            shed_kw=total_by_bus(self.households.buses, shed),
            generation_cost_usd_per_h=cost,
            shortage_cost_usd_per_h=self.value_of_lost_load * float(shed.sum()),
        )

    def _at(self, buses: Iterable[str]) -> SparseMatrix:
        """(n_buses, n) the matrix that adds up what happens at every bus."""
        place = {bus: n for n, bus in enumerate(self.buses)}
        row = [place[bus] for bus in buses]
        return sparse.csr_array((np.ones(len(row)), (row, np.arange(len(row)))), shape=(len(self.buses), len(row)))
