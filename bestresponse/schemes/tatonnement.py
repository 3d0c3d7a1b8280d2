"""Tâtonnement: the auctioneer raises the price of what is short. A baseline that fails on linear players.

    t_i ← argmin cost_i + p·t           every player, at the same prices
    p ← p + step · σ · Σ t_i            plain; step < 1 is damped
    averaged: everybody is asked at the mean of all p so far instead

A linear program answers with a vertex, so its answers jump and the prices cycle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bestresponse.errors import FormulationError
from bestresponse.market import Market
from bestresponse.schemes.protocol import Ask, Iteration, Question, Sweep
from bestresponse.typing import Vector


@dataclass(frozen=True)
class Tatonnement:
    """The scheme: `step` scales every price change; `averaged` asks at the mean of all prices so far."""

    step: float = 1.0
    averaged: bool = False
    name: str = "tatonnement"
    accelerates: bool = False

    @property
    def stationary(self) -> bool:
        """Whether every sweep applies the same map."""
        return not self.averaged

    def __post_init__(self) -> None:
        if not self.step > 0:
            raise FormulationError(f"tatonnement: step {self.step} must be positive")

    def bind(self, market: Market, sigma: Vector) -> Iteration:
        """Return the iteration with price steps `step · sigma`."""
        return TatonnementIteration(market, self.step * sigma, self.averaged)


class TatonnementIteration:
    """The state is the price and the mean of all prices so far."""

    def __init__(self, market: Market, gain: Vector, averaged: bool) -> None:
        self.market, self.gain, self.averaged = market, gain, averaged

    def state(self, price: Vector, trades: Mapping[str, Vector]) -> Vector:
        """Return the price twice; an auctioneer does not look at trades."""
        return np.concatenate([price, price])

    def sweep(self, number: int, state: Vector, ask: Ask) -> Sweep:
        """Ask everybody at the same prices and move the prices along the excess demand."""
        price, mean = np.split(state, 2)
        quoted = mean if self.averaged else price
        answers = ask([Question(player.name, quoted[self.market.positions[player.name]]) for player in self.market])
        excess = self.market.excess_demand({name: response for name, (_, response) in answers.items()})
        moved = price + self.gain * excess
        return Sweep.of(quoted, answers, np.concatenate([moved, mean + (moved - mean) / (number + 1)]))

    def metric(self) -> Vector:
        """Return ones: nothing is accelerated here."""
        return np.ones(2 * self.market.n_goods)
