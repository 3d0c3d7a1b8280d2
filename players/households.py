"""Households: price takers whose marginal value is the inverse demand curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import cvxpy as cp
import numpy as np

from bestresponse.errors import DataError
from bestresponse.typing import Vector
from players import goods
from players.convex_program import ConvexProgram, Formulation


class Households(ConvexProgram):
    """Take Sₙ ≥ 0 at every bus with load and minimise −∫₀^{Sₙ} Pₙ + price · Sₙ, with Pₙ(S) = aₙ − bₙ S.

    Together with a load serving entity's markup cost ½ θ bₙ s² this states the Cournot competition of eq. (10a)
    with explicit prices: the first-order conditions are Pₙ(S) − θ bₙ s = marginal cost.
    """

    def __init__(
        self,
        buses: Sequence[str],
        intercept: Vector,  # (n_buses,) a [$/kWh]
        slope: Vector,  # (n_buses,) b > 0 [$/kWh per kW]
        name: str = "Households",
        solver: Literal["persistent", "cvxpy"] = "persistent",
    ) -> None:
        self.buses = tuple(buses)
        self.intercept, self.slope = np.asarray(intercept, dtype=float), np.asarray(slope, dtype=float)
        if not ((self.slope > 0).all() and (self.intercept > 0).all()):
            raise DataError("households: intercept and slope of every demand curve must be positive")
        super().__init__(name, [goods.household(bus) for bus in buses], solver)

    def formulate(self) -> Formulation:
        """Return the households' problem in CVXPY."""
        use = cp.Variable(len(self.buses), name="use", bounds=[0, self.intercept / self.slope])  # S [kW]
        value = self.intercept @ use - 0.5 * self.slope @ cp.square(use)
        return Formulation(cost=-value, trade=use, constraints={}, labels={"use": self.buses})
