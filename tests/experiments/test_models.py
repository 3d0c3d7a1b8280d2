"""Models chosen by a case file: by name, by module, beside the roles; and what is said if they do not fit."""

import tomllib
from pathlib import Path

import cvxpy as cp
import pytest

from bestresponse.errors import DataError, FormulationError
from experiments.build import build
from experiments.case import BUILT_IN, case_from
from experiments.case_check import check_case
from experiments.models.grid import linear
from experiments.models.households import affine
from experiments.models.registry import MODELS
from experiments.solving import solve
from players import goods
from players.convex_program import ConvexProgram, Formulation


class FlexibleLoad(ConvexProgram):
    """Takes up to `most_kw` at a bus as long as a kWh costs less than `worth`."""

    def __init__(self, bus: str, most_kw: float, worth: float, name: str = "flexible") -> None:
        if not most_kw > 0:
            raise DataError(f"most_kw {most_kw} must be positive")
        self.most_kw, self.worth = most_kw, worth
        super().__init__(name, (goods.delivery(bus), goods.IMPORT))

    def formulate(self) -> Formulation:
        use = cp.Variable(1, name="use", bounds=[0, self.most_kw])
        return Formulation(cost=-self.worth * cp.sum(use), trade=cp.hstack([use, use]), constraints={})


def renamed(setting, *, name: str):
    """The linear operator under another name."""
    operator = linear(setting)
    operator.name = name
    return operator


class WithoutBlock:
    """A player that answers and keeps its problem to itself."""

    def __init__(self, inside):
        self.inside, self.name, self.goods = inside, inside.name, inside.goods

    def best_response(self, signal):
        return self.inside.best_response(signal)


def secretive(setting):
    """The affine households without a block."""
    return WithoutBlock(affine(setting))


def case_with(players):
    data = tomllib.loads(Path(BUILT_IN / "teaching.toml").read_text())
    return case_from(data | {"players": players}, "case.toml")


def flexible(**options):
    return {"extra": [{"model": f"{__name__}:FlexibleLoad", "options": options}]}


def test_a_case_that_chooses_the_defaults_is_the_case_without_a_choice():
    defaults = {role: next(iter(models)) for role, models in MODELS.items()}
    chosen, silent = build(case_with(defaults), "base", True), build(case_with({}), "base", True)
    assert chosen.market.goods == silent.market.goods
    assert [p.name for p in chosen.market] == [p.name for p in silent.market]


def test_a_model_of_ones_own_plays_a_role():
    case = case_with({"dso": f"{__name__}:renamed", "options": {"dso": {"name": "my operator"}}})
    model = build(case, "base", True)
    assert model.player("dso").name == "my operator"
    result = solve(case, "base")
    assert result.solved and result.routes_agree
    assert result.quantities["dlmp_usd_per_kwh"] == pytest.approx(
        solve("teaching", "base").quantities["dlmp_usd_per_kwh"], rel=1e-6
    )


def test_a_player_beside_the_roles_trades_and_is_accounted_for():
    case = case_with(flexible(bus="5", most_kw=20.0, worth=1.0))
    without, result = solve("teaching", "base"), solve(case, "base")
    assert result.solved and result.routes_agree
    assert result.quantities["other_cost_usd_per_h"] == pytest.approx(-20.0)
    served = result.quantities["import_kw"] + sum(result.quantities["generation_kw"].values())
    before = without.quantities["import_kw"] + sum(without.quantities["generation_kw"].values())
    assert served - result.quantities["household_kw"] == pytest.approx(before - without.quantities["household_kw"] + 20)


def test_without_a_block_the_certificate_speaks_alone():
    case = case_with({"households": f"{__name__}:secretive"})
    result = solve(case, "base", ranges=True)
    assert result.solved and result.routes_agree is None and not result.monolith and not result.ranges
    assert "The monolith did not run: Households states no block, which the monolith needs" in result.status
    assert "The coordinator's certificate speaks alone." in result.status
    usual = solve("teaching", "base").quantities["social_cost_usd_per_h"]
    assert result.quantities["social_cost_usd_per_h"] == pytest.approx(usual, rel=1e-6)
    with pytest.raises(FormulationError, match="Households states no block, which the monolith needs: write a method"):
        solve(case, "base", method="monolith")


@pytest.mark.parametrize(
    ("players", "message"),
    [
        ({"dso": "lineal"}, r'case.toml: players.dso: no model "lineal"; did you mean "linear"\? Models: linear'),
        ({"cno": "nowhere:Me"}, r'players.cno: "nowhere:Me" cannot be imported'),
        ({"lse": f"{__name__}:nothing"}, r"players.lse: .* has no nothing"),
        ({"options": {"dos": {}}}, r'players.options.dos: no role "dos"; did you mean "dso"\?'),
        ({"options": {"dso": {"size": 1}}}, r"players.options.dso.size: unknown option. Options: none"),
        ({"dso": f"{__name__}:renamed"}, r"players.options.dso.name: missing"),
        (flexible(bus="5", most_kw="much", worth=1.0), r'extra\[1\].options.most_kw: given "much": .*number'),
        (flexible(bus="5", worth=1.0), r"extra\[1\].options.most_kw: missing"),
    ],
)
def test_what_does_not_fit_is_named_with_its_key(players, message):
    with pytest.raises(DataError, match=message):
        check_case(case_with(players))


def test_a_player_that_refuses_its_options_is_named_with_its_key():
    with pytest.raises(DataError, match=r"case.toml: players.extra\[1\]: most_kw -1.0 must be positive"):
        build(case_with(flexible(bus="5", most_kw=-1.0, worth=1.0)), "base", True)


class Blockless:
    """The linear operator, all of whose methods but the contract's own are out of reach."""

    def __init__(self, inside):
        self.name, self.goods, self.best_response = inside.name, inside.goods, inside.best_response


def blockless(setting):
    return Blockless(linear(setting))


def test_a_model_without_a_block_is_certified_by_the_coordinator_and_told_what_the_monolith_needs():
    case = case_with({"dso": f"{__name__}:blockless"})
    result = solve(case, "base", ranges=True)
    assert result.solved and result.certificate["holds"] and result.certificate["natural_residual"] is None
    assert result.routes_agree is None and not result.monolith and not result.cross_check
    assert (
        "The monolith did not run: DSO states no block" in result.status and "write a method `block`" in result.status
    )
    told, usual = result.quantities, solve("teaching", "base").quantities
    assert told["social_cost_usd_per_h"] == pytest.approx(usual["social_cost_usd_per_h"], rel=1e-6)
    for bus, price in told["dlmp_usd_per_kwh"].items():
        assert price == pytest.approx(usual["dlmp_usd_per_kwh"][bus], rel=1e-6)
    with pytest.raises(FormulationError, match="DSO states no block, which the monolith needs: write a method `block`"):
        solve(case, "base", method="monolith")
