"""The price of anarchy of a market: what it costs society that drivers heed only what they meet themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bestresponse.errors import DataError
from experiments.case_problems import listed, shown
from experiments.case_schema import Case
from experiments.comparing_models import ModelEntry, compare_models

PRINCIPLES = {"enumerated": "user_equilibrium", "system_optimum": "system_optimum"}
"""By traffic model; both choose among the same enumerated paths."""

COSTS = {"price_of_anarchy": "social_cost_usd_per_h", "price_of_anarchy_of_travel": "travel_cost_usd_per_h"}
"""By ratio: the quantity of which it is, user equilibrium over system optimum."""


@dataclass(frozen=True)
class Anarchy:
    """One scenario with drivers of both principles, every hour counted at one value of time."""

    value_of_time: float  # [$/h] of the electric vehicles, at which the hours of fuel vehicles count, too
    stated_fuel_value_of_time: float  # [$/h] in the case
    entries: tuple[ModelEntry, ...]  # in the order of PRINCIPLES

    def cost(self, principle: str, quantity: str) -> float | None:
        """Return [$/h] a quantity in the market with drivers of that principle; None where there is no answer."""
        results = [each.result for each in self.entries if PRINCIPLES[each.model] == principle]
        return None if not results or results[0] is None else results[0].quantities.get(quantity)

    def ratio(self, name: str) -> float | None:
        """Return a ratio of COSTS; None where one market has no answer or costs nothing."""
        equilibrium, optimum = (self.cost(principle, COSTS[name]) for principle in PRINCIPLES.values())
        return equilibrium / optimum if equilibrium is not None and optimum else None

    def data(self) -> dict[str, Any]:
        """Return everything but sweeps and used paths, as plain data."""
        both = {PRINCIPLES[entry.model]: entry.data() for entry in self.entries}
        costs = {key: {by: self.cost(by, key) for by in PRINCIPLES.values()} for key in COSTS.values()}
        return {
            "value_of_time_usd_per_h": self.value_of_time,
            "stated_fv_value_of_time_usd_per_h": self.stated_fuel_value_of_time,
            "solved": len(both) == len(PRINCIPLES) and all(each["solved"] for each in both.values()),
            **{name: self.ratio(name) for name in COSTS},
            **costs,
            "by_principle": both,
        }


def price_of_anarchy(case: Case, scenario: str = "base", v2g: bool = True) -> Anarchy:
    """Return both markets, each solved by both routes; the first alone if it was interrupted.

    A system optimum is a convex problem only where all hours count alike. So those of fuel vehicles count at the
    electric vehicles' value of time in both markets: it changes what is reported of the user equilibrium, not how
    anybody drives. Raises DataError for a scenario that does not exist, several values of time of electric vehicles, or
    drivers of another kind.
    """
    if case.players.traffic not in PRINCIPLES:
        raise DataError(
            f"{case.file}: players.traffic: given {shown(case.players.traffic)}, must be one of {listed(PRINCIPLES)}, "
            "which price-of-anarchy compares"
        )
    values = sorted({each.value_of_time_usd_per_h for each in case.vehicles.electric_classes})
    if len(values) != 1:
        raise DataError(f"the price of anarchy needs electric vehicles of one value of time; these have {values}")
    stated = case.vehicles.fv_value_of_time_usd_per_h
    vehicles = case.vehicles.model_copy(update={"fv_value_of_time_usd_per_h": values[0]})
    alike = case.model_copy(update={"vehicles": vehicles})
    entries = []
    for entry in compare_models(alike, "traffic", list(PRINCIPLES), scenario, v2g):
        entries.append(entry)
        if entry.result is not None and entry.result.stop == "interrupted":
            break
    return Anarchy(values[0], stated, tuple(entries))
