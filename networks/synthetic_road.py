"""Road networks drawn from a seed, of any size: a city of a fixed extent with ever more streets.

What is chosen, and why: junctions on a jittered lattice over a square of `extent_km`; streets both ways between
neighbours on the lattice, some left out until there are as many to a junction as in Sioux Falls; every third row and
column of the lattice is an arterial, faster and with the capacities of Sioux Falls' large links, the rest have those
of its small ones. Lengths are straight ones with a detour. Travel times have the usual coefficient 0.15 and power 4.
"""

from __future__ import annotations

from math import ceil, sqrt

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from networks.errors import NetworkDataError
from networks.road import RoadNetwork
from networks.typing import BoolVector, IntVector

FEWEST = 4  # junctions
STREETS_PER_NODE = 38 / 24  # as in Sioux Falls
JITTER = 0.25  # of a lattice spacing, each way
DETOUR = 1.2  # longest street over the straight one
EVERY = 3  # rows and columns from one arterial to the next
STREET, ARTERIAL = (50.0, 5000.0), (65.0, 24000.0)  # [km/h], [veh/h]
SPREAD = 0.1  # of speeds and capacities, each way


def synthetic_road(n_nodes: int, seed: int, *, extent_km: float = 20.0) -> RoadNetwork:
    """Return a strongly connected network of nodes 1 to n; equal arguments give equal networks.

    Nodes are numbered along the rows of the lattice, from the corner at the origin. Raises NetworkDataError for fewer
    than 4 nodes and an extent [km] that is not positive.
    """
    if not n_nodes >= FEWEST:
        raise NetworkDataError(f"synthetic road: n_nodes is {n_nodes}; allowed: whole numbers from {FEWEST}")
    if not 0.0 < extent_km < np.inf:
        raise NetworkDataError(f"synthetic road: extent_km is {extent_km}; allowed: positive numbers")
    rng = np.random.default_rng(seed)
    side = ceil(sqrt(n_nodes))
    row, column = np.divmod(np.arange(n_nodes), side)
    xy = (np.column_stack([column, row]) + rng.uniform(-JITTER, JITTER, (n_nodes, 2))) * extent_km / side
    a, b = _streets(n_nodes, side, rng)
    fast = _are_arterial(row, column, a, b)
    length = np.linalg.norm(xy[a] - xy[b], axis=1) * rng.uniform(1.0, DETOUR, len(a))
    near_one = 1.0 + rng.uniform(-SPREAD, SPREAD, (2, len(a)))
    speed, capacity = np.where(fast, np.array([ARTERIAL]).T, np.array([STREET]).T) * near_one
    return RoadNetwork(
        name=f"synthetic_{n_nodes}",
        nodes=np.arange(1, n_nodes + 1),
        tail=np.concatenate([a, b]) + 1,
        head=np.concatenate([b, a]) + 1,
        length_km=np.tile(length, 2),
        free_flow_h=np.tile(length / speed, 2),
        capacity_veh_per_h=np.tile(capacity, 2),
        bpr_coefficient=np.full(2 * len(a), 0.15),
        bpr_power=np.full(2 * len(a), 4.0),
        xy=xy,
    )


def _streets(n_nodes: int, side: int, rng: np.random.Generator) -> tuple[IntVector, IntVector]:
    """Return the ends of the streets: a random tree over the lattice's edges, and random others."""
    nodes = np.arange(n_nodes)
    along = nodes[(nodes % side < side - 1) & (nodes + 1 < n_nodes)]
    across = nodes[nodes + side < n_nodes]
    a, b = np.concatenate([along, across]), np.concatenate([along + 1, across + side])
    rank = rng.permutation(len(a)) + 1.0
    tree = csgraph.minimum_spanning_tree(sparse.csr_array((rank, (a, b)), shape=(n_nodes, n_nodes)))
    kept = np.isin(rank, tree.data)
    more = max(0, round(STREETS_PER_NODE * n_nodes) - (n_nodes - 1))
    kept[np.flatnonzero(~kept)[np.argsort(rank[~kept])[:more]]] = True
    return a[kept], b[kept]


def _are_arterial(row: IntVector, column: IntVector, a: IntVector, b: IntVector) -> BoolVector:
    """Return which streets run along an arterial row or column."""
    along = (row[a] == row[b]) & (row[a] % EVERY == EVERY // 2)
    across = (column[a] == column[b]) & (column[a] % EVERY == EVERY // 2)
    return np.asarray(along | across)
