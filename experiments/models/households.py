"""Models of the households."""

from __future__ import annotations

from experiments.models.setting import Setting
from players.households import Households


def affine(setting: Setting) -> Households:
    """Return price takers with affine demand curves."""
    return Households(setting.load_buses, setting.intercept, setting.slope)
