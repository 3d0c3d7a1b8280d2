"""Another program's traffic assignment in a market: pytraf, which knows neither stations nor prices of energy.

Vehicles go from 0 to 3 over station 1 or station 2 and charge there. To the program the two stations are links on
which every vehicle pays price · energy over its value of time, as a fixed cost in hours.
"""

import numpy as np
import pytest
from scipy.optimize import brentq

from bestresponse.conformance import check_player
from bestresponse.coordinator import coordinate
from bestresponse.market import Good, Market
from bestresponse.player import Response, Signal
from bestresponse.schemes.exchange import Exchange
from bestresponse.stopping import Tolerances
from players.traffic import Assigned, ExternalTraffic
from players.traffic.travel_time import LinkTime

pytraf = pytest.importorskip("pytraf")

GOODS = ("charging[1]", "charging[2]")
TRIPS, KWH, VALUE_OF_TIME = 100.0, 8.0, 20.0  # [veh/h], [kWh/veh], [$/h]
TAIL, HEAD = np.array([0, 0, 1, 2]), np.array([1, 2, 3, 3])
HOURS, CAPACITY = np.array([0.2, 0.3, 0.2, 0.2]), np.array([60.0, 80.0, 90.0, 90.0])
B, POWER = np.full(4, 0.15), np.full(4, 4.0)
STATION_LINKS = [2, 3]  # that leave a station
TIMES = LinkTime(HOURS, CAPACITY, B, POWER)


def assign(price):
    """User equilibrium at the prices of energy at the stations, by pytraf."""
    money = np.zeros(4)
    money[STATION_LINKS] = price * KWH / VALUE_OF_TIME
    network = pytraf.Network(4, TAIL, HEAD, HOURS, CAPACITY, B, POWER, is_centroid=np.array([True, False, False, True]))
    demand = pytraf.Demand(4, np.array([0]), np.array([3]), np.array([TRIPS]))
    found = network.assign(pytraf.TrafficClass(demand, extra_link_cost=money), gap=1e-13, max_iter=1000, threads=1)
    flow = np.asarray(found.links.by_class[0])
    return Assigned(KWH * flow[STATION_LINKS], VALUE_OF_TIME * float(TIMES.integral(flow).sum()), flow)


class Seller:
    """Sells energy at one station at marginal cost c₁ + c₂ g."""

    def __init__(self, good, c1, c2):
        self.name, self.goods, self.c1, self.c2 = f"Seller of {good}", (good,), c1, c2

    def best_response(self, signal):
        weight, target = (0.0, 0.0)
        if signal.anchor is not None:
            weight, target = signal.anchor.weight[0], signal.anchor.target[0]
        g = max(0.0, (signal.price[0] - self.c1 - weight * target) / (self.c2 + weight))
        return Response(np.array([-g]), self.c1 * g + 0.5 * self.c2 * g**2, {"g": np.array([g])})


def market():
    traffic = ExternalTraffic(assign, GOODS)
    goods = tuple(Good(name, "charging", quantity_scale=400.0) for name in GOODS)
    return Market(goods, (traffic, Seller(GOODS[0], 0.05, 4e-4), Seller(GOODS[1], 0.04, 1e-4)))


def by_hand():
    """The flow over station 1 at which both ways cost the same, energy at marginal cost included."""

    def difference(flow):
        way = np.array([flow, TRIPS - flow, flow, TRIPS - flow])
        hours = TIMES.value(way)
        price = np.array([0.05 + 4e-4 * KWH * flow, 0.04 + 1e-4 * KWH * (TRIPS - flow)])
        cost = VALUE_OF_TIME * (hours[:2] + hours[2:]) + KWH * price
        return cost[0] - cost[1]

    return brentq(difference, 0.0, TRIPS, xtol=1e-12)


def test_the_market_with_another_programs_assignment_has_the_equilibrium_found_by_hand():
    clearing = market()
    found = coordinate(clearing, np.full(2, 0.1), scheme=Exchange(), tolerances=Tolerances.of(1e-7))
    assert found.solved, str(found.stop)
    flow = by_hand()
    assert 5.0 < flow < TRIPS - 5.0
    assert found.responses["Traffic"].trade == pytest.approx(KWH * np.array([flow, TRIPS - flow]), abs=5e-3)
    assert found.price == pytest.approx([0.05 + 4e-4 * KWH * flow, 0.04 + 1e-4 * KWH * (TRIPS - flow)], abs=1e-6)
    assert found.responses["Traffic"].plan["link_flow"] == pytest.approx(
        [flow, TRIPS - flow, flow, TRIPS - flow], abs=5e-3
    )


def test_it_conforms():
    clearing = market()
    assert not check_player(clearing.players[0], clearing, np.array([0.2, 0.1]))


def test_a_higher_price_drives_vehicles_away():
    traffic = market().players[0]
    usual, dear = (traffic.best_response(Signal(np.array([price, 0.1]))).trade for price in (0.1, 0.5))
    assert dear[0] < usual[0] - 1.0 and dear.sum() == pytest.approx(TRIPS * KWH)
