"""Assignment on big networks: known answers, all algorithms, the judge by hand, and input that must be refused."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bestresponse.errors import DataError
from networks.road import RoadNetwork, load_road, load_trips
from players.traffic.network_assignment import ALGORITHMS, AssignmentProblem, assign, evaluate, link_based
from players.traffic.network_assignment.columns import find_cheaper, link_flows, no_columns, renewed
from players.traffic.network_assignment.link_costs import LinkCosts, link_state
from players.traffic.network_assignment.origins import OriginBlocks
from players.traffic.network_assignment.path_based import PathBased
from players.traffic.network_assignment.stopwatch import Stopwatch

REFERENCE = Path(__file__).parents[2] / "reference" / "sioux_falls_flows.csv"
BRAESS = [(1, 2), (1, 3), (2, 3), (2, 4), (3, 4)]  # costs 10f, 50 + f, 10 + f, 50 + f, 10f
PROPORTIONAL = 1e-9  # [min] a free-flow time of nearly nothing


def road_of(links, minutes, coefficient, power=1.0, **more):
    """Links with time minutes (1 + coefficient v^power)."""
    ends = np.array(links, dtype=np.int64)
    one = np.ones(len(links))
    powers = np.broadcast_to(np.asarray(power, dtype=float), one.shape).copy()
    times = np.array(minutes, dtype=float) / 60.0
    return RoadNetwork(
        "made up", np.unique(ends), ends[:, 0], ends[:, 1], one, times, one, np.array(coefficient, dtype=float), powers,
        **more,
    )  # fmt: skip


def braess(bridge: bool = True) -> RoadNetwork:
    free, slope = np.array([PROPORTIONAL, 50.0, 10.0, 50.0, PROPORTIONAL]), np.array([10.0, 1.0, 1.0, 1.0, 10.0])
    used = [k for k in range(5) if bridge or k != 2]
    return road_of([BRAESS[k] for k in used], free[used], (slope / free)[used])


@pytest.fixture(scope="module")
def sioux_falls():
    return load_road("sioux_falls"), load_trips("sioux_falls")


@pytest.mark.parametrize("algorithm", ["path", "conjugate", "biconjugate"])
def test_braess_paradox(algorithm):
    found = assign(AssignmentProblem.of(braess(), {(1, 4): 6.0}), algorithm, 1e-9)
    assert found.converged
    assert found.link_flow == pytest.approx([4, 2, 2, 2, 4], abs=1e-3)
    value = evaluate(braess(), {(1, 4): 6.0}, found.link_flow)
    assert value.shortest_cost == pytest.approx(6 * 92, rel=1e-6)
    without = assign(AssignmentProblem.of(braess(bridge=False), {(1, 4): 6.0}), algorithm, 1e-9)
    assert without.link_flow == pytest.approx([3, 3, 3, 3], abs=1e-3)
    assert evaluate(braess(False), {(1, 4): 6.0}, without.link_flow).shortest_cost == pytest.approx(6 * 83, rel=1e-6)


def test_sioux_falls_reaches_the_published_objective_and_flows(sioux_falls):
    road, trips = sioux_falls
    found = assign(AssignmentProblem.of(road, trips), gap=1e-11)
    value = evaluate(road, trips, found.link_flow)
    assert found.converged and value.relative_gap <= 1e-11
    assert value.beckmann == pytest.approx(4_231_335.28710744, rel=1e-12)
    assert value.total_travel_time == pytest.approx(7_480_225.34492112, rel=1e-7)
    with REFERENCE.open(encoding="utf-8") as file:
        published = {(int(row["from"]), int(row["to"])): float(row["flow_veh_per_h"]) for row in csv.DictReader(file)}
    assert found.link_flow == pytest.approx([published[pair] for pair in road.link_index], rel=1e-5, abs=0.01)


@pytest.mark.parametrize(("algorithm", "gap", "excess"), [
    ("frank-wolfe", 1e-3, 1e-3), ("conjugate", 1e-4, 1e-4), ("biconjugate", 1e-6, 1e-6), ("path", 1e-9, 1e-9),
])  # fmt: skip
def test_all_algorithms_meet_the_best_known_objective(sioux_falls, algorithm, gap, excess):
    road, trips = sioux_falls
    found = assign(AssignmentProblem.of(road, trips), algorithm, gap)
    value = evaluate(road, trips, found.link_flow)
    assert found.converged and value.relative_gap == pytest.approx(found.gaps[-1], rel=1e-3, abs=1e-13)
    assert value.conservation_error < 1e-8
    assert 0.0 <= value.beckmann / 4_231_335.28710744 - 1.0 + 1e-13 <= excess


@pytest.mark.parametrize(("target", "back"), [(link_based.conjugate, 1), (link_based.biconjugate, 2)])
def test_directions_are_conjugate_to_the_last_ones(sioux_falls, target, back):
    road, trips = sioux_falls
    problem = AssignmentProblem.of(replace(road, bpr_power=np.ones(road.n_links)), trips)  # the same slopes everywhere
    directions, conjugate = [], 0
    with OriginBlocks(problem, 1) as blocks:
        method = link_based.LinkBased(problem, blocks, Stopwatch(), target)
        for _ in range(40):
            method.search()
            before = method.state.flow.copy()
            method.improve(1.0)
            directions.append(method.state.flow - before)
            slope = method.state.slope
            size = [np.sqrt((d * slope) @ d) for d in directions]
            cosines = [
                (directions[-1] * slope) @ directions[-1 - k] / (size[-1] * size[-1 - k])
                for k in range(1, min(back, len(directions) - 1) + 1)
            ]
            conjugate += len(cosines) == back and max(map(abs, cosines)) < 1e-6
    assert conjugate >= 10


def test_threads_change_nothing(sioux_falls):
    road, trips = sioux_falls
    one, three = (assign(AssignmentProblem.of(road, trips), gap=1e-7, threads=threads) for threads in (1, 3))
    assert np.array_equal(one.link_flow, three.link_flow)
    assert one.gaps == three.gaps


def test_the_gap_falls_and_the_phases_add_up(sioux_falls):
    found = assign(AssignmentProblem.of(*sioux_falls), gap=1e-8)
    assert found.gaps[-1] <= 1e-8 < found.gaps[-2]
    assert found.iterations == len(found.gaps) - 1 < 30
    assert set(found.phases) == {"shortest_paths", "columns", "flows"}
    assert 0.0 < sum(found.phases.values()) <= found.seconds


def test_running_out_of_iterations_is_a_result(sioux_falls):
    road, trips = sioux_falls
    found = assign(AssignmentProblem.of(road, trips), "frank-wolfe", 1e-9, iteration_limit=3)
    assert not found.converged and found.iterations == 3
    assert evaluate(road, trips, found.link_flow).relative_gap == pytest.approx(found.gaps[-1], rel=1e-6)


def test_columns_carry_the_trips_without_repetition_and_are_dropped_when_unused(sioux_falls):
    problem = AssignmentProblem.of(*sioux_falls)
    with OriginBlocks(problem, 1) as blocks:
        method = PathBased(problem, blocks, Stopwatch())
        for gap in (1.0, 0.5, 1e-2, 1e-3, 1e-4, 1e-5):
            method.search()
            method.improve(gap)
    columns, trips = method.columns, problem.demand.trips
    counts = np.diff(columns.first)
    assert counts.min() >= 1 and counts.max() > 1
    sums = np.add.reduceat(columns.flow, columns.first[:-1])
    assert sums == pytest.approx(trips, rel=1e-12)
    paths = [tuple(columns.links[a:b]) for a, b in zip(columns.start[:-1], columns.start[1:], strict=True)]
    for first, last in zip(columns.first[:-1], columns.first[1:], strict=True):
        assert len(set(paths[first:last])) == last - first
    assert method.state.flow == pytest.approx(link_flows(columns, len(problem.star.head)), rel=1e-12)
    unused = np.flatnonzero(columns.flow == 0.0)
    nothing = type(method._found)(np.zeros(len(trips) + 1, np.int64), np.zeros(0, np.int32))
    assert len(renewed(columns, nothing, trips).flow) == len(columns.flow) - len(unused)


def test_the_first_search_finds_a_path_for_every_pair(sioux_falls):
    problem = AssignmentProblem.of(*sioux_falls)
    state = link_state(problem.costs, np.zeros(len(problem.star.head)))
    least = np.empty(len(problem.pairs))
    with OriginBlocks(problem, 1) as blocks:
        begin, end, work = blocks._blocks[0]
        found = find_cheaper(
            problem.star, state.cost, problem.demand, no_columns(len(least)), blocks.trees, work, begin, end, 0.0, least
        )
    assert np.all(np.diff(found.start) > 0)
    total = [state.cost[found.links[a:b]].sum() for a, b in zip(found.start[:-1], found.start[1:], strict=True)]
    assert total == pytest.approx(least)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(0.1, 5.0), min_size=2, max_size=5),
    st.lists(st.sampled_from([1.0, 1.7, 2.0, 4.0, 5.0]), min_size=2, max_size=5),
    st.floats(0.1, 20.0),
)
def test_parallel_links_of_any_power_share_by_equal_cost(free, powers, demand):
    count = min(len(free), len(powers))
    links, times, coefficient, power = [], [], [], []
    for k in range(count):  # a parallel route for each: through a node of its own, the second leg free
        links += [(1, 3 + k), (3 + k, 2)]
        times += [free[k], 0.0]
        coefficient += [0.4, 0.0]
        power += [powers[k], 1.0]
    road = road_of(links, times, coefficient, power)
    found = assign(AssignmentProblem.of(road, {(1, 2): demand}), gap=1e-10)
    flow = found.link_flow[::2]
    cost = np.array(free[:count]) * (1.0 + 0.4 * flow ** np.array(powers[:count]))
    assert found.converged
    assert flow.sum() == pytest.approx(demand)
    assert cost[flow > 1e-6 * demand] == pytest.approx(cost.min(), rel=1e-4)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_with_the_power_zero_a_time_is_constant(algorithm):
    """2 (1 + ½) = 3 whatever the flow, beside a link of 1 + v: two stay there, the others pay the same."""
    road = road_of([(1, 2), (1, 3), (3, 2)], [2.0, 1.0, 0.0], [0.5, 1.0, 0.0], [0.0, 1.0, 1.0])
    found = assign(AssignmentProblem.of(road, {(1, 2): 5.0}), algorithm, gap=1e-6)
    assert found.link_flow == pytest.approx([3.0, 2.0, 2.0], rel=1e-4)
    value = evaluate(road, {(1, 2): 5.0}, found.link_flow)
    assert value.total_travel_time == pytest.approx(15.0, rel=1e-4) and value.relative_gap <= 1e-6


def test_the_judge_by_hand():
    road = road_of([(1, 2), (1, 3), (3, 2)], [2.0, 1.0, 3.0], [0.5, 0.0, 0.0], toll=np.array([4.0, 0.0, 0.0]))
    value = evaluate(road, {(1, 2): 5.0}, np.array([3.0, 2.0, 2.0]), toll_weight=0.25, distance_weight=0.5)
    # direct: time 2 + v = 5, money 1 + 0.5; detour: time 4, money 2 × 0.5, 5 altogether; the cheaper one costs 5
    assert value.total_travel_time == pytest.approx(3 * 5 + 2 * 4)
    assert value.total_cost == pytest.approx(3 * 6.5 + 2 * 5)
    assert value.shortest_cost == pytest.approx(5 * 5)
    assert value.relative_gap == pytest.approx((29.5 - 25) / 29.5)
    assert value.beckmann == pytest.approx((2 * 3 + 3**2 / 2) + 1.5 * 3 + 2 * 5)
    assert value.conservation_error == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("flow", "error"), [
    ([3.0, 2.0, 2.5], 0.5), ([2.0, 2.0, 2.0], 1.0), ([5.5, -0.5, -0.5], 0.5),
])  # fmt: skip
def test_the_judge_sees_flows_that_do_not_balance(flow, error):
    road = road_of([(1, 2), (1, 3), (3, 2)], [2.0, 1.0, 3.0], [0.0, 0.0, 0.0])
    assert evaluate(road, {(1, 2): 5.0}, np.array(flow)).conservation_error == pytest.approx(error)


def test_zones_are_not_driven_through_and_the_judge_sees_it():
    road = road_of([(1, 2), (2, 3), (1, 4), (4, 3)], [1.0, 1.0, 5.0, 5.0], [0.0] * 4, first_through_node=4)
    found = assign(AssignmentProblem.of(road, {(1, 3): 1.0}), gap=1e-9)
    assert found.link_flow.tolist() == [0.0, 0.0, 1.0, 1.0]
    assert evaluate(road, {(1, 3): 1.0}, found.link_flow).relative_gap == pytest.approx(0.0, abs=1e-15)
    with pytest.raises(DataError, match=r"no route from 1 to 3, but .* only start or end at 4 of the nodes"):
        assign(AssignmentProblem.of(replace(road, first_through_node=5), {(1, 3): 1.0}))
    through_a_zone = evaluate(road, {(1, 3): 1.0}, np.array([1.0, 1.0, 0.0, 0.0]))
    assert through_a_zone.conservation_error == pytest.approx(1.0)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_free_connectors_and_costless_cycles_do_no_harm(algorithm):
    links = [(1, 3), (3, 1), (3, 4), (4, 3), (4, 2), (2, 4)]
    road = road_of(links, [0.0, 0.0, 1.0, 0.0, 0.0, 0.0], [0.15, 0.0, 1.0, 0.0, 0.0, 0.0], 4.0)
    found = assign(AssignmentProblem.of(road, {(1, 2): 2.0}), algorithm, gap=1e-9)
    assert found.converged
    assert found.link_flow == pytest.approx([2.0, 0.0, 2.0, 0.0, 2.0, 0.0])


def test_a_link_of_power_0_has_a_constant_time():
    road = road_of([(1, 2), (1, 3), (3, 2)], [3.0, 1.0, 1.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0])
    found = assign(AssignmentProblem.of(road, {(1, 2): 5.0}), gap=1e-9)
    assert found.link_flow == pytest.approx([4.0, 1.0, 1.0])  # 2 + v = 3


def test_slopes_are_the_derivatives_of_the_costs():
    flow = np.array([30.0, 12.0, 8.0, 5.0])
    one = np.ones(4)
    costs = LinkCosts(one, 3.0 * one, 10.0 * one, np.array([4.0, 1.0, 2.5, 7.0]))
    state, more, less = (link_state(costs, flow + step) for step in (0.0, 1e-5, -1e-5))
    assert state.cost == pytest.approx(1.0 + 3.0 * (flow / 10.0) ** costs.power)
    assert state.slope == pytest.approx((more.cost - less.cost) / 2e-5, rel=1e-6)


@pytest.mark.parametrize(("trips", "message"), [
    ({(1, 9): 1.0}, "trips from 1 to 9: the network has no node 9"),
    ({(4, 1): 1.0, (4, 2): 1.0, (4, 3): 1.0, (3, 1): 1.0},
     r"no route from 3 to 1, 4 to 1, 4 to 2 and 1 more pairs"),
    ({(1, 4): -1.0}, "trips from 1 to 4: -1.0; allowed: positive numbers"),
    ({(1, 4): float("nan")}, "trips from 1 to 4: nan"),
    ({(1, 1): 1.0}, "between different nodes"),
    ({}, "there are no trips"),
])  # fmt: skip
def test_bad_trips_are_refused(trips, message):
    with pytest.raises(DataError, match=message):
        assign(AssignmentProblem.of(braess(), trips))


def test_bad_links_are_refused():
    links, trips = [(1, 2), (2, 3)], {(1, 3): 1.0}
    with pytest.raises(DataError, match=r"link 2-3: power is 0\.5; allowed: 1 or more, or 0"):
        AssignmentProblem.of(road_of(links, [1.0, 1.0], [0.1, 0.1], [4.0, 0.5]), trips)
    with pytest.raises(DataError, match="link 1-2: the cost of the empty link is -1; allowed: 0 or more"):
        AssignmentProblem.of(road_of(links, [1.0, 1.0], [0.0] * 2, toll=np.array([-2.0, 0.0])), trips, toll_weight=1.0)


@pytest.mark.parametrize(("asked", "message"), [
    ({"algorithm": "biconjugat"}, "there is no algorithm 'biconjugat'.*did you mean 'biconjugate'"),
    ({"gap": 0.0}, r"gap 0\.0; allowed"), ({"gap": float("nan")}, "gap nan; allowed"),
    ({"threads": 0}, "threads 0; allowed"), ({"iteration_limit": 0}, "the iteration limit 0"),
])  # fmt: skip
def test_bad_options_are_refused(asked, message):
    with pytest.raises(DataError, match=message):
        assign(AssignmentProblem.of(braess(), {(1, 4): 6.0}), **asked)


def test_the_judge_refuses_a_wrong_number_of_flows():
    with pytest.raises(DataError, match=r"shape \(4,\), but there are 5 links"):
        evaluate(braess(), {(1, 4): 6.0}, np.zeros(4))
