"""What it takes at least to go on from every node to one of several ends: bounds that prune a label-setting search."""

from __future__ import annotations

import numpy as np

from networks.compiled import compiled
from networks.leg_labels import Prospects
from networks.path_set import ENERGY_TOLERANCE
from networks.shortest_paths import ForwardStar, Workspace, pop, push
from networks.typing import IntVector, Vector

SLACK = 1e-9  # relative; rounding must not hide an end


def prospects(
    star: ForwardStar,  # the reverse of the graph that is searched
    cost: Vector,  # (n_links,) in its order
    energy: Vector,  # (n_links,) [kWh] >= 0 in its order
    ends: IntVector,
    most: Vector,  # (n,) [kWh] budget of every end
    known: Vector,  # (n,) cost of a way within the budget, inf if none is known
    work: Workspace,
) -> Prospects:
    """Return bounds by energy alone, and by cost plus energy at two prices of the budget.

    The lower price is just high enough that no link costs less than nothing; the other one is what the known ways
    cost in the median per energy allowed.
    """
    draining = cost < 0.0
    least = float(np.max(-cost[draining] / energy[draining], initial=0.0))
    usual = least + float(np.median(np.abs(known) / np.maximum(most, ENERGY_TOLERANCE)))
    weights = np.array([(0.0, 1.0), (1.0, least), (1.0, usual)]) if np.isfinite(usual) else np.array([(0.0, 1.0)])
    rows = []
    for on_cost, on_energy in weights:
        limit = on_energy * most + (on_cost * known if on_cost else 0.0)
        label = np.full(len(star.through), np.inf)
        np.minimum.at(label, ends, -limit - SLACK * (1.0 + np.abs(limit)))
        remaining(star, np.maximum(on_cost * cost + on_energy * energy, 0.0), label, work)
        rows.append(work.distance.copy())
    return Prospects(weights[:, 0].copy(), weights[:, 1].copy(), np.array(rows))


@compiled
def remaining(star: ForwardStar, cost: Vector, label: Vector, work: Workspace) -> None:
    """Fill `work.distance` with the least of label plus path cost >= 0 to every node: Dijkstra, many roots.

    `label` (n_nodes,) is finite at the roots. A root may be left even where it may not be passed.
    """
    work.distance[:] = label
    waiting = 0
    for root in range(len(label)):
        if np.isfinite(label[root]):
            waiting = push(work.heap_key, work.heap_node, waiting, label[root], root)
    while waiting > 0:
        key, node = work.heap_key[0], work.heap_node[0]
        waiting = pop(work.heap_key, work.heap_node, waiting)
        if key > work.distance[node] or not (star.through[node] or np.isfinite(label[node])):
            continue
        for link in range(star.first[node], star.first[node + 1]):
            end, reached = star.head[link], key + cost[link]
            if reached < work.distance[end]:
                work.distance[end] = reached
                waiting = push(work.heap_key, work.heap_node, waiting, reached, end)
