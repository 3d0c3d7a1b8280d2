"""Line searches on a slope: regula falsi with the Illinois rule."""

from __future__ import annotations

from collections.abc import Callable

SLOPE_EVALUATIONS = 40  # in one search


def root(slope: Callable[[float], float], at_zero: float, at_one: float, accept: float) -> float:
    """Return where |slope| ≤ accept on [0, 1], between a negative and a positive end."""
    low, high, below, above = 0.0, 1.0, at_zero, at_one
    step, last_side = 0.0, 0.0
    for _ in range(SLOPE_EVALUATIONS):
        step = low - below * (high - low) / (above - below)
        value = slope(step)
        if abs(value) <= accept:
            break
        if value < 0.0:
            above = above * 0.5 if last_side < 0.0 else above
            low, below = step, value
        else:
            below = below * 0.5 if last_side > 0.0 else below
            high, above = step, value
        last_side = value
    return step
