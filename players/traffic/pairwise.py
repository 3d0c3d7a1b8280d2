"""Pairwise steps: in one OD pair after the other, move drivers from the dearest used path to the cheapest one."""

from __future__ import annotations

import numpy as np

from bestresponse.typing import Vector
from players.traffic.problem import Problem, State


def pairwise_sweep(problem: Problem, state: State) -> State:
    """Return the state after one sweep over all groups, each answering to what the earlier ones did.

    Within a group every used path exchanges with the cheapest one, dearest first, by a Newton step on their cost
    difference that is cut where the dearer path runs empty. Converges linearly.
    """
    form = problem.form
    flow, levels = state.flow.copy(), state.levels.copy()
    ends = np.append(form.first[1:], form.n_paths)
    for start, end in zip(form.first.tolist(), ends.tolist(), strict=True):
        _balance_group(problem, flow, levels, start, end)
    return problem.state(flow)


def _balance_group(problem: Problem, flow: Vector, levels: Vector, start: int, end: int) -> None:
    use, charge = problem.form.rows(np.arange(start, end))
    constant = problem.form.constant[start:end]
    group_flow = flow[start:end]  # a view: changes reach `flow`
    for _ in range(np.count_nonzero(group_flow)):
        cost = constant + charge @ problem.marginal.value(levels)
        cheap, dear = int(np.argmin(cost)), int(np.argmax(np.where(group_flow > 0.0, cost, -np.inf)))
        excess = cost[dear] - cost[cheap]
        if not (excess > 0.0):
            return
        change = use[cheap] - use[dear]
        slope = float(problem.marginal.derivative(levels) @ (change * (charge[cheap] - charge[dear])))
        moved = min(group_flow[dear], excess / slope) if slope > 0.0 else group_flow[dear]
        group_flow[dear] -= moved
        group_flow[cheap] += moved
        levels += moved * change
