"""Shortest-path trees: against scipy, after any change of the costs, and with nodes that none may pass."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from networks.road import RoadNetwork
from networks.shortest_paths import ForwardStar, Trees, Workspace, forward_star, grow_tree, no_trees, workspace


def road_of(pairs, n_nodes, first_through_node=1):
    ends = np.array(pairs, dtype=np.int64)
    one = np.ones(len(ends))
    return RoadNetwork(
        "made up", np.arange(1, n_nodes + 1), ends[:, 0], ends[:, 1], one, one, one, one, one,
        first_through_node=first_through_node,
    )  # fmt: skip


def grown(star: ForwardStar, cost, origin: int, trees: Trees, work: Workspace):
    grow_tree(star, cost, origin, trees.order[0], trees.into[0], work)
    return work.distance.copy(), trees.into[0]


def by_scipy(star: ForwardStar, cost, origin: int):
    """Distances on the graph without the links out of nodes that none may pass."""
    usable = star.through[star.tail] | (star.tail == origin)
    n = len(star.through)
    graph = sparse.csr_array((cost[usable], (star.tail[usable], star.head[usable])), shape=(n, n))
    return dijkstra(graph, indices=origin)


def path_costs(star: ForwardStar, cost, origin: int, into):
    """What the path that the tree gives to every node costs, walked link by link."""
    costs = np.full(len(into), np.inf)
    for end in range(len(into)):
        node, total, seen = end, 0.0, set()
        while into[node] >= 0:
            assert node not in seen, "the tree has a cycle"
            seen.add(node)
            link = into[node]
            assert star.head[link] == node
            assert star.through[star.tail[link]] or star.tail[link] == origin
            total += cost[link]
            node = star.tail[link]
        if node == origin:
            costs[end] = total
    return costs


@st.composite
def instances(draw):
    n_nodes = draw(st.integers(2, 9))
    everything = [(i, j) for i in range(1, n_nodes + 1) for j in range(1, n_nodes + 1) if i != j]
    pairs = draw(st.lists(st.sampled_from(everything), min_size=1, max_size=30, unique=True))
    levels = st.sampled_from([0.0, 0.5, 1.0, 1.0, 2.0, 3.25, 7.0])  # zeros and ties on purpose
    rounds = draw(st.lists(st.lists(levels, min_size=len(pairs), max_size=len(pairs)), min_size=1, max_size=5))
    return road_of(pairs, n_nodes, draw(st.integers(1, n_nodes))), rounds, draw(st.integers(0, n_nodes - 1))


@settings(max_examples=300, deadline=None)
@given(instances())
def test_distances_are_those_of_scipy_after_every_change_of_the_costs(instance):
    road, rounds, origin = instance
    star = forward_star(road)
    trees, work = no_trees(1, star), workspace(star)
    for costs in rounds:  # the tree of one round is where the next one starts
        cost = np.array(costs)
        distance, into = grown(star, cost, origin, trees, work)
        assert distance == pytest.approx(by_scipy(star, cost, origin))
        assert path_costs(star, cost, origin, into) == pytest.approx(distance)


def test_remembered_trees_of_a_grid_stay_exact_under_small_and_large_changes():
    side = 12
    node = np.arange(1, side * side + 1).reshape(side, side)
    pairs = [*zip(node[:, :-1].flat, node[:, 1:].flat, strict=True), *zip(node[:-1].flat, node[1:].flat, strict=True)]
    star = forward_star(road_of([*pairs, *((j, i) for i, j in pairs)], side * side))
    random = np.random.default_rng(5)
    cost, trees, work = random.uniform(1.0, 2.0, len(star.head)), no_trees(1, star), workspace(star)
    kept = 0
    for spread in (0.0, 0.001, 0.01, 0.5, 0.001, 0.0):
        cost = cost * (1.0 + spread * random.random(len(cost)))
        before = trees.order[0].copy()
        distance, _ = grown(star, cost, 0, trees, work)
        assert distance == pytest.approx(by_scipy(star, cost, 0), rel=1e-12)
        kept += before[0] == 0 and np.array_equal(before, trees.order[0])
    assert kept >= 2, "small changes keep the remembered order"


def test_links_come_back_in_the_order_of_the_network():
    road = road_of([(3, 1), (1, 2), (2, 3), (1, 3)], 3)
    star = forward_star(road)
    assert star.to_road_order(star.tail.astype(float)).tolist() == [2.0, 0.0, 1.0, 0.0]
