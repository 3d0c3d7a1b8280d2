from itertools import islice, pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks.errors import NetworkDataError
from networks.paths import base_routes
from networks.road import RoadNetwork, load_road
from tests.networks.plain import all_simple_routes, as_links, k_fastest_with_ties

REFERENCE_PAIRS = tuple((o, d) for o in (1, 2, 3) for d in (13, 18, 20, 21, 22, 24))


def small_road(links, n_nodes, first_through_node=1):
    """`links`: (i, j) -> (minutes, km)."""
    ones = np.ones(len(links))
    return RoadNetwork(
        name="small",
        nodes=np.arange(1, n_nodes + 1),
        tail=np.array([i for i, _ in links]),
        head=np.array([j for _, j in links]),
        length_km=np.array([float(km) for _, km in links.values()]),
        free_flow_h=np.array([minutes / 60.0 for minutes, _ in links.values()]),
        capacity_veh_per_h=100.0 * ones,
        bpr_coefficient=0.15 * ones,
        bpr_power=4.0 * ones,
        first_through_node=first_through_node,
    )


@st.composite
def small_links(draw, n_nodes=6):
    ends = [(i, j) for i in range(1, n_nodes + 1) for j in range(1, n_nodes + 1) if i != j]
    chosen = draw(st.lists(st.sampled_from(ends), min_size=6, max_size=18, unique=True))
    minutes = st.integers(0, 4)  # few values, so that ties and zero times are common
    return {pair: (draw(minutes), draw(st.integers(0, 6))) for pair in chosen}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(small_links(), st.integers(1, 8), st.integers(1, 4))
def test_routes_are_those_of_a_full_enumeration(links, k, first_through):
    road = small_road(links, 6, first_through)
    everything = all_simple_routes(as_links(road), 1, 6, first_through)
    if not everything:
        with pytest.raises(NetworkDataError, match="OD pair 1-6: no route"):
            base_routes(road, [(1, 6)], k)
        return
    (routes,) = base_routes(road, [(1, 6)], k)
    assert len(set(routes)) == len(routes)
    assert set(routes) == k_fastest_with_ties(everything, k)
    time = {nodes: t for t, nodes in everything}
    times = [time[nodes] for nodes in routes]
    assert all(later >= earlier * (1 - 1e-12) for earlier, later in pairwise(times))


def test_reference_routes_are_networkx_routes_with_all_ties():
    road = load_road("sioux_falls")
    routes = base_routes(road, REFERENCE_PAIRS, 10)
    assert sum(map(len, routes)) == 213
    assert sum(len(found) > 10 for found in routes) == 15
    graph = nx.DiGraph()
    minutes = dict(zip(road.link_index, np.rint(60.0 * road.free_flow_h).astype(int).tolist(), strict=True))
    graph.add_weighted_edges_from((i, j, t) for (i, j), t in minutes.items())
    for pair, found in zip(REFERENCE_PAIRS, routes, strict=True):
        ordered = islice(nx.shortest_simple_paths(graph, *pair, weight="weight"), len(found) + 1)
        times = [nx.path_weight(graph, nodes, "weight") for nodes in ordered]
        own = [sum(minutes[ends] for ends in pairwise(nodes)) for nodes in found]
        assert own == times[:-1]
        assert len(set(found)) == len(found)
        assert times[-2] == times[9] < times[-1]  # the last one ties with the tenth, the next is slower


def test_a_longer_search_finds_every_route_of_the_network():
    road = load_road("teaching")
    (routes,) = base_routes(road, [(1, 5)], 1000)
    assert routes == ((1, 2, 5), (1, 3, 5), (1, 3, 2, 5), (1, 4, 5), (1, 2, 3, 5))


@pytest.mark.parametrize(
    ("pair", "k", "message"),
    [
        ((1, 99), 3, "OD pair 1-99: road network 'teaching' has no node 99"),
        ((2, 2), 3, "OD pair 2-2: origin and destination are the same node"),
        ((1, 5), 0, "number of base routes is 0"),
    ],
)
def test_bad_requests_are_named(pair, k, message):
    with pytest.raises(NetworkDataError, match=message):
        base_routes(load_road("teaching"), [pair], k)
