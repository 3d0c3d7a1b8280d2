"""A worked example of a player beside the roles: a battery, through one hour."""

from __future__ import annotations

import cvxpy as cp

from bestresponse.errors import DataError
from players import goods
from players.convex_program import ConvexProgram, Formulation


class Battery(ConvexProgram):
    """Charges where an hour's energy is worth more later, discharges where it is worth more now.

    maximise  v (e − e₀) − w (c + d) − (what the market charges)
    subject to  e = e₀ + η c − d / η,   0 ≤ e ≤ ē,   0 ≤ c, d ≤ p̄

    with v what a stored kWh is worth after the hour and w the wear of a kWh in or out. It trades c − d twice: as energy
    where the feeder begins (the import good) and as delivery to its bus. In a case file:

        [[players.extra]]
        model = "battery"
        options = { bus = "5", power_kw = 50.0, energy_kwh = 100.0, stored_kwh = 60.0, worth_usd_per_kwh = 0.12 }
    """

    def __init__(
        self,
        bus: str,
        power_kw: float,  # p̄
        energy_kwh: float,  # ē
        stored_kwh: float,  # e₀
        worth_usd_per_kwh: float,  # v
        efficiency: float = 0.95,  # η, of either way
        wear_usd_per_kwh: float = 0.0,  # w
        name: str = "Battery",
    ) -> None:
        if not 0 <= stored_kwh <= energy_kwh:
            raise DataError(f"stored_kwh: given {stored_kwh}, must lie between 0 and energy_kwh = {energy_kwh}")
        if not 0 < efficiency <= 1:
            raise DataError(f"efficiency: given {efficiency}, must be above 0 and at most 1")
        for key, value in {
            "power_kw": power_kw,
            "worth_usd_per_kwh": worth_usd_per_kwh,
            "wear_usd_per_kwh": wear_usd_per_kwh,
        }.items():
            if not value >= 0:
                raise DataError(f"{key}: given {value}, must be at least 0")
        self.power_kw, self.energy_kwh, self.stored_kwh = power_kw, energy_kwh, stored_kwh
        self.worth_usd_per_kwh, self.wear_usd_per_kwh, self.efficiency = worth_usd_per_kwh, wear_usd_per_kwh, efficiency
        super().__init__(name, (goods.IMPORT, goods.delivery(bus)))

    def formulate(self) -> Formulation:
        """Return the battery's problem in CVXPY."""
        charge = cp.Variable(1, name="charge", bounds=[0, self.power_kw])
        discharge = cp.Variable(1, name="discharge", bounds=[0, self.power_kw])
        after = cp.Variable(1, name="stored", bounds=[0, self.energy_kwh])
        change = self.efficiency * charge - discharge / self.efficiency
        cost = self.wear_usd_per_kwh * cp.sum(charge + discharge) - self.worth_usd_per_kwh * cp.sum(
            after - self.stored_kwh
        )
        net = charge - discharge
        return Formulation(
            cost=cost, trade=cp.hstack([net, net]), constraints={"storage": after == self.stored_kwh + change}
        )
