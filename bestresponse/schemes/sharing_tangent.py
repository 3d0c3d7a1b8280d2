"""The derivative of the sharing map, from how the trades of every player answer to prices.

    S_i = ∂t_i/∂price, with the anchor as it is;  Q = 1 + σ S_a over the first group;  m = mean of δζ_f good by good
    δp   = Q m
    δT_f = δp + ρ S_f (2 δp − δζ_f)

The equation of a damped Newton step, (1 + λ − T') d = r, has as many unknowns as all trades of the second group. It
comes down to the goods: with N_f = S_f (1 + λ + ρ S_f)⁻¹

    (1 + λ) d_f = r_f + Q m − ρ N_f (r_f − (1 + 2λ) Q m)
    (1 + λ − (1 + (1 + 2λ) σ Σ N_f) Q) m = mean of r_f − ρ N_f r_f
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bestresponse.market import Market
from bestresponse.schemes.lockstep import Lockstep
from bestresponse.schemes.stacking import Stack
from bestresponse.typing import Vector


class SharingTangent:
    """T' of the sharing map at the state where the sensitivities are the players'."""

    def __init__(
        self,
        market: Market,
        first: Sequence[str],
        stack: Stack,  # of the second group
        sigma: Vector,  # (n_goods,)
        rho: Vector,  # (n_trades,)
        sensitivities: Mapping[str, Vector],  # by player, (n, n) over its own goods
    ) -> None:
        self._at, self._stack, self._sigma, self._rho = market.positions, stack, sigma, rho
        blocks = ((self._at[name], sensitivities[name]) for name in first)  # no two of them trade the same good
        self._Q = [(at, np.eye(len(at)) + sigma[at, None] * block) for at, block in blocks]
        self._S = {name: sensitivities[name] for name in stack.part}

    def image(self, direction: Vector) -> Vector:
        """Return (n_trades,) T' times a direction of the state."""
        stack = self._stack
        price = self._price(stack.mean(direction))[stack.good]
        return price + self._answered(self._S, 2 * price - direction)

    def step(self, right: Vector, damping: float) -> Vector:
        """Return (n_trades,) d with (1 + damping − T') d = right."""
        stack, sigma, whole, most = self._stack, self._sigma, 1 + damping, 1 + 2 * damping
        N = {name: Lockstep.of(self._S[name]).damped(self._rho[part], whole) for name, part in stack.part.items()}
        left = np.zeros((len(sigma), len(sigma)))
        for name, matrix in N.items():
            left -= matrix.among(len(sigma), self._at[name])
        left *= most * sigma[:, None]
        left.flat[:: len(sigma) + 1] -= 1.0
        for at, Q in self._Q:
            left[:, at] = left[:, at] @ Q
        left.flat[:: len(sigma) + 1] += whole
        mean = np.linalg.solve(left, stack.mean(right - self._answered(N, right)))
        price = self._price(np.asarray(mean, dtype=float))[stack.good]
        return (right + price - self._answered(N, right - most * price)) / whole

    def _answered(self, slopes: Mapping[str, Vector | Lockstep], move: Vector) -> Vector:
        """(n_trades,) what the second group makes of prices that move, times ρ."""
        return self._rho * np.concatenate([*(slopes[f] @ move[part] for f, part in self._stack.part.items()), []])

    def _price(self, mean: Vector) -> Vector:
        """Q times a mean."""
        price = mean.copy()
        for at, Q in self._Q:
            price[at] = Q @ mean[at]
        return price
