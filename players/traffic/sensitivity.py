"""How the trades of a user equilibrium answer to prices, while drivers use the paths that they use.

On the used paths of every group costs stay equal: K δf + ΔL δp = 0 for the exchanges δf of every used path with its
group's basic one, K their slope matrix (`linearised.Slope`) and ΔL by how much their payments differ. The trades change
by ΔMᵀ δf. (Tobin and Friesz, Transportation Science 22, 1988: the sensitivity of a nondegenerate extreme solution.)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bestresponse.typing import Vector
from players.traffic.linearised import Slope, as_dense, leaders
from players.traffic.newton import SMALLEST_SLOPE, WorkingSet
from players.traffic.problem import Problem, State

USED = 1e-9  # of a group's demand: less flow is none
SINGULAR = 1e-9  # relative regularisation: exchanges that use the same resources leave K singular


def sensitivity(problem: Problem, state: State) -> Vector:
    """Return (n_goods, n_goods) [kW per $/kWh] ∂trade/∂price at an equilibrium, anchor included."""
    form = problem.form
    used = WorkingSet.among(form, state.flow > USED * form.demand[form.group])
    paths = used.paths
    if not used.size:
        return np.zeros((form.n_goods, form.n_goods))
    lead = leaders(state.flow[paths], used.group, used.first)
    path = np.setdiff1d(np.arange(used.size), lead)
    basic = lead[used.group[path]]
    use, rated = form.rows(paths, problem.marginal.derivative(state.levels))
    slope = Slope(rated, use, np.zeros(used.size))
    slope = replace(slope, own=np.full(used.size, max(SMALLEST_SLOPE, SINGULAR * float(slope.diagonal().max()))))
    everything = form.rows(paths, np.ones(len(state.levels)))
    moved, paid = (as_dense(rows[path] - rows[basic])[:, form.n_links + form.n_stations :] for rows in everything)
    return np.asarray(-(moved.T @ np.linalg.solve(slope.of_exchanges(path, basic), paid)))
