"""Pairwise steps, compiled: in one OD pair after the other, every used path exchanges drivers with the cheapest one.

An exchange is a Newton step on the cost difference of the two paths, cut where one runs empty, taken back by secants
where it overshoots, and felt at once by all later ones (Gauss-Seidel). After the first sweep the steps are
over-relaxed. It needs no potential and no matrix,
converges linearly, and is much cheaper than Newton's method where there are many paths.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bestresponse.typing import BoolVector, IntVector, Vector
from networks.compiled import compiled, inlined
from players.traffic.network_assignment.link_costs import LinkCosts, LinkState, link_state, set_flow
from players.traffic.problem import Problem, State
from players.traffic.resources import Marginal, ResourceForm

SWEEPS = 10
OVER_RELAXATION = 1.5
BACKTRACKS = 5  # at most, where a step overshoots: a queue has no slope before its kink
ACCEPTED_OVERSHOOT = 0.7  # of the cost difference
NEGLIGIBLE_SHARE = 0.01  # of the gap: an OD pair with a smaller relative excess is left alone


class Paths(NamedTuple):
    """The rows of M and L, and who belongs together."""

    start: IntVector  # (n_paths + 1,) the entries start[p]:start[p + 1] belong to path p
    resource: IntVector  # (n_entries,)
    use: Vector  # (n_entries,) of M
    charge: Vector  # (n_entries,) of L
    constant: Vector  # (n_paths,) [$]
    first: IntVector  # (n_groups + 1,)


class Rates(NamedTuple):
    """Marginal costs of stations and goods; they follow the links in the order of resources."""

    base: Vector  # (n_stations,) [$] waiting without a queue
    slope: Vector  # (n_stations,) [$/veh]
    capacity: Vector  # (n_stations,) [veh]
    smoothing: Vector  # (n_stations,) [veh]
    period: Vector  # (n_stations,) [h]
    external: float  # [1] by which share the time caused to others counts
    price: Vector  # (n_goods,) [$/kWh] at no trade
    weight: Vector  # (n_goods,) [$/kWh per kW]


class Levels(NamedTuple):
    """Levels of all resources, with the marginal costs and slopes that go with them."""

    links: LinkState
    level: Vector  # (n_resources,) [unit of the resource]
    marginal: Vector  # (n_resources,) [$ per unit]
    slope: Vector  # (n_resources,) [$ per unit²]


class Difference(NamedTuple):
    """What one path uses more than another: memory for one exchange at a time, zero in between."""

    use: Vector  # (n_resources,)
    charge: Vector  # (n_resources,)
    seen: BoolVector  # (n_resources,)
    touched: IntVector  # (n_resources,) the resources seen


def pairwise_sweep(problem: Problem, state: State) -> State:
    """Return the state after a few sweeps over all groups, each answering to what the earlier ones did."""
    form, flow, levels = problem.form, state.flow.copy(), levels_of(problem, state)
    negligible = NEGLIGIBLE_SHARE * state.gap
    sweep(paths_of(form), link_costs(form), rates_of(problem.marginal), levels, flow, SWEEPS, negligible)
    return problem.state(flow)


def paths_of(form: ResourceForm) -> Paths:
    """Return the paths as compiled code reads them."""
    use, charge = form.use, form.charge
    start, resource = use.indptr.astype(np.int64), use.indices.astype(np.int64)
    return Paths(start, resource, use.data, charge.data, form.constant, np.append(form.first, form.n_paths))


def levels_of(problem: Problem, state: State) -> Levels:
    """Return the levels of a state, to be changed."""
    links = link_state(link_costs(problem.form), state.levels[: problem.form.n_links].copy())
    slope = problem.marginal.derivative(state.levels)
    return Levels(links, state.levels.copy(), state.marginal.copy(), slope)


def link_costs(form: ResourceForm) -> LinkCosts:
    """Return the links' costs [$] at the reference value of time as compiled code reads them."""
    time = form.link_time
    rising = time.power > 0.0
    constant = form.reference * time.free_flow_h * np.where(rising, 1.0, 1.0 + time.coefficient)
    rise = form.reference * time.free_flow_h * np.where(rising, time.coefficient, 0.0)
    return LinkCosts(constant, rise, time.capacity, np.where(rise > 0.0, time.power, 1.0))


def rates_of(marginal: Marginal) -> Rates:
    """Return the marginal costs of stations and goods as compiled code reads them."""
    wait, form, anchor = marginal.form.stations.waiting, marginal.form, marginal.anchor
    weight = np.zeros(form.n_goods) if anchor is None else anchor.weight
    return Rates(
        base=form.reference * wait.base_h,
        slope=form.reference * wait.slope_h_per_veh,
        capacity=wait.capacity_veh,
        smoothing=wait.smoothing_veh,
        period=wait.period_h,
        external=wait.external,
        price=marginal.price if anchor is None else marginal.price - weight * anchor.target,
        weight=weight,
    )


@compiled
def sweep(
    paths: Paths, links: LinkCosts, rates: Rates, levels: Levels, flow: Vector, sweeps: int, negligible: float
) -> None:
    """Exchange drivers within every group, again and again; changes `flow` and `levels`."""
    n = len(levels.level)
    more = Difference(np.zeros(n), np.zeros(n), np.zeros(n, np.bool_), np.empty(n, np.int64))
    relaxation = 1.0
    for _ in range(sweeps):
        for group in range(len(paths.first) - 1):
            begin, end = paths.first[group], paths.first[group + 1]
            cheapest, lowest, paid, excess = begin, np.inf, 0.0, 0.0
            for path in range(begin, end):
                cost = _cost(paths, levels, path)
                paid += flow[path] * abs(cost)
                excess += flow[path] * cost
                if cost < lowest:
                    cheapest, lowest = path, cost
            for path in range(begin, end):
                excess -= flow[path] * lowest
            if excess > negligible * paid:
                for path in range(begin, end):
                    if path != cheapest and flow[path] > 0.0:
                        _exchange(paths, links, rates, levels, flow, path, cheapest, relaxation, more)
        relaxation = OVER_RELAXATION


@inlined
def _cost(paths: Paths, levels: Levels, path: int) -> float:
    total = paths.constant[path]
    for entry in range(paths.start[path], paths.start[path + 1]):
        total += paths.charge[entry] * levels.marginal[paths.resource[entry]]
    return total


@inlined
def _exchange(
    paths: Paths, links: LinkCosts, rates: Rates, levels: Levels, flow: Vector, path: int, cheapest: int,
    relaxation: float, more: Difference,
) -> None:  # fmt: skip
    """Move drivers between a path and the cheapest one towards equal costs, as far as there are drivers to move."""
    n = _add(paths, path, 1.0, more, 0)
    n = _add(paths, cheapest, -1.0, more, n)
    constant = paths.constant[path] - paths.constant[cheapest]
    excess, slope = constant + _excess(levels, more, n), 0.0
    for place in range(n):
        k = more.touched[place]
        slope += more.use[k] * more.charge[k] * levels.slope[k]
    moved = 0.0
    if excess != 0.0:  # with no slope at all everybody moves
        moved = min(max(relaxation * excess / slope, -flow[cheapest]), flow[path])
    total = moved
    for _ in range(BACKTRACKS):
        _move(links, rates, levels, more, n, moved)
        left = constant + _excess(levels, more, n)
        if left * excess >= 0.0 or abs(left) <= ACCEPTED_OVERSHOOT * abs(excess):
            break
        moved = total * left / (excess - left)  # back to where the secant is zero
        total += moved
    else:
        _move(links, rates, levels, more, n, moved)
    flow[path] -= total
    flow[cheapest] += total
    for place in range(n):
        k = more.touched[place]
        more.use[k], more.charge[k], more.seen[k] = 0.0, 0.0, False


@inlined
def _excess(levels: Levels, more: Difference, n: int) -> float:
    total = 0.0
    for place in range(n):
        total += more.charge[more.touched[place]] * levels.marginal[more.touched[place]]
    return total


@inlined
def _move(links: LinkCosts, rates: Rates, levels: Levels, more: Difference, n: int, moved: float) -> None:
    for place in range(n):
        k = more.touched[place]
        if more.use[k] != 0.0:
            _set_level(links, rates, levels, k, levels.level[k] - moved * more.use[k])


@inlined
def _add(paths: Paths, path: int, sign: float, more: Difference, n: int) -> int:
    """Add a path to the difference; return how many resources it touches now."""
    for entry in range(paths.start[path], paths.start[path + 1]):
        k = paths.resource[entry]
        if not more.seen[k]:
            more.seen[k], more.touched[n] = True, k
            n += 1
        more.use[k] += sign * paths.use[entry]
        more.charge[k] += sign * paths.charge[entry]
    return n


@inlined
def _set_level(links: LinkCosts, rates: Rates, levels: Levels, k: int, level: float) -> None:
    """Change the level of one resource, with its marginal cost and slope."""
    levels.level[k] = level
    n_links, n_stations = len(links.capacity), len(rates.base)
    if k < n_links:
        set_flow(links, levels.links, k, level)
        levels.marginal[k], levels.slope[k] = levels.links.cost[k], levels.links.slope[k]
    elif k < n_links + n_stations:
        s = k - n_links
        queue, smoothing = rates.period[s] * level - rates.capacity[s], rates.smoothing[s]
        inner, caused = min(max(queue, 0.0), smoothing), rates.external * rates.period[s] * level / smoothing
        levels.marginal[k] = rates.base[s] + rates.slope[s] * (
            inner * inner / (2.0 * smoothing) + max(queue - inner, 0.0) + caused * inner
        )
        rise = (1.0 + rates.external) * inner / smoothing + (caused if 0.0 < queue < smoothing else 0.0)
        levels.slope[k] = rates.slope[s] * rates.period[s] * rise
    else:
        good = k - n_links - n_stations
        levels.marginal[k] = rates.price[good] + rates.weight[good] * level
