"""Models of one player side by side: what `bestresponse compare-models` finds, writes and refuses."""

import json
import tomllib
from dataclasses import replace

import pytest

from bestresponse.errors import DataError, SolverError
from experiments.case import BUILT_IN, case_from, load_case
from experiments.comparing_models import cases_with, compare_models, suited
from experiments.figures_models import models_figure
from experiments.models.grid import contract, voltage
from experiments.models.listing import ready
from experiments.solving import solve
from players.distribution_operator import DistributionOperator
from players.grid_terms import ImportContract
from tests.experiments.command_line import unwrapped
from tests.experiments.test_random_cases import random_tables

FACTOR = 1.5


def dearer(setting):
    """The linear operator, who buys at a higher price."""
    usual = contract(setting)
    dear = ImportContract(FACTOR * usual.price_usd_per_kwh, usual.p_max_kw, usual.q_min_kvar, usual.q_max_kvar)
    return DistributionOperator(
        setting.feeder, setting.delivery_buses, dear, voltage(setting), setting.reactive_support_kvar
    )


class _Mute:
    """Trades as the linear operator does, without a block and a report."""

    def __init__(self, inside):
        self.name, self.goods, self.best_response = inside.name, inside.goods, inside.best_response


def mute(setting):
    return _Mute(dearer(setting))


def aloof(setting):
    player = mute(setting)
    player.accepts_anchor = False
    return player


def failing(setting):
    player = mute(setting)

    def refuse(signal):
        raise SolverError("no answer today")

    player.best_response = refuse
    return player


DEARER, MUTE, ALOOF, FAILING = (f"{__name__}:{make.__name__}" for make in (dearer, mute, aloof, failing))


def test_every_model_gets_the_answer_of_its_own_market(call, tmp_path):
    shown = call("compare-models", "teaching", "--player", "dso", "--models", f"linear,{DEARER}", "--out", "out")
    assert shown.code == 0, shown.out + shown.err
    data = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert [(entry["player"], entry["model"], entry["solved"]) for entry in data] == [
        ("dso", "linear", True),
        ("dso", DEARER, True),
    ]
    tables = tomllib.loads((BUILT_IN / "teaching.toml").read_text())
    tables["tso"]["price_usd_per_kwh"] *= FACTOR
    for entry, case in zip(data, (load_case("teaching"), case_from(tables, "dear.toml")), strict=True):
        expected = solve(case, "base").quantities
        assert entry["routes_agree"] and entry["certificate"]["holds"]
        for key in ("social_cost_usd_per_h", "import_kw", "household_kw"):
            assert entry["quantities"][key] == pytest.approx(expected[key], rel=1e-6)
        assert f"{expected['social_cost_usd_per_h']:,.4f}" in shown.out
    assert data[1]["quantities"]["import_cost_usd_per_h"] > data[0]["quantities"]["import_cost_usd_per_h"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "compare.json",
        "compare_models.png",
        "compare_models.svg",
    }


def test_what_a_model_cannot_tell_or_do_is_said_and_the_rest_is_there(call, tmp_path):
    models = f"linear,{MUTE},{ALOOF},{FAILING}"
    shown = call("compare-models", "--models", models, "--out", "out")
    assert shown.code == 3
    sound, mute, aloof, failing = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert sound["solved"] and mute["solved"]
    assert mute["routes_agree"] is None and "voltage_min_pu" not in mute["quantities"]
    assert "The monolith did not run: DSO states no block" in mute["status"] and "write a method" in mute["status"]
    assert not aloof["solved"] and "DSO accepts no anchor" in aloof["refused"]
    assert not failing["solved"] and "no answer today" in failing["status"] + str(failing["refused"])
    for text in ("accepts no anchor", "no answer today", "states no block"):
        assert text in shown.out


def test_a_model_without_a_report_is_shown_and_drawn_with_what_its_trades_tell(call, tmp_path):
    text = (BUILT_IN / "teaching.toml").read_text()
    (tmp_path / "mute.toml").write_text(f'{text}\n[players]\ndso = "{MUTE}"\n', encoding="utf-8")
    shown = call("solve", "mute.toml", "--figures", "figures")
    assert shown.code == 0, shown.err
    assert "lowest voltage" not in shown.out and "DLMP min" in shown.out and "states no block" in unwrapped(shown.out)
    assert len(list((tmp_path / "figures").glob("*.png"))) > 1


def test_all_models_of_a_role_are_compared_if_none_is_named(call):
    shown = call("compare-models", "teaching", "--player", "traffic", "--no-v2g")
    assert shown.code == 0 and "enumerated" in shown.out and "generated" in shown.out


def test_a_model_that_does_not_suit_the_case_is_left_out_unless_it_is_named():
    case = case_from(random_tables(0), "random")  # on IEEE 33, which has no three-phase tables
    names, (sentence,) = suited(case, "dso", v2g=True)
    assert names == [name for name in ready("dso") if name != "three_phase"]
    assert sentence.startswith("three_phase is left out: ")
    with pytest.raises(DataError, match="three-phase tables"):
        cases_with(case, "dso", ["linear", "three_phase"], v2g=True)


def test_the_model_that_a_case_chooses_keeps_its_options():
    case = load_case("teaching")
    players = case.players.model_copy(update={"dso": DEARER, "options": {"dso": {"size": 1}, "cno": {}}})
    chosen = case.model_copy(update={"players": players})
    with pytest.raises(DataError, match=r"players.options.dso.size: unknown option"):
        cases_with(chosen, "dso", [DEARER], True)
    found = cases_with(chosen, "dso", ["linear"], True)
    assert found["linear"].players.options == {"dso": {}, "cno": {}}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--models", "linear,liner"), 'players.dso: no model "liner"; did you mean "linear"? Models: linear'),
        (("--player", "dos"), 'no role "dos"; did you mean "dso"? Roles: cno, dso'),
        (("--models", "linear,linear"), "models: given linear, linear, must be different names"),
        (("--models", ","), "models: given none"),
        (("--scenario", "nowhere"), 'no scenario "nowhere"'),
    ],
)
def test_bad_input_is_refused_before_anything_is_solved(call, monkeypatch, arguments, text):
    monkeypatch.setattr("experiments.comparing_models.solve", lambda *_: pytest.fail("computed"))
    shown = call("compare-models", "teaching", *arguments)
    assert (shown.code, shown.out) == (2, "")
    assert text in shown.err


def test_an_interrupt_keeps_what_is_there(call, monkeypatch, tmp_path):
    def interrupted(case, *rest):
        if case.players.traffic == "generated":
            raise KeyboardInterrupt
        return solve(case, *rest)

    monkeypatch.setattr("experiments.comparing_models.solve", interrupted)
    shown = call("compare-models", "--player", "traffic", "--models", "enumerated,generated", "--out", "out")
    assert shown.code == 130 and "interrupted after 1 of 2 models" in shown.err
    assert [entry["model"] for entry in json.loads((tmp_path / "out" / "compare.json").read_text())] == ["enumerated"]


def test_prices_that_differ_by_rounding_are_drawn_as_the_same():
    (entry,) = compare_models(load_case("teaching"), "dso", ["linear"])
    prices = entry.result.quantities["dlmp_usd_per_kwh"]
    told = entry.result.quantities | {"dlmp_usd_per_kwh": {bus: price + 1e-12 for bus, price in prices.items()}}
    other = replace(entry, model="other", result=replace(entry.result, quantities=told))
    _, below = models_figure([entry, other], "two").axes
    low, high = below.get_ylim()
    assert low < min(prices.values()) < high and high - low > 0.005
    assert len(below.lines) == 2


def test_entries_come_one_by_one_in_the_order_given():
    entries = compare_models(load_case("teaching"), "dso", [DEARER, "linear"])
    assert [next(entries).model, next(entries).model] == [DEARER, "linear"]


@pytest.mark.parametrize("role", ["lse", "households"])
def test_a_model_that_needs_another_beside_it_is_left_out(role):
    names, sentences = suited(load_case("teaching"), role, True)
    assert "constant_elasticity" not in names and any("constant_elasticity is left out" in each for each in sentences)
