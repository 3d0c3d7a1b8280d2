"""What a coordination scheme is: a fixed-point map of a state vector, one application a sweep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from bestresponse.market import Market
from bestresponse.player import Response, Signal
from bestresponse.typing import Vector


@dataclass(frozen=True)
class Question:
    """What a scheme wants to know of one player; vectors in the order of that player's own goods."""

    player: str
    price: Vector  # (n_goods of the player,)
    weight: Vector | None = None  # of the anchor; None for no anchor
    target: Vector | None = None  # of the anchor; None for zero
    others: Mapping[str, Response] = field(default_factory=dict)  # what is told of the rivals' answers in this sweep


Answers = Mapping[str, tuple[Signal, Response]]  # by player: the signal as it was sent, and the answer
Ask = Callable[[Sequence[Question]], Answers]  # questions asked together may be answered at the same time


@dataclass(frozen=True)
class Sweep:
    """What one sweep found: the market price, everybody's answer, and where the state goes next."""

    price: Vector  # (n_goods,) the price this sweep proposes to the market
    signals: Mapping[str, Signal]  # what every player was asked
    responses: Mapping[str, Response]  # what every player answered
    image: Vector  # the next state of the plain scheme, T(state)

    @classmethod
    def of(cls, price: Vector, answers: Answers, image: Vector) -> Sweep:
        """Return the sweep in which these answers were given."""
        signals = {name: signal for name, (signal, _) in answers.items()}
        return cls(price, signals, {name: response for name, (_, response) in answers.items()}, image)

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

    def state(self, price: Vector, trades: Mapping[str, Vector]) -> Vector:
        """Return the state vector that stands for these prices (n_goods,) and every player's trades."""
        ...

    def sweep(self, number: int, state: Vector, ask: Ask) -> Sweep:
        """Ask every player in sweep `number` (counted from 1) and return what was found."""
        ...

    def metric(self) -> Vector:
        """Return (n_state,) the factors that make differences of states comparable."""
        ...


class Tangent(Protocol):
    """The derivative T' of a scheme's map at one state."""

    def step(self, right: Vector, damping: float) -> Vector:
        """Return (n_state,) d with (1 + damping − T') d = right."""
        ...


@runtime_checkable
class HasTangent(Protocol):
    """An iteration whose map can be differentiated where the players' answers can."""

    def tangent(self, sensitivities: Mapping[str, Vector]) -> Tangent:
        """Return T' where the players' trades answer to prices like that; by player, (n, n) over its own goods."""
        ...


class Scheme(Protocol):
    """A coordination scheme: hyper-parameters only, the state lives in the iteration's vector."""

    @property
    def name(self) -> str:
        """The word users choose it by."""
        ...

    @property
    def accelerates(self) -> bool:
        """Whether it is accelerated by default, see `coordinator.default_acceleration`."""
        ...

    @property
    def balances(self) -> bool:
        """Whether residual balancing is wrapped around it by default."""
        ...

    @property
    def stationary(self) -> bool:
        """Whether every sweep applies the same map; only then can it be accelerated."""
        ...

    def bind(self, market: Market, sigma: Vector) -> Iteration:
        """Return the iteration on a market with penalties sigma (n_goods,) [price unit per unit]."""
        ...
