"""The result of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bestresponse.acceleration import Lessons
from bestresponse.certificate import Certificate
from bestresponse.market import Market
from bestresponse.player import Response
from bestresponse.stopping import Stop
from bestresponse.trace import Trace
from bestresponse.typing import Vector


@dataclass(frozen=True)
class Equilibrium:
    """Prices and plans, why the run stopped, and what can be claimed about them."""

    market: Market
    method: str
    price: Vector  # (n_goods,)
    responses: Mapping[str, Response]
    stop: Stop
    certificate: Certificate | None  # None if a player failed before anything could be judged
    trace: Trace
    seconds: Mapping[str, float] = field(default_factory=dict)  # by player, and of "set-up" and "coordination"
    answers: Mapping[str, int] = field(default_factory=dict)  # best responses asked for, by player
    bridged: Mapping[str, int] = field(default_factory=dict)  # failures bridged by the last answer, by player
    lessons: Lessons | None = None  # what the accelerator learned, for the run of a neighbouring market

    @property
    def solved(self) -> bool:
        """Whether the run converged and its certificate holds."""
        return self.stop.reason.is_success and self.certificate is not None and self.certificate.holds

    def price_of(self, good: str) -> float:
        """Return the price of a good by name. Raises KeyError for a name that is no good."""
        for candidate, price in zip(self.market.goods, self.price, strict=True):
            if candidate.name == good:
                return float(price)
        raise KeyError(good)
