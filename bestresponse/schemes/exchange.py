"""Exchange: all players answer at once, each for its share of the imbalance. Needs no groups.

    ρ_g = n_g σ_g;  n_g the number of traders of a good
    p   ← mean of ζ_f over all traders of a good
    t_f ← argmin cost_f + (2p − ζ_f)·t + ½ ρ t²       for every player f
    T(ζ)_f = p + ρ t_f

It is sharing with an empty first group, in other words proximal Jacobi (Boyd, Parikh, Chu, Peleato and Eckstein 2011,
section 7.3). It converges for every σ > 0 if the players' operators are monotone and an equilibrium exists, but it is
slower than sharing. `jacobi` and `pdhg` at the ends of their step ranges are the same method.
"""

from __future__ import annotations

from dataclasses import dataclass

from bestresponse.groups import Groups
from bestresponse.market import Market
from bestresponse.schemes.protocol import Iteration
from bestresponse.schemes.sharing import SharingIteration
from bestresponse.typing import Vector


@dataclass(frozen=True)
class Exchange:
    """The scheme."""

    name: str = "exchange"
    accelerates: bool = True
    balances: bool = True
    stationary: bool = True

    def bind(self, market: Market, sigma: Vector) -> Iteration:
        """Return the iteration with penalties sigma."""
        return SharingIteration(market, sigma, Groups((), tuple(player.name for player in market)))
