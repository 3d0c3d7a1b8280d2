"""A worked example of a player beside the roles: a generator that pays for its carbon dioxide."""

from __future__ import annotations

import cvxpy as cp

from bestresponse.errors import DataError
from players import goods
from players.convex_program import ConvexProgram, Formulation


class CarbonGenerator(ConvexProgram):
    """Sells what it generates, at marginal cost plus the price of the carbon dioxide that comes with it.

    minimise  c₁ g + ½ c₂ g² + (carbon price · emissions / 1000) g − (what the market pays)   subject to  0 ≤ g ≤ ḡ

    It gives what it generates twice: as energy where the feeder begins (the import good) and as delivery, of which
    less has to flow to its bus. In a case file:

        [[players.extra]]
        model = "carbon_generator"
        options = { bus = "5", p_max_kw = 60.0, c1_usd_per_kwh = 0.05, carbon_usd_per_t = 80.0 }
    """

    def __init__(
        self,
        bus: str,
        p_max_kw: float,
        c1_usd_per_kwh: float,
        carbon_usd_per_t: float,
        emissions_kg_per_kwh: float = 0.4,
        c2_usd_per_kw2h: float = 0.0,
        name: str = "Carbon generator",
    ) -> None:
        stated = {
            "p_max_kw": p_max_kw,
            "carbon_usd_per_t": carbon_usd_per_t,
            "emissions_kg_per_kwh": emissions_kg_per_kwh,
            "c2_usd_per_kw2h": c2_usd_per_kw2h,
        }
        for key, value in stated.items():
            if not value >= 0:
                raise DataError(f"{key}: given {value}, must be at least 0")
        self.p_max_kw = p_max_kw
        self.c1_usd_per_kwh, self.c2_usd_per_kw2h = c1_usd_per_kwh, c2_usd_per_kw2h
        self.carbon_usd_per_kwh = carbon_usd_per_t * emissions_kg_per_kwh / 1000.0
        super().__init__(name, (goods.IMPORT, goods.delivery(bus)))

    def formulate(self) -> Formulation:
        """Return the generator's problem in CVXPY."""
        g = cp.Variable(1, name="generation", bounds=[0, self.p_max_kw])
        linear = self.c1_usd_per_kwh + self.carbon_usd_per_kwh
        cost = linear * cp.sum(g) + 0.5 * self.c2_usd_per_kw2h * cp.sum_squares(g)
        return Formulation(cost=cost, trade=cp.hstack([-g, -g]), constraints={})
