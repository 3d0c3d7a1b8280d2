"""Link-based assignment: the Frank-Wolfe method, classic, conjugate and bi-conjugate.

All drivers move a little towards a target, as far as it lowers the Beckmann objective. The classic target is the
all-or-nothing load at the present costs; the conjugate ones mix it with the last one or two targets so that the new
direction is conjugate to the last directions in the metric of the link slopes. Source: Mitradjieva and Lindberg,
The Stiff Is Moving, Transportation Science 47(2), 2013.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bestresponse.typing import Vector
from networks.compiled import compiled
from networks.shortest_paths import ForwardStar, Trees, Workspace, grow_tree
from players.traffic.line_search import root
from players.traffic.network_assignment.link_costs import LinkCosts, LinkState, link_state, set_flows
from players.traffic.network_assignment.origins import OriginBlocks
from players.traffic.network_assignment.problem import AssignmentProblem, Demand
from players.traffic.network_assignment.stopwatch import Stopwatch

LARGEST_SHARE = 0.99  # of the last target in a conjugate target
NEARLY_FULL_STEP = 0.99  # after it the last targets say nothing about the curvature
ACCEPTED_SLOPE = 1e-10  # of the slope at the start


@dataclass(frozen=True, eq=False)
class Move:
    """A step that was taken."""

    target: Vector  # (n_links,) [veh/h]
    step: float


Target = Callable[[LinkState, Vector, list[Move]], Vector]  # from the state, the all-or-nothing load, the last moves


class LinkBased:
    """Link flows, and the moves that still matter for the next target."""

    def __init__(self, problem: AssignmentProblem, blocks: OriginBlocks, watch: Stopwatch, target: Target) -> None:
        self._problem, self._blocks, self._watch, self._target = problem, blocks, watch, target
        self.state = link_state(problem.costs, np.zeros(len(problem.star.head)))
        self._load: Vector = self.state.flow
        self._loaded = False
        self._moves: list[Move] = []  # the latest first

    def search(self) -> Vector:
        """Return (n_pairs,) the costs of the cheapest paths, and keep the all-or-nothing load."""
        problem, least = self._problem, np.empty(len(self._problem.demand.trips))
        with self._watch.phase("shortest_paths"):
            loads = self._blocks.map(
                lambda begin, end, work: all_or_nothing(
                    problem.star, self.state.cost, problem.demand, self._blocks.trees, work, begin, end, least
                )
            )
            self._load = np.sum(loads, axis=0)
        return least

    def improve(self, gap: float) -> None:
        """Step towards the target as far as it pays; without any flow yet, take the load itself."""
        with self._watch.phase("flows"):
            target, step = self._load, 1.0
            if self._loaded:
                target, step = self._move()
            set_flows(self._problem.costs, self.state, self.state.flow + step * (target - self.state.flow))
            self._loaded = True

    def _move(self) -> tuple[Vector, float]:
        target = self._target(self.state, self._load, self._moves)
        step = step_length(self._problem.costs, self.state, target)
        if step == 0.0:  # the last targets mislead
            self._moves, target = [], self._load
            step = step_length(self._problem.costs, self.state, target)
        self._moves = [Move(target, step), *self._moves[:1]] if step < NEARLY_FULL_STEP else []
        return target, step


def classic(state: LinkState, load: Vector, moves: list[Move]) -> Vector:
    """Return the all-or-nothing load."""
    return load


def conjugate(state: LinkState, load: Vector, moves: list[Move]) -> Vector:
    """Return the mix of the load and the last target whose direction is conjugate to the last target's."""
    if not moves:
        return load
    last, new = moves[0].target - state.flow, load - state.flow
    mixed, own = _curvature(state, last, new), _curvature(state, last, last)
    share = min(mixed / (mixed - own), LARGEST_SHARE) if mixed < 0.0 <= own else 0.0
    return load + share * (moves[0].target - load)


def biconjugate(state: LinkState, load: Vector, moves: list[Move]) -> Vector:
    """Return the mix of the load and the last two targets whose direction is conjugate to the last two."""
    if len(moves) < 2:
        return conjugate(state, load, moves)
    (last, step), before = (moves[0].target, moves[0].step), moves[1].target
    new = load - state.flow
    one, other = last - state.flow, step * last + (1.0 - step) * before - state.flow
    own, across = _curvature(state, one, one), _curvature(state, other, before - last)
    if not (own > 0.0 and across != 0.0):
        return conjugate(state, load, moves)
    mu = max(0.0, -_curvature(state, other, new) / across)
    nu = max(0.0, -_curvature(state, one, new) / own + mu * step / (1.0 - step))
    return (load + nu * last + mu * before) / (1.0 + mu + nu)


def _curvature(state: LinkState, one: Vector, other: Vector) -> float:
    return float((one * state.slope) @ other)


def step_length(costs: LinkCosts, state: LinkState, target: Vector) -> float:
    """Return the step in [0, 1] to the lowest Beckmann objective on the way, found by the secant method.

    0 where the objective does not fall at the start, 1 where it falls to the end.
    """
    direction = target - state.flow
    trial = link_state(costs, state.flow.copy())

    def slope(step: float) -> float:
        set_flows(costs, trial, state.flow + step * direction)
        return float(trial.cost @ direction)

    start, end = float(state.cost @ direction), slope(1.0)
    if not (start < 0.0):
        return 0.0
    return 1.0 if end <= 0.0 else root(slope, start, end, -ACCEPTED_SLOPE * start)


@compiled
def all_or_nothing(
    star: ForwardStar, cost: Vector, demand: Demand, trees: Trees, work: Workspace, begin: int, end: int, least: Vector
) -> Vector:
    """Return (n_links,) the flows with all trips of the origins begin:end on shortest paths.

    The costs of the shortest paths are written to `least` (n_pairs,), inf where there is no path.
    """
    load = np.zeros(len(cost))
    for origin in range(begin, end):
        into = trees.into[origin]
        grow_tree(star, cost, demand.origin[origin], trees.order[origin], into, work)
        for pair in range(demand.first[origin], demand.first[origin + 1]):
            node = demand.destination[pair]
            least[pair] = work.distance[node]
            while into[node] >= 0:
                load[into[node]] += demand.trips[pair]
                node = star.tail[into[node]]
    return load
