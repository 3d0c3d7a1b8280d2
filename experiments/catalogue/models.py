"""What a catalogued problem can do once it is built: be solved by named methods, and be judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from bestresponse.typing import Vector

Named = Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Found:
    """What a method found, and the judgement on it by whoever did not find it."""

    x: Vector  # (n,)
    prices: Named
    multipliers: Named
    quantities: Named
    residual: float
    residual_meaning: str
    certificate: Mapping[str, Any]  # "holds" and "statement" at least
    status: str
    moves: tuple[float, ...] = ()  # of every sweep, or residuals of every iteration, where the method has any


class Model(Protocol):
    """A problem, built."""

    @property
    def labels(self) -> tuple[str, ...]:
        """(n,) a word for every variable."""
        ...

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods it can be solved by, the usual one first."""
        ...

    def solve(self, method: str) -> Found:
        """Return what one of the methods finds."""
        ...

    def judge(self, x: Vector) -> Mapping[str, Any]:
        """Return the certificate of a proposed answer."""
        ...


def named(**values: Any) -> dict[str, tuple[float, ...]]:
    """Return every value as a tuple of floats."""
    return {name: tuple(np.atleast_1d(np.asarray(value, dtype=float)).tolist()) for name, value in values.items()}


@dataclass(frozen=True)
class Derived:
    """What follows from an answer: prices, multipliers and other quantities, by name."""

    prices: Named = field(default_factory=dict)
    multipliers: Named = field(default_factory=dict)
    quantities: Named = field(default_factory=dict)
