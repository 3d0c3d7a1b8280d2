"""Frank-Wolfe assignment, classic and conjugate: move all drivers a little towards today's cheapest paths."""

from __future__ import annotations

from collections.abc import Callable

from bestresponse.typing import Vector
from players.traffic.problem import Problem, State

LARGEST_SHARE = 0.99  # of the last target in a conjugate target


def classic(problem: Problem, state: State) -> State:
    """Return the state after one Frank-Wolfe step: towards the all-or-nothing flows, as far as it pays."""
    direction = problem.all_or_nothing(state) - state.flow
    return problem.state(state.flow + problem.step_length(state, direction) * direction)


def conjugate() -> Callable[[Problem, State], State]:
    """Return a conjugate Frank-Wolfe step, which remembers its last target.

    The target mixes the all-or-nothing flows with the last target so that the direction is conjugate to the last
    one in the metric of the cost's derivative. Source: Mitradjieva and Lindberg, The Stiff Is Moving,
    Transportation Science 47(2), 2013.
    """
    last: Vector | None = None

    def improve(problem: Problem, state: State) -> State:
        nonlocal last
        newest = problem.all_or_nothing(state)
        target = newest if last is None else _conjugate_target(problem, state, newest, last)
        direction = target - state.flow
        step = problem.step_length(state, direction)
        if step == 0.0:  # the memory misleads: start afresh
            last = None
            return classic(problem, state)
        last = None if step == 1.0 else target
        return problem.state(state.flow + step * direction)

    return improve


def _conjugate_target(problem: Problem, state: State, newest: Vector, last: Vector) -> Vector:
    """Return the mix of the two targets whose direction is conjugate to the last target's."""
    old, new = last - state.flow, newest - state.flow
    mixed, own = problem.curvature(state, old, new), problem.curvature(state, old, old)
    share = min(mixed / (mixed - own), LARGEST_SHARE) if mixed < 0.0 <= own else 0.0
    return share * last + (1.0 - share) * newest
