"""A player with everything it is tried at, and how far off an answer may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from bestresponse.player import Anchor, Player, Response, Signal
from bestresponse.typing import Vector

TOLERANCE = 1e-6  # of outlays, relative to max(1 $/h, |outlay|), and of violations
ANCHOR_STRENGTHS = (1.0, 0.1, 10.0)  # in turn, times a usual price over a usual quantity


@dataclass(frozen=True)
class Bench:
    """A player with prices to try it at and what the rivals last played."""

    player: Player
    prices: tuple[Vector, ...]  # in the player's own order
    price_scale: Vector
    quantity_scale: Vector
    others: Mapping[str, Response]
    seed: int

    @property
    def weight(self) -> Vector:
        """(n_goods,) of a usual anchor."""
        return self.price_scale / self.quantity_scale

    @property
    def anchored(self) -> bool:
        """Whether the player answers with an anchor."""
        return getattr(self.player, "accepts_anchor", True)

    def answer(self, price: Vector, anchor: Anchor | None = None) -> Response:
        """What the player answers."""
        return self.player.best_response(self.signal(price, anchor))

    def signal(self, price: Vector, anchor: Anchor | None) -> Signal:
        """A signal of its own, so that a player that changes it changes nothing else."""
        return Signal(price.copy(), dict(self.others), anchor)

    def trade(self, anchor: Anchor, price: Vector) -> Vector:
        """What the player trades, as a function of the price."""
        return self.answer(price, anchor).trade

    def answers(self) -> Iterator[tuple[Vector, Response]]:
        """Every price with its answer."""
        return ((price, self.answer(price)) for price in self.prices)

    def anchors(self) -> Iterator[tuple[Vector, Anchor]]:
        """Prices with anchors, weak and strong, around half the trades that the next prices call forth."""
        for turn, (price, other) in enumerate(pairwise(self.prices)):
            strength = ANCHOR_STRENGTHS[turn % len(ANCHOR_STRENGTHS)]
            yield price, Anchor(strength * self.weight, 0.5 * self.answer(other).trade)


def slack(outlay: float) -> float:
    """Return by how much [$/h] an outlay may be off."""
    return TOLERANCE * max(1.0, abs(outlay))
