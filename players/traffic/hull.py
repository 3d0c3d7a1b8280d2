"""The hull of answers that an assignment has given: their mixtures, and the best of them at prices with an anchor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import piqp

from bestresponse.errors import SolverError
from bestresponse.market import MONEY_SCALE
from bestresponse.player import Anchor
from bestresponse.typing import BoolVector, Vector

UNUSED = 1e-9  # weight below which an answer is no part of a mixture
SAME = 1e-12  # relative difference of trades and costs of answers that count as one


@dataclass(frozen=True)
class Hull:
    """Answers row by row. A mixture of them is a plan, too: flows and trades mix, and its cost is at most the mixed."""

    trade: Vector  # (n_answers, n_goods) [kW]
    cost: Vector  # (n_answers,) [$/h]
    link_flow: Vector  # (n_answers, n_links) [veh/h]; no columns where it is not told

    @classmethod
    def of(cls, arrays: Mapping[str, Vector]) -> Hull:
        """Return the hull that `arrays` describes."""
        return cls(*(arrays[field.name] for field in fields(cls)))

    def arrays(self) -> dict[str, Vector]:
        """Return the hull as arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def beside(self, other: Hull) -> Hull:
        """Return the hull of both."""
        mine, theirs = self.arrays(), other.arrays()
        return Hull(*(np.concatenate([mine[name], theirs[name]]) for name in mine))

    def holds(self, other: Hull) -> bool:
        """Whether the one answer of the other is among these, to rounding."""
        mine, theirs = np.column_stack([self.trade, self.cost]), np.append(other.trade[0], other.cost[0])
        return bool((np.abs(mine - theirs) <= SAME * np.maximum(1.0, np.abs(theirs))).all(axis=1).any())

    def only(self, kept: BoolVector) -> Hull:
        """Return the hull of some of the answers."""
        return Hull(self.trade[kept], self.cost[kept], self.link_flow[kept])

    def mixed(self, weight: Vector) -> Hull:
        """Return the one plan that mixes the answers by weights (n_answers,) that sum to one."""
        return Hull(weight[None] @ self.trade, weight[None] @ self.cost, weight[None] @ self.link_flow)

    def best(self, price: Vector, anchor: Anchor) -> Vector:
        """Return (n_answers,) the weights of the mixture with the smallest outlay, anchor included.

        Raises SolverError if PIQP finds none.
        """
        n = len(self.cost)
        away = self.trade - anchor.target
        linear = self.cost + away @ price
        curvature = (away * anchor.weight) @ away.T
        solver = piqp.DenseSolver()
        solver.settings.eps_abs = solver.settings.eps_rel = 1e-12
        solver.settings.eps_duality_gap_abs = solver.settings.eps_duality_gap_rel = 1e-12
        solver.setup(
            np.asfortranarray(curvature / MONEY_SCALE),
            (linear - linear.min()) / MONEY_SCALE,
            np.ones((1, n), order="F"),
            np.ones(1),
            x_l=np.zeros(n),
        )
        status = solver.solve()
        if status not in (piqp.PIQP_SOLVED, piqp.PIQP_MAX_ITER_REACHED):
            raise SolverError(f"no best mixture of {n} answers: {status}")
        weight = np.where(solver.result.x > UNUSED, solver.result.x, 0.0)
        return weight / weight.sum()
