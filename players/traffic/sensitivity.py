"""How the trades of a user equilibrium answer to prices, while drivers use the paths that they use.

On the used paths of every group costs stay equal: K δf + ΔL δp = 0 for the exchanges δf of every used path with its
group's basic one, K their slope matrix (`linearised.Slope`) and ΔL by how much their payments differ. The trades change
by ΔMᵀ δf. (Tobin and Friesz, Transportation Science 22, 1988: the sensitivity of a nondegenerate extreme solution.)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bestresponse.typing import Vector
from players.traffic.linearised import Slope, leaders
from players.traffic.problem import Problem, State

USED = 1e-9  # of a group's demand: less flow is none
SINGULAR = 1e-9  # relative regularisation: exchanges that use the same resources leave K singular
SMALLEST_SLOPE = 1e-12  # [$ per veh/h] where no resource has a slope at all


def sensitivity(problem: Problem, state: State) -> Vector:
    """Return (n_goods, n_goods) [kW per $/kWh] ∂trade/∂price at an equilibrium, anchor included."""
    form, n_goods = problem.form, problem.form.n_goods
    used = state.flow > USED * form.demand[form.group]
    contested = np.add.reduceat(used.astype(np.int64), form.first) > 1
    paths = np.flatnonzero(used & contested[form.group])
    if not len(paths):
        return np.zeros((n_goods, n_goods))
    group = np.cumsum(contested)[form.group[paths]] - 1
    lead = leaders(state.flow[paths], group, np.searchsorted(group, np.arange(contested.sum())))
    path = np.setdiff1d(np.arange(len(paths)), lead)
    basic = lead[group[path]]
    use, rated = form.rows(paths, problem.marginal.derivative(state.levels))
    slope = Slope(rated, use, np.zeros(len(paths)))
    slope = replace(slope, own=np.full(len(paths), max(SMALLEST_SLOPE, SINGULAR * float(slope.diagonal().max()))))
    moved, paid = (trades[paths[path]] - trades[paths[basic]] for trades in (form.trades, form.charged))
    return np.asarray(-(moved.T @ np.linalg.solve(slope.of_exchanges(path, basic), paid.toarray())))
