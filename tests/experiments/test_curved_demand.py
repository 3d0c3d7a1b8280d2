"""Demand of constant elasticity: by both routes where blocks exist, in closed form where they do not."""

import numpy as np
import pytest

from bestresponse.conformance import check_player
from bestresponse.coordinator import coordinate
from bestresponse.errors import DataError
from bestresponse.player import Anchor, Signal
from experiments.build import build
from experiments.solving import solve
from players.elastic_households import ElasticDemand, ElasticHouseholds
from tests.experiments.test_retail_models import case_with, certified

DEMAND = ElasticDemand(("A", "B"), np.array([100.0, 40.0]), 0.2, 0.5)


def elastic(case="teaching", elasticity=None, portion=0.85, **options):
    model = "constant_elasticity"
    made = case_with(case, portion, households=model, lse=model, options={"lse": options})
    if elasticity is None:
        return made
    return made.model_copy(update={"households": made.households.model_copy(update={"elasticity": elasticity})})


@pytest.mark.parametrize(
    ("case", "scenario"), [("teaching", "base"), ("teaching", "stress"), ("sioux_falls_ieee123", "stress")]
)
def test_with_price_takers_both_routes_find_the_same_certified_equilibrium(case, scenario):
    result = solve(elastic(case, theta=0.0), scenario)
    assert result.solved and result.routes_agree and certified(result), result.status
    assert result.monolith["independent"]


@pytest.mark.parametrize("scenario", ["base", "stress", "island"])
def test_cournot_competition_is_certified_by_the_coordinator_alone(scenario):
    result = solve(elastic(theta=1.0), scenario)
    assert result.solved and certified(result) and not result.monolith
    assert all(f"did not run: {name} states no block" in result.status for name in ("North", "South"))
    assert "The coordinator's certificate speaks alone." in result.status
    assert "|P′| ≥ ½ P″ (S + √F |s|), fails at 5 of 5 buses" in result.status


@pytest.mark.parametrize("theta", [0.3, 1.0])
def test_entities_alike_take_the_markup_of_the_textbook(theta):
    """Each sells half: P (1 − θ / (2 η)) = DLMP where no obligation binds."""
    result = solve(elastic(elasticity=2.0, portion=0.1, theta=theta), "base")
    assert result.solved and certified(result)
    for bus, price in result.quantities["household_price_usd_per_kwh"].items():
        assert price * (1 - theta / 4) == pytest.approx(result.quantities["dlmp_usd_per_kwh"][bus], rel=1e-6)


@pytest.mark.parametrize("theta", [0.0, 1.0])
def test_households_and_entities_conform(theta):
    model = build(elastic(theta=theta), "stress", True)
    found = coordinate(model.market, model.first_price)
    for player in (*model.players["households"], *model.players["lse"]):
        assert not check_player(player, model.market, found.price, found.responses, draws=4)


def test_the_slope_of_use_is_that_of_the_curve_and_none_at_a_bound():
    """dS/dP = −η S / P without an anchor."""
    player = ElasticHouseholds(DEMAND)
    assert player.sensitivity(Signal(np.array([0.2, 0.2]))) == pytest.approx(np.diag([-250.0, -100.0]))
    assert player.sensitivity(Signal(np.array([1e-6, 1e6]))) == pytest.approx(np.zeros((2, 2)))


def test_households_use_what_the_curve_says_within_their_bounds():
    player = ElasticHouseholds(DEMAND)
    use = player.best_response(Signal(np.array([0.05, 0.8]))).trade
    assert use == pytest.approx([100 * (0.05 / 0.2) ** -0.5, 40 * (0.8 / 0.2) ** -0.5], rel=1e-12)
    assert player.best_response(Signal(np.array([-1.0, 1e9]))).trade == pytest.approx([400.0, 2.0])
    held = player.best_response(Signal(np.array([0.1, 0.1]), anchor=Anchor(np.array([1e-3, 0]), np.array([50.0, 0]))))
    assert DEMAND.price(held.trade) == pytest.approx([0.1 + 1e-3 * (held.trade[0] - 50), 0.1], rel=1e-12)


def test_the_value_is_the_area_under_the_curve():
    use = np.array([130.0, 30.0])
    for elasticity in (0.25, 1.0, 3.0):
        demand = ElasticDemand(DEMAND.buses, DEMAND.reference_kw, 0.2, elasticity)
        grid = np.linspace(demand.least_kw, use, 200_001)
        assert demand.value(use) == pytest.approx(area(demand, grid), rel=1e-6)


def test_a_demand_must_make_sense():
    with pytest.raises(DataError, match="must be positive"):
        ElasticDemand(("A",), np.array([0.0]), 0.2, 0.5)


@pytest.mark.parametrize(
    ("players", "message"),
    [
        ({"households": "constant_elasticity"}, r'players.lse: knows affine .* players.lse = "constant_elasticity"'),
        ({"lse": "constant_elasticity"}, r'players.lse: needs .* players.households = "constant_elasticity"'),
    ],
)
def test_models_that_do_not_go_together_are_named(players, message):
    with pytest.raises(DataError, match=message):
        build(case_with(**players), "base", True)


def area(demand, grid):
    return np.trapezoid(demand.price(grid), grid, axis=0).sum()
