"""Traffic assignment: the user equilibrium (3) over enumerated paths at given prices, by one of four methods.

The methods differ in how they improve path flows; progress is judged by the Wardrop gap, which needs no potential.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from bestresponse.errors import DataError
from bestresponse.typing import Vector
from players.traffic import frank_wolfe
from players.traffic.newton import newton
from players.traffic.pairwise import pairwise_sweep
from players.traffic.problem import Problem, State
from players.traffic.resources import ResourceForm

Improve = Callable[[Problem, State], State]

METHODS: Mapping[str, Callable[[], Improve]] = {
    "frank_wolfe": lambda: frank_wolfe.classic,
    "conjugate": frank_wolfe.conjugate,
    "pairwise": lambda: pairwise_sweep,
    "newton": lambda: newton,
}

EXACT_GAP = 1e-13  # flows on nearly empty roads are known only to about its square root
ROUNDING_GAP = 1e-9  # below this gap a method that makes no progress has met the limits of floating point
PATIENCE = 5  # iterations without progress that are allowed there
FEASIBLE = 1e-6  # [veh/h, or relative to the demand] by how much given flows may miss the demand


@dataclass(frozen=True)
class Assignment:
    """The best state found and what it took."""

    state: State
    iterations: int
    converged: bool


def assign(
    problem: Problem,
    start: Vector | None = None,  # (n_paths,) [veh/h] feasible path flows; the cheapest empty-road paths if not given
    method: str = "newton",
    tolerance: float = EXACT_GAP,  # Wardrop gap to stop at
    iteration_limit: int = 1000,
) -> Assignment:
    """Return the best path flows found.

    A start within the tolerance is improved once all the same: flows that answer to prices would else stay as they are
    while the prices change by little.

    Raises DataError on an unknown method or infeasible starting flows.
    """
    if method not in METHODS:
        raise DataError(f"assignment method {method!r}; allowed: {', '.join(METHODS)}")
    improve = METHODS[method]()
    form = problem.form
    flow = cheapest_empty_road(problem) if start is None else feasible_flow(form, start)
    state = best = problem.state(flow)
    idle = 0
    for iteration in range(iteration_limit):
        if (state.gap <= tolerance and iteration > 0) or (best.gap <= ROUNDING_GAP and idle > PATIENCE):
            return Assignment(best, iteration, best.gap <= tolerance)
        state = improve(problem, state)
        best, idle = (state, 0) if state.gap < best.gap else (best, idle + 1)
    return Assignment(best, iteration_limit, best.gap <= tolerance)


def cheapest_empty_road(problem: Problem) -> Vector:
    """Return (n_paths,) all vehicles on the paths that are cheapest on an empty road."""
    return problem.all_or_nothing(problem.state(np.zeros(problem.form.n_paths)))


def feasible_flow(form: ResourceForm, flow: Vector) -> Vector:
    """Return the path flows rescaled to meet the demand to the last digit. Raises DataError if they are far off."""
    if np.shape(flow) != (form.n_paths,):
        raise DataError(f"path flows have shape {np.shape(flow)}, but there are {form.n_paths} paths")
    if not (flow.min() >= -FEASIBLE):
        raise DataError(f"path flow {int(np.argmin(flow))} is {flow.min()} veh/h; it must be at least 0")
    flow = np.maximum(flow, 0.0)
    total = np.add.reduceat(flow, form.first)
    wrong = np.abs(total - form.demand) / np.maximum(1.0, form.demand)
    if not (wrong.max() <= FEASIBLE):
        worst = int(np.argmax(wrong))
        raise DataError(f"{form.group_name(worst)}: path flows sum to {total[worst]}, not {form.demand[worst]} veh/h")
    empty = total <= 0.0
    flow[form.first[empty]] = form.demand[empty]
    factor = np.divide(form.demand, total, out=np.ones_like(total), where=~empty)
    return flow * factor[form.group]
