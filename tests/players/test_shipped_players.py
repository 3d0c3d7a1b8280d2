"""Every shipped player, through every backend, at prices of the market it belongs to."""

import dataclasses

import numpy as np
import pytest

from bestresponse.conformance import check_player, checks
from bestresponse.player import Anchor, Signal
from tests.players.programs import optimality_error
from tests.players.solved import player_of, prices_near, solved

TEACHING = [("teaching", scenario, v2g) for scenario in ("base", "stress", "island") for v2g in (True, False)]
LARGE = ("sioux_falls_ieee123", "stress", True)
PROGRAMS = ("CNO", "DSO", "Households", "North", "South")
QUIET = {"reacts to price": "on quiet roads a detour costs more than any price in range is worth"}
EXCEPTIONS = {("teaching", "base", v2g, "Traffic"): QUIET for v2g in (True, False)}


def run_name(run):
    case, scenario, v2g = run
    return f"{case}-{scenario}-{'v2g' if v2g else 'no-v2g'}"


def each_check():
    """Every check of every player of the small case, under the name that the checks themselves give it."""
    for run in TEACHING:
        model, found = solved(*run)
        for player in model.market:
            exceptions = EXCEPTIONS.get((*run, player.name))
            for check in checks(player, model.market, found.price, found.responses, exceptions=exceptions):
                marks = [pytest.mark.skip(reason=check.excuse)] if check.excuse else []
                yield pytest.param(check, marks=marks, id=f"{run_name(run)}-{check}")


@pytest.mark.parametrize("check", list(each_check()))
def test_a_shipped_player_passes(check):
    check()


@pytest.mark.parametrize("v2g", [True, False])
def test_the_exceptions_are_needed(v2g):
    model, found = solved("teaching", "base", v2g)
    failures = check_player(model.player("traffic"), model.market, found.price, found.responses)
    assert {failure.check for failure in failures} == set(QUIET)


def other_runs():
    yield from ((TEACHING[2], name, "cvxpy") for name in PROGRAMS)
    yield from ((LARGE, name, "persistent") for name in ("CNO", "DSO", "Households", "Traffic", "LSE 1", "LSE 4"))


@pytest.mark.parametrize(
    ("run", "name", "backend"),
    [pytest.param(*each, id=f"{each[1]}-{each[2]}-{run_name(each[0])}") for each in other_runs()],
)
def test_a_shipped_player_conforms(run, name, backend):
    model, found = solved(*run)
    assert not check_player(player_of(model, name, backend), model.market, found.price, found.responses)


@pytest.mark.parametrize("conduct", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("backend", ["persistent", "cvxpy"])
def test_an_entity_conforms_with_every_conduct(conduct, backend):
    model, found = solved("teaching", "stress", True)
    player = player_of(model, "North", backend, conduct)
    assert player.conduct == conduct
    assert not check_player(player, model.market, found.price, found.responses, draws=4)


@pytest.mark.parametrize("v2g", [True, False])
def test_traffic_of_the_base_case_does_react_to_a_price_out_of_the_ordinary(v2g):
    model, found = solved("teaching", "base", v2g)
    price = found.price[model.market.positions["Traffic"]].copy()
    usual = model.player("traffic").best_response(Signal(price)).trade
    busiest = int(np.argmax(usual))
    price[busiest] += 3.0
    assert model.player("traffic").best_response(Signal(price)).trade[busiest] < usual[busiest] - 1


def anchor_near(model, found, name, seed):
    at = model.market.positions[name]
    weight = model.market.price_scale[at] / model.market.quantity_scale[at]
    rng = np.random.default_rng(seed)
    return Anchor(weight * rng.uniform(0.3, 3, len(at)), found.responses[name].trade * rng.uniform(0.5, 1.5, len(at)))


def reference_runs():
    for run in TEACHING:
        yield from ((run, name) for name in PROGRAMS)
    yield from ((LARGE, name) for name in ("CNO", "DSO", "Households", "LSE 2"))


@pytest.mark.parametrize("anchored", [False, True], ids=["plain", "anchored"])
@pytest.mark.parametrize(
    ("run", "name"), [pytest.param(*each, id=f"{each[1]}-{run_name(each[0])}") for each in reference_runs()]
)
def test_the_persistent_path_gives_the_outlay_of_cvxpy(run, name, anchored):
    model, found = solved(*run)
    fast, slow = player_of(model, name), player_of(model, name, "cvxpy")
    anchor = anchor_near(model, found, name, seed=7) if anchored else None
    for price in prices_near(model, found, name, seed=3, draws=2):
        values = []
        for player in (fast, slow):
            answer = player.best_response(Signal(price, anchor=anchor))
            values.append(answer.outlay(price) + (anchor.cost(answer.trade) if anchor else 0.0))
            assert player.violation(answer.plan) <= 1e-6
        assert values[0] == pytest.approx(values[1], rel=1e-6, abs=1e-4)
        assert values[0] <= values[1] + 1e-6 * max(1.0, abs(values[1]))


@pytest.mark.parametrize("name", ["DSO", "CNO", "LSE 1"])
def test_the_answers_in_a_coordinators_sequence_are_exact_and_cheap(name):
    model, found = solved(*LARGE)
    player = player_of(model, name)
    own, anchor = found.price[model.market.positions[name]], anchor_near(model, found, name, seed=1)
    player.best_response(Signal(own, anchor=anchor))
    before = dataclasses.replace(player.counters)
    rng = np.random.default_rng(0)
    price, target = own.copy(), anchor.target.copy()
    for _ in range(15):
        price = price + 1e-5 * rng.normal(size=len(price))
        target = target + 1e-3 * rng.normal(size=len(price))
        now = Anchor(anchor.weight, target)
        answer = player.best_response(Signal(price, anchor=now))
        seen = price + now.price(answer.trade)
        assert plan_error(player, answer, seen) <= 1e-9
    assert player.counters.answers - before.answers == 15
    assert player.counters.interior_point - before.interior_point <= 2
    assert player.counters.inexact == before.inexact


def plan_error(player, answer, price):
    """The optimality error of an answer as a plain best response at a price, anchor's slope included."""
    program = player.program

    class Found:
        x = program.stack(answer.plan)
        y = np.concatenate([np.zeros(0), *[answer.duals[row] for row in program.equalities]])
        z = np.concatenate([np.zeros(0), *[answer.duals[row] for row in program.inequalities]])

    return optimality_error(program, program.P, program.q + program.trade.T @ price, Found)
