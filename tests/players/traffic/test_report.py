"""Reported measures against sums over paths in plain Python."""

import numpy as np
import pytest

from bestresponse.player import Signal
from players.traffic import traffic_report
from tests.players.traffic.instances import plain_levels, plain_path_cost, sioux_falls, some_flows, stacked_paths

PRICE = np.random.default_rng(8).uniform(0.05, 1.2, 18)


@pytest.mark.parametrize("values_of_time", [(24.0,), (12.0, 60.0)], ids=str)
def test_every_measure_is_the_plain_sum_over_paths(values_of_time):
    player = sioux_falls(values_of_time, k=5)
    flow = some_flows(player, np.random.default_rng(4))
    report = traffic_report(player.form, flow, PRICE)
    links, visits, trades = plain_levels(player, flow)
    price = dict(zip(player.goods, PRICE, strict=True))
    electric = stopped = discharged = time = station_h = wear = excess = paid = 0.0
    cheapest: dict[tuple[str, int], float] = {}
    parts = []
    for vehicles, path in stacked_paths(player):
        parts.append(plain_path_cost(player, vehicles, path, links, visits, price))
        key = (vehicles.name, path.od)
        cheapest[key] = min(cheapest.get(key, np.inf), sum(parts[-1]))
    for f, (vehicles, path), (road, station, energy) in zip(flow.tolist(), stacked_paths(player), parts, strict=True):
        time += f * (road + station)
        excess += f * (road + station + energy - cheapest[vehicles.name, path.od])
        paid += f * abs(road + station + energy)
        if vehicles.electric:
            electric += f
            stopped += f if path.stops else 0.0
            discharged += f if any(not stop.charges for stop in path.stops) else 0.0
            station_h += f * station / vehicles.value_of_time
            wear += f * 0.05 * sum(stop.energy_kwh for stop in path.stops if not stop.charges)
    assert report.wardrop_gap == pytest.approx(excess / paid, rel=1e-9)
    assert report.stop_share == pytest.approx(stopped / electric, rel=1e-12)
    assert report.discharge_share == pytest.approx(discharged / electric, rel=1e-12)
    assert report.station_time_h_per_h == pytest.approx(station_h, rel=1e-10)
    assert report.travel_cost_usd_per_h == pytest.approx(time, rel=1e-10)
    assert report.degradation_usd_per_h == pytest.approx(wear, rel=1e-10)
    assert report.charged_kw.sum() == pytest.approx(sum(v for good, v in trades.items() if v > 0), rel=1e-12)
    assert -report.discharged_kw == pytest.approx([trades[good] for good in player.goods[9:]], rel=1e-12)
    for vehicles in player.form.classes:
        expected = [cheapest[vehicles.name, od] for od in range(18)]
        assert report.od_cost_usd[vehicles.name] == pytest.approx(expected, rel=1e-10)


def test_used_paths_carry_their_flow_and_the_split_of_their_cost():
    player = sioux_falls()
    answer = player.best_response(Signal(PRICE))
    report = traffic_report(player.form, answer.plan["path_flow"], PRICE)
    assert report.wardrop_gap <= 1e-12
    assert sum(path.flow_veh_per_h for path in report.used_paths) == pytest.approx(18 * 32.0, rel=1e-6)
    for path in report.used_paths:
        od = player.form.classes[0].paths.od_pairs.index(path.od)
        total = path.time_usd + path.station_usd + path.energy_usd
        if path.flow_veh_per_h > 1e-3:
            assert total == pytest.approx(report.od_cost_usd[path.vehicles][od], rel=1e-8)
        assert (path.route[0], path.route[-1]) == path.od
        assert bool(path.stops) == (path.station_usd > 0)


def test_an_od_pair_discharges_above_one_percent_of_its_demand():
    player = sioux_falls((12.0, 60.0), k=5)
    form, flow = player.form, np.zeros(player.form.n_paths)
    flow[form.first] = form.demand
    assert not traffic_report(form, flow, PRICE).discharging_od_pairs
    gives = form.trades.min(axis=1).toarray().ravel() < 0
    for group, moved in ((0, 0.10), (18, 0.10), (1, 0.10), (2, 0.04), (3, 0.13)):  # group 18 is pair 0 of class 2
        path = np.flatnonzero(gives & (form.group == group))[0]
        flow[path] += moved
        flow[form.first[group]] -= moved
    assert traffic_report(form, flow, PRICE).discharging_od_pairs == 2  # pairs 0 (0.10 + 0.10) and 3 of 12 veh/h each
