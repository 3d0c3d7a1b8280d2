"""Cases whose routes are generated: both ways to the answer over all routes, on record, and where they are refused."""

import json

import numpy as np
import pytest

from bestresponse.conformance import check_player
from bestresponse.coordinator import coordinate
from bestresponse.errors import DataError
from bestresponse.player import Anchor, Signal
from experiments.build import build
from experiments.case import case_from
from experiments.case_report import describe
from experiments.comparing import compare
from experiments.diagnosing import diagnose
from experiments.solving import solve
from tests.experiments.case_tables import refusal, tables
from tests.experiments.runs import case_file

DEMAND = {"demand__origins": [1], "demand__destinations": [13, 20], "demand__ev_veh_per_h": 80.0}


def case(routes, name="sioux_falls_ieee123", **changes):
    return case_from(tables(name, players={"traffic": routes}, **changes), "case.toml")


def test_generated_routes_are_all_routes_that_matter_and_both_ways_agree():
    found = solve(case("generated", **DEMAND), "stress")
    many = solve(case("enumerated", road__base_routes=40, **DEMAND), "stress", method="sharing")
    few = solve(case("enumerated", road__base_routes=1, **DEMAND), "stress", method="sharing")
    assert found.solved and found.routes_agree and found.monolith["independent"]
    cost = found.quantities["social_cost_usd_per_h"]
    assert cost == pytest.approx(many.quantities["social_cost_usd_per_h"], rel=1e-7)
    assert found.quantities["od_cost_usd"] == pytest.approx(many.quantities["od_cost_usd"], rel=1e-5)
    assert few.quantities["social_cost_usd_per_h"] > cost + 1.0


@pytest.mark.parametrize("v2g", [True, False])
def test_the_monolith_alone_finds_the_routes_it_needs(v2g):
    alone = solve(case("generated", "teaching"), "stress", v2g, "monolith")
    known = solve(case("enumerated", "teaching", road__base_routes=40), "stress", v2g, "sharing")
    assert alone.solved
    cost = known.quantities["social_cost_usd_per_h"]
    assert alone.quantities["social_cost_usd_per_h"] == pytest.approx(cost, rel=1e-6)
    assert len(alone.quantities["paths"]) > describe(case("generated", "teaching"))["od_pairs"]


def test_a_run_with_generated_routes_that_was_cut_goes_on_to_the_same_result(tmp_path):
    asked = {"case": case("generated", "teaching"), "scenario": "stress", "method": "sharing"}
    whole = solve(**asked, trace=tmp_path / "whole.csv")
    solve(**asked, trace=tmp_path / "cut.csv", max_sweeps=7)
    rest = solve(**asked, trace=tmp_path / "cut.csv", resume=True)
    assert rest.solved and rest.sweeps == whole.sweeps
    assert rest.quantities == whole.quantities


def test_vehicles_of_which_a_share_may_discharge_find_their_routes():
    share = {"vehicles__v2g_share": 0.5}
    found = solve(case("generated", "teaching", **share), "stress", method="sharing")
    known = solve(case("enumerated", "teaching", road__base_routes=40, **share), "stress", method="sharing")
    assert found.solved
    cost = known.quantities["social_cost_usd_per_h"]
    assert found.quantities["social_cost_usd_per_h"] == pytest.approx(cost, rel=1e-7)


def test_what_a_case_holds_is_what_it_starts_from():
    described = describe(case("generated", "teaching"))
    pairs = described["od_pairs"]
    assert [described[key] for key in ("base_routes", "ev_paths_with_v2g", "ev_paths_without_v2g")] == [pairs] * 3


def test_bad_cases_are_named():
    assert "generate" in refusal(tables(players={"traffic": "generate"}))
    need = refusal(tables(players={"traffic": "generated"}, vehicles__post_discharge="need"))
    assert "players.traffic: post_discharge is 'need'; allowed where routes are generated" in need
    short = refusal(tables(players={"traffic": "generated"}, vehicles__consumption_kwh_per_km=4.0))
    assert "no energy-feasible trip for electric vehicles on any route" in short and "OD pair" in short


@pytest.mark.parametrize("command", ["compare", "diagnose"])
def test_commands_that_need_one_fixed_set_of_paths_say_so(command):
    run = {"compare": lambda one: next(compare(one, "base", True, [], [])), "diagnose": diagnose}[command]
    with pytest.raises(DataError, match=f'traffic: given "generated", must be "enumerated" for {command}'):
        run(case("generated", "teaching"))


def test_the_command_line_solves_it(call, tmp_path):
    path = case_file(tmp_path, tables(players={"traffic": "generated"}))
    shown = call("solve", str(path), "--method", "both", "--json", "r.json")
    assert shown.code == 0, shown.err
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["routes_agree"]


def test_traffic_that_generates_routes_keeps_the_contract_of_a_player():
    model = build(case("generated", **DEMAND), "stress", v2g=True)
    found = coordinate(model.market, model.first_price)
    assert found.solved
    assert not check_player(model.player("traffic"), model.market, found.price, found.responses, draws=4)


def test_paths_that_were_dropped_come_back_with_the_flow_that_is_on_them():
    """A plain answer starts from the last plain one, whose paths the anchored ones in between may have dropped."""
    drivers = build(
        case_from(tables("sioux_falls_ieee123", players={"traffic": "generated"}), "c"), "base", True
    ).player("traffic")
    n, rng = len(drivers.goods), np.random.default_rng(0)
    anchor, dropped = Anchor(np.full(n, 1e-3), np.zeros(n)), 0
    for _ in range(2):
        drivers.best_response(Signal(rng.uniform(-1, 1, n)))
        before = drivers.form.n_paths
        for sweep in range(45):
            drivers.best_response(Signal(np.full(n, 0.1) if sweep < 24 else rng.uniform(-1, 1, n), anchor=anchor))
            dropped += drivers.form.n_paths < before
    assert drivers.best_response(Signal(rng.uniform(-1, 1, n))).trade.shape == (n,) and dropped


def test_the_gap_of_every_answer_is_an_option_of_the_model():
    options = {"players": {"traffic": "generated", "options": {"traffic": {"wardrop_gap": 1e-5}}}}
    model = build(case_from(tables("teaching", **options), "case.toml"), "stress", v2g=True)
    assert model.player("traffic").tolerance == 1e-5
