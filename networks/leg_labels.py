"""Cheapest simple paths from one node within an energy budget, at link costs of any sign, compiled: label setting.

A label is a way to a node with its cost and its energy. Labels are settled in the order of their energy, which links
never lower, and one is dropped where a settled label of its node is as cheap: it used no more energy. One is also
dropped where no end can be reached from it within its budget, or at no more than a known cost (`Prospects`). With
costs below zero such a path may run in circles. Then the nodes that it passes twice become critical, which no label
may enter again, and the search is repeated until the paths asked for are simple (decremental state space relaxation,
Righini and Salani, Networks 51(3), 2008).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from networks.compiled import compiled, inlined
from networks.errors import NetworkDataError
from networks.path_set import ENERGY_TOLERANCE
from networks.shortest_paths import NOWHERE, ForwardStar, pop, push
from networks.typing import BoolVector, IntVector, Vector

ROOM = 1024  # labels, for a start
MOST_LABELS = 20_000_000
MOST_CRITICAL = 62  # nodes, as many as there are bits in a label's set


class Prospects(NamedTuple):
    """Lower bounds: from a label no end is worth reaching if, in any row, cost · c + energy · e + remaining > 0."""

    cost: Vector  # (n_bounds,) weight of the label's cost
    energy: Vector  # (n_bounds,) weight of the label's energy
    remaining: Vector  # (n_bounds, n_nodes) of what remains to an end, less what may be spent


class Labels(NamedTuple):
    """Ways from the root to nodes, all that were ever tried. In a bucket are the settled ones of a node.

    A node has two buckets: ways that use no energy do not rule out those that do, for a charge needs an empty battery.
    """

    node: IntVector  # (n,) where it leads
    link: IntVector  # (n,) its last link, −1 at the root
    parent: IntVector  # (n,) the label it goes on from, −1 at the root
    cost: Vector  # (n,)
    energy: Vector  # (n,) [kWh]
    entered: IntVector  # (n,) one bit for every critical node that it has entered
    older: IntVector  # (n,) the label settled before it in its bucket, −1 if none
    newest: IntVector  # (2 n_nodes,) the last settled one of every bucket: 2 node + (1 if it uses energy)


def simple_paths(
    star: ForwardStar,
    cost: Vector,  # (n_links,) in star order
    energy: Vector,  # (n_links,) [kWh] >= 0 in star order
    root: int,
    ends: IntVector,  # (n,) nodes to reach
    most: Vector,  # (n,) [kWh] the budget of every end
    moving: BoolVector,  # (n,) whether the way must use energy
    prospects: Prospects,
) -> tuple[Labels, IntVector]:
    """Return labels, and (n,) the cheapest one of every end that is a simple path, −1 where there is none.

    Raises NetworkDataError where there are too many ways to look at.
    """
    critical = np.full(len(star.through), NOWHERE)
    while True:
        labels = settle(star, cost, energy, root, float(np.max(most)), critical, prospects, MOST_LABELS)
        best = np.array([cheapest(labels, *each) for each in zip(ends, most, moving, strict=True)], dtype=np.int64)
        repeated = mark_repeated(labels, best, critical)
        if len(labels.node) > MOST_LABELS or critical.max() >= MOST_CRITICAL:
            raise NetworkDataError(
                f"cheapest path within an energy budget: more than {MOST_LABELS} ways to look at; "
                "prices at which it pays to drive in circles make them so many"
            )
        if not repeated:
            return labels, best


@compiled
def settle(
    star: ForwardStar, cost: Vector, energy: Vector, root: int, most: float, critical: IntVector, prospects: Prospects,
    limit: int,
) -> Labels:  # fmt: skip
    """Return all labels that use at most `most` energy; more than `limit` only if it gave up."""
    labels, n = _no_labels(len(star.through)), 1
    labels.node[0], labels.link[0], labels.parent[0] = root, NOWHERE, NOWHERE
    labels.cost[0], labels.energy[0], labels.entered[0] = 0.0, 0.0, 0
    key, queue = np.empty(ROOM), np.empty(ROOM, np.int64)
    waiting = push(key, queue, 0, 0.0, 0)
    while waiting > 0 and n <= limit:
        label = queue[0]
        waiting = pop(key, queue, waiting)
        node, used, entered = labels.node[label], labels.energy[label], labels.entered[label]
        if _ruled_out(labels, node, labels.cost[label], used, entered):
            continue
        bucket = _bucket(node, used)
        labels.older[label], labels.newest[bucket] = labels.newest[bucket], label
        if not (star.through[node] or node == root):
            continue
        for link in range(star.first[node], star.first[node + 1]):
            end, total, price = star.head[link], used + energy[link], labels.cost[label] + cost[link]
            bit = 1 << critical[end] if critical[end] >= 0 else 0
            if end == root or total > most or entered & bit or _hopeless(prospects, end, price, total):
                continue
            if _ruled_out(labels, end, price, total, entered | bit):
                continue
            if n == len(labels.node):
                labels = _with_more_room(labels)
                key, queue = np.concatenate((key, np.empty_like(key))), np.concatenate((queue, np.empty_like(queue)))
            labels.node[n], labels.link[n], labels.parent[n] = end, link, label
            labels.cost[n], labels.energy[n], labels.entered[n] = price, total, entered | bit
            waiting = push(key, queue, waiting, total, n)
            n += 1
    return _first(labels, n)


@inlined
def _bucket(node: int, energy: float) -> int:
    return 2 * node + (1 if energy > ENERGY_TOLERANCE else 0)


@inlined
def _hopeless(prospects: Prospects, node: int, cost: float, energy: float) -> bool:
    for k in range(len(prospects.cost)):
        if prospects.cost[k] * cost + prospects.energy[k] * energy + prospects.remaining[k, node] > 0.0:
            return True
    return False


@inlined
def _ruled_out(labels: Labels, node: int, cost: float, energy: float, entered: int) -> bool:
    """Whether a settled label of the same bucket is as cheap and may go wherever this one may."""
    other = labels.newest[_bucket(node, energy)]
    while other >= 0:
        if labels.cost[other] <= cost and labels.entered[other] & ~entered == 0:
            return True
        if labels.entered[other] == 0 and entered == 0:  # older ones that have entered no more are dearer
            return False
        other = labels.older[other]
    return False


@compiled
def cheapest(labels: Labels, node: int, most: float, moving: bool) -> int:
    """Return the cheapest settled label of a node within a budget, −1 if there is none."""
    best, lowest = NOWHERE, np.inf
    for bucket in range(2 * node + (1 if moving else 0), 2 * node + 2):
        label = labels.newest[bucket]
        while label >= 0:
            if labels.energy[label] <= most and labels.cost[label] < lowest:
                best, lowest = label, labels.cost[label]
            label = labels.older[label]
    return best


@compiled
def mark_repeated(labels: Labels, ends: IntVector, critical: IntVector) -> bool:
    """Number the nodes that the ways of some labels pass twice as critical; return whether there are any."""
    last_seen = np.full(len(critical), NOWHERE)
    next_number, found = critical.max() + 1, False
    for label in ends:
        at = label
        while at >= 0:
            node = labels.node[at]
            if last_seen[node] == label and critical[node] < 0:
                critical[node], found = next_number, True
                next_number += 1
            last_seen[node] = label
            at = labels.parent[at]
    return found


@inlined
def _no_labels(n_nodes: int) -> Labels:
    whole, real = np.empty(ROOM, np.int64), np.empty(ROOM)
    return Labels(
        whole, whole.copy(), whole.copy(), real, real.copy(), whole.copy(), whole.copy(), np.full(2 * n_nodes, NOWHERE)
    )


@inlined
def _with_more_room(labels: Labels) -> Labels:
    whole, real = np.empty_like(labels.node), np.empty_like(labels.cost)
    return Labels(
        np.concatenate((labels.node, whole)),
        np.concatenate((labels.link, whole)),
        np.concatenate((labels.parent, whole)),
        np.concatenate((labels.cost, real)),
        np.concatenate((labels.energy, real)),
        np.concatenate((labels.entered, whole)),
        np.concatenate((labels.older, whole)),
        labels.newest,
    )


@inlined
def _first(labels: Labels, n: int) -> Labels:
    return Labels(
        labels.node[:n],
        labels.link[:n],
        labels.parent[:n],
        labels.cost[:n],
        labels.energy[:n],
        labels.entered[:n],
        labels.older[:n],
        labels.newest,
    )
