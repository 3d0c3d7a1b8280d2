"""Path-based assignment: drivers of one pair after the other move to cheaper paths, and meet what the others did.

Between two searches for new paths the known ones are equilibrated in several sweeps over all pairs (Gauss-Seidel):
every path exchanges drivers with its pair's cheapest path by a Newton step on the cost difference, whose slope
counts only the links that the two do not share. From the second sweep on the steps are over-relaxed as in projected
SOR. Unused paths are dropped at every search. It is gradient projection of Jayakrishnan, Tsai, Prashker, Rajadhyaksha
(Transportation Research Record 1443, 1994) with exchanges in sequence.
"""

from __future__ import annotations

import numpy as np

from bestresponse.typing import IntVector, Vector
from networks.compiled import compiled, inlined
from players.traffic.network_assignment.columns import (
    Columns,
    Found,
    find_cheaper,
    link_flows,
    no_columns,
    path_cost,
    renewed,
)
from players.traffic.network_assignment.link_costs import LinkCosts, LinkState, link_state, set_flow, set_flows
from players.traffic.network_assignment.origins import OriginBlocks
from players.traffic.network_assignment.problem import AssignmentProblem
from players.traffic.network_assignment.stopwatch import Stopwatch

SWEEPS = 20  # at most between two searches for new paths
INNER_SHARE = 0.1  # of the gap over all paths: the gap over the known paths at which the sweeps end
NEGLIGIBLE_SHARE = 0.01  # of the gap: a pair with a smaller relative excess is left alone, a smaller saving not taken
OVER_RELAXATION = 1.5
ROUNDING = 1e-13  # relative; the same path summed in two orders

APART, ON_CHEAPEST, ON_BOTH = 0, 1, 2  # how a link is marked while two paths exchange drivers


class PathBased:
    """Columns for every pair, and the link flows that follow from them."""

    def __init__(self, problem: AssignmentProblem, blocks: OriginBlocks, watch: Stopwatch) -> None:
        self._problem, self._blocks, self._watch = problem, blocks, watch
        n_links = len(problem.star.head)
        self.columns = no_columns(len(problem.demand.trips))
        self.state = link_state(problem.costs, np.zeros(n_links))
        self._mark = np.full(n_links, APART)
        self._found = Found(np.zeros(1, np.int64), np.zeros(0, np.int32))
        self._gap = 1.0

    def search(self) -> Vector:
        """Return (n_pairs,) the costs of the cheapest paths, and keep the paths themselves for the next step."""
        problem, saving = self._problem, NEGLIGIBLE_SHARE * self._gap if len(self.columns.flow) else 0.0
        least = np.empty(len(problem.demand.trips))
        with self._watch.phase("shortest_paths"):
            found = self._blocks.map(
                lambda begin, end, work: find_cheaper(
                    problem.star, self.state.cost, problem.demand, self.columns, self._blocks.trees, work,
                    begin, end, max(saving, ROUNDING), least,
                )
            )  # fmt: skip
            self._found = joined(found)
        return least

    def improve(self, gap: float) -> None:
        """Take the paths found into the columns and equilibrate all columns."""
        problem, first_time = self._problem, len(self.columns.flow) == 0
        self._gap = gap
        with self._watch.phase("columns"):
            self.columns = renewed(self.columns, self._found, problem.demand.trips)
        if not first_time:
            with self._watch.phase("flows"):
                target = INNER_SHARE * gap * float(self.state.flow @ self.state.cost)
                equilibrate(self.columns, problem.costs, self.state, self._mark, SWEEPS, target, NEGLIGIBLE_SHARE * gap)
        with self._watch.phase("columns"):
            set_flows(problem.costs, self.state, link_flows(self.columns, len(problem.star.head)))


def joined(blocks: list[Found]) -> Found:
    """Return what the blocks of origins found as one."""
    if len(blocks) == 1:
        return blocks[0]
    ends = np.cumsum([0] + [len(block.links) for block in blocks])
    starts = [block.start[1:] + end for block, end in zip(blocks, ends[:-1], strict=True)]
    return Found(np.concatenate([[0], *starts]), np.concatenate([block.links for block in blocks]))


@compiled
def equilibrate(
    columns: Columns, costs: LinkCosts, state: LinkState, mark: IntVector, sweeps: int, target: float, negligible: float
) -> None:
    """Exchange drivers between the paths of each pair until Σ f (C − min C) over these paths is at most `target`.

    Changes `columns.flow` and `state` in place. A pair whose excess is less than the share `negligible` of its cost
    is left alone.
    """
    relaxation = 1.0
    for _ in range(sweeps):
        excess = 0.0
        for pair in range(len(columns.first) - 1):
            if columns.first[pair + 1] - columns.first[pair] > 1:
                excess += _balance(columns, costs, state, mark, pair, negligible, relaxation)
        if excess <= target:
            break
        relaxation = OVER_RELAXATION


@inlined
def _balance(
    columns: Columns, costs: LinkCosts, state: LinkState, mark: IntVector, pair: int, negligible: float,
    relaxation: float,
) -> float:  # fmt: skip
    """Let every path of a pair exchange drivers with the cheapest; return the pair's excess cost before that."""
    begin, end = columns.first[pair], columns.first[pair + 1]
    cheapest, lowest, paid, trips = begin, np.inf, 0.0, 0.0
    for path in range(begin, end):
        cost = path_cost(columns, path, state.cost)
        paid += columns.flow[path] * cost
        trips += columns.flow[path]
        if cost < lowest:
            cheapest, lowest = path, cost
    excess = paid - trips * lowest
    if excess > negligible * paid:
        _mark_links(columns, cheapest, mark, ON_CHEAPEST)
        for path in range(begin, end):
            if path != cheapest and columns.flow[path] > 0.0:
                _exchange(columns, costs, state, mark, path, cheapest, relaxation)
        _mark_links(columns, cheapest, mark, APART)
    return excess


@inlined
def _mark_links(columns: Columns, path: int, mark: IntVector, how: int) -> None:
    for place in range(columns.start[path], columns.start[path + 1]):
        mark[columns.links[place]] = how


@inlined
def _exchange(
    columns: Columns, costs: LinkCosts, state: LinkState, mark: IntVector, path: int, cheapest: int, relaxation: float
) -> None:
    """Move drivers between a path and the cheapest one towards equal costs, as far as there are drivers to move."""
    excess, slope = 0.0, 0.0
    for place in range(columns.start[path], columns.start[path + 1]):
        link = columns.links[place]
        if mark[link] == ON_CHEAPEST:
            mark[link] = ON_BOTH
        else:
            excess += state.cost[link]
            slope += state.slope[link]
    for place in range(columns.start[cheapest], columns.start[cheapest + 1]):
        link = columns.links[place]
        if mark[link] == ON_CHEAPEST:
            excess -= state.cost[link]
            slope += state.slope[link]
    moved = 0.0
    if excess != 0.0:  # with no slope at all everybody moves
        moved = min(max(relaxation * excess / slope, -columns.flow[cheapest]), columns.flow[path])
        columns.flow[path] -= moved
        columns.flow[cheapest] += moved
    for place in range(columns.start[path], columns.start[path + 1]):
        link = columns.links[place]
        if mark[link] == APART:
            set_flow(costs, state, link, state.flow[link] - moved)
    for place in range(columns.start[cheapest], columns.start[cheapest + 1]):
        link = columns.links[place]
        if mark[link] == ON_CHEAPEST:
            set_flow(costs, state, link, state.flow[link] + moved)
        mark[link] = ON_CHEAPEST
