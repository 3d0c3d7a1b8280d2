"""Models of the households."""

from __future__ import annotations

from experiments.models.setting import Setting
from players.elastic_households import ElasticHouseholds
from players.households import Households


def affine(setting: Setting) -> Households:
    """Return price takers with affine demand curves."""
    return Households(setting.load_buses, setting.intercept, setting.slope)


def constant_elasticity(setting: Setting) -> ElasticHouseholds:
    """Return price takers with demand of constant elasticity; entities must be those of the model of that name."""
    return ElasticHouseholds(setting.elastic_demand)
