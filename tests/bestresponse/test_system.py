"""The market as one complementarity problem: its pieces, its derivative, its names, its residual."""

from collections import Counter

import cvxpy as cp
import numpy as np
import pytest

from bestresponse.complementarity.problem import natural_residual, worst_rows
from bestresponse.errors import FormulationError
from bestresponse.market import MONEY_SCALE
from bestresponse.player import Response
from bestresponse.system import ComplementaritySystem
from players.convex_program import ConvexProgram, Formulation
from tests.bestresponse.toys import bread_market
from tests.players.solved import solved

RUNS = [("base", True), ("stress", True), ("stress", False), ("island", True)]


def teaching(scenario, v2g):
    model, found = solved("teaching", scenario, v2g)
    return ComplementaritySystem(model.market), found


@pytest.mark.parametrize("run", RUNS)
def test_prices_plans_and_multipliers_survive_the_way_there_and_back(run):
    system, found = teaching(*run)
    point = system.stack(found.price, found.responses)
    assert point.shape == (system.size,) == system.scale.shape
    price, responses = system.unstack(point)
    assert price == pytest.approx(found.price, rel=1e-12, abs=1e-15)
    for name, answer in responses.items():
        given, block = found.responses[name], system.blocks[name]
        assert list(answer.plan) == list(block.variables)
        for what in ("plan", "duals"):
            for key, values in getattr(answer, what).items():
                assert values == pytest.approx(getattr(given, what)[key], rel=1e-9, abs=1e-9), (name, key)
        assert answer.trade == pytest.approx(given.trade, rel=1e-9, abs=1e-7)
        assert answer.cost == pytest.approx(given.cost, rel=1e-9, abs=1e-7)
    assert system.stack(price, responses) == pytest.approx(point, rel=1e-9, abs=1e-9)


def random_point(system, seed):
    """A point inside the bounds, with as much on every variable as its scale."""
    rng = np.random.default_rng(seed)
    return np.clip(rng.uniform(0.1, 2.0, system.size), system.problem.lower, system.problem.upper)


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("smoothing", [0.0, 1e-4, 0.1])
def test_the_jacobian_is_the_derivative_of_the_function(run, smoothing):
    system, _ = teaching(*run)
    point, step = random_point(system, 1), 1e-5
    J = system.problem.jacobian(point, smoothing)
    for direction in np.random.default_rng(2).normal(size=(6, system.size)):
        ahead = system.problem.function(point + step * direction, smoothing)
        behind = system.problem.function(point - step * direction, smoothing)
        slope = (ahead - behind) / (2 * step)
        assert J @ direction == pytest.approx(slope, rel=1e-5, abs=1e-5 * np.abs(slope).max())


def test_smoothing_reaches_the_waiting_times_and_fades():
    model, found = solved("teaching", "stress", True)
    system = ComplementaritySystem(model.market)
    point = system.stack(found.price, found.responses)
    at_zero = system.problem.function(point, 0.0)
    change = [np.abs(system.problem.function(point, mu) - at_zero) for mu in (1e-1, 1e-4, 1e-14)]
    rows = {system.problem.name_of(int(i)) for i in np.flatnonzero(change[0] > 0)}
    assert rows and all(row.startswith("Traffic: visits[station ") for row in rows)
    assert change[0].max() >= change[1].max() >= change[2].max() == 0.0


def test_the_linear_part_is_skew_so_that_prices_and_multipliers_do_no_work():
    system, _ = teaching("stress", True)
    J = system.problem.jacobian(random_point(system, 3), 0.0).toarray()
    own = np.zeros_like(J, dtype=bool)
    start = 0
    for block in system.blocks.values():
        inside = slice(start, start + block.size)
        own[inside, inside] = True
        start += block.size + len(block.b) + len(block.h)
    linear = np.where(own, 0.0, J)
    assert linear == pytest.approx(-linear.T, abs=1e-15)
    assert np.abs(linear).max() > 0
    assert np.linalg.eigvalsh(J + J.T).min() >= -1e-9  # monotone: one value of time


def test_the_function_is_each_players_optimality_and_the_clearing_of_each_good():
    model, _ = solved("teaching", "stress", True)
    system = ComplementaritySystem(model.market)
    point = random_point(system, 4)
    F, (price, responses) = system.problem.function(point, 0.0), system.unstack(point)
    F = F * MONEY_SCALE / system.scale
    start = 0
    for player in model.market:
        block, answer = system.blocks[player.name], responses[player.name]
        x = np.concatenate([answer.plan[name] for name in block.variables])
        y, z = (
            np.concatenate([np.zeros(0), *[answer.duals[name] for name in names]])
            for names in (block.equalities, block.inequalities)
        )
        own = price[model.market.positions[player.name]]
        expected = [
            block.gradient(x, 0.0) + block.trade.T @ own + block.A.T @ y + block.G.T @ z,
            block.b - block.A @ x,
            block.h - block.G @ x,
        ]
        part = F[start : start + block.size + len(y) + len(z)]
        assert part == pytest.approx(np.concatenate(expected), rel=1e-9, abs=1e-9), player.name
        start += len(part)
    assert F[start:] == pytest.approx(-model.market.excess_demand(responses), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("run", RUNS)
def test_the_natural_residual_is_small_at_the_coordinators_answer_and_large_beside_it(run):
    system, found = teaching(*run)
    assert system.natural_residual(found.price, found.responses) <= 1e-6
    dearer = found.price.copy()
    dearer[-1] += 0.05  # households of the last bus
    assert system.natural_residual(dearer, found.responses) > 1e-2
    north = found.responses["North"]
    more = dict(north.plan) | {"sales": north.plan["sales"] + 20.0}
    moved = {**found.responses, "North": Response(north.trade, north.cost, more, north.duals)}
    assert system.natural_residual(found.price, moved) > 1e-2
    other = dict(north.duals) | {"balance": north.duals["balance"] + 0.1}
    assert (
        system.natural_residual(
            found.price, {**found.responses, "North": Response(north.trade, north.cost, north.plan, other)}
        )
        > 1e-2
    )


def test_the_worst_row_of_a_disturbed_answer_is_named():
    system, found = teaching("stress", True)
    north = found.responses["North"]
    duals = dict(north.duals) | {"balance": north.duals["balance"] + 1.0}
    disturbed = {**found.responses, "North": Response(north.trade, north.cost, north.plan, duals)}
    name, size = worst_rows(system.problem, system.stack(found.price, disturbed))[0]
    assert name.startswith("North: ")
    assert size == natural_residual(system.problem, system.stack(found.price, disturbed))


@pytest.mark.parametrize("run", RUNS)
def test_every_row_has_a_name_and_no_name_is_given_twice(run):
    system, _ = teaching(*run)
    names = [system.problem.name_of(index) for index in range(system.size)]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    owners = {*(f"{name}: " for name in system.blocks), "clearing of "}
    assert all(name.startswith(tuple(owners)) for name in names)
    assert "North: generation[3]" in names
    assert "DSO: active_balance[5]" in names
    assert f"clearing of {system.market.goods[-1].name}" == names[-1]
    with pytest.raises(IndexError):
        system.problem.name_of(system.size + 1)


class Miller(ConvexProgram):
    """A player whose entries have no words."""

    def formulate(self):
        x = cp.Variable(2, name="flour", bounds=[0, 3])
        return Formulation(cp.sum_squares(x), cp.sum(x, keepdims=True), {"limit": cp.sum(x) <= 4})


def test_rows_without_words_are_numbered():
    market = bread_market()
    others = [Miller("one", ["bread"]), Miller("two", ["bread"])]
    system = ComplementaritySystem(type(market)(market.goods, tuple(others)))
    names = [system.problem.name_of(index) for index in range(system.size)]
    assert names == [
        *("one: flour[0]", "one: flour[1]", "one: limit[0]"),
        *("two: flour[0]", "two: flour[1]", "two: limit[0]"),
        "clearing of bread",
    ]


def test_a_player_without_a_block_is_refused_by_name():
    with pytest.raises(FormulationError, match="buyer states no block, which the monolith needs"):
        ComplementaritySystem(bread_market())


@pytest.mark.parametrize(("what", "missing"), [("plan", "sales"), ("duals", "obligation"), ("duals", "balance")])
def test_an_answer_that_lacks_a_part_is_refused(what, missing):
    system, found = teaching("base", True)
    north = found.responses["North"]
    parts = {"plan": dict(north.plan), "duals": dict(north.duals)}
    del parts[what][missing]
    lacking = {**found.responses, "North": Response(north.trade, north.cost, **parts)}
    with pytest.raises(FormulationError, match=f"North: the answer's {what} lack '{missing}'"):
        system.stack(found.price, lacking)


def test_plans_a_rounding_error_outside_their_bounds_are_brought_back():
    system, found = teaching("base", True)
    point = system.stack(found.price, found.responses)
    point = point - 1e-9
    _, responses = system.unstack(point)
    for name, block in system.blocks.items():
        x = np.concatenate([responses[name].plan[key] for key in block.variables])
        assert (x >= block.lower).all() and (x <= block.upper).all()
