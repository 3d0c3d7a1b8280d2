"""How fast projection methods shrink the error of an affine variational inequality, off the bounds."""

from __future__ import annotations

import numpy as np

from bestresponse.typing import Vector


def projection_rate(M: Vector, step: float) -> float:
    """Return the spectral radius of I − t M: the rate of the projected gradient off the bounds."""
    return float(np.max(np.abs(np.linalg.eigvals(np.eye(len(M)) - step * M))))


def extragradient_rate(M: Vector, step: float) -> float:
    """Return the spectral radius of I − t M (I − t M): the rate of the extragradient method off the bounds."""
    eye = np.eye(len(M))
    return float(np.max(np.abs(np.linalg.eigvals(eye - step * M @ (eye - step * M)))))
