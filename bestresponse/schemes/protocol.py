"""What a coordination scheme is: a fixed-point map of a state vector, one application a sweep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bestresponse.market import Market
from bestresponse.player import Response, Signal
from bestresponse.typing import Vector

Ask = Callable[..., tuple[Signal, Response]]  # ask(name, price, weight=None, target=None, others=None)


@dataclass(frozen=True)
class Sweep:
    """What one sweep found: the market price, everybody's answer, and where the state goes next."""

    price: Vector  # (n_goods,) the price this sweep proposes to the market
    signals: Mapping[str, Signal]  # what every player was asked
    responses: Mapping[str, Response]  # what every player answered
    image: Vector  # the next state of the plain scheme, T(state)

    def disagreement(self, market: Market) -> Vector:
        """Return (n_goods,) the largest |qᵢ − p| over the players, qᵢ the price player i in fact answered.

        An anchor changes the price a player sees at its own answer: qᵢ = signal price + weight (trade − target).
        """
        largest = np.zeros(market.n_goods)
        for name, signal in self.signals.items():
            at = market.positions[name]
            seen = signal.price
            if signal.anchor is not None:
                seen = seen + signal.anchor.price(self.responses[name].trade)
            largest[at] = np.maximum(largest[at], np.abs(seen - self.price[at]))
        return largest


class Iteration(Protocol):
    """A scheme at work on one market with one vector of penalties σ."""

    def initial(self, price: Vector) -> Vector:
        """Return the state vector that stands for these prices and no trade."""
        ...

    def sweep(self, state: Vector, ask: Ask) -> Sweep:
        """Ask every player once and return what was found."""
        ...

    def metric(self) -> Vector:
        """Return (n_state,) the factors that make differences of states comparable."""
        ...

    def restate(self, sweep: Sweep) -> Vector:
        """Return the state from which this iteration (of a new σ) goes on after a sweep under the old σ."""
        ...


class Scheme(Protocol):
    """A coordination scheme: hyper-parameters only, the state lives in the iteration's vector."""

    @property
    def name(self) -> str:
        """The word users choose it by."""
        ...

    @property
    def accelerates(self) -> bool:
        """Whether safeguarded Anderson acceleration and residual balancing may be wrapped around it."""
        ...

    def bind(self, market: Market, sigma: Vector) -> Iteration:
        """Return the iteration on a market with penalties sigma (n_goods,) [price unit per unit]."""
        ...
