import cvxpy as cp
import numpy as np
import pytest

from bestresponse.errors import DataError, SolverError
from bestresponse.player import Anchor, Signal
from networks.paths import fuel_paths
from players.traffic import Stations, Traffic, VehicleClass, station_goods
from tests.players.traffic.instances import (
    plain_levels,
    plain_path_cost,
    road_of,
    sioux_falls,
    some_flows,
    stacked_paths,
    stations_at,
)

RNG = np.random.default_rng(11)
PRICE = RNG.uniform(0.05, 0.4, 18)
ANCHOR = Anchor(np.full(18, 2e-3), RNG.uniform(-150, 150, 18))


def test_goods_are_named_by_station():
    assert station_goods((6, 8), v2g=True) == ("charging[6]", "charging[8]", "discharging[6]", "discharging[8]")
    assert sioux_falls(v2g=False).goods == tuple(f"charging[{node}]" for node in (6, 8, 11, 12, 13, 15, 16, 18, 21))


@pytest.mark.parametrize("anchor", [None, ANCHOR])
def test_no_plan_beats_the_bound_and_the_answer_is_at_it(anchor):
    player = sioux_falls()
    answer = player.best_response(Signal(PRICE, anchor=anchor))
    pull = 0.0 if anchor is None else anchor.cost(answer.trade)
    value = answer.outlay(PRICE) + pull
    assert 0.0 <= value - answer.bound <= 1e-9 * abs(value)
    for seed in range(5):
        other = player.form.use_by_resource @ (flow := some_flows(player, np.random.default_rng(seed)))
        links, visits, trade = player.form.split(other)
        cost = player.form.own_cost(flow, links, visits) + PRICE @ trade
        assert cost + (0.0 if anchor is None else anchor.cost(trade)) > answer.bound + 1.0


def test_the_bound_of_a_rough_answer_is_still_a_bound():
    exact = sioux_falls(k=4).best_response(Signal(PRICE))
    rough = sioux_falls(k=4, method="frank_wolfe", tolerance=3e-3).best_response(Signal(PRICE))
    assert rough.bound < exact.outlay(PRICE) < rough.outlay(PRICE)
    assert rough.outlay(PRICE) - rough.bound < 5e-3 * rough.outlay(PRICE)


def test_memory_does_not_change_the_answer():
    player = sioux_falls()
    first = player.best_response(Signal(PRICE))
    player.best_response(Signal(PRICE + 3.0, anchor=ANCHOR))
    warm = player.best_response(Signal(PRICE))
    assert warm.outlay(PRICE) == pytest.approx(first.outlay(PRICE), rel=1e-11)
    player.forget()
    assert player.best_response(Signal(PRICE)).outlay(PRICE) == first.outlay(PRICE)
    player.start_from(first.plan["path_flow"])
    player.best_response(Signal(PRICE))
    assert player.last.iterations == 1


@pytest.mark.parametrize("change", [1e-7, 1e-9, 1e-11])
def test_a_price_that_changes_by_little_changes_the_answer_by_what_the_slope_says(change):
    """A start that is good enough for the new price too is not the answer to it."""
    player = sioux_falls(k=4)
    direction = np.where(np.arange(18) % 2, 1.0, -1.0)
    answers = [player.best_response(Signal(PRICE + by * direction, anchor=ANCHOR)).trade for by in (0.0, change)]
    expected = player.sensitivity(Signal(PRICE, anchor=ANCHOR)) @ direction
    assert np.abs(expected).max() > 1.0
    assert (answers[1] - answers[0]) / change == pytest.approx(expected, rel=0.05, abs=0.05 * np.abs(expected).max())


@pytest.mark.parametrize("anchor", [None, ANCHOR])
def test_the_gain_of_a_plan_is_its_excess_cost(anchor):
    player = sioux_falls()
    answer = player.best_response(Signal(PRICE, anchor=anchor))
    paid = PRICE if anchor is None else PRICE + anchor.price(answer.trade)
    assert 0.0 <= player.gain(answer.plan, paid) <= 1e-9 * answer.cost
    best = player.best_response(Signal(paid + 0.05)).outlay(paid + 0.05)
    lost = answer.outlay(paid + 0.05) - best
    assert lost - 1e-9 * best <= player.gain(answer.plan, paid + 0.05)


def test_clarabel_finds_the_same_equilibrium():
    """One convex program, its matrices read off the paths here and not taken from the player."""
    player = sioux_falls(destinations=(13, 20), k=3)
    price, anchor = PRICE * 4, Anchor(np.full(18, 5e-3), RNG.uniform(-60, 60, 18))
    paths = stacked_paths(player)
    place = {pair: k for k, pair in enumerate(zip(player.road.tail.tolist(), player.road.head.tolist(), strict=True))}
    nodes, wait = player.form.stations.nodes, player.form.stations.waiting
    use, stop = np.zeros((len(place), len(paths))), np.zeros((9, len(paths)))
    trade, fixed = np.zeros((18, len(paths))), np.zeros(len(paths))
    for p, (vehicles, path) in enumerate(paths):
        for pair in zip(path.nodes, path.nodes[1:], strict=False):
            use[place[pair], p] = 1.0
        for each in path.stops:
            i = nodes.index(each.node)
            stop[i, p] = 1.0
            trade[i if each.charges else 9 + i, p] = each.energy_kwh if each.charges else -each.energy_kwh
            fixed[p] += 24.0 * each.energy_kwh / 120.0 + (0 if each.charges else vehicles.degradation * each.energy_kwh)
    road, flow = player.road, cp.Variable(len(paths), nonneg=True)
    inner, beyond = cp.Variable(9, nonneg=True), cp.Variable(9, nonneg=True)
    ratio, visits, sold = (use / road.capacity_veh_per_h[:, None]) @ flow, stop @ flow, trade @ flow
    full = road.free_flow_h * road.capacity_veh_per_h
    hours = full @ ratio + (full * road.bpr_coefficient / (road.bpr_power + 1)) @ cp.power(ratio, 5)
    queue = cp.sum(cp.power(inner, 3) / 6 + cp.square(beyond) / 2 + beyond / 2)  # ε = 1 veh, T = 1 h
    waited = wait.base_h @ visits + wait.slope_h_per_veh[0] * queue
    pull = 0.5 * cp.sum(cp.multiply(anchor.weight, cp.square(sold - anchor.target)))
    pairs = sorted({(vehicles.name, path.od) for vehicles, path in paths})
    member = np.array([[float((v.name, path.od) == pair) for v, path in paths] for pair in pairs])
    demand = np.array([12.0 if name.startswith("EV") else 20.0 for name, _ in pairs])
    program = cp.Problem(
        cp.Minimize(24.0 * (hours + waited) + fixed @ flow + price @ sold + pull),
        [member @ flow == demand, inner <= 1.0, visits - wait.capacity_veh <= inner + beyond],
    )
    program.solve(solver=cp.CLARABEL)
    answer = player.best_response(Signal(price, anchor=anchor))
    assert program.status == "optimal"
    assert answer.outlay(price) + anchor.cost(answer.trade) == pytest.approx(program.value, rel=1e-7)
    assert answer.plan["link_flow"] == pytest.approx(use @ flow.value, abs=0.02)
    assert answer.trade == pytest.approx(sold.value, abs=0.05)
    assert np.abs(answer.trade).max() > 10.0


@pytest.mark.parametrize("anchor", [None, ANCHOR])
@pytest.mark.parametrize("values_of_time", [(24.0,), (12.0, 60.0), (12.0, 24.0, 48.0)], ids=str)
def test_answers_solve_the_variational_inequality_by_plain_path_costs(values_of_time, anchor):
    player = sioux_falls(values_of_time, k=5)
    answer = player.best_response(Signal(PRICE * 3, anchor=anchor))
    paid = PRICE * 3 + (0.0 if anchor is None else anchor.price(answer.trade))
    flow = answer.plan["path_flow"]
    links, visits, _ = plain_levels(player, flow)
    named = dict(zip(player.goods, paid, strict=True))
    cost = np.array([sum(plain_path_cost(player, *each, links, visits, named)) for each in stacked_paths(player)])
    for seed in range(10):
        other = some_flows(player, np.random.default_rng(seed))
        assert cost @ (other - flow) > 1.0
    cheapest = np.minimum.reduceat(cost, player.form.first)
    assert cheapest @ player.form.demand - cost @ flow == pytest.approx(0.0, abs=1e-7)
    assert player.gain(answer.plan, paid) <= 1e-7


def test_several_values_of_time_are_declared_to_minimise_nothing():
    assert set(sioux_falls((12.0, 60.0)).conformance_exceptions) == {"envelope", "slopes down"}
    assert not sioux_falls((24.0,)).conformance_exceptions
    assert not sioux_falls((24.0, 24.0)).conformance_exceptions


def test_two_classes_of_one_value_of_time_are_one_class_split_in_two():
    one, two = sioux_falls((24.0,)), sioux_falls((24.0, 24.0))
    a, b = one.best_response(Signal(PRICE, anchor=ANCHOR)), two.best_response(Signal(PRICE, anchor=ANCHOR))
    assert a.outlay(PRICE) == pytest.approx(b.outlay(PRICE), rel=1e-9)
    assert a.trade == pytest.approx(b.trade, abs=1e-5)


def test_a_plan_outside_the_set_is_measured():
    player = sioux_falls(k=4)
    plan = dict(player.best_response(Signal(PRICE)).plan)
    assert player.violation(plan) <= 1e-11
    assert player.violation(plan | {"path_flow": plan["path_flow"] * 1.01}) == pytest.approx(0.01, rel=0.5)
    assert player.violation(plan | {"visits": plan["visits"] + 3.0}) > 0.05
    assert np.isnan(player.violation(plan | {"visits": plan["visits"] * np.nan}))
    swapped = plan["path_flow"].copy()
    swapped[:2] = swapped[:2].sum() + 5.0, -5.0
    assert player.violation(plan | {"path_flow": swapped}) >= 5.0


def test_wrong_data_is_refused_by_name():
    road = road_of([(1, 2), (2, 3), (1, 3)], [0.1] * 3, [0.15] * 3)
    paths = fuel_paths(road, [(1, 3), (2, 3)], [[(1, 2, 3), (1, 3)], [(2, 3)]])

    def vehicles(demand=(1.0, 2.0), value=20.0, chosen=paths, name="FV"):
        return VehicleClass(name, value, chosen, np.array(demand), electric=False)

    with pytest.raises(DataError, match="demand 2-3 is -2"):
        vehicles(demand=(1.0, -2.0))
    with pytest.raises(DataError, match="demand 1-3 is nan"):
        vehicles(demand=(np.nan, 2.0))
    with pytest.raises(DataError, match="2 OD pairs"):
        vehicles(demand=(1.0,))
    with pytest.raises(DataError, match="value_of_time is"):
        vehicles(value=0.0)
    with pytest.raises(DataError, match="OD pair 2-3 has no path"):
        vehicles(chosen=fuel_paths(road, [(1, 3), (2, 3)], [[(1, 3)], []]))
    with pytest.raises(DataError, match="name of its own"):
        Traffic(road, [vehicles(), vehicles()])
    with pytest.raises(DataError, match="at least one class"):
        Traffic(road, [])
    with pytest.raises(DataError, match="know stations"):
        Traffic(road, [vehicles()], stations_at((2,)))
    with pytest.raises(DataError, match="the road has 2"):
        Traffic(road_of([(1, 2), (2, 3)], [0.1] * 2, [0.15] * 2), [vehicles()])
    with pytest.raises(DataError, match="pile_kw is"):
        stations_at((2,), pile_kw=0.0)
    with pytest.raises(DataError, match="one station per node"):
        stations_at((2, 2))
    with pytest.raises(DataError, match="shape"):
        Stations((2, 3), stations_at((2,)).waiting, np.ones(2))


def test_wrong_signals_are_refused():
    player = sioux_falls(k=4)
    with pytest.raises(DataError, match="18 goods"):
        player.best_response(Signal(PRICE[1:]))
    with pytest.raises(SolverError, match=r"charging\[8\] is not finite"):
        player.best_response(Signal(np.where(np.arange(18) == 1, np.nan, PRICE)))


def test_discharging_paths_need_v2g():
    player = sioux_falls(k=4)
    with pytest.raises(DataError, match="v2g is off"):
        Traffic(player.road, player.form.classes, player.form.stations, v2g=False)


def test_a_pair_without_demand_is_left_empty():
    road = road_of([(1, 2), (2, 3), (1, 3)], [0.1] * 3, [0.15] * 3)
    paths = fuel_paths(road, [(1, 3), (2, 3)], [[(1, 2, 3), (1, 3)], [(2, 3)]])
    answer = Traffic(road, [VehicleClass("FV", 20.0, paths, np.array([0.0, 2.0]), False)]).best_response(
        Signal(np.zeros(0))
    )
    assert answer.plan["path_flow"] == pytest.approx([0.0, 0.0, 2.0])
