"""Work that is the same for every origin, shared among threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from types import TracebackType
from typing import TypeVar

import numpy as np

from networks.shortest_paths import Workspace, no_trees, workspace
from players.traffic.network_assignment.problem import AssignmentProblem

T = TypeVar("T")


class OriginBlocks:
    """One block of origins a thread, each thread with memory of its own; compiled code lets the threads run at once."""

    def __init__(self, problem: AssignmentProblem, threads: int) -> None:
        origins = len(problem.demand.origin)
        ends = np.linspace(0, origins, min(threads, origins) + 1).astype(int).tolist()
        self._blocks = [(begin, end, workspace(problem.star)) for begin, end in pairwise(ends)]
        self._pool = ThreadPoolExecutor(len(self._blocks)) if len(self._blocks) > 1 else None
        self.trees = no_trees(origins, problem.star)  # of the last search

    def map(self, function: Callable[[int, int, Workspace], T]) -> list[T]:
        """Return function(first origin, end, memory) of all blocks, in their order."""
        if self._pool is None:
            return [function(*block) for block in self._blocks]
        return list(self._pool.map(lambda block: function(*block), self._blocks))

    def __enter__(self) -> OriginBlocks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown()
