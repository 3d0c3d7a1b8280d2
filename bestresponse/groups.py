"""Colouring the market: two groups of players, so that each group can answer all at once.

In the first group at most one player trades each good, and every good has one. Its members face each other in
no market, so they can answer independently; the second group shares the goods with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from bestresponse.errors import FormulationError
from bestresponse.market import Market

SHOWN = 4  # goods of one kind, and kinds of goods, named in a message
EFFORT = 100_000  # players taken into the first group and out again before the search gives up, which takes a second

Kind: TypeAlias = tuple[str, ...]  # of goods: all who trade them


@dataclass(frozen=True)
class Groups:
    """Names of the players of both groups, in market order."""

    first: tuple[str, ...]
    second: tuple[str, ...]


def two_groups(market: Market) -> Groups:
    """Return groups such that every good has exactly one trader in the first.

    This is an exact cover of the goods by players (Karp 1972), found part by part of the market by backtracking on the
    goods with the fewest candidates. Raises FormulationError if there is none, naming goods that cannot be covered, of
    which none can be left out, and their traders; or if the search gives up, as it may on a market of many players who
    meet in no order.
    """
    goods = _goods_by_traders(market)
    chosen: set[str] = set()
    for part in _parts(goods):
        search = _Search()
        try:
            found = search.cover(part)
        except _GaveUpError:
            raise _refusal("was not", "the search gave up over", goods, part) from None
        if found is None:
            raise _refusal("cannot be", "no players that share no good trade all of", goods, search.obstacle(part))
        chosen |= found
    first = tuple(player.name for player in market if player.name in chosen)
    return Groups(first, tuple(player.name for player in market if player.name not in chosen))


def _goods_by_traders(market: Market) -> Mapping[Kind, list[str]]:
    traders: dict[str, list[str]] = {good.name: [] for good in market.goods}
    for player in market:
        for good in player.goods:
            traders[good].append(player.name)
    goods: dict[Kind, list[str]] = {}
    for good, kind in traders.items():
        goods.setdefault(tuple(kind), []).append(good)
    return goods


def _parts(kinds: Iterable[Kind]) -> list[list[Kind]]:
    """The kinds of goods, apart where nobody trades, over however many others, both."""
    place: dict[str, int] = {}
    for kind in kinds:
        for player in kind:
            place.setdefault(player, len(place))
    links = [(place[kind[0]], place[player]) for kind in kinds for player in kind]
    rows, columns = np.array(links, dtype=np.int64).reshape(-1, 2).T
    graph = sparse.coo_array((np.ones(len(links)), (rows, columns)), shape=(len(place), len(place)))
    part_of = connected_components(graph, directed=False)[1]
    parts: dict[int, list[Kind]] = {}
    for kind in kinds:
        parts.setdefault(int(part_of[place[kind[0]]]), []).append(kind)
    return list(parts.values())


class _GaveUpError(Exception):
    """The search took longer than it may."""


class _Search:
    """Looks for an exact cover, with what it may take."""

    def __init__(self) -> None:
        self.effort = EFFORT

    def cover(self, kinds: Sequence[Kind]) -> set[str] | None:
        """Return players of whom every kind of goods has exactly one trader; None if there are none.

        Where one trader is left of a kind, it has to be taken, and whoever shares goods with it cannot be. Only where
        all kinds have several is one tried after the other.
        """
        kinds_of: dict[str, list[int]] = {}
        for number, kind in enumerate(kinds):
            for player in kind:
                kinds_of.setdefault(player, []).append(number)
        branches: list[tuple[list[Kind], list[int]]] = [(list(kinds), [])]  # who is left, of which kinds it is one
        while branches:
            left, decided = branches.pop()
            if not self._settle(kinds, kinds_of, left, decided):
                continue
            several = [number for number, candidates in enumerate(left) if len(candidates) > 1]
            if not several:
                return {player for (player,) in left}
            hardest = min(several, key=lambda number: len(left[number]))
            for player in reversed(left[hardest]):
                branches.append(([*left[:hardest], (player,), *left[hardest + 1 :]], [hardest]))
        return None

    def _settle(
        self, kinds: Sequence[Kind], kinds_of: Mapping[str, Sequence[int]], left: list[Kind], decided: list[int]
    ) -> bool:
        """Take who has to be taken; False where nobody is left of a kind."""
        taken: set[str] = set()
        while decided:
            candidates = left[decided.pop()]
            if not candidates:
                return False
            (player,) = candidates
            if player in taken:
                continue
            self._spend()
            taken.add(player)
            for rival in dict.fromkeys(rival for number in kinds_of[player] for rival in kinds[number]):
                if rival == player:
                    continue
                for number in kinds_of[rival]:
                    if rival in left[number]:
                        left[number] = tuple(other for other in left[number] if other != rival)
                        if len(left[number]) <= 1:
                            decided.append(number)
        return True

    def obstacle(self, kinds: Sequence[Kind]) -> Sequence[Kind]:
        """Return kinds that cannot be covered, though they could without any one of them, if there is time to see."""
        for kind in tuple(kinds):
            rest = [other for other in kinds if other != kind]
            try:
                kinds = rest if self.cover(rest) is None else kinds
            except _GaveUpError:
                break
        return kinds

    def _spend(self) -> None:
        self.effort -= 1
        if self.effort < 0:
            raise _GaveUpError


def _refusal(verb: str, why: str, goods: Mapping[Kind, list[str]], kinds: Sequence[Kind]) -> FormulationError:
    words = [
        f"{_names(list(map(repr, goods[traders])), 'more like them')} (traded by {_names(traders, 'more')})"
        for traders in kinds[:SHOWN]
    ]
    words += [f"and {len(kinds) - SHOWN} more kinds of goods"] * (len(kinds) > SHOWN)
    return FormulationError(
        f"this market {verb} split into two groups with one trader of every good in the first: {why} "
        f"{'; '.join(words)}. A scheme that needs no groups still works: 'exchange'"
    )


def _names(names: Sequence[str], more: str) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} {more}" if len(names) > SHOWN else "")
