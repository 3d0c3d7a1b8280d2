"""Extragradient: everybody is asked twice a sweep, first to look ahead, then to step with what was seen.

    w   = n σ,  s = step · σ;   n the number of traders of a good
    t'_i ← argmin cost_i + p·t  + ½ w (t − t_i)²     for every player i;   p' ← p + s Σ t_i
    t_i  ← argmin cost_i + p'·t + ½ w (t − t_i)²     for every player i;   p  ← p + s Σ t'_i

It is the method of Korpelevich (1976) with proximal answers in place of projections, for the operator
F(t, p) = (p, −Σ t_i), which is monotone and in the norm of w and 1/s has the Lipschitz constant √step. It converges
for every σ > 0 and 0 < step < 1 if costs are convex and an equilibrium exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bestresponse.errors import FormulationError
from bestresponse.market import Market
from bestresponse.schemes.protocol import Ask, Iteration, Sweep
from bestresponse.schemes.stacking import Stack
from bestresponse.typing import Vector


@dataclass(frozen=True)
class Extragradient:
    """The scheme."""

    step: float = 0.9
    name: str = "extragradient"
    accelerates: bool = False
    balances: bool = False
    stationary: bool = True

    def __post_init__(self) -> None:
        if not self.step > 0:
            raise FormulationError(f"extragradient: step {self.step} must be positive; it converges below 1")

    def bind(self, market: Market, sigma: Vector) -> Iteration:
        """Return the iteration with penalties sigma."""
        return ExtragradientIteration(Stack(market), sigma, self.step)


class ExtragradientIteration:
    """The state stacks the prices and every player's last trades."""

    def __init__(self, stack: Stack, sigma: Vector, step: float) -> None:
        self.stack, self.step = stack, step * sigma
        self.weight = (stack.traders * sigma)[stack.good]

    def state(self, price: Vector, trades: Mapping[str, Vector]) -> Vector:
        """Return the prices and the trades, stacked."""
        return np.concatenate([price, self.stack.of(trades)])

    def sweep(self, number: int, state: Vector, ask: Ask) -> Sweep:
        """Look ahead, then step."""
        price, trades = np.split(state, [self.stack.n_goods])
        seen = self.stack.answered(ask(self.stack.questions(price, self.weight, trades)))
        ahead = price + self.step * self.stack.total(trades)
        answers = ask(self.stack.questions(ahead, self.weight, trades))
        price = price + self.step * self.stack.total(seen)
        return Sweep.of(ahead, answers, np.concatenate([price, self.stack.answered(answers)]))

    def metric(self) -> Vector:
        """Return s^(−1/2) for the prices and w^(1/2) for the trades."""
        return np.concatenate([self.step**-0.5, self.weight**0.5])
