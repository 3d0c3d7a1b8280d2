import numpy as np
import pytest

from bestresponse.errors import DataError, SolverError
from bestresponse.player import Anchor, Signal
from networks.paths import Vehicle, electric_paths
from players.traffic import Traffic, VehicleClass, pairwise
from players.traffic import newton as newton_method
from players.traffic.assignment import METHODS, assign, feasible_flow
from players.traffic.linearised import LinearCosts, Slope
from players.traffic.problem import Problem
from players.traffic.resources import Marginal
from tests.players.traffic.instances import road_of, sioux_falls, some_flows, stations_at

RNG = np.random.default_rng(3)
BASE = RNG.uniform(0.05, 0.4, 18)


def problem_at(player, price, weight=None):
    anchor = (
        None if weight is None else Anchor(np.broadcast_to(weight, price.shape), RNG.uniform(-300, 300, len(price)))
    )
    return Problem(player.form, Marginal(player.form, price, anchor))


@pytest.mark.parametrize("weight", [None, 1e-3])
def test_all_methods_find_the_same_link_flows_and_potential(weight):
    player = sioux_falls(k=4)
    problem = problem_at(player, BASE, weight)
    best = assign(problem)
    potential = potential_of(player, problem, best.state)
    for method, gap, close in (("pairwise", 1e-8, 1e-2), ("conjugate", 2e-4, 3.0), ("frank_wolfe", 2e-3, 6.0)):
        other = assign(problem, method=method, tolerance=gap, iteration_limit=3000)
        assert other.converged
        assert potential_of(player, problem, other.state) == pytest.approx(potential, rel=gap)
        assert potential_of(player, problem, other.state) >= potential - 1e-9
        assert other.state.levels[:76] == pytest.approx(best.state.levels[:76], abs=close)


def test_conjugate_steps_need_fewer_iterations_than_classic_ones():
    problem = problem_at(sioux_falls(k=4), BASE, 1e-3)
    needed = {m: assign(problem, method=m, tolerance=1e-3, iteration_limit=5000).iterations for m in METHODS}
    assert max(needed["newton"], needed["pairwise"]) < needed["conjugate"] < needed["frank_wolfe"]


EXTREME_PRICES = {
    "usual": BASE,
    "negative": -BASE,
    "scarcity": np.where(np.arange(18) % 4 == 0, 40.0, 0.1),
    "all equal": np.full(18, 0.2),
    "arbitrage": np.linspace(-40.0, 40.0, 18),
    "zero": np.zeros(18),
}


@pytest.mark.parametrize("prices", EXTREME_PRICES)
@pytest.mark.parametrize("weight", [None, 1e-5, 1e-3, 0.1, 10.0, np.where(np.arange(18) % 3, 0.0, 1.0)], ids=str)
@pytest.mark.parametrize("values_of_time", [(24.0,), (12.0, 60.0)], ids=str)
def test_newton_reaches_a_gap_of_1e_12_at_any_price_and_anchor(prices, weight, values_of_time):
    player = sioux_falls(values_of_time)
    found = assign(problem_at(player, EXTREME_PRICES[prices], weight), iteration_limit=100)
    assert found.state.gap <= 1e-12
    nearby = problem_at(player, EXTREME_PRICES[prices] + RNG.uniform(-1e-3, 1e-3, 18), weight)
    again = assign(nearby, found.state.flow, iteration_limit=100)
    assert again.state.gap <= 1e-12
    served = np.add.reduceat(again.state.flow, player.form.first)
    assert served == pytest.approx(player.form.demand, rel=1e-10)
    assert again.state.flow.min() >= 0.0


def test_the_start_does_not_matter():
    player = sioux_falls()
    problem = problem_at(player, BASE, 1e-3)
    starts = [None, *(some_flows(player, np.random.default_rng(seed)) for seed in range(3))]
    levels = [assign(problem, start).state.levels for start in starts]
    for other in levels[1:]:
        assert other == pytest.approx(levels[0], rel=1e-6, abs=1e-6)


def test_linear_equilibrium_one_path_at_a_time_agrees_with_block_pivoting():
    rng = np.random.default_rng(5)
    for _ in range(20):
        group = np.repeat(np.arange(4), 5)
        factor = rng.normal(size=(20, 20))
        demand = rng.uniform(1, 5, 4)
        share = rng.exponential(size=20) * (rng.random(20) < 0.6) + np.tile([1e-3, 0, 0, 0, 0], 4)
        flow = share * (demand / np.bincount(group, share))[group]
        slope = Slope(factor, factor, np.ones(20))
        costs = LinearCosts(flow, rng.normal(size=20) * 5, slope, group, np.arange(0, 20, 5), demand)
        blocks, solved = costs.equilibrium()
        single, settled = costs._one_at_a_time()
        assert solved and settled
        assert single == pytest.approx(blocks, abs=1e-8)
        cost = costs.cost + (factor @ factor.T + np.eye(20)) @ (blocks - flow)
        cheapest = np.minimum.reduceat(cost, np.arange(0, 20, 5))
        assert blocks @ (cost - cheapest[group]) == pytest.approx(0, abs=1e-8)


def test_unknown_methods_and_infeasible_starts_are_refused():
    player = sioux_falls(k=4)
    problem = problem_at(player, BASE)
    with pytest.raises(DataError, match="allowed: frank_wolfe"):
        assign(problem, method="simplex")
    flow = some_flows(player, np.random.default_rng(0))
    with pytest.raises(DataError, match=r"EV1 24 1-13: path flows sum to"):
        feasible_flow(player.form, np.where(player.form.group == 0, 2 * flow, flow))
    with pytest.raises(DataError, match="must be at least 0"):
        feasible_flow(player.form, flow - 1.0)
    with pytest.raises(DataError, match="shape"):
        feasible_flow(player.form, flow[1:])


def test_a_method_that_does_not_get_there_is_an_error_not_an_answer():
    player = sioux_falls(k=4, method="frank_wolfe", tolerance=1e-12, iteration_limit=20)
    with pytest.raises(SolverError, match="Wardrop gap"):
        player.best_response(Signal(BASE))


def potential_of(player, problem, state):
    link_flow, visits, trade = player.form.split(state.levels)
    anchor = problem.marginal.anchor
    paid = problem.marginal.price @ trade + (anchor.cost(trade) if anchor else 0.0)
    return player.form.own_cost(state.flow, link_flow, visits) + paid


@pytest.mark.parametrize("values_of_time", [(24.0,), (12.0, 60.0)])
def test_compiled_sweeps_keep_levels_with_the_marginal_costs_that_belong_to_them(values_of_time):
    player = sioux_falls(values_of_time, k=4)
    form, rng = player.form, np.random.default_rng(3)
    n = form.n_goods
    anchor = Anchor(rng.uniform(0.0, 2e-3, n), rng.normal(0.0, 50.0, n))
    problem = Problem(form, Marginal(form, rng.uniform(0.05, 0.4, n), anchor))
    state = problem.state(some_flows(player, rng))
    levels, flow, rates = pairwise.levels_of(problem, state), state.flow.copy(), pairwise.rates_of(problem.marginal)
    pairwise.sweep(pairwise.paths_of(form), pairwise.link_costs(form), rates, levels, flow, 3, 0.0)
    assert levels.level == pytest.approx(form.use_by_resource @ flow, abs=1e-9)
    assert levels.marginal == pytest.approx(problem.marginal.value(levels.level), rel=1e-12)
    assert levels.slope == pytest.approx(problem.marginal.derivative(levels.level), rel=1e-9, abs=1e-15)
    assert np.add.reduceat(flow, form.first) == pytest.approx(form.demand) and flow.min() >= 0.0
    assert problem.state(flow).gap < 0.1 * state.gap


def test_a_queue_without_slope_before_its_kink_does_not_make_sweeps_jump_to_and_fro():
    road = road_of([(1, 2), (2, 4), (1, 3), (3, 4)], [0.5, 0.5, 0.51, 0.51], [0.0] * 4, km=10.0)
    paths = electric_paths(
        road, [(1, 4)], [[(1, 2, 4), (1, 3, 4)]], (2, 3), Vehicle(20.0, 10.0, "level", 0.2, 1.0), False
    )
    vehicles = VehicleClass("EV", 20.0, paths, np.array([60.0]))
    player = Traffic(road, [vehicles], stations_at((2, 3)), v2g=False, method="pairwise", tolerance=1e-10)
    answer = player.best_response(Signal(np.array([0.1, 0.1])))
    assert player.last.state.gap <= 1e-10 and player.last.iterations < 20
    assert answer.plan["visits"].min() > 20.0


@pytest.mark.parametrize("values_of_time", [(24.0,), (12.0, 60.0)])
def test_newton_hands_over_to_sweeps_where_there_are_many_paths_with_the_same_answer(values_of_time, monkeypatch):
    problem = problem_at(sioux_falls(values_of_time, k=4), BASE, 1e-3)
    whole = assign(problem)
    counted: list[int] = []
    monkeypatch.setattr(newton_method, "SMALL_SYSTEM", 10)
    monkeypatch.setattr(
        newton_method, "pairwise_sweep", lambda *at: (counted.append(1), pairwise.pairwise_sweep(*at))[1]
    )
    found = assign(problem)
    assert counted and found.converged
    assert found.state.levels[:76] == pytest.approx(whole.state.levels[:76], abs=1e-4)
