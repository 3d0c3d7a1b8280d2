"""Colouring the market: two groups of players, so that each group can answer all at once.

In the first group at most one player trades each good, and every good has one. Its members face each other in
no market, so they can answer independently; the second group shares the goods with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bestresponse.errors import FormulationError
from bestresponse.market import Market

SHOWN = 4  # goods of one kind named in a message


@dataclass(frozen=True)
class Groups:
    """Names of the players of both groups, in market order."""

    first: tuple[str, ...]
    second: tuple[str, ...]


def two_groups(market: Market) -> Groups:
    """Return groups such that every good has exactly one trader in the first.

    This is an exact cover of the goods by players, found by backtracking on the good with the fewest candidates.
    Raises FormulationError if there is none, naming goods that cannot be covered, of which none can be left out, and
    their traders.
    """
    goods_of = {player.name: frozenset(player.goods) for player in market}
    chosen = _cover(frozenset(good.name for good in market.goods), goods_of)
    if chosen is None:
        raise FormulationError(
            "this market cannot be split into two groups with one trader of every good in the first: no players that "
            f"share no good trade all of {_listed(_obstacle(market, goods_of))}. A scheme that needs no groups still "
            "works: 'exchange'"
        )
    first = tuple(name for name in goods_of if name in chosen)
    return Groups(first, tuple(name for name in goods_of if name not in chosen))


def _cover(missing: frozenset[str], goods_of: Mapping[str, frozenset[str]]) -> tuple[str, ...] | None:
    """Players, no two of whom share a good, that together trade all the missing goods; None if impossible."""
    if not missing:
        return ()
    traders = {good: [name for name, goods in goods_of.items() if good in goods] for good in sorted(missing)}
    hardest = min(traders, key=lambda good: len(traders[good]))
    for player in traders[hardest]:
        taken = goods_of[player]
        rest = {name: goods for name, goods in goods_of.items() if not goods & taken}
        others = _cover(missing - taken, rest)
        if others is not None:
            return (player, *others)
    return None


def _obstacle(market: Market, goods_of: Mapping[str, frozenset[str]]) -> Mapping[tuple[str, ...], list[str]]:
    """Goods by traders: goods that cannot be covered, though they could without any one kind of them."""
    kinds: dict[tuple[str, ...], list[str]] = {}
    for good in market.goods:
        kinds.setdefault(tuple(name for name, goods in goods_of.items() if good.name in goods), []).append(good.name)
    for traders in tuple(kinds):
        rest = {others: goods for others, goods in kinds.items() if others != traders}
        if _cover(frozenset(goods[0] for goods in rest.values()), goods_of) is None:
            kinds = rest
    return kinds


def _listed(kinds: Mapping[tuple[str, ...], list[str]]) -> str:
    return "; ".join(f"{_names(goods)} (traded by {', '.join(traders)})" for traders, goods in kinds.items())


def _names(goods: Iterable[str]) -> str:
    names = [repr(good) for good in goods]
    more = f" and {len(names) - SHOWN} more like them" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
