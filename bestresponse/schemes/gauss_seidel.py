"""Gauss-Seidel on the augmented Lagrangian: one player after another. A heuristic without a theorem.

    for every player i in turn:
        t_i ← argmin cost_i + p·t + ½ σ (t − (t_i − r))²,   r the present sum of all trades
    p ← p + σ r

With three or more players it can diverge on a convex program (Chen, He, Ye and Yuan 2016); often it works.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bestresponse.market import Market
from bestresponse.player import Response, Signal
from bestresponse.schemes.protocol import Ask, Iteration, Question, Sweep
from bestresponse.typing import Vector


@dataclass(frozen=True)
class GaussSeidel:
    """The scheme."""

    name: str = "gauss_seidel"
    accelerates: bool = False
    stationary: bool = True

    def bind(self, market: Market, sigma: Vector) -> Iteration:
        """Return the iteration with penalties sigma."""
        return GaussSeidelIteration(market, sigma)


class GaussSeidelIteration:
    """The state stacks the prices and every player's last trades."""

    def __init__(self, market: Market, sigma: Vector) -> None:
        self.market = market
        self.sigma = sigma
        lengths = [market.n_goods] + [len(market.positions[player.name]) for player in market]
        self._edges = np.cumsum(lengths)

    def state(self, price: Vector, trades: Mapping[str, Vector]) -> Vector:
        """Return the prices and the trades, stacked."""
        return np.concatenate([price, *(trades[player.name] for player in self.market)])

    def sweep(self, number: int, state: Vector, ask: Ask) -> Sweep:
        """Ask one player after another, each with what the others have just answered."""
        price, *trades = np.split(state, self._edges[:-1])
        places = [self.market.positions[player.name] for player in self.market]
        excess = np.zeros(self.market.n_goods)
        for at, trade in zip(places, trades, strict=True):
            excess[at] += trade
        answers: dict[str, tuple[Signal, Response]] = {}
        for i, player in enumerate(self.market):
            at = places[i]
            others = {name: answer for name, (_, answer) in answers.items()}
            question = Question(player.name, price[at], self.sigma[at], trades[i] - excess[at], others)
            answers |= ask([question])
            trade = answers[player.name][1].trade
            excess[at] += trade - trades[i]
            trades[i] = trade
        price = price + self.sigma * excess
        return Sweep.of(price, answers, np.concatenate([price, *trades]))

    def metric(self) -> Vector:
        """Return ones: nothing is accelerated here."""
        return np.ones(self._edges[-1])
