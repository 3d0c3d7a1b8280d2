"""A traffic assignment from outside: any function from prices to flows and energies as a player of the market."""

import tomllib

import numpy as np
import pytest

from bestresponse.conformance import check_player
from bestresponse.coordinator import coordinate
from bestresponse.errors import DataError, FormulationError, SolverError
from bestresponse.player import Anchor, KnowsItsSensitivity, Signal
from experiments.build import build
from experiments.case import BUILT_IN, case_from, load_case
from experiments.models.traffic import enumerated
from experiments.solving import solve
from players.traffic import Assigned, ExternalTraffic

ANCHORED = [(weight, seed) for weight in (1e-4, 1e-3, 1e-2) for seed in range(4)]


def black_box(setting):
    """Our own assignment, of which only prices in and flows and energies out are to be seen."""
    inside = enumerated(setting)

    def assign(price):
        answer = inside.best_response(Signal(price))
        return Assigned(answer.trade, answer.cost, answer.plan["link_flow"])

    return inside, assign


def wrapped(setting, *, proximal: bool = True):
    inside, assign = black_box(setting)
    return ExternalTraffic(assign, inside.goods, proximal=proximal)


def silent(setting):
    """The same, which tells energies and no flows."""
    inside, assign = black_box(setting)

    def quiet(price):
        found = assign(price)
        return Assigned(found.trade, found.cost)

    return ExternalTraffic(quiet, inside.goods)


def case_with(model, **options):
    data = tomllib.loads((BUILT_IN / "teaching.toml").read_text())
    players = {"traffic": f"{__name__}:{model}", "options": {"traffic": options}}
    return case_from(data | {"players": players}, "case.toml")


def both(scenario="stress"):
    model = build(load_case("teaching"), scenario, True)
    inside, assign = black_box(model.setting)
    return model, inside, ExternalTraffic(assign, inside.goods)


@pytest.mark.parametrize(("weight", "seed"), ANCHORED)
def test_the_mixture_is_the_answer_of_an_assignment_that_knows_the_anchor(weight, seed):
    _, inside, outside = both()
    rng = np.random.default_rng(seed)
    price = rng.uniform(0.1, 1.0, len(inside.goods))
    anchor = Anchor(np.full(len(price), weight), rng.uniform(-100.0, 100.0, len(price)))
    for _ in range(2):  # the second time it starts from what it has heard
        signal = Signal(price, anchor=anchor)
        exact, mixed = inside.best_response(signal), outside.best_response(signal)
        outlay = exact.outlay(price) + anchor.cost(exact.trade)
        found = mixed.outlay(price) + anchor.cost(mixed.trade)
        assert found == pytest.approx(outlay, rel=1e-9)
        assert mixed.trade == pytest.approx(exact.trade, abs=1e-2)
        assert mixed.bound <= outlay + 1e-9 * outlay and outlay <= found + 1e-9 * outlay
        assert outside.last.gap == pytest.approx(found - mixed.bound, abs=1e-9 * outlay)
    assert outside.last.rounds <= 3


def test_a_search_cut_short_says_how_far_it_may_be_off():
    _, inside, outside = both()
    short = ExternalTraffic(outside.assign, inside.goods, round_limit=1)
    price, anchor = np.full(4, 0.4), Anchor(np.full(4, 1e-2), np.array([10.0, 60.0, -20.0, -80.0]))
    signal = Signal(price, anchor=anchor)
    exact, mixed = inside.best_response(signal), short.best_response(signal)
    outlay = exact.outlay(price) + anchor.cost(exact.trade)
    found = mixed.outlay(price) + anchor.cost(mixed.trade)
    assert short.last.gap > 1e-3 and found > outlay + 1e-3
    assert found - short.last.gap == pytest.approx(mixed.bound) and mixed.bound <= outlay


def test_it_conforms_with_its_anchors():
    model, _, outside = both()
    found = coordinate(model.market, model.first_price)
    assert not check_player(outside, model.market, found.price, found.responses)
    assert not isinstance(outside, KnowsItsSensitivity)


@pytest.mark.parametrize("scenario", ["base", "stress"])
def test_the_market_with_a_wrapped_assignment_is_the_market_with_the_assignment(scenario):
    """Its anchored answers are as good as a search among plain ones makes them, to about 1e-7."""
    usual = solve("teaching", scenario).quantities
    result = solve(case_with("wrapped"), scenario, tolerance=1e-6)
    assert result.solved and result.certificate["holds"], result.status
    assert "The monolith did not run: Traffic states no block" in result.status
    told = result.quantities
    for key in ("charged_kw", "discharged_kw", "import_kw", "household_kw", "generation_cost_usd_per_h"):
        assert told[key] == pytest.approx(usual[key], rel=1e-6, abs=1e-3)
    for link, flow in told["link_flow_veh_per_h"].items():
        assert flow == pytest.approx(usual["link_flow_veh_per_h"][link], abs=1e-2)


def test_what_it_cannot_tell_is_left_out(call, tmp_path):
    result = solve(case_with("silent"), "base")
    assert result.solved
    untold = {"social_cost_usd_per_h", "travel_cost_usd_per_h", "link_flow_veh_per_h", "od_cost_usd", "wardrop_gap"}
    assert not untold & result.quantities.keys() and result.quantities["charged_kw"] > 0
    text = (BUILT_IN / "teaching.toml").read_text()
    (tmp_path / "mine.toml").write_text(f'{text}\n[players]\ntraffic = "{__name__}:silent"\n', encoding="utf-8")
    shown = call("solve", "mine.toml", "--figures", "figures", "--json", "result.json")
    assert shown.code == 0 and "charged" in shown.out and "travel" not in shown.out, shown.err


def test_without_its_own_anchor_it_is_refused_by_name():
    with pytest.raises(FormulationError, match="Traffic accepts no anchor"):
        solve(case_with("wrapped", proximal=False), "base")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Assigned(np.zeros(3), 0.0), r"Mine: the assignment told trades of shape \(3,\), not 2"),
        (Assigned(np.array([0.0, np.nan]), 0.0), "Mine: the assignment's trade is not a finite number"),
        (Assigned(np.zeros(2), np.inf), "Mine: the assignment's cost is not a finite number"),
        (Assigned(np.zeros(2), 0.0, np.array([np.nan])), "Mine: the assignment's link_flow is not a finite number"),
    ],
)
def test_nonsense_is_refused_by_name(answer, message):
    with pytest.raises(SolverError, match=message):
        ExternalTraffic(lambda price: answer, ("a", "b"), name="Mine").best_response(Signal(np.zeros(2)))


def test_a_tolerance_that_cannot_be_is_refused():
    with pytest.raises(DataError, match="tolerance nan must be positive"):
        ExternalTraffic(lambda price: Assigned(price, 0.0), ("a",), tolerance=float("nan"))
