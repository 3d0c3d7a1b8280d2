"""Households whose demand has one elasticity at every price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from bestresponse.errors import DataError, SolverError
from bestresponse.player import Block, Response, Signal
from bestresponse.typing import Vector
from players import goods

STEPS = 200  # of Newton's method
LAST_STEP = 1e-13  # relative: the next would be its square


@dataclass(frozen=True)
class ElasticDemand:
    """P(S) = p (S/D)^(−1/η) at every bus, between a least and a largest use that keep it finite."""

    buses: tuple[str, ...]
    reference_kw: Vector  # (n_buses,) D > 0
    reference_price: float  # p [$/kWh]
    elasticity: float  # η
    least_share: float = 0.05  # of D
    largest_share: float = 4.0

    def __post_init__(self) -> None:
        sizes = np.array([*self.reference_kw, self.reference_price, self.elasticity, self.least_share])
        if not ((sizes > 0).all() and self.least_share < self.largest_share):
            raise DataError(
                "demand of constant elasticity: reference load, price, elasticity and shares must be positive, and the "
                f"least share below the largest; given {self.reference_price}, {self.elasticity}, {self.least_share}, "
                f"{self.largest_share}"
            )

    @property
    def least_kw(self) -> Vector:
        """(n_buses,) the least use."""
        return self.least_share * self.reference_kw

    @property
    def largest_kw(self) -> Vector:
        """(n_buses,) the largest use."""
        return self.largest_share * self.reference_kw

    def price(self, use: Vector) -> Vector:
        """Return P (n_buses,) [$/kWh]."""
        return self.reference_price * (use / self.reference_kw) ** (-1 / self.elasticity)

    def slope(self, use: Vector) -> Vector:
        """Return |P′| (n_buses,) [$/kWh per kW]."""
        return self.price(use) / (self.elasticity * use)

    def value(self, use: Vector) -> float:
        """Return Σ ∫ P from the least use up [$/h]."""
        power, low, high = 1 - 1 / self.elasticity, self.least_share, use / self.reference_kw
        area = np.log(high / low) if power == 0 else (high**power - low**power) / power
        return float(self.reference_price * self.reference_kw @ area)


class ElasticHouseholds:
    """Take S at every bus and minimise −∫ P + price · S, with demand of constant elasticity."""

    def __init__(self, demand: ElasticDemand, name: str = "Households") -> None:
        self.name = name
        self.demand = demand
        self.goods = tuple(goods.household(bus) for bus in demand.buses)

    def best_response(self, signal: Signal) -> Response:
        """Return the use at which every marginal value is the price, anchor included."""
        if np.shape(signal.price) != (len(self.goods),):
            raise DataError(f"{self.name}: a signal of shape {np.shape(signal.price)} for {len(self.goods)} goods")
        weight, pull = np.zeros(len(self.goods)), np.zeros(len(self.goods))
        if signal.anchor is not None:
            weight, pull = signal.anchor.weight, signal.anchor.weight * signal.anchor.target
        if not np.isfinite(signal.price + weight + pull).all():
            raise SolverError(f"{self.name}: the signal is not finite")
        use = self._use(signal.price - pull, weight)
        return Response(trade=use, cost=-self.demand.value(use), plan={"use": use})

    def sensitivity(self, signal: Signal) -> Vector:
        """Return (n_buses, n_buses) ∂use/∂price at the signal, anchor included: zero at the bounds. Raises as above."""
        demand, use = self.demand, self.best_response(signal).trade
        slope = demand.slope(use) + (0.0 if signal.anchor is None else signal.anchor.weight)
        inside = (demand.least_kw < use) & (use < demand.largest_kw)
        return np.diag(np.where(inside, -1 / slope, 0.0))

    def violation(self, plan: Mapping[str, Vector]) -> float:
        """Return how far the plan lies outside its bounds, relative to the reference load."""
        demand, use = self.demand, plan["use"]
        outside = np.maximum(demand.least_kw - use, use - demand.largest_kw) / demand.reference_kw
        return float(np.max(outside, initial=0.0))

    def block(self) -> Block:
        """Return the problem for the monolith."""
        demand, n = self.demand, len(self.goods)
        none = sparse.csr_array((0, n))
        return Block(
            variables={"use": n},
            equalities={},
            inequalities={},
            lower=demand.least_kw,
            upper=demand.largest_kw,
            A=none,
            b=np.zeros(0),
            G=none,
            h=np.zeros(0),
            trade=sparse.csr_array(sparse.eye_array(n)),
            trade_offset=np.zeros(n),
            cost=lambda x: -demand.value(x),
            gradient=lambda x, smoothing: -demand.price(x),
            jacobian=lambda x, smoothing: sparse.csr_array(sparse.diags_array(demand.slope(x))),
            scale=demand.reference_kw,
            separable=np.ones(n, dtype=bool),
            labels={"use": demand.buses},
        )

    def _use(self, price: Vector, weight: Vector) -> Vector:
        """Solve price + weight S = P(S) by Newton's method from the least use up.

        The excess of price over value is concave in S, so that no step passes the solution: the way up is monotone.
        """
        demand = self.demand
        use = demand.least_kw
        for _ in range(STEPS):
            step = (demand.price(use) - price - weight * use) / (demand.slope(use) + weight)
            after = np.clip(use + np.maximum(step, 0.0), demand.least_kw, demand.largest_kw)
            if np.array_equal(after, use) or np.max((after - use) / use) <= LAST_STEP:
                return after
            use = after
        raise SolverError(f"{self.name}: no use was found in {STEPS} steps")
