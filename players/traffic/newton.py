"""Newton's method for the user equilibrium: linearise all path costs, solve that equilibrium exactly, step there.

The working set holds the used paths and the cheapest path of every group. It needs no potential (a Josephy-Newton
step), and with one it is a descent direction: the step is cut where moving on would not pay.
"""

from __future__ import annotations

import numpy as np

from bestresponse.typing import Vector
from players.traffic.linearised import LinearCosts, leaders
from players.traffic.pairwise import pairwise_sweep
from players.traffic.problem import Problem, State

GOOD_PROGRESS = 0.7  # a full step that shrinks the gap to this share needs no line search
ACCEPT_SLOPE = 0.3  # a step may end where the slope has shrunk to this share
DAMPING_TRIES = 4
DAMPING_FACTOR = 10.0
SINGULAR = 1e-13  # relative regularisation: paths that use the same resources leave the slope matrix singular
SMALLEST_SLOPE = 1e-12  # [$ per veh/h] where no resource has a slope at all
USED_PATHS = 2  # times the number of groups and resources: no more than once that many are needed for any levels
SMALL_SYSTEM = 300  # paths in use; Newton's dense system costs more than many sweeps beyond
LARGEST_SYSTEM = 5000  # and takes too long and too much memory beyond this
TINY_DEMAND = 1e-300


def newton(problem: Problem, state: State) -> State:
    """Return the state after one Newton step, or after pairwise sweeps where these are cheaper and do as well."""
    used, groups = int(np.count_nonzero(state.flow)), len(state.minimum)
    too_many = used > USED_PATHS * (groups + len(state.levels)) or max(used, groups) > LARGEST_SYSTEM
    if too_many or max(used, groups) > SMALL_SYSTEM:
        swept = pairwise_sweep(problem, state)
        if too_many or swept.gap <= GOOD_PROGRESS * state.gap:
            return swept
    direction = newton_direction(problem, state)
    full = problem.state(np.maximum(state.flow + direction, 0.0))
    if full.gap <= GOOD_PROGRESS * state.gap:
        return full
    step = problem.step_length(state, direction, ACCEPT_SLOPE)
    if step == 1.0 or step == 0.0:  # 0 only without a potential, or where rounding hides the slope
        return full
    return problem.state(np.maximum(state.flow + step * direction, 0.0))


def newton_direction(problem: Problem, state: State) -> Vector:
    """Return (n_paths,) [veh/h] the way to the equilibrium of the linearised costs on the working set.

    Every path's own slope is raised by its cost excess over demand (Levenberg-Marquardt), so that flow between
    paths that differ in no resource with a slope moves by about the demand; this fades out at the solution.
    """
    form = problem.form
    working = state.flow > 0.0
    working[problem.cheapest(state)] = True
    paths = np.flatnonzero(working)
    group = form.group[paths]
    first = np.searchsorted(group, np.arange(len(form.first)))
    use, charge = form.rows(paths)
    slope = (charge * problem.marginal.derivative(state.levels)) @ use.T
    flow, cost = state.flow[paths], state.cost[paths]
    excess = np.abs(cost - cost[leaders(flow, group, first)][group])
    damping = excess / np.maximum(form.demand[group], TINY_DEMAND)
    diagonal = slope.diagonal() + max(SMALLEST_SLOPE, SINGULAR * float(slope.diagonal().max()))
    for _ in range(DAMPING_TRIES):
        np.fill_diagonal(slope, diagonal + damping)
        target, solved = LinearCosts(flow, cost, slope, group, first, form.demand).equilibrium()
        if solved:
            break
        damping = DAMPING_FACTOR * damping
    direction = np.zeros(form.n_paths)
    direction[paths] = target - flow
    return direction
