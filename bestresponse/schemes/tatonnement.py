"""Tâtonnement: the auctioneer raises the price of what is short. A baseline that fails on linear players.

    t_i ← argmin cost_i + p·t               every player, at the same prices, without an anchor
    p   ← p + step · k^(−decay) · σ · Σ t_i   in sweep k
    plain: step 1, decay 0;  damped: step < 1;  diminishing: 1/2 < decay ≤ 1
    averaged: everybody is asked at the mean of all p so far instead

It is the subgradient method on the dual of min Σ cost_i subject to Σ t_i = 0. Constant steps converge if the excess
demand is Lipschitz in the prices, as it is if costs are strongly convex, and step · σ < 2/L in units in which L is its
constant (the gradient method on a smooth function). Diminishing steps have an infinite sum and a finite sum of
squares. In the norm of σ^(−1/2), and with G bounding the total trades in that of σ^(1/2), a step s changes the squared
distance to any equilibrium's prices by at most s²G² − 2 s · (what the dual lacks): prices converge. Plans need not: a
linear program answers with a vertex, so its answers jump, and with constant steps the prices cycle as well. No theorem
is claimed for the averaged prices.
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
    """The scheme: `step` scales every price change, `decay` lets it shrink, `averaged` quotes the mean price so far."""

    step: float = 1.0
    decay: float = 0.0
    averaged: bool = False
    name: str = "tatonnement"
    accelerates: bool = False
    balances: bool = False

    @property
    def stationary(self) -> bool:
        """Whether every sweep applies the same map."""
        return not self.averaged and self.decay == 0

    def __post_init__(self) -> None:
        if not self.step > 0:
            raise FormulationError(f"{self.name}: step {self.step} must be positive")
        if not (self.decay == 0 or 0.5 < self.decay <= 1):
            raise FormulationError(f"{self.name}: decay {self.decay} must be 0, or lie above 1/2 and be at most 1")

    def bind(self, market: Market, sigma: Vector) -> Iteration:
        """Return the iteration with price steps `step · sigma`."""
        kind = AveragedTatonnementIteration if self.averaged else TatonnementIteration
        return kind(market, self.step * sigma, self.decay)


class TatonnementIteration:
    """The state is the price."""

    def __init__(self, market: Market, gain: Vector, decay: float) -> None:
        self.market, self.gain, self.decay = market, gain, decay

    def state(self, price: Vector, trades: Mapping[str, Vector]) -> Vector:
        """Return the price; an auctioneer does not look at trades."""
        return price.copy()

    def sweep(self, number: int, state: Vector, ask: Ask) -> Sweep:
        """Ask everybody at the same prices and move the prices along the excess demand."""
        return self._asked_at(state, number, state, ask)

    def metric(self) -> Vector:
        """Return (step σ)^(−1/2)."""
        return self.gain**-0.5

    def _asked_at(self, quoted: Vector, number: int, price: Vector, ask: Ask) -> Sweep:
        at = self.market.positions
        answers = ask([Question(player.name, quoted[at[player.name]]) for player in self.market])
        excess = self.market.excess_demand({name: response for name, (_, response) in answers.items()})
        return Sweep.of(quoted, answers, price + number**-self.decay * self.gain * excess)


class AveragedTatonnementIteration(TatonnementIteration):
    """The state stacks the price and the mean of all prices so far."""

    def state(self, price: Vector, trades: Mapping[str, Vector]) -> Vector:
        """Return the price twice."""
        return np.concatenate([price, price])

    def sweep(self, number: int, state: Vector, ask: Ask) -> Sweep:
        """Ask everybody at the mean price."""
        price, mean = np.split(state, 2)
        sweep = self._asked_at(mean, number, price, ask)
        mean = mean + (sweep.image - mean) / (number + 1)
        return Sweep(sweep.price, sweep.signals, sweep.responses, np.concatenate([sweep.image, mean]))

    def metric(self) -> Vector:
        """Return (step σ)^(−1/2), twice."""
        return np.tile(self.gain**-0.5, 2)
