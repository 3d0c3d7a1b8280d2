"""How a player answers in another thread or process, and still is one player.

An executor of threads calls the player itself. One of processes gets a copy: the copy is kept in the worker, so
that its factorisations last, and only prices, answers and memories travel from then on.
"""

from __future__ import annotations

import pickle
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bestresponse.player import Player, Remembers, Response, Signal

KEPT = 64  # copies of players in one worker process

_copies: OrderedDict[str, Player] = OrderedDict()  # in a worker process, by ticket


@dataclass(frozen=True)
class Reply:
    """An answer with what the asker wants to know about it."""

    response: Response | Exception  # of a copy also what it raised, for it may remember that it did
    seconds: float
    memory: Mapping[str, Any] | None  # of a copy; None if the player itself answered, or remembers nothing


class Traveller:
    """A player that can be sent to a worker; there it becomes the copy that came under the same ticket before."""

    def __init__(self, player: Player, is_copy: bool = False) -> None:
        self.player = player
        self.is_copy = is_copy
        self._ticket = uuid.uuid4().hex

    @cached_property
    def _luggage(self) -> bytes:
        return pickle.dumps(self.player)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        memory = self.player.memory() if isinstance(self.player, Remembers) else {}
        return _arrive, (self._ticket, self._luggage, memory)


def reply(traveller: Traveller, signal: Signal) -> Reply:
    """Return the player's answer to the signal, or what a copy raised. Raises what the player itself raises."""
    player, start = traveller.player, time.perf_counter()
    response: Response | Exception
    try:
        response = player.best_response(signal)
    except Exception as failure:
        if not traveller.is_copy:
            raise
        response = failure
    seconds = time.perf_counter() - start
    memory = player.memory() if traveller.is_copy and isinstance(player, Remembers) else None
    return Reply(response, seconds, memory)


def _arrive(ticket: str, luggage: bytes, memory: Mapping[str, Any]) -> Traveller:
    if ticket not in _copies:
        _copies[ticket] = pickle.loads(luggage)
        if len(_copies) > KEPT:
            _copies.popitem(last=False)
    player = _copies[ticket]
    if isinstance(player, Remembers):
        player.recall(memory)
    return Traveller(player, is_copy=True)
