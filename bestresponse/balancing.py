"""Residual balancing: one factor on all penalties σ, so that prices and quantities settle together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bestresponse.market import Market
from bestresponse.schemes.protocol import Sweep
from bestresponse.stopping import Measures
from bestresponse.typing import Vector


@dataclass(frozen=True)
class Balancing:
    """Every `every` sweeps, up to sweep `until`: σ grows where trades lag behind prices, and shrinks otherwise.

    The residuals compared are relative to the size of all trades and of all prices. A scarcity price may have to
    travel hundreds of times the usual price while only small trades are out of balance, which that measure does not
    see; so from sweep `travel_from` on, while some good is out of balance by more than `travel_imbalance`, every good
    counts relative to itself, and σ changes by the square root of the ratio. Whenever σ turns, from growing to
    shrinking or back, all further changes are halved (as logarithms), so that it cannot swing for ever.
    """

    every: int = 20
    until: int = 400
    band: float = 2.0  # no change while the ratio of the residuals lies within [1/band, band]
    clip: float = 5.0  # largest factor of one change
    travel_from: int = 60  # sweep
    travel_imbalance: float = 0.3  # relative to the good's largest trade
    dearest: float = 20.0  # usual prices: a scarcity price counts no more, or it would hide all the others


class Balancer:
    """The changes of σ in one run."""

    def __init__(self, settings: Balancing, market: Market) -> None:
        """Begin with full changes, in either direction."""
        self.settings, self.market = settings, market
        self._direction = 0.0  # of the last change: 1 grew, −1 shrank, 0 none yet
        self._power = 1.0  # of the changes from now on

    def memory(self) -> dict[str, Vector]:
        """Return what the next changes depend on, as arrays."""
        return {"direction": np.array(self._direction), "power": np.array(self._power)}

    def recall(self, memory: Mapping[str, Vector]) -> None:
        """Go on from what `memory` returned."""
        self._direction, self._power = float(memory["direction"]), float(memory["power"])

    def factor(self, sweep_number: int, sweep: Sweep, measures: Measures, excess: Vector) -> float:
        """Return the factor by which to change σ after this sweep; 1 for no change."""
        settings = self.settings
        if settings.every < 1 or sweep_number % settings.every or sweep_number > settings.until:
            return 1.0
        wanted = self._wanted(sweep_number, sweep, measures, excess)
        if wanted == 1.0:
            return 1.0
        direction = float(np.sign(np.log(wanted)))
        if direction == -self._direction:
            self._power /= 2
        self._direction = direction
        return wanted**self._power

    def _wanted(self, sweep_number: int, sweep: Sweep, measures: Measures, excess: Vector) -> float:
        market, settings = self.market, self.settings
        if sweep_number >= settings.travel_from and np.max(measures.imbalance, initial=0.0) > settings.travel_imbalance:
            return self._limited(np.linalg.norm(measures.imbalance), np.linalg.norm(measures.disagreement), power=0.5)
        trades = market.largest_trade(sweep.responses) / market.quantity_scale
        prices = np.minimum(np.abs(sweep.price) / market.price_scale, settings.dearest)
        primal = _relative(excess / market.quantity_scale, trades)
        dual = _relative(sweep.disagreement(market) / market.price_scale, prices)
        return self._limited(primal, dual)

    def _limited(self, primal: float | np.floating, dual: float | np.floating, power: float = 1.0) -> float:
        band, clip = self.settings.band, self.settings.clip
        ratio = float(primal / dual) if primal > 0 and dual > 0 else 1.0
        if not np.isfinite(ratio) or 1 / band <= ratio <= band:
            return 1.0
        return float(np.clip(ratio**power, 1 / clip, clip))


def _relative(residual: Vector, size: Vector) -> float:
    return float(np.linalg.norm(residual)) / max(float(np.linalg.norm(size)), 1e-12)
