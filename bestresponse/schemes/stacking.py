"""Where the trades of several players stand in one vector, and questions written on that vector."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from bestresponse.market import Market
from bestresponse.schemes.protocol import Answers, Question
from bestresponse.typing import Vector


class Stack:
    """Trades of some players of a market (all, if none are named), one player after another."""

    def __init__(self, market: Market, players: Iterable[str] | None = None) -> None:
        self.players = tuple(market.positions) if players is None else tuple(players)
        self.n_goods = market.n_goods
        places = [market.positions[name] for name in self.players]
        edges = np.cumsum([0] + [len(at) for at in places])
        self.part = {name: slice(a, b) for name, a, b in zip(self.players, edges, edges[1:], strict=False)}
        self.good = np.concatenate([*places, np.zeros(0, dtype=np.int64)])  # (n_trades,) the good of every entry
        self.traders = self.total(np.ones(len(self.good)))  # (n_goods,) n_g, how many of them trade each good

    def of(self, trades: Mapping[str, Vector]) -> Vector:
        """Return the trades in one vector (n_trades,)."""
        return np.concatenate([*(trades[name] for name in self.players), np.zeros(0)])

    def answered(self, answers: Answers) -> Vector:
        """Return the trades that were answered in one vector (n_trades,)."""
        return self.of({name: response.trade for name, (_, response) in answers.items()})

    def total(self, stacked: Vector) -> Vector:
        """Return (n_goods,) the sum over the players."""
        total = np.zeros(self.n_goods)
        np.add.at(total, self.good, stacked)
        return total

    def mean(self, stacked: Vector) -> Vector:
        """Return (n_goods,) the mean over the players that trade a good."""
        return self.total(stacked) / self.traders

    def questions(
        self,
        price: Vector,  # (n_goods,) the same for everybody
        weight: Vector,  # (n_trades,) of the anchor
        target: Vector,  # (n_trades,) of the anchor
    ) -> list[Question]:
        """Return argmin cost + price · t + ½ weight (t − target)² as a question to every player."""
        quoted = price[self.good]
        return [Question(name, quoted[at], weight[at], target[at]) for name, at in self.part.items()]
