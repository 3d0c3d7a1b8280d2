"""A scheme with somebody around its sweeps: to look at what each finds, or to hold the next one back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from bestresponse.market import Market
from bestresponse.schemes.protocol import Ask, HasTangent, Iteration, Scheme, Sweep, Tangent
from bestresponse.typing import Vector

Around = Callable[[Callable[[], Sweep]], Sweep]  # gets a sweep to make, makes it, and returns what it found


def surrounded(scheme: Scheme, around: Around) -> Scheme:
    """Return the scheme that makes every sweep by way of `around` and otherwise is the same."""
    return _Surrounded(scheme, around)


@dataclass(frozen=True)
class _Surrounded:
    scheme: Scheme
    around: Around

    @property
    def name(self) -> str:
        return self.scheme.name

    @property
    def accelerates(self) -> bool:
        return self.scheme.accelerates

    @property
    def balances(self) -> bool:
        return self.scheme.balances

    @property
    def stationary(self) -> bool:
        return self.scheme.stationary

    def bind(self, market: Market, sigma: Vector) -> Iteration:
        iteration = self.scheme.bind(market, sigma)
        kind = _WithTangent if isinstance(iteration, HasTangent) else _SurroundedIteration
        return kind(iteration, self.around)


@dataclass(frozen=True)
class _SurroundedIteration:
    iteration: Iteration
    around: Around

    def state(self, price: Vector, trades: Mapping[str, Vector]) -> Vector:
        return self.iteration.state(price, trades)

    def sweep(self, number: int, state: Vector, ask: Ask) -> Sweep:
        return self.around(lambda: self.iteration.sweep(number, state, ask))

    def metric(self) -> Vector:
        return self.iteration.metric()


class _WithTangent(_SurroundedIteration):
    def tangent(self, sensitivities: Mapping[str, Vector]) -> Tangent:
        return cast(HasTangent, self.iteration).tangent(sensitivities)
