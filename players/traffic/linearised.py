"""Equilibrium of linear path costs on a small set of paths: what one Newton step has to solve.

Find x ≥ 0 that meets every group's demand, with costs c + K (x − f) such that only cheapest paths are used. In
every group one free path, the one with most flow, is basic: it takes what the others leave, and their cost
differences to it vanish. Paths are freed and emptied many at a time (block pivoting), and where that does not
settle, one at a time from the feasible flows f (a primal active-set method).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bestresponse.typing import BoolVector, IntVector, SparseMatrix, Vector

BLOCK_ROUNDS = 8
PIVOTS_PER_PATH = 2
NEGATIVE_FLOW = 1e-12  # relative to the demand
NEGATIVE_COST = 1e-12  # relative to the path cost


@dataclass(frozen=True)
class Slope:
    """How path costs rise with path flows, in factors, so that what few paths touch costs little: R Mᵀ + diag(own)."""

    rated: Vector | SparseMatrix  # (n, n_resources) [$ per unit] R: what a path is charged, times the resource's slope
    use: Vector | SparseMatrix  # (n, n_resources) M
    own: Vector  # (n,) [$ per veh/h]

    def rise(self, change: Vector) -> Vector:
        """Return (n,) [$] by how much costs rise when flows change (n,)."""
        return np.asarray(self.rated @ (self.use.T @ change) + self.own * change)

    def diagonal(self) -> Vector:
        """Return (n,) [$ per veh/h] by how much each path's cost rises with its own flow."""
        shared: Any = self.rated * self.use  # entry by entry
        return np.asarray(shared.sum(axis=1)) + self.own

    def of_exchanges(self, path: IntVector, basic: IntVector) -> Vector:
        """Return (k, k) [$ per veh/h] how cost differences rise when drivers change from basic paths (k,) to others."""
        matrix = as_dense((self.rated[path] - self.rated[basic]) @ (self.use[path] - self.use[basic]).T)
        matrix += np.where(basic[:, None] == basic, self.own[basic], 0.0)
        matrix.flat[:: len(path) + 1] += self.own[path]
        return matrix


@dataclass(frozen=True)
class LinearCosts:
    """Costs c + K (x − f) on paths that stand together by group. Groups are numbered from 0 without holes."""

    flow: Vector  # (n,) [veh/h] f, feasible
    cost: Vector  # (n,) [$] c
    slope: Slope  # K
    group: IntVector  # (n,)
    first: IntVector  # (n_groups,) the first path of every group
    demand: Vector  # (n_groups,) [veh/h]

    def equilibrium(self) -> tuple[Vector, bool]:
        """Return the flows x (n,) and whether they are an equilibrium; if not they are feasible all the same."""
        free = np.ones(len(self.flow), dtype=bool)
        guess = self.flow
        least = -NEGATIVE_FLOW * self.demand[self.group]
        for _ in range(BLOCK_ROUNDS):
            guess, excess = self._balance(free, guess)
            empty, missing = free & (guess < least), ~free & (excess < -NEGATIVE_COST)
            if not (empty.any() or missing.any()):
                return np.maximum(guess, 0.0), True
            free = (free & ~empty) | missing
        return self._one_at_a_time()

    def _one_at_a_time(self) -> tuple[Vector, bool]:
        flow, free = self.flow.copy(), self.flow > 0.0
        free[leaders(flow, self.group, self.first)] = True
        for _ in range(PIVOTS_PER_PATH * len(flow)):
            target, excess = self._balance(free, flow)
            falling = np.flatnonzero(free & (target < 0.0))
            if len(falling):
                share = flow[falling] / (flow[falling] - target[falling])
                flow = np.maximum(flow + share.min() * (target - flow), 0.0)
                blocking = falling[share <= share.min()]
                flow[blocking], free[blocking] = 0.0, False
                continue
            flow = np.maximum(target, 0.0)
            entering = int(np.argmin(np.where(free, 0.0, excess)))
            if free[entering] or excess[entering] >= -NEGATIVE_COST:
                return flow, True
            free[entering] = True
        return flow, False

    def _balance(self, free: BoolVector, guess: Vector) -> tuple[Vector, Vector]:
        """Return flows with equal costs on the free paths of every group, and all costs relative to the basic ones."""
        lead = leaders(np.where(free, guess, -np.inf), self.group, self.first)
        flow = np.where(free, self.flow, 0.0)
        flow[lead] = 0.0
        flow[lead] = self.demand - np.bincount(self.group, flow)
        others = free.copy()
        others[lead] = False
        path = np.flatnonzero(others)
        if len(path):
            group = self.group[path]
            basic = lead[group]
            cost = self.cost + self.slope.rise(flow - self.flow)
            move = np.linalg.solve(self.slope.of_exchanges(path, basic), cost[basic] - cost[path])
            flow[path] += move
            flow[lead] -= np.bincount(group, move, minlength=len(lead))
        cost = self.cost + self.slope.rise(flow - self.flow)
        basic_cost = cost[lead[self.group]]
        return flow, (cost - basic_cost) / np.maximum(np.abs(basic_cost), 1e-3)


def leaders(flow: Vector, group: IntVector, first: IntVector) -> IntVector:
    """Return (n_groups,) the path with the most flow of every group; `first` is each group's first path."""
    ties = np.flatnonzero(flow == np.maximum.reduceat(flow, first)[group])[::-1]
    lead = np.empty(len(first), dtype=np.int64)
    lead[group[ties]] = ties  # read backwards: the first of equals is written last
    return lead


def as_dense(matrix: Any) -> Vector:
    """Return a matrix, dense or sparse, with all its entries."""
    return np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.toarray())
