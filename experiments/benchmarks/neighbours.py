"""Cases near a case."""

from __future__ import annotations

import numpy as np

from experiments.case_schema import Case, Demand, LoadServingEntity, od_name

SPREAD = 0.2  # how far from one the factors are


def perturbed(case: Case, scenario: str, seed: int) -> Case:
    """Return the case with its loads, every OD pair's demand, and every price multiplied by factors in 1 ± `SPREAD`."""
    rng = np.random.default_rng(seed)

    def near(value: float) -> float:
        return float(value * rng.uniform(1 - SPREAD, 1 + SPREAD))

    loads, households, tso = case.scenarios[scenario], case.households, case.tso
    loads = loads.model_copy(update={"load_factor": near(loads.load_factor)})
    reference = near(households.reference_price_usd_per_kwh)
    return case.model_copy(
        update={
            "scenarios": {**case.scenarios, scenario: loads},
            "demand": _perturbed_demand(case.demand, rng),
            "households": households.model_copy(update={"reference_price_usd_per_kwh": reference}),
            "tso": tso.model_copy(update={"price_usd_per_kwh": near(tso.price_usd_per_kwh)}),
            "lse": tuple(_perturbed_entity(entity, rng) for entity in case.lse),
        }
    )


def _perturbed_demand(demand: Demand, rng: np.random.Generator) -> Demand:
    names = [od_name(pair) for pair in demand.od_pairs]
    flows = {
        f"{kind}_by_od": dict(
            zip(names, (usual * rng.uniform(1 - SPREAD, 1 + SPREAD, len(names))).tolist(), strict=True)
        )
        for kind, usual in (("ev", np.array(demand.ev_by_pair)), ("fv", np.array(demand.fv_by_pair)))
    }
    return demand.model_copy(update=flows)


def _perturbed_entity(entity: LoadServingEntity, rng: np.random.Generator) -> LoadServingEntity:
    generators = tuple(
        unit.model_copy(update={"c1_usd_per_kwh": float(unit.c1_usd_per_kwh * rng.uniform(1 - SPREAD, 1 + SPREAD))})
        for unit in entity.generators
    )
    return entity.model_copy(update={"generators": generators})
