"""The coordinator's way to its players: every question is counted, timed and checked here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bestresponse.errors import BestResponseError, FormulationError, SolverError
from bestresponse.market import Market
from bestresponse.player import Anchor, Player, Response, Signal
from bestresponse.typing import Vector


class PlayerFailedError(SolverError):
    """A player could not answer, or answered nonsense; the message says which and why."""


@dataclass
class Oracle:
    """Asks the players of one market, and remembers how often and how long."""

    market: Market
    answers: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._players = {player.name: player for player in self.market}
        for name in self._players:
            self.answers[name], self.seconds[name] = 0, 0.0

    def ask(
        self,
        name: str,
        price: Vector,  # (n_goods of the player,)
        weight: Vector | None = None,  # of the anchor, in the player's own order
        target: Vector | None = None,
        others: Mapping[str, Response] | None = None,
    ) -> tuple[Signal, Response]:
        """Return the signal as it was sent and the player's answer.

        Raises PlayerFailedError if the player raises, or answers with a wrong shape or with numbers that are
        not finite; FormulationError if an anchor is needed and the player accepts none.
        """
        player = self._players[name]
        anchor = None
        if weight is not None:
            anchor = Anchor(weight, np.zeros_like(price) if target is None else target)
            if not getattr(player, "accepts_anchor", True):
                raise FormulationError(
                    f"{name} accepts no anchor, which this scheme needs; use a scheme without one, e.g. 'tatonnement'"
                )
        rivals = {key: answer for key, answer in (others or {}).items() if key != name}
        signal = Signal(price, rivals, anchor)
        return signal, self._answer(player, signal)

    def _answer(self, player: Player, signal: Signal) -> Response:
        start = time.perf_counter()
        try:
            response = player.best_response(signal)
        except BestResponseError as error:
            raise PlayerFailedError(f"{player.name} could not answer: {error}") from error
        except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            raise PlayerFailedError(f"{player.name} could not answer: {type(error).__name__}: {error}") from error
        finally:
            self.answers[player.name] += 1
            self.seconds[player.name] += time.perf_counter() - start
        if np.shape(response.trade) != (len(player.goods),):
            raise PlayerFailedError(
                f"{player.name} answered with trades of shape {np.shape(response.trade)}; "
                f"it has {len(player.goods)} goods"
            )
        if not (np.isfinite(response.trade).all() and np.isfinite(response.cost)):
            raise PlayerFailedError(f"{player.name} answered with a trade or cost that is not a finite number")
        return response
