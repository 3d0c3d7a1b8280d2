"""The market: a list of goods and the players who trade them. Owner of the sign rule.

Every trade is in a good with a price. `trade > 0` takes the good from the market, `trade < 0` gives it. A
player minimises `outlay = own cost + price · trade`. The market clears where the trades of all players sum to
zero in every good, and a price rises where the sum (the excess demand) is positive.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bestresponse.errors import FormulationError
from bestresponse.player import Anchor, Player, Response, Signal
from bestresponse.typing import IntVector, Vector

BAR = " | "  # between names in traces
NAMES = f"only names of printable characters without {BAR!r}"
MONEY_SCALE = 10.0  # [$/h] the unit of money after scaling: 100 units at a price of 0.1


@dataclass(frozen=True)
class Good:
    """One traded good. The scales say what is a usual price and a usual quantity of it."""

    name: str  # unique in the market, e.g. "delivery[76]"
    family: str  # e.g. "delivery"
    unit: str = "kW"
    price_unit: str = "$/kWh"
    price_scale: float = 0.1  # [price_unit]
    quantity_scale: float = 100.0  # [unit]

    def __post_init__(self) -> None:
        if not (0 < self.price_scale < np.inf and 0 < self.quantity_scale < np.inf):
            raise FormulationError(
                f"good {self.name!r}: price_scale {self.price_scale} and quantity_scale {self.quantity_scale} "
                "must be positive numbers"
            )


@dataclass(frozen=True)
class Market:
    """Goods and players. Raises FormulationError if a name repeats or a good lacks two traders."""

    goods: tuple[Good, ...]
    players: tuple[Player, ...]

    def __post_init__(self) -> None:
        for what, names in (("goods", [g.name for g in self.goods]), ("players", [p.name for p in self.players])):
            _refuse_repeats(what, names)
            if unreadable := [name for name in names if not readable(name)]:
                raise FormulationError(f"{what}: {unreadable[0]!r}: {NAMES} can be told in tables and traces")
        known = {good.name for good in self.goods}
        for player in self.players:
            _refuse_repeats(f"goods of {player.name}", list(player.goods))
            if unknown := [name for name in player.goods if name not in known]:
                raise FormulationError(f"{player.name} trades {unknown[0]!r}, which is no good of this market")
        traders = Counter(name for player in self.players for name in player.goods)
        if lonely := [good.name for good in self.goods if traders[good.name] < 2]:
            raise FormulationError(
                f"{lonely[0]!r} has {traders[lonely[0]]} trader(s); a good needs at least two: leave it out and "
                "take its price from that player's own multiplier"
            )

    def __iter__(self) -> Iterator[Player]:
        return iter(self.players)

    @property
    def n_goods(self) -> int:
        """The number of goods."""
        return len(self.goods)

    @cached_property
    def positions(self) -> Mapping[str, IntVector]:
        """For every player, where its goods stand in the market's list."""
        place = {good.name: g for g, good in enumerate(self.goods)}
        return {
            player.name: np.array([place[name] for name in player.goods], dtype=np.int64) for player in self.players
        }

    @cached_property
    def families(self) -> Mapping[str, IntVector]:
        """For every family of goods, the positions of its members."""
        names = dict.fromkeys(good.family for good in self.goods)
        return {
            family: np.array([g for g, good in enumerate(self.goods) if good.family == family], dtype=np.int64)
            for family in names
        }

    @cached_property
    def price_scale(self) -> Vector:
        """(n_goods,) a usual price of every good."""
        return np.array([good.price_scale for good in self.goods])

    @cached_property
    def quantity_scale(self) -> Vector:
        """(n_goods,) a usual quantity of every good."""
        return np.array([good.quantity_scale for good in self.goods])

    @property
    def no_trade(self) -> Mapping[str, Vector]:
        """The trades of a market in which nothing happens, by player."""
        return {name: np.zeros(len(at)) for name, at in self.positions.items()}

    def signal(
        self,
        player: Player,
        price: Vector,  # (n_goods,) of the market
        others: Mapping[str, Response] | None = None,
        anchor: Anchor | None = None,  # already in the player's own order
    ) -> Signal:
        """Return the signal for one player: the market's prices in the order of that player's goods."""
        rivals = {name: answer for name, answer in (others or {}).items() if name != player.name}
        return Signal(price[self.positions[player.name]], rivals, anchor)

    def excess_demand(self, responses: Mapping[str, Response]) -> Vector:
        """Return (n_goods,) the sum of all trades; zero where the market clears."""
        total = np.zeros(self.n_goods)
        for name, response in responses.items():
            total[self.positions[name]] += response.trade
        return total

    def largest_trade(self, responses: Mapping[str, Response]) -> Vector:
        """Return (n_goods,) the largest single trade, in absolute value."""
        largest = np.zeros(self.n_goods)
        for name, response in responses.items():
            at = self.positions[name]
            largest[at] = np.maximum(largest[at], np.abs(response.trade))
        return largest

    def imbalance(self, responses: Mapping[str, Response]) -> Vector:
        """Return (n_goods,) |excess demand| / max(1 unit, largest single trade)."""
        scale = np.maximum(1.0, self.largest_trade(responses))
        return np.abs(self.excess_demand(responses)) / scale


def readable(name: str) -> bool:
    """Whether traces can tell the name of a good or a player among others."""
    return name.isprintable() and BAR not in name


def _refuse_repeats(what: str, names: list[str]) -> None:
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise FormulationError(f"{what}: {repeated[0]!r} is named more than once")
