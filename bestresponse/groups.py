"""Colouring the market: two groups of players, so that each group can answer all at once.

In the first group at most one player trades each good, and every good has one. Its members face each other in
no market, so they can answer independently; the second group shares the goods with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bestresponse.errors import FormulationError
from bestresponse.market import Market


@dataclass(frozen=True)
class Groups:
    """Names of the players of both groups, in market order."""

    first: tuple[str, ...]
    second: tuple[str, ...]


def two_groups(market: Market) -> Groups:
    """Return groups such that every good has exactly one trader in the first.

    This is an exact cover of the goods by players, found by backtracking on the good with the fewest candidates.
    Raises FormulationError, naming a good that prevents it, if there is none.
    """
    goods_of = {player.name: frozenset(player.goods) for player in market}
    search = _Search(goods_of)
    chosen = search.cover(frozenset(good.name for good in market.goods), tuple(goods_of))
    if chosen is None:
        raise FormulationError(
            "this market cannot be split into two groups with one trader of every good in the first; "
            f"it fails at {search.obstacle!r}. A scheme that needs no groups still works: 'exchange'"
        )
    first = tuple(name for name in goods_of if name in chosen)
    return Groups(first, tuple(name for name in goods_of if name not in chosen))


class _Search:
    def __init__(self, goods_of: Mapping[str, frozenset[str]]) -> None:
        self.goods_of = goods_of
        self.obstacle = ""

    def cover(self, missing: frozenset[str], candidates: tuple[str, ...]) -> tuple[str, ...] | None:
        """Players among the candidates whose goods are exactly the missing ones, each once; None if impossible."""
        if not missing:
            return ()
        traders = {good: [c for c in candidates if good in self.goods_of[c]] for good in sorted(missing)}
        good = min(traders, key=lambda g: len(traders[g]))
        if not traders[good]:
            self.obstacle = self.obstacle or good
            return None
        for player in traders[good]:
            rest = tuple(c for c in candidates if c != player and not self.goods_of[c] & self.goods_of[player])
            others = self.cover(missing - self.goods_of[player], rest)
            if others is not None:
                return (player, *others)
        self.obstacle = self.obstacle or good
        return None
