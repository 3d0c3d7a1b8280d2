"""The electric half of a grown market: where stations and generators connect, and who owns what.

Generation in total, and how steeply it gets dearer in total, are those of the reference case; every entity owns as many
generators as there, of random sizes, with a cost drawn from the range found there. A site is any bus whose line carries
`ROOM` times its size, or else one of those whose lines carry most.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bestresponse.typing import Vector
from experiments.case_schema import Case
from networks.feeder import Feeder

ROOM = 1.2
UNEVEN = 2.0  # the largest generator over the smallest, before scaling


def room_for(feeder: Feeder, size_kw: Vector, rng: np.random.Generator) -> list[str]:
    """Return (n_sizes,) a bus for every size, none twice as long as there are others with room."""
    rate = np.zeros(feeder.n_buses)
    rate[feeder.line_to] = feeder.rate_kva
    taken = np.zeros(feeder.n_buses, dtype=int)
    chosen = []
    for size in size_kw.tolist():
        roomy = np.flatnonzero(rate >= min(ROOM * size, float(rate.max())))
        least = roomy[taken[roomy] == taken[roomy].min()]
        bus = int(rng.choice(least))
        taken[bus] += 1
        chosen.append(feeder.buses[bus])
    return chosen


def entity_tables(
    reference: Case, feeder: Feeder, n_entities: int, total: float, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Return the entries [[lse]], with equal shares of the load."""
    owned = round(np.mean([len(entity.generators) for entity in reference.lse]))
    units = [unit for entity in reference.lse for unit in entity.generators]
    all_kw = total * sum(unit.p_max_kw for unit in units)
    n_units = owned * n_entities
    size = UNEVEN ** rng.uniform(0.0, 1.0, n_units)
    size *= all_kw / size.sum()
    costs = [unit.c1_usd_per_kwh for unit in units]
    cost = rng.uniform(min(costs), max(costs), n_units)
    rise = float(np.mean([unit.c2_usd_per_kw2h * unit.p_max_kw for unit in units]))  # [$/kWh] up to full output
    reactive = sum(unit.q_max_kvar for unit in units) / sum(unit.p_max_kw for unit in units)
    generators = [
        {
            "bus": bus,
            "p_max_kw": kw,
            "c1_usd_per_kwh": c1,
            "c2_usd_per_kw2h": rise / kw,
            "q_max_kvar": reactive * kw,
        }
        for bus, kw, c1 in zip(room_for(feeder, size, rng), size.tolist(), cost.tolist(), strict=True)
    ]
    return [
        {"name": f"LSE {k + 1}", "share": 1.0 / n_entities, "generators": generators[owned * k : owned * (k + 1)]}
        for k in range(n_entities)
    ]
