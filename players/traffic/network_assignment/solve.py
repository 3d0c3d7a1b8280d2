"""The one loop of all algorithms: search the cheapest paths, judge the flows by them, improve the flows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from time import perf_counter
from typing import Protocol

import numpy as np

from bestresponse.errors import DataError
from bestresponse.typing import Vector
from networks.road import RoadNetwork
from players.traffic.network_assignment import link_based
from players.traffic.network_assignment.link_costs import LinkState
from players.traffic.network_assignment.origins import OriginBlocks
from players.traffic.network_assignment.path_based import PathBased
from players.traffic.network_assignment.problem import AssignmentProblem
from players.traffic.network_assignment.stopwatch import Stopwatch

ITERATION_LIMIT = 1000


class Algorithm(Protocol):
    """Flows that can be judged and improved."""

    state: LinkState

    def search(self) -> Vector:
        """Return (n_pairs,) the costs of the cheapest paths at the present flows."""

    def improve(self, gap: float) -> None:
        """Improve the flows, of the given relative gap, with what the search found; load the roads the first time."""


ALGORITHMS: Mapping[str, Callable[[AssignmentProblem, OriginBlocks, Stopwatch], Algorithm]] = {
    "path": PathBased,
    "frank-wolfe": partial(link_based.LinkBased, target=link_based.classic),
    "conjugate": partial(link_based.LinkBased, target=link_based.conjugate),
    "biconjugate": partial(link_based.LinkBased, target=link_based.biconjugate),
}


@dataclass(frozen=True, eq=False)
class Assigned:
    """The flows found and what it took."""

    link_flow: Vector  # (n_links,) [veh/h] in the order of the road network
    converged: bool
    gaps: tuple[float, ...]  # relative gap at the start of every iteration, and at the end
    seconds: float
    phases: Mapping[str, float]  # [s]

    @property
    def iterations(self) -> int:
        """Return how many times the flows were improved."""
        return len(self.gaps) - 1


def assign(
    problem: AssignmentProblem,
    algorithm: str = "path",
    gap: float = 1e-6,
    threads: int = 1,
    iteration_limit: int = ITERATION_LIMIT,
) -> Assigned:
    """Return the flows at which drivers could save no more than the share `gap` of all they pay, or the last ones.

    The relative gap is (Σ v c − Σ d μ) / Σ v c with link flows v at costs c and the cheapest path's cost μ of every
    pair's d trips. Raises DataError for an unknown algorithm, numbers out of range and pairs without any path.
    """
    _check(algorithm, gap, threads, iteration_limit)
    started = perf_counter()
    watch, gaps = Stopwatch(), []
    trips = problem.demand.trips
    with OriginBlocks(problem, threads) as blocks:
        method = ALGORITHMS[algorithm](problem, blocks, watch)
        problem.check_reached(method.search())
        method.improve(1.0)
        while True:
            gaps.append(relative_gap(method.state, float(method.search() @ trips)))
            if gaps[-1] <= gap or len(gaps) > iteration_limit:
                break
            method.improve(gaps[-1])
    flow = problem.star.to_road_order(method.state.flow)
    return Assigned(flow, gaps[-1] <= gap, tuple(gaps), perf_counter() - started, watch.seconds)


def relative_gap(state: LinkState, least: float) -> float:
    """Return the share of all they pay that drivers could save at the present costs; 0 where nothing costs anything."""
    paid = float(state.flow @ state.cost)
    return (paid - least) / paid if paid > 0.0 else 0.0


def warm_up(algorithm: str = "path") -> None:
    """Load the compiled code of an algorithm, or compile it, so that the next assignment does not wait for it."""
    ends = np.array([[1, 2], [1, 3], [3, 2]])
    one = np.ones(len(ends))
    road = RoadNetwork("three links", np.arange(1, 4), ends[:, 0], ends[:, 1], one, one, one, one, 4.0 * one)
    assign(AssignmentProblem.of(road, {(1, 2): 3.0, (3, 2): 1.0}), algorithm, gap=1e-3)


def _check(algorithm: str, gap: float, threads: int, iteration_limit: int) -> None:
    if algorithm not in ALGORITHMS:
        near = get_close_matches(algorithm, ALGORITHMS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise DataError(f"there is no algorithm {algorithm!r}; there are {', '.join(ALGORITHMS)}{hint}")
    if not (0.0 < gap < 1.0):
        raise DataError(f"gap {gap}; allowed: numbers between 0 and 1")
    for name, number in (("threads", threads), ("the iteration limit", iteration_limit)):
        if not (number >= 1):
            raise DataError(f"{name} {number}; allowed: whole numbers from 1")
