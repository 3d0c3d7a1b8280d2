"""Two projection methods on a box, as in the textbooks: what separates them is the skew part of the map.

projected gradient   x ← P(x − t F(x))                     converges where F is strongly monotone and t small
extragradient        y = P(x − t F(x)),  x ← P(x − t F(y))  where F is monotone and t L < 1 (Korpelevich 1976)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bestresponse.typing import Vector

Map = Callable[[Vector], Vector]
MOST = 2000  # iterations
FAR = 1e9


def projected_gradient(F: Map, lower: Vector, upper: Vector, x: Vector, step: float) -> tuple[Vector, list[float]]:
    """Return the last point and the moves of all iterations."""
    return _iterate(lambda z: np.clip(z - step * F(z), lower, upper), x)


def extragradient(F: Map, lower: Vector, upper: Vector, x: Vector, step: float) -> tuple[Vector, list[float]]:
    """Return the last point and the moves of all iterations."""

    def once(z: Vector) -> Vector:
        ahead = np.clip(z - step * F(z), lower, upper)
        return np.clip(z - step * F(ahead), lower, upper)

    return _iterate(once, x)


def projection_rate(M: Vector, step: float) -> float:
    """Return the spectral radius of I − t M: the rate of the projected gradient off the bounds."""
    return float(np.max(np.abs(np.linalg.eigvals(np.eye(len(M)) - step * M))))


def extragradient_rate(M: Vector, step: float) -> float:
    """Return the spectral radius of I − t M (I − t M): the rate of the extragradient method off the bounds."""
    eye = np.eye(len(M))
    return float(np.max(np.abs(np.linalg.eigvals(eye - step * M @ (eye - step * M)))))


def _iterate(once: Map, x: Vector) -> tuple[Vector, list[float]]:
    moves: list[float] = []
    while len(moves) < MOST:
        after = once(x)
        moves.append(float(np.linalg.norm(after - x)))
        x = after
        if moves[-1] <= 1e-13 or not moves[-1] <= FAR:
            break
    return x, moves
