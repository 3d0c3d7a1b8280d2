"""Checks of a player's sensitivity, each a generator of what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from bestresponse.typing import Vector

AWAY = 0.01  # usual prices from where it is checked: at an equilibrium's prices several plans often are equally good
STEPS = (1e-3, 1e-4, 1e-5, 1e-6)  # of usual prices, in turn: kinks ask for a short one, inexact answers for a long one
TOLERANCE = 0.01  # of the change of trades
NONE = 1e-6  # of a usual quantity per usual price: a smaller change is none
ROUNDING = 1e-6  # of the largest entry
DIRECTIONS = 2


def is_matrix(found: Vector, n_goods: int) -> Iterator[str]:
    """Shape and numbers."""
    if np.shape(found) != (n_goods, n_goods):
        yield f"the sensitivity has shape {np.shape(found)} for {n_goods} goods"
    elif not np.isfinite(found).all():
        yield "the sensitivity has entries that are not finite numbers"


def is_of_a_minimiser(found: Vector, price_scale: Vector, quantity_scale: Vector) -> Iterator[str]:
    """Symmetric and negative semidefinite, as the second derivative of a least outlay is."""
    root = np.sqrt(price_scale / quantity_scale)
    scaled = root[:, None] * found * root
    slack = ROUNDING * float(np.abs(scaled).max(initial=NONE))
    if not np.abs(scaled - scaled.T).max(initial=0.0) <= slack:
        yield "the sensitivity of a player that minimises is not symmetric"
    if not np.linalg.eigvalsh((scaled + scaled.T) / 2).max(initial=0.0) <= slack:
        yield "the sensitivity has a direction in which it takes more where it is dearer"


def differentiates(
    found: Vector,
    trade: Callable[[Vector], Vector],  # (n_goods,) the trades at prices (n_goods,)
    price: Vector,
    price_scale: Vector,
    quantity_scale: Vector,
    rng: np.random.Generator,
) -> Iterator[str]:
    """In random directions, forth or back, trades change as it says: at a kink one side is enough."""
    here = trade(price)
    for _ in range(DIRECTIONS):
        direction = price_scale * rng.normal(size=len(price))
        said = found @ direction / quantity_scale
        seen = []
        for step in (sign * size for size in STEPS for sign in (1, -1)):
            seen.append((trade(price + step * direction) - here) / (step * quantity_scale))
            if _close(said, seen[-1]):
                break
        else:
            off = min(_size(said - each) / max(_size(each), NONE) for each in seen)
            yield f"trades change otherwise than the sensitivity says, by {off:.0%} of the change at least"
            return


def _close(said: Vector, seen: Vector) -> bool:
    return _size(said - seen) <= TOLERANCE * _size(seen) + NONE


def _size(change: Vector) -> float:
    return float(np.linalg.norm(change))
