"""Adaptive golden ratio: one question a sweep, and a step that follows how much the prices' pull really changes.

    w = n σ;   n the number of traders of a good;   z = (p, t),  F(z) = (−Σ t_i, p);  norms weigh p by 1/σ, t by w
    λ⁺  ← min( ρ λ,  φ θ/(4 λ) · ‖z − z'‖²/‖F(z) − F(z')‖² ),   z' the z before;   θ ← φ λ⁺/λ;   λ ← λ⁺
    z̄   ← ((φ − 1) z + z̄)/φ
    t_i ← argmin cost_i + p·t + ½ (w/λ) (t − t̄_i)²     for every player i
    p   ← p̄ + λ σ Σ t_i                                 with the trades before they were asked

with 1 < φ ≤ (1 + √5)/2 and ρ = 1/φ + 1/φ². It is the explicit algorithm of Malitsky (2020), which converges for every
σ > 0 if costs are convex and an equilibrium exists: F is monotone and has, in these norms, the Lipschitz constant 1.
It begins with λ = φ/2, the fixed step that is safe for that constant. The anchors change in every sweep, so players
that factorise a matrix for them must do it again every time.
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

GOLDEN = (1 + 5**0.5) / 2
LARGEST = 1e6  # λ is bounded, as the theorem wants


@dataclass(frozen=True)
class GoldenRatio:
    """The scheme, with 1 < phi ≤ (1 + √5)/2."""

    phi: float = 1.5
    name: str = "golden_ratio"
    accelerates: bool = False
    balances: bool = False
    stationary: bool = False

    def __post_init__(self) -> None:
        if not 1 < self.phi <= GOLDEN:
            raise FormulationError(f"golden_ratio: phi {self.phi} must lie above 1 and be at most {GOLDEN:.4f}")

    def bind(self, market: Market, sigma: Vector) -> Iteration:
        """Return the iteration with penalties sigma."""
        return GoldenRatioIteration(Stack(market), sigma, self.phi)


class GoldenRatioIteration:
    """The state stacks z, the z before, z̄ and the two numbers λ and θ."""

    def __init__(self, stack: Stack, sigma: Vector, phi: float) -> None:
        self.stack, self.sigma, self.phi = stack, sigma, phi
        self.weight = (stack.traders * sigma)[stack.good]

    def state(self, price: Vector, trades: Mapping[str, Vector]) -> Vector:
        """Return the beginning: z = z' = z̄ and the safe step."""
        z = np.concatenate([price, self.stack.of(trades)])
        return np.concatenate([z, z, z, [self.phi / 2, 1.0]])

    def sweep(self, number: int, state: Vector, ask: Ask) -> Sweep:
        """Choose the step, move z̄, and step from there."""
        z, before, golden = np.split(state[:-2], 3)
        step, theta = self._step(z - before, *(float(value) for value in state[-2:]))
        golden = ((self.phi - 1) * z + golden) / self.phi
        price, trades = np.split(z, [self.stack.n_goods])
        old_price, old_trades = np.split(golden, [self.stack.n_goods])
        answers = ask(self.stack.questions(price, self.weight / step, old_trades))
        moved = old_price + step * self.sigma * self.stack.total(trades)
        image = np.concatenate([moved, self.stack.answered(answers), z, golden, [step, theta]])
        return Sweep.of(price, answers, image)

    def _step(self, move: Vector, step: float, theta: float) -> tuple[float, float]:
        """The new λ and θ after a move of z."""
        pull = self._pull(move)
        size = float(np.sum((self._metric() * move) ** 2))
        longest = min(LARGEST, (1 / self.phi + 1 / self.phi**2) * step)
        if not pull > 0:
            return (step, theta) if not size > 0 else (longest, self.phi * longest / step)
        chosen = min(longest, self.phi * theta / (4 * step) * size / pull)
        return chosen, self.phi * chosen / step

    def _pull(self, move: Vector) -> float:
        """‖F(move)‖² in the dual norms: σ for the prices' component and 1/w for the trades'."""
        price, trades = np.split(move, [self.stack.n_goods])
        return float(self.sigma @ self.stack.total(trades) ** 2 + (price[self.stack.good] ** 2) @ (1 / self.weight))

    def _metric(self) -> Vector:
        return np.concatenate([self.sigma**-0.5, self.weight**0.5])

    def metric(self) -> Vector:
        """Return σ^(−1/2) for prices, w^(1/2) for trades, and ones."""
        return np.concatenate([np.tile(self._metric(), 3), np.ones(2)])
