"""Gauss-Seidel on the augmented Lagrangian: one player after another. A heuristic without a theorem.

    for every player i in turn:
        t_i ← argmin cost_i + p·t + ½ σ (t − (t_i − r))²,   r the present sum of all trades
    p ← p + σ r

With three or more players it can diverge on a convex program (Chen, He, Ye and Yuan 2016); often it works.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bestresponse.market import Market
from bestresponse.player import Response, Signal
from bestresponse.schemes.protocol import Ask, Iteration, Sweep
from bestresponse.typing import Vector


@dataclass(frozen=True)
class GaussSeidel:
    """The scheme."""

    name: str = "gauss_seidel"
    accelerates: bool = False

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

    def initial(self, price: Vector) -> Vector:
        """Return the prices and no trade."""
        return np.concatenate([price, np.zeros(self._edges[-1] - len(price))])

    def sweep(self, state: Vector, ask: Ask) -> Sweep:
        """Ask one player after another, each with what the others have just answered."""
        price, *trades = np.split(state, self._edges[:-1])
        places = [self.market.positions[player.name] for player in self.market]
        excess = np.zeros(self.market.n_goods)
        for at, trade in zip(places, trades, strict=True):
            excess[at] += trade
        signals: dict[str, Signal] = {}
        responses: dict[str, Response] = {}
        for i, player in enumerate(self.market):
            at = places[i]
            target = trades[i] - excess[at]
            signals[player.name], answer = ask(player.name, price[at], self.sigma[at], target, responses)
            responses[player.name] = answer
            excess[at] += answer.trade - trades[i]
            trades[i] = answer.trade
        price = price + self.sigma * excess
        return Sweep(price, signals, responses, np.concatenate([price, *trades]))

    def metric(self) -> Vector:
        """Return ones: nothing is accelerated here."""
        return np.ones(self._edges[-1])

    def restate(self, sweep: Sweep) -> Vector:
        """Return the state after the sweep: it does not depend on σ."""
        return sweep.image
