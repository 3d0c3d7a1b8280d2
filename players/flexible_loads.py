"""A worked example of a player beside the roles: an aggregator of flexible loads."""

from __future__ import annotations

from collections.abc import Mapping

import cvxpy as cp
import numpy as np

from bestresponse.errors import DataError
from players import goods
from players.convex_program import ConvexProgram, Formulation


class FlexibleLoads(ConvexProgram):
    """Buys for loads that can wait, each as long as a kWh costs less than it is worth, and for some in any case.

    maximise  Σ vₙ uₙ − (what the market charges)
    subject to  0 ≤ uₙ ≤ ūₙ at every bus,   Σ uₙ ≥ u̲

    It takes what it uses twice: as energy where the feeder begins (the import good) and as delivery from there to the
    bus. In a case file:

        [[players.extra]]
        model = "flexible_loads"
        options = { most_kw = { "5" = 20.0 }, worth_usd_per_kwh = { "5" = 0.15 } }
    """

    def __init__(
        self,
        most_kw: dict[str, float],  # ū by bus
        worth_usd_per_kwh: dict[str, float],  # v by bus
        least_kw: float = 0.0,  # u̲ of all together
        name: str = "Flexible loads",
    ) -> None:
        _check(most_kw, worth_usd_per_kwh, least_kw)
        self.most_kw, self.worth_usd_per_kwh, self.least_kw = dict(most_kw), dict(worth_usd_per_kwh), least_kw
        super().__init__(name, [goods.IMPORT, *map(goods.delivery, most_kw)])

    def formulate(self) -> Formulation:
        """Return the aggregator's problem in CVXPY."""
        buses = tuple(self.most_kw)
        most = np.array([self.most_kw[bus] for bus in buses])
        worth = np.array([self.worth_usd_per_kwh[bus] for bus in buses])
        use = cp.Variable(len(buses), name="use", bounds=[0, most])
        total = cp.sum(use, keepdims=True)
        return Formulation(
            cost=-worth @ use,
            trade=cp.hstack([total, use]),
            constraints={"promise": total >= self.least_kw},
            labels={"use": buses},
        )


def _check(most_kw: Mapping[str, float], worth_usd_per_kwh: Mapping[str, float], least_kw: float) -> None:
    if not most_kw or most_kw.keys() != worth_usd_per_kwh.keys():
        raise DataError(
            f"most_kw is given at buses {', '.join(most_kw) or 'none'}, worth_usd_per_kwh at "
            f"{', '.join(worth_usd_per_kwh) or 'none'}; they must be given at the same buses, at least at one"
        )
    for bus, most in most_kw.items():
        if not most >= 0:
            raise DataError(f"most_kw of bus {bus}: given {most}, must be at least 0")
    if not 0 <= least_kw <= sum(most_kw.values()):
        raise DataError(f"least_kw: given {least_kw}, must lie between 0 and what all may use, {sum(most_kw.values())}")
