"""Exponents of power laws, with what is uncertain about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Exponent:
    """The e of y = c · size^e, every seed with a c of its own."""

    value: float
    margin: float  # half the width of the interval of `CONFIDENCE`; infinite where there are too few points

    def __str__(self) -> str:
        return f"{self.value:.2f} ± {self.margin:.2f}" if np.isfinite(self.margin) else f"{self.value:.2f}"

    def per(self, dimension: int) -> Exponent:
        """Return the exponent against size^dimension."""
        return Exponent(self.value / dimension, self.margin / dimension)


def fit(sizes: Sequence[float], values: Sequence[float], seeds: Sequence[int]) -> Exponent | None:
    """Return the exponent by least squares on logarithms, None where no seed has two sizes.

    The interval is Student's, as if what is off the line were independent and equally large everywhere.
    """
    x, y = np.log(sizes), np.log(np.maximum(values, 1e-12))
    of_seed = np.asarray(seeds)
    for seed in np.unique(of_seed):
        here = of_seed == seed
        x[here] -= x[here].mean()
        y[here] -= y[here].mean()
    spread = float(x @ x)
    if not spread > 0:
        return None
    slope = float(x @ y) / spread
    freedom = len(x) - len(np.unique(of_seed)) - 1
    if freedom < 1:
        return Exponent(slope, np.inf)
    deviation = float(np.sqrt(np.sum((y - slope * x) ** 2) / freedom / spread))
    return Exponent(slope, float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * deviation)
