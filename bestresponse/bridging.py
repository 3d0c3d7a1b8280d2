"""Going on with a player's last answer where it fails, for a limited number of failures in a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bestresponse.errors import SolverError
from bestresponse.player import Response


@dataclass
class Bridge:
    """The last answers of the players of one run. A limit of 0 bridges nothing: the first failure ends the run."""

    limit: int = 0  # failures in a row of one player that are bridged
    bridged: Counter[str] = field(default_factory=Counter)  # failures so far, by player
    news: list[str] = field(default_factory=list)  # a sentence for every failure since somebody has cleared it
    _last: dict[str, Response] = field(default_factory=dict)
    _in_a_row: Counter[str] = field(default_factory=Counter)

    def heard(self, player: str, answer: Response) -> None:
        """Take note of an answer."""
        if self.limit:
            self._last[player], self._in_a_row[player] = answer, 0

    def over(self, player: str, failure: SolverError) -> Response:
        """Return the player's last answer in place of the failed one; raises the failure if that is not allowed."""
        if player not in self._last or self._in_a_row[player] >= self.limit:
            raise failure
        self._in_a_row[player] += 1
        self.bridged[player] += 1
        self.news.append(f"{failure}; its last answer stands ({self._in_a_row[player]} in a row)")
        return self._last[player]

    def memory(self) -> dict[str, Any]:
        """Return the answers and counts, as arrays by player."""
        return {
            name: {"counts": np.array([self._in_a_row[name], self.bridged[name]]), "last": answer.arrays()}
            for name, answer in self._last.items()
        }

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Go on from what `memory` returned."""
        for name, kept in memory.items():
            self._last[name] = Response.of(kept["last"])
            self._in_a_row[name], self.bridged[name] = (int(count) for count in kept["counts"])
