"""Gauss-Seidel on the augmented Lagrangian: one turn after another, each with what the others have just answered.

    for every turn, in the sweep order, and m the number of its players who trade a good:
        t_i ← argmin cost_i + p·t + ½ m σ (t − (t_i − r/m))²   for every player i of the turn, together
        r   ← Σ t_i                                            over all players
    p ← p + σ r

Step range: σ > 0. With two turns it is the alternating direction method of multipliers, with the semidefinite proximal
term m I − 1 1' on the players of a turn who share a good, and converges for every σ if costs are convex and an
equilibrium exists (Fazel, Pong, Sun and Tseng 2013); with the turns of `groups.two_groups` it is `sharing` told
differently. With three turns or more there is no theorem: it can diverge on a convex program (Chen, He, Ye and Yuan
2016), though often it works. An order drawn anew for every sweep converges in expectation where costs are zero and the
trades' matrix is square and regular (Sun, Luo and Ye 2020).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bestresponse.market import Market
from bestresponse.player import Response, Signal
from bestresponse.schemes.orders import CYCLIC, Order
from bestresponse.schemes.protocol import Ask, Iteration, Question, Sweep
from bestresponse.schemes.stacking import Stack
from bestresponse.typing import Vector


@dataclass(frozen=True)
class GaussSeidel:
    """The scheme, with the order of its turns."""

    order: Order = CYCLIC
    name: str = "gauss_seidel"
    accelerates: bool = False
    balances: bool = False

    @property
    def stationary(self) -> bool:
        """Whether every sweep applies the same map."""
        return self.order.fixed

    def bind(self, market: Market, sigma: Vector) -> Iteration:
        """Return the iteration with penalties sigma."""
        return GaussSeidelIteration(market, sigma, self.order)


class GaussSeidelIteration:
    """The state stacks the prices and every player's last trades."""

    def __init__(self, market: Market, sigma: Vector, order: Order) -> None:
        self.market, self.sigma, self.order = market, sigma, order
        self.stack = Stack(market)

    def state(self, price: Vector, trades: Mapping[str, Vector]) -> Vector:
        """Return the prices and the trades, stacked."""
        return np.concatenate([price, self.stack.of(trades)])

    def sweep(self, number: int, state: Vector, ask: Ask) -> Sweep:
        """Ask one turn after another."""
        price, trades = np.split(state.copy(), [self.market.n_goods])
        part, excess = self.stack.part, self.stack.total(trades)
        answers: dict[str, tuple[Signal, Response]] = {}
        for turn in self.order.turns(self.market, number, excess):
            questions = self._questions(turn, price, excess, trades)
            others = {name: answer for name, (_, answer) in answers.items()}
            answers |= ask([Question(*question, others) for question in questions])
            for name in turn:
                trades[part[name]] = answers[name][1].trade
            excess = self.stack.total(trades)
        price = price + self.sigma * excess
        return Sweep.of(price, answers, np.concatenate([price, trades]))

    def _questions(
        self, turn: tuple[str, ...], price: Vector, excess: Vector, trades: Vector
    ) -> list[tuple[str, Vector, Vector, Vector]]:
        """Name, price, weight and target for every player of a turn."""
        places = {name: self.market.positions[name] for name in turn}
        sharers = np.bincount(np.concatenate(list(places.values())), minlength=self.market.n_goods)
        return [
            (name, price[at], sharers[at] * self.sigma[at], trades[self.stack.part[name]] - excess[at] / sharers[at])
            for name, at in places.items()
        ]

    def metric(self) -> Vector:
        """Return σ^(−1/2) for the prices and σ^(1/2) for the trades."""
        return np.concatenate([self.sigma**-0.5, self.sigma[self.stack.good] ** 0.5])
