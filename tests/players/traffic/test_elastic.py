"""Elastic demand: as many trips are made as are worth their cost."""

import numpy as np
import pytest

from bestresponse.errors import DataError
from bestresponse.player import Signal
from networks.paths import fuel_paths
from players.traffic import ElasticTraffic, InverseDemand, VehicleClass, empty_road_cost
from tests.players.traffic.instances import road_of, sioux_falls

PRICE = np.random.default_rng(11).uniform(0.05, 0.4, 18)
NO_PRICES = Signal(np.zeros(0))


def on_one_road(value_of_time: float, inverse: InverseDemand) -> ElasticTraffic:
    road = road_of([(1, 2)], [1.0], [0.1])  # 1 + v / 10 hours
    cars = VehicleClass("cars", value_of_time, fuel_paths(road, [(1, 2)], [[(1, 2)]]), np.array([10.0]), electric=False)
    return ElasticTraffic(road, [cars], [inverse])


@pytest.mark.parametrize("value_of_time", [1.0, 20.0])
def test_one_road_by_hand(value_of_time):
    """Worth 6 − 0.3 d and cost 1 + 0.1 d, times the value of time, meet at d = 12.5; the most trips are 20."""
    player = on_one_road(value_of_time, InverseDemand(1.0, np.array([3.0 * value_of_time])))
    answer = player.best_response(NO_PRICES)
    report = player.report(answer, np.zeros(0))
    assert report.trips_made["cars"] == pytest.approx([12.5], rel=1e-5)
    assert report.link_flow == pytest.approx([12.5], rel=1e-5)
    assert report.od_cost_usd["cars"] == pytest.approx([2.25 * value_of_time], rel=1e-6)
    assert report.travel_cost_usd_per_h == pytest.approx(12.5 * 2.25 * value_of_time, rel=1e-5)
    assert report.forgone_usd_per_h == pytest.approx(7.5 * 2.25 / 2 * value_of_time, rel=1e-4)
    assert [(path.route, path.flow_veh_per_h) for path in report.used_paths] == [((1, 2), pytest.approx(12.5))]


def elastic_sioux_falls(elasticity: float, values_of_time=(24.0,)) -> tuple[ElasticTraffic, list[InverseDemand]]:
    fixed = sioux_falls(values_of_time)
    classes, stations = fixed.form.classes, fixed.form.stations
    inverse = [InverseDemand(elasticity, empty_road_cost(fixed.road, each)) for each in classes]
    return ElasticTraffic(fixed.road, classes, inverse, stations), inverse


@pytest.mark.parametrize("values_of_time", [(24.0,), (12.0, 60.0)])
def test_the_last_trip_of_every_pair_is_worth_its_cost(values_of_time):
    player, inverse = elastic_sioux_falls(0.7, values_of_time)
    report = player.report(player.best_response(Signal(PRICE)), PRICE)
    stated = sioux_falls(values_of_time).form.classes
    shares = []
    for each, curve in zip(stated, inverse, strict=True):
        share = report.trips_made[each.name] / each.demand
        worth = curve.reference * (1 + (1 - share) / 0.7)
        inside = (share > 1e-6) & (share < 1.7 * (1 - 1e-5))
        assert worth[inside] == pytest.approx(report.od_cost_usd[each.name][inside], rel=1e-6)
        assert (report.od_cost_usd[each.name] >= worth - 1e-4)[share <= 1e-6].all()
        shares.append(share[inside])
    assert np.ptp(np.concatenate(shares)) > 0.1 and len(np.concatenate(shares)) > 30


def test_with_hardly_any_elasticity_demand_is_fixed():
    player, _ = elastic_sioux_falls(1e-4)
    fixed = sioux_falls()
    flows = [each.report(each.best_response(Signal(PRICE)), PRICE).link_flow for each in (player, fixed)]
    assert flows[0] == pytest.approx(flows[1], abs=0.05)


def test_what_gives_no_demand_curve_is_refused():
    with pytest.raises(DataError, match=r"elasticity is 0\.0; it must be positive"):
        InverseDemand(0.0, np.ones(2))
    with pytest.raises(DataError, match=r"reference cost of OD pair 1 is -1\.0"):
        InverseDemand(0.5, np.array([1.0, -1.0]))
    with pytest.raises(DataError, match=r"class 'cars': reference costs have shape \(2,\)"):
        on_one_road(1.0, InverseDemand(0.5, np.ones(2)))
