"""The coordinator's way to its players: every question is counted, timed and checked here."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from bestresponse.bridging import Bridge
from bestresponse.errors import BestResponseError, FormulationError, SolverError
from bestresponse.market import Market
from bestresponse.player import Anchor, KnowsItsSensitivity, Prepares, Remembers, Response, Signal
from bestresponse.schemes.protocol import Answers, Question
from bestresponse.typing import Vector
from bestresponse.workers import Reply, Traveller, reply

EXPECTED = (ValueError, ArithmeticError, RuntimeError, OSError)  # of a player's own code; others are logged in full
NUMBERS = "fiu"  # kinds of NumPy types that are real numbers

logger = logging.getLogger(__name__)


class PlayerFailedError(SolverError):
    """A player could not answer, or answered nonsense; the message says which and why."""


@dataclass
class Oracle:
    """Asks the players of one market, and remembers how often and how long.

    With an executor, questions asked together are answered at the same time. Players then have to be independent
    objects; for an executor of processes they have to be picklable. The answers are the same bit for bit, since what
    a player remembers (`Remembers`) travels with it and comes back.
    """

    market: Market
    executor: Executor | None = None
    answers: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    bridge: Bridge = field(default_factory=Bridge)

    def __post_init__(self) -> None:
        self._players = {player.name: player for player in self.market}
        self._travellers = {name: Traveller(player) for name, player in self._players.items()}
        for name in self._players:
            self.answers.setdefault(name, 0)
            self.seconds.setdefault(name, 0.0)

    def prepare(self) -> None:
        """Have the players do what they do once, whatever they are asked. Raises PlayerFailedError if one cannot."""
        for name, player in self._players.items():
            if isinstance(player, Prepares):
                with naming(name):
                    player.prepare()

    def ask(self, questions: Sequence[Question]) -> Answers:
        """Return, by player, the signal as it was sent and the answer.

        Raises PlayerFailedError if a player raises anything, or answers with something else than finite numbers in the
        right shape, and its last answer may not bridge that; FormulationError if an anchor is needed and a player
        accepts none.
        """
        signals = {question.player: self._signal(question) for question in questions}
        ask = self._here if self.executor is None else partial(self._elsewhere, self.executor)
        waiting = {name: ask(name, signal) for name, signal in signals.items()}
        return {name: (signal, self._answer(name, waiting[name])) for name, signal in signals.items()}

    def sensitivities(self, signals: Mapping[str, Signal]) -> dict[str, Vector]:
        """Return, by player, how the trades that were last answered to these signals answer to prices.

        Raises PlayerFailedError for a player that raises, or states no array, one of a wrong shape, or numbers that are
        not finite.
        """
        return {name: self._sensitivity(name, signal) for name, signal in signals.items()}

    def memories(self) -> dict[str, Mapping[str, Any]]:
        """Return what the players that remember something remember now."""
        return {name: player.memory() for name, player in self._players.items() if isinstance(player, Remembers)}

    def recall(self, memories: Mapping[str, Mapping[str, Any]]) -> None:
        """Give the players their memories back."""
        for name, memory in memories.items():
            player = self._players.get(name)
            if isinstance(player, Remembers):
                player.recall(memory)

    def _signal(self, question: Question) -> Signal:
        player = self._players[question.player]
        anchor = None
        if question.weight is not None:
            target = np.zeros_like(question.price) if question.target is None else question.target
            anchor = Anchor(question.weight, target)
            if not getattr(player, "accepts_anchor", True):
                raise FormulationError(
                    f"{player.name} accepts no anchor, which this scheme needs; use a scheme without one, "
                    "e.g. 'tatonnement'"
                )
        rivals = {name: answer for name, answer in question.others.items() if name != player.name}
        return Signal(question.price, rivals, anchor)

    def _sensitivity(self, name: str, signal: Signal) -> Vector:
        player, n = self._players[name], len(signal.price)
        if not isinstance(player, KnowsItsSensitivity):
            raise FormulationError(f"{name} does not know how its trades answer to prices")
        start = time.perf_counter()
        with naming(name):
            found = player.sensitivity(signal)
        self.seconds[name] += time.perf_counter() - start
        if not (isinstance(found, np.ndarray) and found.shape == (n, n) and np.isfinite(found).all()):
            raise PlayerFailedError(f"{name}: the sensitivity of its trades is not a finite array of shape {(n, n)}")
        return found

    def _answer(self, name: str, wait: Callable[[], Reply]) -> Response:
        try:
            answer = self._checked(name, wait())
        except PlayerFailedError as failure:
            return self.bridge.over(name, failure)
        self.bridge.heard(name, answer)
        return answer

    def _here(self, name: str, signal: Signal) -> Callable[[], Reply]:
        def wait() -> Reply:
            with naming(name):
                return reply(self._travellers[name], signal)

        return wait

    def _elsewhere(self, executor: Executor, name: str, signal: Signal) -> Callable[[], Reply]:
        with _naming_worker(name):
            future = executor.submit(reply, self._travellers[name], signal)

        def wait() -> Reply:
            with _naming_worker(name):
                return future.result()

        return wait

    def _checked(self, name: str, received: Reply) -> Response:
        player, response = self._players[name], received.response
        if received.memory is not None and isinstance(player, Remembers):
            player.recall(received.memory)
        if isinstance(response, Exception):
            with _naming_worker(name):
                raise response
        self.answers[name] += 1
        self.seconds[name] += received.seconds
        _refuse_nonsense(name, response, len(player.goods))
        return response


def _refuse_nonsense(name: str, response: Response, n_goods: int) -> None:
    if not isinstance(response, Response):
        raise PlayerFailedError(f"{name} answered with a {type(response).__name__}, not with a Response")
    with naming(name):
        trade, cost = np.asarray(response.trade), np.asarray(response.cost)
    if trade.shape != (n_goods,):
        raise PlayerFailedError(f"{name} answered with trades of shape {trade.shape}; it has {n_goods} goods")
    if cost.shape != ():
        raise PlayerFailedError(f"{name} answered with a cost of shape {cost.shape}; a cost is one number")
    if not all(value.dtype.kind in NUMBERS and np.isfinite(value).all() for value in (trade, cost)):
        raise PlayerFailedError(f"{name} answered with a trade or cost that is not a finite number")


@contextmanager
def naming(player: str, trouble: str = " could not answer") -> Iterator[None]:
    """Turn whatever a player raises into its failure: an error of this package as it is, another one told as trouble.

    One that hints at a mistake in the player's code is logged with the way to it.
    """
    try:
        yield
    except BestResponseError as error:
        raise PlayerFailedError(f"{player} could not answer: {error}") from error
    except Exception as error:
        if not isinstance(error, EXPECTED):
            logger.warning("%s%s", player, trouble, exc_info=True)
        raise PlayerFailedError(f"{player}{trouble}: {type(error).__name__}: {error}") from error


def _naming_worker(player: str) -> AbstractContextManager[None]:
    """The same for what an executor raises: the player's own error, a lost worker, a pickling error."""
    return naming(player, ": no answer from its worker")
