"""Whether a market with curved demand is known to be monotone, judged where it was solved."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bestresponse.player import Response
from experiments.build import Model
from players.elastic_entity import ElasticEntity


def monotonicity(model: Model, responses: Mapping[str, Response]) -> str:
    """Return a sentence on the condition |P′| ≥ ½ P″ (S + √F |s|) at the answer; empty if no entity expects P″.

    s are the sales of the F entities at a bus, S is their sum. With P″ = |P′| (1 + 1/η) / S and, by Cauchy and Schwarz,
    √F |s| ≥ S, the right side is at least (1 + 1/η) |P′|: for constant elasticity the condition, which is sufficient
    and not necessary, does not hold.
    """
    entities = [each for each in model.players["lse"] if isinstance(each, ElasticEntity)]
    if not (entities and responses):
        return ""
    sales = np.array([responses[entity.name].plan["sales"] for entity in entities])
    spread = np.sqrt(len(sales)) * np.linalg.norm(sales, axis=0) / np.maximum(sales.sum(axis=0), 1e-9)
    right = 0.5 * (1 + 1 / entities[0].demand.elasticity) * (1 + spread)
    worst, failing = float(np.max(right, initial=0.0)), int(np.sum(~(right <= 1)))
    if not failing:
        return f"Its market is monotone: ½ P″ (S + √F |s|) is at most {worst:.2f} |P′|."
    return (
        f"The condition for a monotone market, |P′| ≥ ½ P″ (S + √F |s|), fails at {failing} of {len(right)} buses "
        f"(the right side is up to {worst:.2f} |P′|): no theorem covers this market; the certificate speaks for "
        "this answer."
    )
