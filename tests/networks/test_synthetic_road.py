"""Roads drawn from a seed: everybody gets everywhere, as many streets as a real town, any size."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks.errors import NetworkDataError
from networks.road import load_road
from networks.synthetic_road import synthetic_road

FIELDS = ("tail", "head", "length_km", "free_flow_h", "capacity_veh_per_h", "xy")


@settings(max_examples=20, deadline=None)
@given(n_nodes=st.integers(4, 300), seed=st.integers(0, 1000))
def test_everybody_gets_everywhere_on_streets_both_ways(n_nodes, seed):
    road = synthetic_road(n_nodes, seed)
    links = list(zip(road.tail.tolist(), road.head.tolist(), strict=True))
    graph = nx.DiGraph(links)
    assert road.n_nodes == graph.number_of_nodes() == n_nodes
    assert nx.is_strongly_connected(graph) and all((j, i) in graph.edges for i, j in links)
    straight = [np.hypot(*(road.xy[i - 1] - road.xy[j - 1])) for i, j in links]
    assert np.all(road.length_km >= np.array(straight) * (1 - 1e-12))
    assert np.all(road.length_km <= np.array(straight) * 1.2 * (1 + 1e-12))
    speed = road.length_km / road.free_flow_h
    assert 45.0 - 1e-9 <= speed.min() and speed.max() <= 71.5 + 1e-9


def test_the_reference_s_size_gives_something_like_the_reference():
    model, road = load_road("sioux_falls"), synthetic_road(24, 3)
    assert road.n_links == model.n_links
    assert road.length_km.mean() == pytest.approx(model.length_km.mean(), rel=0.15)
    assert len(np.unique(road.capacity_veh_per_h > 15_000)) == len(np.unique(model.capacity_veh_per_h > 15_000)) == 2


def test_a_larger_one_is_finer_not_longer():
    small, large = synthetic_road(25, 1), synthetic_road(400, 1)
    assert np.ptp(large.xy, axis=0) == pytest.approx([20.0, 20.0], rel=0.1)
    assert large.length_km.mean() == pytest.approx(small.length_km.mean() / 4, rel=0.15)
    assert large.n_links / large.n_nodes == pytest.approx(small.n_links / small.n_nodes, rel=0.05)


def test_equal_arguments_give_equal_roads_and_another_seed_another():
    first, again, other = (synthetic_road(40, seed) for seed in (7, 7, 8))
    assert all(np.array_equal(getattr(first, name), getattr(again, name)) for name in FIELDS)
    assert not np.array_equal(first.length_km, other.length_km)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_nodes": 3}, "n_nodes is 3; allowed: whole numbers from 4"),
        ({"extent_km": 0.0}, "extent_km is 0.0; allowed: positive"),
        ({"extent_km": float("nan")}, "extent_km is nan"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(NetworkDataError, match=message):
        synthetic_road(**({"n_nodes": 20, "seed": 1} | arguments))
