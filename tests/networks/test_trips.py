"""Exact cheapest trips: against every trip there is, against Algorithm 1, and with nodes that none may pass."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks import leg_labels
from networks.errors import NetworkDataError
from networks.path_set import Vehicle
from networks.paths import electric_paths
from networks.road import load_road
from networks.routes import base_routes
from networks.shortest_paths import dead_ends, forward_star
from networks.trips import StopCosts, TripSearch
from tests.networks.plain import all_simple_routes, all_trips, as_links
from tests.networks.test_routes import REFERENCE_PAIRS, small_links, small_road


def plain_cost(road, link_cost, costs, stations, nodes, stops):
    """What a trip costs, added up one by one; stops are (node, charges, kWh)."""
    total = sum(link_cost[road.link_index[pair]] for pair in pairwise(nodes))
    for node, charges, kwh in stops:
        k = stations.index(node)
        fixed, rate = (costs.charge, costs.charge_per_kwh) if charges else (costs.discharge, costs.discharge_per_kwh)
        total += fixed[k] + rate[k] * kwh
    return total


def of_path(road, link_cost, costs, stations, path):
    stops = [(stop.node, stop.charges, stop.energy_kwh) for stop in path.stops]
    return plain_cost(road, link_cost, costs, stations, path.nodes, stops)


@st.composite
def stop_costs(draw, n):
    def some(*values):
        return np.array(draw(st.lists(st.sampled_from(values), min_size=n, max_size=n)), dtype=float)

    if draw(st.booleans()):  # every stop pays
        return StopCosts(some(0, 1), some(-2, -1), some(0, 1), some(-4, -3, -2))
    return StopCosts(some(0, 1, 3), some(-0.5, 0, 0.3, 1), some(0, 1), some(-1, -1, -0.2, 0.5, 2))


@st.composite
def instances(draw):
    links = draw(small_links(draw(st.integers(4, 6))))
    if draw(st.booleans()):  # a ring, so that stops are within reach
        ring = (1, 3, 4, 2, 5, 1)
        links |= {(i, j): (1, 2) for one in pairwise(ring) for i, j in (one, one[::-1])}
    stations = draw(st.lists(st.integers(1, 5), unique=True, max_size=3)) + [6] * draw(st.integers(0, 1))
    cost = draw(st.lists(st.sampled_from([0.0, 1.0, 1.0, 2.0, 5.0]), min_size=len(links), max_size=len(links)))
    vehicle = Vehicle(
        10.0, float(draw(st.integers(4, 9))), "level", draw(st.sampled_from([0.0, 0.0, 0.2, 0.4])),
        draw(st.sampled_from([0.0, 0.5, 0.5, 1.0, 2.0])),
    )  # fmt: skip
    road = small_road(links, 6, draw(st.sampled_from([1, 1, 1, 2, 3])))
    return road, tuple(stations), vehicle, np.array(cost), draw(stop_costs(len(stations))), draw(st.booleans())


@settings(max_examples=200, deadline=None, derandomize=True)
@given(instances())
def test_trips_are_the_cheapest_of_all_there_are(instance):
    road, stations, vehicle, cost, costs, v2g = instance
    links, search = as_links(road), TripSearch(road, [(1, 2)], stations, vehicle, v2g)
    found, by_routes = np.inf, np.inf
    for legs, stops in all_trips(links, 1, 2, stations, vehicle, v2g, road.first_through_node):
        nodes = legs[0] + tuple(node for leg in legs[1:] for node in leg[1:])
        price = plain_cost(road, cost, costs, stations, nodes, stops)
        found = min(found, price)
        if len(set(nodes)) == len(nodes):
            by_routes = min(by_routes, price)
    trips = search.cheapest(cost, costs)
    assert trips.cost[0] == pytest.approx(found, rel=1e-12, abs=1e-12)
    routes = [nodes for _, nodes in all_simple_routes(links, 1, 2, road.first_through_node)]
    if np.isfinite(by_routes):  # restricted to routes that are simple as a whole: Algorithm 1 with all simple routes
        paths = electric_paths(road, [(1, 2)], [routes], stations, vehicle, v2g).paths
        assert min(of_path(road, cost, costs, stations, path) for path in paths) == pytest.approx(by_routes)
    if np.isfinite(found):
        path = trips.path(0)
        assert of_path(road, cost, costs, stations, path) == pytest.approx(found, rel=1e-12, abs=1e-12)
        assert len(set(path.nodes)) < len(path.nodes) or found == pytest.approx(by_routes)
    else:
        with pytest.raises(NetworkDataError, match="OD pair 1-2: no energy-feasible trip"):
            trips.path(0)


SLOW = Vehicle(80.6, 65.3, "level", 0.2, 3.0)


def sioux_falls_costs(road, stations, discharge_per_kwh):
    n = len(stations)
    same = np.full(n, 0.4)
    return 21.5 * road.free_flow_h, StopCosts(same, np.full(n, 0.15), same, np.full(n, discharge_per_kwh))


def test_a_trip_that_no_simple_route_can_make_is_cheaper_and_passes_a_node_again():
    road, stations = load_road("sioux_falls"), (12,)
    cost, costs = sioux_falls_costs(road, stations, -3.0)
    search = TripSearch(road, [(3, 4)], stations, SLOW)
    path = search.cheapest(cost, costs).path(0)
    assert path.nodes == (3, 12, 3, 4)  # there, discharge, and back
    assert [(stop.node, stop.charges) for stop in path.stops] == [(12, False)]
    routes = [nodes for _, nodes in all_simple_routes(as_links(road), 3, 4)]
    by_routes = electric_paths(road, [(3, 4)], [routes], stations, SLOW, True).paths
    best = min(of_path(road, cost, costs, stations, each) for each in by_routes)
    assert of_path(road, cost, costs, stations, path) < best - 1.0


@pytest.mark.parametrize(
    "discharge_per_kwh", [-0.4, -0.1, 0.05, 0.3]
)  # the last two: links that cost less than nothing
@pytest.mark.parametrize("v2g", [True, False])
def test_on_sioux_falls_no_route_of_algorithm_1_is_cheaper(discharge_per_kwh, v2g):
    road, stations = load_road("sioux_falls"), (6, 8, 11, 12, 13, 15, 16, 18, 21)
    vehicle = Vehicle(40.0, 20.0, "level", 0.2, 1.5)
    cost, costs = sioux_falls_costs(road, stations, discharge_per_kwh)
    trips = TripSearch(road, REFERENCE_PAIRS, stations, vehicle, v2g).cheapest(cost, costs)
    paths = electric_paths(road, REFERENCE_PAIRS, base_routes(road, REFERENCE_PAIRS, 30), stations, vehicle, v2g)
    price = np.array([of_path(road, cost, costs, stations, path) for path in paths.paths])
    best = np.minimum.reduceat(price, paths.first_path[:-1])
    for od in range(len(REFERENCE_PAIRS)):
        path = trips.path(od)
        assert trips.cost[od] == pytest.approx(of_path(road, cost, costs, stations, path))
        assert trips.cost[od] <= best[od] + 1e-9
        assert len(set(path.nodes)) < len(path.nodes) or trips.cost[od] >= best[od] - 1e-9


def test_vehicles_without_a_battery_take_the_fastest_route():
    road = load_road("sioux_falls")
    trips = TripSearch(road, REFERENCE_PAIRS).cheapest(road.free_flow_h)
    fastest = [routes[0] for routes in base_routes(road, REFERENCE_PAIRS, 1)]
    for od, route in enumerate(fastest):
        hours = sum(road.free_flow_h[road.link_index[pair]] for pair in pairwise(route))
        assert trips.cost[od] == pytest.approx(hours)
        assert not trips.path(od).stops


def test_dead_ends_are_the_nodes_with_one_neighbour():
    road = small_road(
        {(1, 2): (1, 1), (2, 1): (1, 1), (2, 3): (1, 1), (3, 4): (1, 1), (4, 2): (1, 1), (4, 5): (1, 1)}, 6
    )
    assert dead_ends(forward_star(road)).tolist() == [True, False, False, False, True, True]


@pytest.mark.parametrize(("changed", "message"), [
    ({"stations": (99,)}, "station 1: .* has no node 99"),
    ({"od_pairs": [(1, 1)]}, "OD pair 1-1: allowed are two nodes"),
    ({"vehicle": Vehicle(40.0, 20.0, "need", 0.2, 1.5)}, "post_discharge is 'need'"),
])  # fmt: skip
def test_bad_searches_are_refused(changed, message):
    given = {"road": load_road("sioux_falls"), "od_pairs": [(1, 2)], "vehicle": SLOW}
    with pytest.raises(NetworkDataError, match=message):
        TripSearch(**(given | changed))


def test_prices_at_which_it_pays_to_drive_in_circles_are_refused_where_they_make_too_many_ways(monkeypatch):
    monkeypatch.setattr(leg_labels, "MOST_LABELS", 500)
    road, stations = load_road("sioux_falls"), (6, 8, 11, 12)
    cost, costs = sioux_falls_costs(road, stations, 2.0)
    with pytest.raises(NetworkDataError, match="more than 500 ways to look at"):
        TripSearch(road, REFERENCE_PAIRS, stations, Vehicle(80.0, 20.0, "level", 0.1, 0.5)).cheapest(cost, costs)
