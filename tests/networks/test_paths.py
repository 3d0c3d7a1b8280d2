import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks.errors import NetworkDataError
from networks.expanded import ExpandedNode, expand, walk_of
from networks.paths import Vehicle, base_routes, electric_paths, fuel_paths
from networks.road import load_road
from tests.networks.plain import all_simple_routes, as_links, feasible_trips
from tests.networks.test_routes import REFERENCE_PAIRS, small_links, small_road

STATIONS = (6, 8, 11, 12, 13, 15, 16, 18, 21)
LEVEL = Vehicle(40.0, 20.0, "level", 0.2, 1.5)
NEED = Vehicle(40.0, 20.0, "need", 0.2, 1.5)


@pytest.fixture(scope="module")
def road():
    return load_road("sioux_falls")


@pytest.fixture(scope="module")
def routes(road):
    return base_routes(road, REFERENCE_PAIRS, 10)


def test_reference_counts(road, routes):
    assert electric_paths(road, REFERENCE_PAIRS, routes, STATIONS, LEVEL, True).n_paths == 1498
    assert electric_paths(road, REFERENCE_PAIRS, routes, STATIONS, LEVEL, False).n_paths == 1018
    assert fuel_paths(road, REFERENCE_PAIRS, routes).n_paths == 213


def assert_same_trips(path_set, trips_by_od):
    found = {}
    for path in path_set.paths:
        key = (path.od, path.nodes, tuple((stop.node, stop.charges) for stop in path.stops))
        assert key not in found
        found[key] = [stop.energy_kwh for stop in path.stops]
    expected = {(od, *key): q for od, trips in enumerate(trips_by_od) for key, q in trips.items()}
    assert found.keys() == expected.keys()
    for key, energies in expected.items():
        assert found[key] == pytest.approx(energies, abs=1e-9)


@pytest.mark.parametrize("vehicle", [LEVEL, NEED], ids=["level", "need"])
@pytest.mark.parametrize("v2g", [True, False])
def test_reference_paths_are_those_of_a_plain_simulation(road, routes, vehicle, v2g):
    paths = electric_paths(road, REFERENCE_PAIRS, routes, STATIONS, vehicle, v2g)
    links = as_links(road)
    assert_same_trips(paths, [feasible_trips(links, of_pair, STATIONS, vehicle, v2g) for of_pair in routes])


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    small_links(),
    st.lists(st.integers(1, 6), unique=True),
    st.sampled_from([0.1, 0.2, 0.3]),
    st.sampled_from(["level", "need"]),
    st.integers(3, 9),
    st.sampled_from([0.5, 1.0, 2.0]),  # with whole km, arrivals at exactly the reserve or the level are common
    st.booleans(),
)
def test_paths_are_those_of_a_plain_simulation(links, stations, reserve, policy, level, consumption, v2g):
    road = small_road(links, 6)
    routes = tuple(nodes for _, nodes in all_simple_routes(as_links(road), 1, 6))
    vehicle = Vehicle(10.0, float(level), policy, reserve, consumption)
    expected = feasible_trips(as_links(road), routes, stations, vehicle, v2g)
    if expected:
        assert_same_trips(electric_paths(road, [(1, 6)], [routes], stations, vehicle, v2g), [expected])
    elif routes:
        with pytest.raises(NetworkDataError, match="OD pair 1-6: no energy-feasible path"):
            electric_paths(road, [(1, 6)], [routes], stations, vehicle, v2g)


def test_matrices_say_what_the_paths_say(road, routes):
    paths = electric_paths(road, REFERENCE_PAIRS, routes, STATIONS, LEVEL, True)
    n = paths.n_paths
    links, visits, charged, discharged = np.zeros((n, 76)), np.zeros((n, 9)), np.zeros((n, 9)), np.zeros((n, 9))
    for p, path in enumerate(paths.paths):
        for i, j in zip(path.nodes, path.nodes[1:], strict=False):
            links[p, np.flatnonzero((road.tail == i) & (road.head == j))[0]] += 1.0
        for stop in path.stops:
            visits[p, STATIONS.index(stop.node)] += 1.0
            (charged if stop.charges else discharged)[p, STATIONS.index(stop.node)] += stop.energy_kwh
        assert (path.nodes[0], path.nodes[-1]) == REFERENCE_PAIRS[path.od]
    assert np.array_equal(paths.links.toarray(), links)
    assert np.array_equal(paths.visits.toarray(), visits)
    assert np.array_equal(paths.charged.toarray(), charged)
    assert np.array_equal(paths.discharged.toarray(), discharged)


def test_matrices_share_no_memory_that_sorting_one_could_spoil(road, routes):
    paths = electric_paths(road, REFERENCE_PAIRS, routes, STATIONS, LEVEL, True)
    arrays = [
        array
        for matrix in (paths.links, paths.visits, paths.charged, paths.discharged)
        for array in (matrix.indices, matrix.indptr, matrix.data)
    ]
    for k, array in enumerate(arrays):
        assert not any(np.shares_memory(array, other) for other in arrays[:k])


def test_paths_of_an_od_pair_stand_together(road, routes):
    paths = electric_paths(road, REFERENCE_PAIRS, routes, STATIONS, LEVEL, True)
    assert np.all(np.diff(paths.od) >= 0)
    for od in range(len(REFERENCE_PAIRS)):
        own = slice(paths.first_path[od], paths.first_path[od + 1])
        assert {path.od for path in paths.paths[own]} == {od}
    assert paths.first_path[-1] == paths.n_paths


def test_fuel_paths_are_the_routes_and_never_stop(road, routes):
    paths = fuel_paths(road, REFERENCE_PAIRS, routes, STATIONS)
    assert [path.nodes for path in paths.paths] == [nodes for of_pair in routes for nodes in of_pair]
    assert {path.pattern for path in paths.paths} == {"0"}
    assert paths.visits.shape == paths.charged.shape == paths.discharged.shape == (213, 9)
    assert paths.visits.nnz == paths.charged.nnz == paths.discharged.nnz == 0


@pytest.mark.parametrize("vehicle", [LEVEL, NEED], ids=["level", "need"])
def test_every_path_is_a_walk_in_the_expanded_network_of_its_length_and_energy(road, routes, vehicle):
    network = expand(road, STATIONS)
    paths = electric_paths(road, REFERENCE_PAIRS, routes, STATIONS, vehicle, True)
    for path in paths.paths:
        arcs = network.arcs(walk_of(path))
        on_road = network.road_link[arcs][network.road_link[arcs] >= 0]
        assert tuple(on_road.tolist()) == path.links  # arcs that leave a stop are their road link
        assert network.length_km[arcs].sum() == pytest.approx(road.length_km[list(path.links)].sum(), abs=1e-9)
        assert network.free_flow_h[arcs].sum() == pytest.approx(road.free_flow_h[list(path.links)].sum(), abs=1e-12)
        assert len(arcs) == len(path.links) + len(path.stops)
        traded = sum(stop.energy_kwh * (1 if stop.charges else -1) for stop in path.stops)
        used = vehicle.consumption_kwh_per_km * network.length_km[arcs].sum()
        assert vehicle.battery_kwh + traded - used >= vehicle.reserve_kwh - 1e-9


def test_expanded_network_of_a_station_has_the_arcs_of_figure_1():
    road = load_road("teaching")
    network = expand(road, (3,))
    assert len(network.nodes) == 5 + 2
    assert network.n_arcs == road.n_links + 2 + 2 * 3  # node 3 has three links out
    at_3, charging, driving_on = ExpandedNode(3), ExpandedNode(3, "+"), ExpandedNode(5)
    detour, drive = network.arcs((at_3, charging, driving_on))
    assert network.road_link[detour] == -1
    assert network.length_km[detour] == network.free_flow_h[detour] == 0.0
    assert network.road_link[drive] == road.link_index[3, 5]
    assert network.length_km[drive] == 14.0
    with pytest.raises(NetworkDataError, match="no arc 3\\+→3-"):
        network.arcs((charging, ExpandedNode(3, "-")))
    with pytest.raises(NetworkDataError, match="station at node 9"):
        expand(road, (9,))


def test_patterns_of_table_1_on_the_teaching_road():
    road = load_road("teaching")
    vehicle = Vehicle(40.0, 20.0, "level", 0.2, 1.0)
    paths = electric_paths(road, [(1, 5)], base_routes(road, [(1, 5)], 10), (2, 3), vehicle, True)
    assert {path.pattern for path in paths.paths} == {"0", "1-1", "1-2", "2", "3", "4"}
    charge_then_sell = next(path for path in paths.paths if path.pattern == "3" and path.nodes == (1, 3, 2, 5))
    assert [stop.energy_kwh for stop in charge_then_sell.stops] == pytest.approx([10.0, 15.0])  # 10 km, then 5 km of 40


def test_an_od_pair_out_of_range_is_named_with_what_it_lacks(road):
    pair = [(1, 20)]
    short = Vehicle(20.0, 10.0, "level", 0.2, 1.5)
    with pytest.raises(NetworkDataError, match=r"OD pair 1-20: .* gives 16 kWh .* stations on it: none") as error:
        electric_paths(road, pair, base_routes(road, pair, 3), (), short, True)
    assert "a leg of 33 kWh" in str(error.value)  # the shortest way from 1 to 20 is 22 km


def test_a_stop_without_energy_to_trade_is_none():
    road = load_road("teaching")
    reaches_3_at_the_level = Vehicle(40.0, 30.0, "level", 0.2, 1.0)
    paths = electric_paths(road, [(1, 5)], [[(1, 3, 5)]], (3,), reaches_3_at_the_level, True)
    assert [path.pattern for path in paths.paths] == ["0", "1-1"]
    without_driving = Vehicle(40.0, 40.0 - 1e-6, "level", 0.2, 0.0)
    paths = electric_paths(road, [(1, 5)], [[(1, 3, 5)]], (3,), without_driving, True)
    assert [path.pattern for path in paths.paths] == ["0", "2"]


def test_a_station_at_an_end_is_no_stop():
    road = load_road("teaching")
    vehicle = Vehicle(40.0, 20.0, "level", 0.2, 1.0)
    paths = electric_paths(road, [(1, 5)], base_routes(road, [(1, 5)], 10), (1, 5), vehicle, True)
    assert {path.pattern for path in paths.paths} == {"0"}


@pytest.mark.parametrize(
    ("stations", "message"), [((2, 99), "station 2: .* has no node 99"), ((2, 3, 2), "station 3: .* at node 2 already")]
)
def test_bad_stations_are_named(stations, message):
    road = load_road("teaching")
    with pytest.raises(NetworkDataError, match=message):
        electric_paths(road, [(1, 5)], base_routes(road, [(1, 5)], 10), stations, LEVEL, True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"battery_kwh": float("nan")}, "battery_kwh is nan"),
        ({"battery_kwh": 0.0}, "battery_kwh is 0"),
        ({"post_discharge_kwh": 7.9}, "post_discharge_kwh is 7.9; allowed: at least .* = 8"),
        ({"post_discharge_kwh": 40.0}, "post_discharge_kwh is 40"),
        ({"range_anxiety": 1.0}, "range_anxiety is 1"),
        ({"consumption_kwh_per_km": -1.0}, "consumption_kwh_per_km is -1"),
        ({"post_discharge": "empty"}, "post_discharge is 'empty'"),
    ],
)
def test_bad_vehicles_are_refused(change, message):
    good = {"battery_kwh": 40.0, "post_discharge_kwh": 20.0, "range_anxiety": 0.2, "consumption_kwh_per_km": 1.5}
    with pytest.raises(NetworkDataError, match=message):
        Vehicle(**(good | change))
