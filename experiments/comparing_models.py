"""Several models of one player in the same market: each solved by both routes, and what comes out side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bestresponse.errors import DataError, FormulationError, SolverError
from experiments.build import build
from experiments.case_check import check_case
from experiments.case_problems import listed, nearest, shown
from experiments.case_schema import Case
from experiments.models.listing import ready
from experiments.models.registry import MODELS, with_model
from experiments.quantities import SOCIAL_COST_PARTS
from experiments.result import Result
from experiments.solving import solve


@dataclass(frozen=True)
class ModelEntry:
    """One model of the player and the market with it; no result where the market with it cannot be tried."""

    player: str  # the role
    model: str
    result: Result | None
    refused: str | None = None  # why there is no result

    @property
    def has_answer(self) -> bool:
        """Whether there are quantities to be shown."""
        return self.result is not None and bool(self.result.quantities)

    def data(self) -> dict[str, Any]:
        """Return everything but sweeps and used paths, as plain data."""
        about = {"player": self.player, "model": self.model, "refused": self.refused}
        result = self.result
        if result is None:
            return about | {"solved": False, "routes_agree": None, "quantities": {}}
        return about | {
            "case": result.case,
            "scenario": result.scenario,
            "v2g": result.v2g,
            "solved": result.solved,
            "routes_agree": result.routes_agree,
            "stop": result.stop,
            "status": result.status,
            "sweeps": result.sweeps,
            "seconds": dict(result.seconds),
            "certificate": dict(result.certificate),
            "quantities": {key: value for key, value in result.quantities.items() if key != "paths"},
        }


def cases_with(case: Case, role: str, models: Sequence[str], v2g: bool) -> dict[str, Case]:
    """Return the case with each of the models in the role; the model that the case itself chooses keeps its options.

    Raises DataError for a role or model that does not exist, or a model named twice.
    """
    if role not in MODELS:
        raise DataError(f"player: no role {shown(role)}{nearest(role, MODELS)} Roles: {listed(MODELS)}")
    if not models or len(set(models)) < len(models):
        raise DataError(f"models: given {', '.join(models) or 'none'}, must be different names with commas")
    own = case.players.options.get(role, {})
    chosen = getattr(case.players, role)
    found = {name: with_model(case, role, name, own if name == chosen else {}) for name in models}
    for each in found.values():
        check_case(each, v2g)
    return found


def suited(case: Case, role: str, v2g: bool) -> tuple[list[str], list[str]]:
    """Return the models of a role that need no options and suit the case, and a sentence for each that does not.

    Raises DataError for a role that does not exist.
    """
    names, sentences = [], []
    for name in ready(role):
        try:
            made = cases_with(case, role, [name], v2g)[name]
            build(made, next(iter(made.scenarios)), v2g)
        except DataError as error:
            sentences.append(f"{name} is left out: {error}")
        else:
            names.append(name)
    return names, sentences


def compare_models(
    case: Case, role: str, models: Sequence[str], scenario: str = "base", v2g: bool = True
) -> Iterator[ModelEntry]:
    """Yield one entry for every model of the role, as soon as it is there, in the order given.

    Raises DataError for what does not exist before anything is solved, as `cases_with` does.
    """
    case.scenario(scenario)
    for name, each in cases_with(case, role, models, v2g).items():
        try:
            yield ModelEntry(role, name, solve(each, scenario, v2g))
        except (FormulationError, SolverError, DataError) as error:
            yield ModelEntry(role, name, None, str(error))


ROWS = (
    ("social cost", "social_cost_usd_per_h", "$/h"),
    *((f"  {words}", key, "$/h") for key, words in SOCIAL_COST_PARTS.items()),
    ("generated", "generation_kw", "kW"),
    ("imported", "import_kw", "kW"),
    ("losses", "losses_kw", "kW"),
    ("households", "household_kw", "kW"),
    ("load shed", "load_shed_kw", "kW"),
    ("charged", "charged_kw", "kW"),
    ("discharged", "discharged_kw", "kW"),
    ("lowest voltage", "voltage_min_pu", "p.u."),
    ("lowest DLMP", "dlmp_min", "$/kWh"),
    ("mean DLMP", "dlmp_mean", "$/kWh"),
    ("highest DLMP", "dlmp_max", "$/kWh"),
    ("mean household price", "household_price_mean", "$/kWh"),
)
"""What a comparison shows: words, quantity, unit."""


def numbers(entry: ModelEntry) -> dict[str, float]:
    """Return the quantities of an entry as one number each, those that it cannot tell left out.

    Generation is summed over the entities; prices are over the buses at which there is one, none weighing more.
    """
    if entry.result is None:
        return {}
    told = dict(entry.result.quantities)
    prices = np.array(list(told.get("dlmp_usd_per_kwh", {}).values()), dtype=float)
    paid = np.array(list(told.get("household_price_usd_per_kwh", {}).values()), dtype=float)
    found = {key: value for key, value in told.items() if isinstance(value, int | float)}
    if "generation_kw" in told:
        found["generation_kw"] = sum(told["generation_kw"].values())
    if len(prices):
        found |= {"dlmp_min": prices.min(), "dlmp_mean": prices.mean(), "dlmp_max": prices.max()}
    if len(paid):
        found["household_price_mean"] = paid.mean()
    return {key: float(value) for key, value in found.items()}
