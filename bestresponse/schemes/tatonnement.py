"""Tâtonnement: the auctioneer raises the price of what is short. A baseline that fails on linear players.

    t_i ← argmin cost_i + p·t           every player, at the same prices
    p ← p + step · σ · Σ t_i            plain; step < 1 is damped
    averaged: everybody is asked at the mean of all p so far instead

A linear program answers with a vertex, so its answers jump and the prices cycle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bestresponse.errors import FormulationError
from bestresponse.market import Market
from bestresponse.schemes.protocol import Ask, Iteration, Sweep
from bestresponse.typing import Vector


@dataclass(frozen=True)
class Tatonnement:
    """The scheme: `step` scales every price change; `averaged` asks at the mean of all prices so far."""

    step: float = 1.0
    averaged: bool = False
    name: str = "tatonnement"
    accelerates: bool = False

    def __post_init__(self) -> None:
        if not self.step > 0:
            raise FormulationError(f"tatonnement: step {self.step} must be positive")

    def bind(self, market: Market, sigma: Vector) -> Iteration:
        """Return the iteration with price steps `step · sigma`."""
        return TatonnementIteration(market, self.step * sigma, self.averaged)


class TatonnementIteration:
    """The state is the number of sweeps, the price, and the mean price."""

    def __init__(self, market: Market, gain: Vector, averaged: bool) -> None:
        self.market, self.gain, self.averaged = market, gain, averaged

    def initial(self, price: Vector) -> Vector:
        """Return no sweeps yet and the price twice."""
        return np.concatenate([[0.0], price, price])

    def sweep(self, state: Vector, ask: Ask) -> Sweep:
        """Ask everybody at the same prices and move the prices along the excess demand."""
        count, price, mean = state[0], *np.split(state[1:], 2)
        quoted = mean if self.averaged else price
        signals, responses = {}, {}
        for player in self.market:
            at = self.market.positions[player.name]
            signals[player.name], responses[player.name] = ask(player.name, quoted[at])
        moved = price + self.gain * self.market.excess_demand(responses)
        mean = mean + (moved - mean) / (count + 2)
        return Sweep(quoted, signals, responses, np.concatenate([[count + 1], moved, mean]))

    def metric(self) -> Vector:
        """Return ones: nothing is accelerated here."""
        return np.ones(1 + 2 * self.market.n_goods)

    def restate(self, sweep: Sweep) -> Vector:
        """Return the state after the sweep: it does not depend on σ."""
        return sweep.image
