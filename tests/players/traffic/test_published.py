"""Published answers: Braess's paradox, Pigou's road, and Sioux Falls with its full trip table."""

import numpy as np
import pytest

from bestresponse.errors import DataError
from bestresponse.player import Signal
from networks.paths import fuel_paths
from networks.road import load_road, load_trips
from players.traffic import Traffic, VehicleClass, assign_all_routes
from players.traffic.assignment import METHODS
from tests.players.traffic.instances import road_of

NO_PRICES = Signal(np.zeros(0))
PROPORTIONAL = 1e-9  # a free-flow time that stands for 0 in a time proportional to flow


def braess(bridge: bool):
    links = {(1, 2): (PROPORTIONAL, 10), (1, 3): (50, 1), (2, 4): (50, 1), (3, 4): (PROPORTIONAL, 10)}
    links |= {(2, 3): (10, 1)} if bridge else {}
    constants, slopes = zip(*links.values(), strict=True)
    return road_of(list(links), constants, np.array(slopes) / np.array(constants))


@pytest.mark.parametrize("method", METHODS)
def test_braess_without_the_bridge(method):
    road = braess(bridge=False)
    vehicles = VehicleClass("cars", 1.0, fuel_paths(road, [(1, 4)], [[(1, 2, 4), (1, 3, 4)]]), np.array([6.0]), False)
    answer = Traffic(road, [vehicles], method=method, tolerance=1e-9).best_response(NO_PRICES)
    assert answer.plan["path_flow"] == pytest.approx([3, 3], rel=1e-6)
    assert answer.duals["demand"] == pytest.approx([83], rel=1e-7)


def test_braess_the_bridge_makes_everybody_slower():
    found = assign_all_routes(braess(bridge=True), [(1, 4)], np.array([6.0]), tolerance=1e-11)
    assert sorted(found.routes[0]) == [(1, 2, 3, 4), (1, 2, 4), (1, 3, 4)]
    assert found.response.plan["path_flow"] == pytest.approx([2, 2, 2], rel=1e-8)
    by_link = dict(zip(found.player.road.link_names, found.link_flow, strict=True))
    assert by_link == pytest.approx({"1-2": 4, "1-3": 2, "2-3": 2, "2-4": 2, "3-4": 4}, rel=1e-8)
    assert found.response.duals["demand"] == pytest.approx([92], rel=1e-9)


def test_pigou_everybody_takes_the_congestible_road():
    links = [(1, 2), (1, 3), (3, 2)]  # a constant hour, or as many hours as vehicles
    road = road_of(links, [1.0, PROPORTIONAL, 0.0], [0.0, 1 / PROPORTIONAL, 0.0])
    found = assign_all_routes(road, [(1, 2)], np.array([1.0]), tolerance=1e-8)
    assert found.link_flow == pytest.approx([0, 1, 1], abs=1e-7)
    assert found.response.duals["demand"] == pytest.approx([1.0], rel=1e-7)


def test_sioux_falls_full_table():
    trips = load_trips("sioux_falls")
    demand = np.array(list(trips.values()))
    assert demand.sum() == 360_600
    found = assign_all_routes(load_road("sioux_falls"), list(trips), demand, tolerance=1e-8)
    flow = dict(zip(found.player.road.link_names, found.link_flow, strict=True))
    assert 60 * found.beckmann_h == pytest.approx(4_231_335.28710744, rel=1e-10)
    assert 60 * found.link_flow @ found.response.duals["link"] == pytest.approx(7_480_225.34492112, rel=1e-6)
    assert flow["1-2"] == pytest.approx(4494.65764646, rel=1e-4)
    assert flow["1-3"] == pytest.approx(8119.07994805, rel=1e-4)


def test_sioux_falls_by_pairwise_steps():
    trips = load_trips("sioux_falls")
    demand = np.array(list(trips.values()))
    found = assign_all_routes(load_road("sioux_falls"), list(trips), demand, tolerance=1e-4, method="pairwise")
    assert 60 * found.beckmann_h == pytest.approx(4_231_335.28710744, rel=1e-6)


def test_zones_are_not_driven_through():
    links = [(1, 2), (2, 3), (1, 4), (4, 3)]
    slow_detour = road_of(links, [1.0, 1.0, 5.0, 5.0], [0.0] * 4)
    assert assign_all_routes(slow_detour, [(1, 3)], np.array([1.0])).routes == (((1, 2, 3),),)
    zoned = type(slow_detour)(**{**vars_of(slow_detour), "first_through_node": 4})
    assert assign_all_routes(zoned, [(1, 3)], np.array([1.0])).routes == (((1, 4, 3),),)


def test_an_unreachable_pair_is_named():
    with pytest.raises(DataError, match="from 3 to 1"):
        assign_all_routes(road_of([(1, 2), (2, 3)], [1.0, 1.0], [0.0, 0.0]), [(1, 3), (3, 1)], np.ones(2))


def vars_of(road):
    return {name: getattr(road, name) for name in road.__dataclass_fields__}
