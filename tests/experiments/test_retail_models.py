"""Models of load serving entities: each by both routes, conforming, and where theory says it must be."""

import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from bestresponse.conformance import check_player
from bestresponse.coordinator import coordinate
from bestresponse.errors import DataError
from experiments.build import build
from experiments.case import BUILT_IN, case_from
from experiments.case_check import check_case
from experiments.solving import solve

MODELS = {
    "cournot": {},
    "competitive": {},
    "conjectural": {"theta": 0.4},
    "monopoly": {},
    "block_bid": {"blocks": 4},
}


def case_with(case="teaching", portion=0.85, **players):
    data = tomllib.loads(Path(BUILT_IN / f"{case}.toml").read_text())
    data["households"]["served_portion"] = portion
    return case_from(data | {"players": players}, "case.toml")


def entities(name, **options):
    return {"lse": name, "options": {"lse": options}}


@cache
def answer(name, scenario="stress", portion=0.85, **options):
    return solve(case_with(portion=portion, **entities(name, **options)), scenario)


def free(name, **options):
    """The answer where hardly any sales are owed, so that conduct decides."""
    return answer(name, "base", portion=0.3, **options)


def certified(result):
    certificate = result.certificate
    errors = [*certificate["imbalance"].values(), *(gain["relative"] for gain in certificate["gain"].values())]
    return max(errors) <= 1e-6


@pytest.mark.parametrize("name", MODELS)
def test_both_routes_find_the_same_certified_equilibrium(name):
    result = answer(name, "base", **MODELS[name])
    assert result.solved and result.routes_agree and certified(result), result.status
    assert result.monolith["independent"]


@pytest.mark.parametrize("name", ["competitive", "monopoly", "block_bid"])
def test_both_routes_agree_on_the_robust_case(name):
    result = solve(case_with("sioux_falls_ieee123", **entities(name, **MODELS[name])), "stress")
    assert result.solved and result.routes_agree and certified(result), result.status


@pytest.mark.parametrize("name", MODELS)
def test_every_entity_conforms(name):
    model = build(case_with(**entities(name, **MODELS[name])), "stress", True)
    found = coordinate(model.market, model.first_price)
    for player in model.players["lse"]:
        assert not check_player(player, model.market, found.price, found.responses, draws=4)


def test_a_case_of_cournot_competitors_is_the_model_of_that_name():
    assert answer("cournot").quantities == answer("conduct").quantities  # of the teaching case


def test_the_less_competition_the_dearer():
    ladder = [free("competitive"), free("conjectural", theta=0.4), free("cournot"), free("monopoly")]
    prices = [result.quantities["household_price_usd_per_kwh"] for result in ladder]
    for freer, tighter in pairwise(prices):
        assert all(tighter[bus] > price + 0.01 for bus, price in freer.items())


def test_a_monopoly_sells_what_one_who_owns_the_demand_curve_would():
    """a − 2 b S = DLMP, hence P = (a + DLMP) / 2."""
    found, setting = free("monopoly").quantities, build(case_with(), "base", True).setting
    for bus, intercept in zip(setting.load_buses, setting.intercept.tolist(), strict=True):
        price, energy = found["household_price_usd_per_kwh"][bus], found["dlmp_usd_per_kwh"][bus]
        assert price == pytest.approx((intercept + energy) / 2, abs=1e-7)


def test_blocks_converge_to_the_cost_they_approximate():
    truth = answer("conduct").quantities["social_cost_usd_per_h"]
    errors = [abs(answer("block_bid", blocks=n).quantities["social_cost_usd_per_h"] - truth) for n in (2, 8, 64)]
    assert errors[-1] <= 0.01 * max(errors[0], 0.1)
    assert errors[-1] <= 1e-5 * truth


@pytest.mark.parametrize(
    ("players", "message"),
    [
        (entities("conjectural", theta=1.5), r"players.options.lse.theta: given 1.5: .*less than or equal to 1"),
        (entities("block_bid", blocks=0), r"players.options.lse.blocks: given 0: .*greater than or equal to 1"),
        (entities("cournott"), r'no model "cournott"; did you mean "cournot"\?'),
    ],
)
def test_options_that_do_not_fit_are_named(players, message):
    with pytest.raises(DataError, match=message):
        check_case(case_with(**players))
