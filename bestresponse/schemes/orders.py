"""In which order players answer within a sweep: who comes in which turn, and who answers together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar, Protocol

import numpy as np

from bestresponse.errors import FormulationError
from bestresponse.market import Market
from bestresponse.typing import Vector

Turns = tuple[tuple[str, ...], ...]  # names of players; those of one turn answer together


class Order(Protocol):
    """A sweep order. It depends on nothing but its arguments, so that a resumed run is the same run."""

    @property
    def fixed(self) -> bool:
        """Whether every sweep takes the same turns."""
        ...

    def turns(self, market: Market, number: int, excess: Vector) -> Turns:
        """Return the turns of sweep `number` (from 1), at whose start goods (n_goods,) are in excess demand."""
        ...


@dataclass(frozen=True)
class Cyclic:
    """One player after another, as the market lists them."""

    fixed: ClassVar[bool] = True

    def turns(self, market: Market, number: int, excess: Vector) -> Turns:
        """Return one turn a player, always the same."""
        return tuple((player.name,) for player in market)


CYCLIC = Cyclic()


@dataclass(frozen=True)
class Shuffled:
    """One player after another, in an order drawn anew for every sweep from the seed and the sweep's number."""

    seed: int = 0
    fixed: ClassVar[bool] = False

    def turns(self, market: Market, number: int, excess: Vector) -> Turns:
        """Return one turn a player."""
        names = [player.name for player in market]
        return tuple((names[i],) for i in np.random.default_rng([self.seed, number]).permutation(len(names)))


@dataclass(frozen=True)
class Grouped:
    """Groups of players, given by name, one group after another."""

    groups: Turns
    fixed: ClassVar[bool] = True

    def turns(self, market: Market, number: int, excess: Vector) -> Turns:
        """Return the groups. Raises FormulationError unless every player of the market is in exactly one."""
        named = Counter(name for group in self.groups for name in group)
        known = [player.name for player in market]
        for name, times in named.items():
            if name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise FormulationError(f"order: no player {name!r}{hint} Players: {', '.join(known)}")
            if times > 1:
                raise FormulationError(f"order: {name!r} is in {times} groups; every player belongs to one")
        if missing := [name for name in known if name not in named]:
            raise FormulationError(f"order: no group has {', '.join(map(repr, missing))}; every player belongs to one")
        return self.groups


@dataclass(frozen=True)
class MostImbalanced:
    """One player after another, first those who trade the good that is most out of balance for its usual quantity."""

    fixed: ClassVar[bool] = False

    def turns(self, market: Market, number: int, excess: Vector) -> Turns:
        """Return one turn a player; among equals, as the market lists them."""
        far = np.abs(excess) / market.quantity_scale
        worst = {name: float(np.max(far[at], initial=0.0)) for name, at in market.positions.items()}
        return tuple((name,) for name in sorted(worst, key=lambda name: -worst[name]))
