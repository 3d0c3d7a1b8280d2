"""The linear rate that a history shows."""

from __future__ import annotations

import numpy as np

from bestresponse.typing import Vector

ROUNDING = 1e-11  # relative moves at or below it say nothing about rates
FEWEST = 6  # moves that are needed to tell


def linear_rate(moves: Vector, floor: float = ROUNDING) -> float | None:
    """Return the linear rate that a history of moves shows: the slope of its logarithm over the last two thirds.

    Moves at or below the floor, which are rounding, are left out; None if fewer than six remain.
    """
    useful = moves[: int(np.argmax(moves <= floor)) if (moves <= floor).any() else len(moves)]
    tail = useful[len(useful) // 3 :]
    if len(useful) < FEWEST or not np.isfinite(tail).all():
        return None
    slope = np.polyfit(np.arange(len(tail)), np.log(tail), 1)[0]
    return float(np.exp(slope))
