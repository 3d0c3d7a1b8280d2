"""Newton's method for the user equilibrium: linearise all path costs, solve that equilibrium exactly, step there.

The working set holds the used paths and the cheapest path of every group. It needs no potential (a Josephy-Newton
step), and with one it is a descent direction: the step is cut where moving on would not pay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bestresponse.typing import BoolVector, IntVector, Vector
from players.traffic.linearised import LinearCosts, Slope, leaders
from players.traffic.pairwise import pairwise_sweep
from players.traffic.problem import Problem, State
from players.traffic.resources import ResourceForm

GOOD_PROGRESS = 0.7  # a full step that shrinks the gap to this share needs no line search
ACCEPT_SLOPE = 0.3  # a step may end where the slope has shrunk to this share
DAMPING_TRIES = 4
DAMPING_FACTOR = 10.0
SINGULAR = 1e-13  # relative regularisation: paths that use the same resources leave the slope matrix singular
SMALLEST_SLOPE = 1e-12  # [$ per veh/h] where no resource has a slope at all
SMALL_SYSTEM = 300  # contested paths; beyond, Newton's system costs more than a few sweeps
LARGEST_SYSTEM = 4000  # and takes longer than sweeps to the end, and much memory, beyond this
USED_PATHS = 2  # times the number of resources and of contested groups: more are never needed for any levels
GOOD_SWEEPS = 0.1  # sweeps that shrink the gap to this share are as good as Newton's method
TINY_DEMAND = 1e-300


def newton(problem: Problem, state: State) -> State:
    """Return the state after one Newton step, or after pairwise sweeps where these are cheaper and do as well.

    Where too many paths are contested for one system, sweeps come first, and the step is that of the groups that trade
    energy: under an anchor all of them meet in a few goods, and sweeps are slow to agree there.
    """
    working, n_resources = WorkingSet.of(problem, state), len(state.levels)
    if working.size <= SMALL_SYSTEM:
        return newton_step(problem, state, working)
    swept = pairwise_sweep(problem, state)
    if swept.gap <= GOOD_SWEEPS * state.gap:
        return swept
    if working.too_large(n_resources):
        state, working = swept, WorkingSet.of(problem, swept, traders=True)
        if working.too_large(n_resources):
            return swept
    stepped = newton_step(problem, state, working)
    return stepped if stepped.gap < swept.gap else swept


def newton_step(problem: Problem, state: State, working: WorkingSet) -> State:
    """Return the state after a Newton step of the working set, cut where moving on would not pay."""
    direction = newton_direction(problem, state, working)
    full = problem.state(np.maximum(state.flow + direction, 0.0))
    if full.gap <= GOOD_PROGRESS * state.gap:
        return full
    step = problem.step_length(state, direction, ACCEPT_SLOPE)
    if step == 1.0 or step == 0.0:  # 0 only without a potential, or where rounding hides the slope
        return full
    return problem.state(np.maximum(state.flow + step * direction, 0.0))


@dataclass(frozen=True)
class WorkingSet:
    """The used paths and the cheapest path of every group in which there is a choice among these, numbered anew.

    On a network of many thousand OD pairs most have one path only; they take no part in a Newton step.
    """

    paths: IntVector  # (n,)
    group: IntVector  # (n,) from 0 without holes
    first: IntVector  # (n_groups,) the first of every group
    demand: Vector  # (n_groups,) [veh/h]

    @classmethod
    def of(cls, problem: Problem, state: State, traders: bool = False) -> WorkingSet:
        """Return the working set of a state; with `traders` only of groups where some of these paths trade energy."""
        working = state.flow > 0.0
        working[problem.cheapest(state)] = True
        return cls.among(problem.form, working, traders)

    @classmethod
    def among(cls, form: ResourceForm, working: BoolVector, traders: bool = False) -> WorkingSet:
        """Return those of some paths (n_paths,) of a form among which drivers have a choice."""
        contested = np.add.reduceat(working.astype(np.int64), form.first) > 1
        if traders:
            contested &= np.add.reduceat((working & (np.diff(form.trades.indptr) > 0)).astype(np.int64), form.first) > 0
        paths = np.flatnonzero(working & contested[form.group])
        group = np.cumsum(contested)[form.group[paths]] - 1
        return cls(paths, group, np.searchsorted(group, np.arange(contested.sum())), form.demand[contested])

    def too_large(self, n_resources: int) -> bool:
        """Whether Newton's system takes longer than sweeps to the end, or has by far too many paths for its levels."""
        return self.size > min(LARGEST_SYSTEM, USED_PATHS * (len(self.demand) + n_resources))

    @property
    def size(self) -> int:
        """The number of paths."""
        return len(self.paths)


def newton_direction(problem: Problem, state: State, working: WorkingSet) -> Vector:
    """Return (n_paths,) [veh/h] the way to the equilibrium of the linearised costs on the working set.

    Every path's own slope is raised by its cost excess over demand (Levenberg-Marquardt), so that flow between
    paths that differ in no resource with a slope moves by about the demand; this fades out at the solution.
    """
    direction = np.zeros(problem.form.n_paths)
    if not working.size:
        return direction
    paths, group, first, demand = working.paths, working.group, working.first, working.demand
    use, rated = problem.form.rows(paths, problem.marginal.derivative(state.levels))
    flow, cost = state.flow[paths], state.cost[paths]
    excess = np.abs(cost - cost[leaders(flow, group, first)][group])
    damping = excess / np.maximum(demand[group], TINY_DEMAND)
    slope = Slope(rated, use, np.zeros(working.size))
    smallest = max(SMALLEST_SLOPE, SINGULAR * float(slope.diagonal().max()))
    for _ in range(DAMPING_TRIES):
        raised = replace(slope, own=smallest + damping)
        target, solved = LinearCosts(flow, cost, raised, group, first, demand).equilibrium()
        if solved:
            break
        damping = DAMPING_FACTOR * damping
    direction[paths] = target - flow
    return direction
