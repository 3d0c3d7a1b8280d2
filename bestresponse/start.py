"""Where a run starts: at some prices, or where another run or another method ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bestresponse.acceleration import Lessons
from bestresponse.equilibrium import Equilibrium
from bestresponse.errors import DataError, FormulationError
from bestresponse.market import Market
from bestresponse.typing import Vector

SHOWN = 5  # names of goods in one sentence


@dataclass(frozen=True)
class Start:
    """Prices, and what more is known, from a neighbouring market or another method."""

    price: Vector  # (n_goods,)
    trades: Mapping[str, Vector] = field(default_factory=dict)  # by player; none for a player not named
    sigma: float = 1.0  # multiple of the automatic penalties
    lessons: Lessons | None = None  # for the accelerator; not heeded by another scheme, nor by Newton's method

    def check(self, market: Market) -> None:
        """Raise FormulationError, naming what is wrong, unless this is a start on a market."""
        if np.shape(self.price) != (market.n_goods,):
            shape = np.shape(self.price)
            raise FormulationError(f"start has prices of shape {shape}; the market has {market.n_goods} goods")
        if not (finite := np.isfinite(self.price)).all():
            raise FormulationError(f"start has no finite price of {market.goods[int(np.argmin(finite))].name}")
        for name, trades in self.trades.items():
            if name not in market.positions:
                raise FormulationError(f"start has trades of {name}, who is no player of the market")
            n_goods = len(market.positions[name])
            if np.shape(trades) != (n_goods,) or not np.isfinite(trades).all():
                raise FormulationError(f"the trades of {name} to start from are not {n_goods} finite numbers")

    @classmethod
    def after(cls, found: Equilibrium) -> Start:
        """Return the start from another run's end, or from the monolith's, in a market with the same goods and players.

        `Ending.of(found).start(...)` does the same for a market with others.
        """
        return Ending.of(found).start(found.market, found.price)


@dataclass(frozen=True)
class Ending:
    """Where a run ended, by the names of goods and players, so that another market can start from it."""

    price: Mapping[str, float]  # by good
    trades: Mapping[str, Mapping[str, float]]  # by player and good
    sigma: float = 1.0  # multiple of the automatic penalties
    lessons: Lessons | None = None  # of the run's accelerator; none of Newton's method

    @classmethod
    def of(cls, found: Equilibrium) -> Ending:
        """Return the end of a run, or the monolith's solution."""
        goods = {player.name: player.goods for player in found.market}
        return cls(
            price=dict(zip((good.name for good in found.market.goods), found.price.tolist(), strict=True)),
            trades={
                name: dict(zip(goods[name], response.trade.tolist(), strict=True))
                for name, response in found.responses.items()
            },
            sigma=found.trace.records[-1].sigma if found.trace.records else 1.0,
            lessons=found.lessons,
        )

    def start(
        self,
        market: Market,
        usual: Vector,  # (n_goods,) prices of goods that the run did not know; nobody trades them yet
    ) -> Start:
        """Return the start of a run on `market` from here.

        Raises DataError if the run knew fewer than half of the market's goods.
        """
        unknown = self.unknown(market)
        if 2 * len(unknown) > market.n_goods:
            raise DataError(
                f"{len(unknown)} of the {market.n_goods} goods of this market are unknown to the run to start from, "
                f"such as {_some(unknown)}; at least half must be known"
            )
        price = [self.price.get(good.name, other) for good, other in zip(market.goods, usual, strict=True)]
        trades = {
            player.name: np.array([self.trades.get(player.name, {}).get(good, 0.0) for good in player.goods])
            for player in market
        }
        return Start(np.array(price, dtype=float), trades, self.sigma, self.lessons if self._is_of(market) else None)

    def unknown(self, market: Market) -> list[str]:
        """Return the goods of a market that the run did not know."""
        return [good.name for good in market.goods if good.name not in self.price]

    def differences(self, market: Market) -> list[str]:
        """Return a sentence about the goods and one about the players of a market that the run did not know."""
        found = []
        if unknown := self.unknown(market):
            found.append(f"Goods that are new started at their usual price ({len(unknown)}): {_some(unknown)}.")
        if strangers := [player.name for player in market if player.name not in self.trades]:
            found.append(f"Players that are new started without trades: {_some(strangers)}.")
        return found

    def _is_of(self, market: Market) -> bool:
        """Whether the market has the same goods and players in the same order, so that states can be compared."""
        return list(self.price) == [good.name for good in market.goods] and {
            name: tuple(trades) for name, trades in self.trades.items()
        } == {player.name: tuple(player.goods) for player in market}


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
