"""Jacobi on the augmented Lagrangian: everybody at once, each as if the others stayed where they are.

    r   ← Σ t_i
    t_i ← argmin cost_i + p·t + ½ σ (t − (t_i − r))² + ½ π (t − t_i)²     for every player i
    p   ← p + γ σ Σ t_i

The plain scheme has π = 0 and no theorem: two players without costs diverge by 1 + √2 a sweep (He, Hou and Yuan 2015
show that it need not converge). The proximal scheme has

    π = margin · σ (n/(2 − γ) − 1),   margin > 1,   n the number of traders of a good

and converges for every σ > 0 and 0 < γ < 2 if costs are convex, closed and proper and an equilibrium exists (Deng, Lai,
Peng and Yin 2017, whose condition is read good by good: every block of the coupling is a part of the identity). In
the limit margin → 1 with γ = 1 the question is that of `exchange`. A good with fewer than 2 − γ times two traders
needs no π.
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

MARGIN = 1.01  # the theorem needs more than 1


@dataclass(frozen=True)
class Jacobi:
    """The scheme: proximal unless told otherwise; `gamma` damps the price, 0 < gamma < 2."""

    proximal: bool = True
    gamma: float = 1.0
    name: str = "jacobi"
    accelerates: bool = False
    balances: bool = False
    stationary: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.gamma < 2:
            raise FormulationError(f"jacobi: gamma {self.gamma} must lie between 0 and 2")

    def bind(self, market: Market, sigma: Vector) -> Iteration:
        """Return the iteration with penalties sigma."""
        stack = Stack(market)
        proximity = MARGIN * sigma * np.maximum(stack.traders / (2 - self.gamma) - 1, 0) if self.proximal else 0 * sigma
        return JacobiIteration(stack, sigma, proximity, self.gamma)


class JacobiIteration:
    """The state stacks the prices and every player's last trades."""

    def __init__(self, stack: Stack, sigma: Vector, proximity: Vector, gamma: float) -> None:
        self.stack, self.sigma, self.gamma = stack, sigma, gamma
        self.weight = (sigma + proximity)[stack.good]  # σ + π

    def state(self, price: Vector, trades: Mapping[str, Vector]) -> Vector:
        """Return the prices and the trades, stacked."""
        return np.concatenate([price, self.stack.of(trades)])

    def sweep(self, number: int, state: Vector, ask: Ask) -> Sweep:
        """Ask everybody, then move the price; σ (t − t_i + r)² + π (t − t_i)² is one square with weight σ + π."""
        price, trades = np.split(state, [self.stack.n_goods])
        pull = (self.sigma * self.stack.total(trades))[self.stack.good]
        answers = ask(self.stack.questions(price, self.weight, trades - pull / self.weight))
        trades = self.stack.answered(answers)
        price = price + self.gamma * self.sigma * self.stack.total(trades)
        return Sweep.of(price, answers, np.concatenate([price, trades]))

    def metric(self) -> Vector:
        """Return (γ σ)^(−1/2) for the prices and (σ + π)^(1/2) for the trades."""
        return np.concatenate([(self.gamma * self.sigma) ** -0.5, self.weight**0.5])
