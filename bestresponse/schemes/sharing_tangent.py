"""The derivative of the sharing map, from how the trades of every player answer to prices.

    S_i = ∂t_i/∂price, with the anchor as it is;  Q = 1 + σ S_a over the first group;  m = mean of δζ_f good by good
    δp   = Q m
    δT_f = δp + ρ S_f (2 δp − δζ_f)

The equation of a damped Newton step, (1 + λ − T') d = r, has as many unknowns as all trades of the second group. It
comes down to the goods: with B_f = 1 + λ + ρ S_f, so that 1 + 2ρ S_f = 2 B_f − (1 + 2λ),

    d_f = B_f⁻¹ r_f + (2 − (1 + 2λ) B_f⁻¹) Q m
    (1 − (2 − (1 + 2λ) W) Q) m = mean of B_f⁻¹ r_f,  W the mean of B_f⁻¹ over a good's traders
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.linalg import inv

from bestresponse.market import Market
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
        self._at, self._stack, self._n = market.positions, stack, market.n_goods
        blocks = ((self._at[name], sensitivities[name]) for name in first)  # no two of them trade the same good
        self._Q = [(at, np.eye(len(at)) + sigma[at, None] * block) for at, block in blocks]
        self._answers = {name: rho[part, None] * sensitivities[name] for name, part in stack.part.items()}

    def image(self, direction: Vector) -> Vector:
        """Return (n_trades,) T' times a direction of the state."""
        stack = self._stack
        price = self._price(stack.mean(direction))
        image = price[stack.good]
        for name, part in stack.part.items():
            image[part] += self._answers[name] @ (2 * price[self._at[name]] - direction[part])
        return image

    def step(self, right: Vector, damping: float) -> Vector:
        """Return (n_trades,) d with (1 + damping − T') d = right."""
        stack, twice = self._stack, 1 + 2 * damping
        inverse, step, W = {}, np.empty_like(right), np.zeros((self._n, self._n))
        for name, part in stack.part.items():
            at, B = self._at[name], self._answers[name].copy()
            B.flat[:: len(at) + 1] += 1 + damping
            inverse[name] = inv(B, overwrite_a=True, check_finite=False)
            step[part] = inverse[name] @ right[part]
            W[np.ix_(at, at)] += inverse[name]
        W /= stack.traders[:, None]
        unit = np.eye(self._n)
        left = twice * W - 2 * unit
        for at, Q in self._Q:
            left[:, at] = left[:, at] @ Q
        mean = np.linalg.solve(unit + left, stack.mean(step))
        price = self._price(np.asarray(mean, dtype=float))
        for name, part in stack.part.items():
            own = price[self._at[name]]
            step[part] += 2 * own - twice * (inverse[name] @ own)
        return step

    def _price(self, mean: Vector) -> Vector:
        """Q times a mean."""
        price = mean.copy()
        for at, Q in self._Q:
            price[at] = Q @ mean[at]
        return price
