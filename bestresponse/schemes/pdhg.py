"""Primal-dual hybrid gradient: the auctioneer moves the prices and quotes where they are heading.

    w   = n σ,  s = step · σ;   n the number of traders of a good
    p⁺  ← p + s Σ t_i
    t_i ← argmin cost_i + (2p⁺ − p)·t + ½ w (t − t_i)²      for every player i
    p   ← p⁺

It is the method of Chambolle and Pock (2011) for min Σ cost_i(t_i) subject to K t = 0, where K adds up the trades of
every good. The rows of K have n ones each and share no column, so the diagonal steps of Pock and Chambolle (2011) are
1/w and s above, and the condition s n ≤ w is sharp: step < 1 converges for every σ > 0 if costs are convex and an
equilibrium exists, nothing is left to tune. At step = 1 it is `exchange` told differently (Douglas-Rachford
splitting, cf. O'Connor and Vandenberghe 2020); above 1 it may diverge.

`restart` wraps it: see `restarts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bestresponse.errors import FormulationError
from bestresponse.market import Market
from bestresponse.schemes.protocol import Ask, Iteration, Sweep
from bestresponse.schemes.restarts import RestartedAverage, RestartedHalpern
from bestresponse.schemes.stacking import Stack
from bestresponse.typing import Vector

RESTARTS: Mapping[str, Callable[[Iteration], Iteration]] = {"average": RestartedAverage, "halpern": RestartedHalpern}


@dataclass(frozen=True)
class PDHG:
    """The scheme: `step` as above, `restart` from an average or from Halpern's anchor."""

    restart: Literal["average", "halpern"] | None = None
    step: float = 0.99
    accelerates: bool = False

    def __post_init__(self) -> None:
        if not self.step > 0:
            raise FormulationError(f"pdhg: step {self.step} must be positive; it converges below 1")
        if self.restart is not None and self.restart not in RESTARTS:
            raise FormulationError(f"pdhg: no restart {self.restart!r}; allowed: {', '.join(RESTARTS)}, or None")

    @property
    def name(self) -> str:
        """The word users choose it by."""
        return "pdhg" if self.restart is None else f"pdhg_{self.restart}"

    @property
    def balances(self) -> bool:
        """Whether residual balancing is wrapped around it by default: restarts go with new weights of prices."""
        return self.restart is not None

    @property
    def stationary(self) -> bool:
        """Whether every sweep applies the same map."""
        return self.restart is None

    def bind(self, market: Market, sigma: Vector) -> Iteration:
        """Return the iteration with penalties sigma."""
        iteration = PDHGIteration(Stack(market), sigma, self.step)
        return iteration if self.restart is None else RESTARTS[self.restart](iteration)


class PDHGIteration:
    """The state stacks the prices and every player's last trades."""

    def __init__(self, stack: Stack, sigma: Vector, step: float) -> None:
        self.stack, self.step = stack, step * sigma
        self.weight = (stack.traders * sigma)[stack.good]

    def state(self, price: Vector, trades: Mapping[str, Vector]) -> Vector:
        """Return the prices and the trades, stacked."""
        return np.concatenate([price, self.stack.of(trades)])

    def sweep(self, number: int, state: Vector, ask: Ask) -> Sweep:
        """Move the prices, then ask everybody at the prices one step ahead."""
        price, trades = np.split(state, [self.stack.n_goods])
        moved = price + self.step * self.stack.total(trades)
        answers = ask(self.stack.questions(2 * moved - price, self.weight, trades))
        return Sweep.of(moved, answers, np.concatenate([moved, self.stack.answered(answers)]))

    def metric(self) -> Vector:
        """Return s^(−1/2) for the prices and w^(1/2) for the trades."""
        return np.concatenate([self.step**-0.5, self.weight**0.5])
