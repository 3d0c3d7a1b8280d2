"""Residual balancing: one factor on all penalties σ, so that prices and quantities settle together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bestresponse.market import Market
from bestresponse.schemes.protocol import Sweep
from bestresponse.typing import Vector


@dataclass(frozen=True)
class Balancing:
    """Every `every` sweeps, up to sweep `until`: σ grows where trades lag behind prices, and shrinks otherwise."""

    every: int = 20
    until: int = 400
    band: float = 2.0  # no change while the ratio of the residuals lies within [1/band, band]
    clip: float = 5.0  # largest factor of one change

    def factor(self, market: Market, sweep_number: int, sweep: Sweep, excess: Vector) -> float:
        """Return the factor by which to change σ after this sweep; 1 for no change."""
        if self.every < 1 or sweep_number % self.every or sweep_number > self.until:
            return 1.0
        trades = market.largest_trade(sweep.responses) / market.quantity_scale
        prices = sweep.price / market.price_scale
        primal = _relative(excess / market.quantity_scale, trades)
        dual = _relative(sweep.disagreement(market) / market.price_scale, prices)
        ratio = primal / dual if primal > 0 and dual > 0 else 1.0
        if not np.isfinite(ratio) or 1 / self.band <= ratio <= self.band:
            return 1.0
        return float(np.clip(ratio, 1 / self.clip, self.clip))


def _relative(residual: Vector, size: Vector) -> float:
    return float(np.linalg.norm(residual)) / max(float(np.linalg.norm(size)), 1e-12)
