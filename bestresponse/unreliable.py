"""Players that answer late, fail now and then, or answer inexactly: wrappers for experiments around any player.

What goes wrong is drawn from a seed and the number of the question, and what a wrapper remembers travels (`Remembers`),
so a run can be repeated, resumed and spread over workers bit for bit. A coordinator asks the wrapper, but judges gains
and plans by the player inside (`exact_market`): an answer is never measured by what gave it.

A wrapper has a `sensitivity`, that of the answer it gave, if the player inside has one: so Newton's method stays the
default. `Late` has none, as its answers may be about the past: there steps are plain and short by default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, cast

import numpy as np

from bestresponse.errors import FormulationError, SolverError
from bestresponse.market import Market
from bestresponse.player import KnowsItsSensitivity, Player, Remembers, Response, Signal
from bestresponse.typing import Vector


class Unreliable:
    """What the wrappers have in common; each says in `_answer` what becomes of a question."""

    conformance_exceptions: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("no memory", "envelope", "slopes down", "anchor", "sensitivity"), "unreliable on purpose"
    )

    def __init__(self, player: Player, seed: Sequence[int]) -> None:
        self.player = player
        self.name, self.goods = player.name, player.goods
        self.accepts_anchor = getattr(player, "accepts_anchor", True)
        self.asked = 0  # questions so far
        self._seed = tuple(seed)
        if not self.lateness and isinstance(player, KnowsItsSensitivity):
            self.sensitivity = self._sensitivity  # found by its name: no other wrapper may have it

    @property
    def exact(self) -> Player:
        """The player inside, of several wrappers the innermost."""
        return self.player.exact if isinstance(self.player, Unreliable) else self.player

    @property
    def lateness(self) -> int:
        """How many questions late an answer can be."""
        return self.player.lateness if isinstance(self.player, Unreliable) else 0

    def best_response(self, signal: Signal) -> Response:
        """Return what comes of the question. Raises what the player raises."""
        self.asked += 1
        return self._answer(signal, self._draws())

    def memory(self) -> Mapping[str, Any]:
        """Return what the next answer depends on besides the signal."""
        inside = self.player.memory() if isinstance(self.player, Remembers) else {}
        return {"asked": np.array([self.asked]), "inside": inside}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Go on from what `memory` returned."""
        self.asked = int(memory["asked"][0])
        if isinstance(self.player, Remembers):
            self.player.recall(memory.get("inside", {}))

    def _draws(self) -> np.random.Generator:
        """Return what decides about the last question."""
        return np.random.default_rng([*self._seed, self.asked])

    def _answer(self, signal: Signal, rng: np.random.Generator) -> Response:
        raise FormulationError(f"{type(self).__name__} needs a method `_answer`")

    def _sensitivity(self, signal: Signal) -> Vector:
        """Return (n_goods, n_goods) ∂trade/∂price of the answer last given, which was to this signal."""
        return cast(KnowsItsSensitivity, self.player).sensitivity(signal)


class Late(Unreliable):
    """Its answers come up to `delay` questions late: a scheme then works, asynchronously, with what is there.

    To question k it gives its answer to one of the questions k − delay, …, k, drawn with equal chances: a feasible
    plan, but perhaps a best response to a signal that is past.
    """

    def __init__(self, player: Player, delay: int, seed: Sequence[int] = (0,)) -> None:
        if not delay >= 0:
            raise FormulationError(f"{player.name}: delay {delay} must be at least 0")
        self.delay = delay
        super().__init__(player, seed)
        self._answers: list[Response] = []

    @property
    def lateness(self) -> int:
        """How many questions late an answer can be."""
        return self.delay + super().lateness

    def memory(self) -> Mapping[str, Any]:
        """Return the answers that are still under way, too."""
        return {**super().memory(), "answers": {f"{k:06d}": r.arrays() for k, r in enumerate(self._answers)}}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Go on from what `memory` returned."""
        super().recall(memory)
        self._answers = [Response.of(arrays) for _, arrays in sorted(memory.get("answers", {}).items())]

    def _answer(self, signal: Signal, rng: np.random.Generator) -> Response:
        new = replace(self.player.best_response(signal), bound=None)  # which would be about another signal
        self._answers = [*self._answers, new][-self.delay - 1 :]
        return self._answers[rng.integers(len(self._answers))]


class Failing(Unreliable):
    """It fails, by SolverError, at a share `rate` of all questions, though never at its first one."""

    def __init__(self, player: Player, rate: float, seed: Sequence[int] = (0,)) -> None:
        if not 0 <= rate < 1:
            raise FormulationError(f"{player.name}: a rate of failures of {rate} must be at least 0 and below 1")
        super().__init__(player, seed)
        self.rate = rate

    def _answer(self, signal: Signal, rng: np.random.Generator) -> Response:
        if self.asked > 1 and rng.random() < self.rate:
            raise SolverError(f"a planned failure, at question {self.asked}")
        return self.player.best_response(signal)


class Inexact(Unreliable):
    """It answers exactly, but to prices it has misheard by a relative error of `size` (normal, its standard deviation).

    The plan is feasible, whatever the player, and misses the conditions of its optimum by that much. With an anchor of
    weight w a trade is off by about size · price / w: under automatic penalties, by `size` of a usual quantity.
    """

    def __init__(self, player: Player, size: float, seed: Sequence[int] = (0,)) -> None:
        if not 0 <= size < np.inf:
            raise FormulationError(f"{player.name}: an error of size {size} must be at least 0 and finite")
        super().__init__(player, seed)
        self.size = size

    def _answer(self, signal: Signal, rng: np.random.Generator) -> Response:
        misheard = replace(signal, price=signal.price * self._factor(rng))
        return replace(self.player.best_response(misheard), bound=None)

    def _sensitivity(self, signal: Signal) -> Vector:
        factor = self._factor(self._draws())
        return super()._sensitivity(replace(signal, price=signal.price * factor)) * factor

    def _factor(self, rng: np.random.Generator) -> Vector:
        """(n_goods,) the misheard price over the price."""
        return 1 + self.size * rng.standard_normal(len(self.goods))


def longest_delay(market: Market) -> int:
    """Return how many questions late an answer of any player can be."""
    return max((player.lateness for player in market if isinstance(player, Unreliable)), default=0)


def exact_market(market: Market) -> Market:
    """Return the market with the players inside the wrappers; the same market where there are none."""
    if not any(isinstance(player, Unreliable) for player in market):
        return market
    players = tuple(player.exact if isinstance(player, Unreliable) else player for player in market)
    return Market(market.goods, players)
