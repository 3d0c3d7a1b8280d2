"""Sharing: two-group Gauss-Seidel on the prices, in Douglas-Rachford form. The default scheme.

    ρ_g = n_g σ_g;  ζ̄ = mean of ζ_f over the second group's traders of a good
    t_a ← argmin cost_a + ζ̄·t + ½ σ t²                for every a of the first group
    p   ← ζ̄ + σ t_a                                   the market price: t_a is an exact best response to it
    t_f ← argmin cost_f + (2p − ζ_f)·t + ½ ρ t²       for every f of the second group
    T(ζ)_f = p + ρ t_f

At a fixed point ζ_f = p + ρ t_f and the trades sum to zero. It is the alternating direction method of
multipliers on a sharing problem, which is Douglas-Rachford splitting of the dual (Gabay 1983; Eckstein and
Bertsekas 1992), so it converges for every σ > 0 if the operators of both groups are monotone and an equilibrium exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bestresponse.groups import Groups, two_groups
from bestresponse.market import Market
from bestresponse.schemes.protocol import Ask, Iteration, Question, Sweep
from bestresponse.schemes.sharing_tangent import SharingTangent
from bestresponse.schemes.stacking import Stack
from bestresponse.typing import Vector


@dataclass(frozen=True)
class Sharing:
    """The scheme; raises FormulationError on `bind` if the market has no two valid groups."""

    name: str = "sharing"
    accelerates: bool = True
    balances: bool = True
    stationary: bool = True

    def bind(self, market: Market, sigma: Vector) -> Iteration:
        """Return the iteration with penalties sigma."""
        return SharingIteration(market, sigma, two_groups(market))


class SharingIteration:
    """The map ζ → T(ζ); the state stacks ζ_f over the second group. The first group may be empty."""

    def __init__(self, market: Market, sigma: Vector, groups: Groups) -> None:
        self.groups = groups
        self.market = market
        self.sigma = sigma
        self.stack = Stack(market, groups.second)
        self.rho = (self.stack.traders * sigma)[self.stack.good]

    def state(self, price: Vector, trades: Mapping[str, Vector]) -> Vector:
        """Return ζ_f = p + ρ t_f."""
        return price[self.stack.good] + self.rho * self.stack.of(trades)

    def sweep(self, number: int, state: Vector, ask: Ask) -> Sweep:
        """Ask the first group, set the price, ask the second group, which hears what the first has answered."""
        zeta, sigma, at = state, self.sigma, self.market.positions
        mean = self.stack.mean(zeta)
        first = ask([Question(a, mean[at[a]], weight=sigma[at[a]]) for a in self.groups.first])
        price = mean.copy()
        for a, (_, answer) in first.items():
            price[at[a]] += sigma[at[a]] * answer.trade
        part, rho = self.stack.part, self.rho
        told = {a: answer for a, (_, answer) in first.items()}
        second = ask(
            [
                Question(f, 2 * price[at[f]] - zeta[part[f]], weight=rho[part[f]], others=told)
                for f in self.groups.second
            ]
        )
        image = price[self.stack.good] + rho * self.stack.answered(second)
        return Sweep.of(price, {**first, **second}, image)

    def tangent(self, sensitivities: Mapping[str, Vector]) -> SharingTangent:
        """Return T' where the players' trades answer to prices like that; by player, (n, n) over its own goods."""
        return SharingTangent(self.market, self.groups.first, self.stack, self.sigma, self.rho, sensitivities)

    def metric(self) -> Vector:
        """Return ρ^(−1/2)."""
        return self.rho**-0.5
