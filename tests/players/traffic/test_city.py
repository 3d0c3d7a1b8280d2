"""A city of many OD pairs: most have one route, and drivers with a choice are few. Newton's method must notice."""

import tracemalloc

import numpy as np
import pytest

from bestresponse.player import Anchor, Signal
from networks.path_set import Vehicle
from networks.synthetic_road import synthetic_road
from networks.trips import StopCosts, TripSearch
from players.traffic import Traffic, VehicleClass, newton
from players.traffic.assignment import assign
from tests.players.traffic.instances import stations_at

CAR = Vehicle(40.0, 20.0, "level", 0.2, 1.3)
ZONES = 40
STATIONS = (23, 28, 56, 73, 78)
PRICE = np.full(2 * len(STATIONS), 0.15)
ANCHOR = Anchor(np.full(2 * len(STATIONS), 1e-3), np.zeros(2 * len(STATIONS)))


@pytest.fixture(scope="module")
def city():
    """Every zone to every other, electric and fuel vehicles on a road of a hundred junctions."""
    road, rng = synthetic_road(100, 0), np.random.default_rng(0)
    zones = rng.choice(road.nodes, ZONES, replace=False).tolist()
    pairs = [(a, b) for a in zones for b in zones if a != b]
    demand = rng.uniform(50.0, 250.0, len(pairs))
    electric, fuel = TripSearch(road, pairs, STATIONS, CAR), TripSearch(road, pairs, STATIONS)
    hours = np.full(len(STATIONS), 0.01)
    first = electric.path_set(electric.cheapest(road.free_flow_h, StopCosts(hours, hours, hours, hours)))
    classes = [
        VehicleClass("EV", 24.0, first, 0.05 * demand, degradation=0.05),
        VehicleClass("FV", 18.0, fuel.path_set(fuel.cheapest(road.free_flow_h)), demand, electric=False),
    ]
    player = Traffic(road, classes, stations_at(STATIONS), searches=[electric, fuel])
    player.best_response(Signal(PRICE, anchor=ANCHOR))
    return player


def test_a_newton_step_of_a_city_is_exact_and_small(city, monkeypatch):
    """Only OD pairs with a choice take part, so that no matrix of all used paths is needed."""
    signal = Signal(1.2 * PRICE, anchor=ANCHOR)
    problem = city._problem(signal)
    rough = assign(problem, city._start(signal), tolerance=1e-7, method="pairwise").state
    used = np.count_nonzero(rough.flow)
    monkeypatch.setattr(newton, "pairwise_sweep", lambda _, state: state)  # no help for Newton
    tracemalloc.start()
    try:
        better = newton.newton(problem, rough)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(rough.minimum) == 2 * ZONES * (ZONES - 1) and used > len(rough.minimum)
    assert 1e-12 < rough.gap <= 1e-7
    assert better.gap <= 1e-4 * rough.gap
    assert peak < 8 * used**2  # [bytes] of one dense matrix of them


def test_its_energies_do_not_depend_on_the_way_to_them(city):
    signal = Signal(0.8 * PRICE, anchor=ANCHOR)
    near = city.best_response(signal)
    city.forget()
    cold = city.best_response(signal)
    assert np.count_nonzero(near.trade > 100.0) == len(STATIONS)
    assert cold.trade == pytest.approx(near.trade, abs=1e-4)
    assert city.last.state.gap <= 1e-12


def test_where_too_many_have_a_choice_the_step_is_that_of_those_who_trade(city, monkeypatch):
    """After a change of prices they are the ones who move."""
    signal = Signal(1.2 * PRICE, anchor=ANCHOR)
    problem = city._problem(signal)
    before = problem.state(city._start(signal))
    everybody, traders = (newton.WorkingSet.of(problem, before, traders=only) for only in (False, True))
    assert 0 < traders.size < everybody.size
    monkeypatch.setattr(newton, "pairwise_sweep", lambda _, state: state)
    monkeypatch.setattr(newton, "LARGEST_SYSTEM", traders.size)
    monkeypatch.setattr(newton, "SMALL_SYSTEM", 0)
    after = newton.newton(problem, before)
    assert after.gap < 0.2 * before.gap
    assert set(np.flatnonzero(after.flow != before.flow)) <= set(traders.paths)
