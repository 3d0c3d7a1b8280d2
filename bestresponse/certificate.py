"""The certificate: how well a proposed answer is an equilibrium, whoever found it. Owner of "solved".

It asks every player for its best response at the proposed prices and compares; one that minimises nothing as a whole
measures its gain itself (`MeasuresItsGain`). "Markets clear to δ and no player can gain more than ε by deviating at
these prices" needs no trust in the method that found them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol, TypeGuard, runtime_checkable

import numpy as np

from bestresponse.errors import SolverError
from bestresponse.market import Market
from bestresponse.oracle import Oracle, naming
from bestresponse.player import KnowsItsSet, MeasuresItsGain, Player, Response
from bestresponse.schemes.protocol import Question
from bestresponse.stopping import Tolerances
from bestresponse.typing import Vector

logger = logging.getLogger(__name__)


@runtime_checkable
class HasConjecture(Protocol):
    """A player that expects prices to react to its trades, and can say what it would gain if they did."""

    def conjectural_gain(self, price: Vector, response: Response) -> float:
        """Return the gain [$/h] from deviating under its own conjecture about the market's reaction."""
        ...


@dataclass(frozen=True)
class Gain:
    """What one player could gain by deviating at the proposed prices."""

    absolute: float  # [$/h] outlay of its plan − smallest outlay (or a lower bound of it), or what it measured itself
    relative: float  # to max(1 $/h, |outlay|)
    outlay: float  # [$/h] of its plan
    violation: float | None  # of its own set, relative to the row's scale; None if the player cannot say
    conjectural: float | None = (
        None  # [$/h] the gain if prices react as the player expects; None without one, or if it cannot be computed
    )


@dataclass(frozen=True)
class Certificate:
    """A judgement on prices and plans."""

    imbalance: Mapping[str, float]  # worst of every good family, relative to max(1 unit, largest trade)
    worst_good: str
    price_disagreement: float | None  # relative; None where nobody was asked with an anchor
    gains: Mapping[str, Gain]
    natural_residual: float | None  # of the complementarity system, scaled; None if a player states no block
    tolerances: Tolerances

    @property
    def largest_imbalance(self) -> float:
        """The worst relative imbalance of any good."""
        return float(np.max(list(self.imbalance.values()), initial=0.0))

    @property
    def largest_gain(self) -> float:
        """The worst relative gain of any player; NaN if any is."""
        return float(np.max([gain.relative for gain in self.gains.values()], initial=0.0))

    @property
    def worst_player(self) -> str:
        """The player with the largest relative gain."""
        return max(self.gains, key=lambda name: self.gains[name].relative) if self.gains else ""

    @property
    def holds(self) -> bool:
        """Whether every part is within its tolerance."""
        return not self.objections()

    def objections(self) -> list[str]:
        """Return a sentence for every part that is not within its tolerance."""
        limit = self.tolerances
        found = []
        if not self.largest_imbalance <= limit.market:
            found.append(
                f"{self.worst_good} is out of balance by {self.largest_imbalance:.1e} (allowed {limit.market:.0e})"
            )
        if self.price_disagreement is not None and not self.price_disagreement <= limit.market:
            found.append(f"players disagree on a price by {self.price_disagreement:.1e} (allowed {limit.market:.0e})")
        for name, gain in self.gains.items():
            if not gain.relative <= limit.gain:
                found.append(f"{name} could gain {gain.relative:.1e} by deviating (allowed {limit.gain:.0e})")
            if not gain.relative >= -limit.violation:
                found.append(f"the plan of {name} is better than its best response by {-gain.relative:.1e}: infeasible")
            if gain.violation is not None and not gain.violation <= limit.violation:
                found.append(f"the plan of {name} lies outside its own set by {gain.violation:.1e}")
        return found

    def __str__(self) -> str:
        if self.holds:
            return (
                f"Certified: markets clear to {self.largest_imbalance:.1e} and no player can gain more than "
                f"{max(self.largest_gain, 0):.1e} of its outlay by deviating at these prices."
            )
        return "Not certified: " + "; ".join(self.objections()) + "."


def certify(
    market: Market,
    price: Vector,  # (n_goods,)
    responses: Mapping[str, Response],
    tolerances: Tolerances,
    oracle: Oracle | None = None,
    price_disagreement: float | None = None,
) -> Certificate:
    """Return the certificate of prices and plans. Raises PlayerFailedError if a player cannot answer at them."""
    oracle = oracle or Oracle(market)
    imbalance = market.imbalance(responses)
    worst = int(np.argmax(imbalance)) if market.n_goods else -1
    return Certificate(
        imbalance={family: float(np.max(imbalance[at])) for family, at in market.families.items()},
        worst_good=market.goods[worst].name if worst >= 0 else "",
        price_disagreement=price_disagreement,
        gains=_gains(market, price, responses, oracle),
        natural_residual=None,
        tolerances=tolerances,
    )


def complete(
    certificate: Certificate,
    market: Market,
    price: Vector,  # (n_goods,)
    responses: Mapping[str, Response],
    natural_residual: float | None,
) -> Certificate:
    """Return the certificate with what only a final answer is asked for: natural residual, conjectural gains."""
    gains = dict(certificate.gains)
    for player in market:
        if isinstance(player, HasConjecture):
            own_price = price[market.positions[player.name]]
            try:
                with naming(player.name):
                    gained = player.conjectural_gain(own_price, responses[player.name])
            except SolverError as error:  # it decides nothing, so it must not cost what has been computed
                logger.warning("no conjectural gain: %s", error)
                continue
            gains[player.name] = replace(gains[player.name], conjectural=gained)
    return replace(certificate, gains=gains, natural_residual=natural_residual)


def _gains(market: Market, price: Vector, responses: Mapping[str, Response], oracle: Oracle) -> dict[str, Gain]:
    asked = [player.name for player in market if not _measures_itself(player)]
    best = oracle.ask([Question(name, price[market.positions[name]], others=responses) for name in asked])
    gains = {}
    for player in market:
        own_price, own = price[market.positions[player.name]], responses[player.name]
        outlay = own.outlay(own_price)
        with naming(player.name):
            violation = player.violation(own.plan) if isinstance(player, KnowsItsSet) else None
            if _measures_itself(player):
                gained = player.gain(own.plan, own_price)
            else:
                _, answer = best[player.name]
                gained = outlay - (answer.outlay(own_price) if answer.bound is None else answer.bound)
        gains[player.name] = Gain(gained, gained / max(1.0, abs(outlay)), outlay, violation)
    return gains


def _measures_itself(player: Player) -> TypeGuard[MeasuresItsGain]:
    return isinstance(player, MeasuresItsGain) and not player.minimises
