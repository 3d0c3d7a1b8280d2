"""Crossover: the coordinator's answer of every reference run to the last digits, and of no run that found none."""

from __future__ import annotations

import math

import pytest

from bestresponse.coordinator import coordinate
from bestresponse.crossover import polished
from bestresponse.errors import DataError
from bestresponse.stopping import Limits, StopReason, Tolerances
from bestresponse.system import ComplementaritySystem
from experiments.build import build
from experiments.case import load_case
from experiments.cross_check import compare, disagreements
from experiments.result import load_result
from experiments.solving import solve
from tests.experiments.command_line import command
from tests.experiments.runs import PAPER, ROBUST, TEACHING, run_name, runs_of, solved

ROUGH = Tolerances.of(1e-4)  # near enough to tell what binds


@pytest.mark.parametrize("run", runs_of(ROBUST, PAPER), ids=run_name)
def test_a_rough_answer_is_taken_to_the_last_digits(run):
    case, scenario, v2g = run
    model = build(load_case(case), scenario, v2g)
    system = ComplementaritySystem(model.market)
    rough = coordinate(model.market, model.first_price, tolerances=ROUGH)
    exact = polished(rough, system=system)
    assert system.natural_residual(rough.price, rough.responses) > 1e-11
    assert system.natural_residual(exact.price, exact.responses) <= 1e-12
    assert exact.solved and exact.certificate.natural_residual <= 1e-12
    assert "crossover" in exact.stop.evidence, exact.stop.evidence  # no interior point was needed
    assert exact.trace is rough.trace and exact.method == rough.method


def test_where_nothing_was_found_nothing_is_polished():
    model = build(load_case(TEACHING), "stress", True)
    stopped = coordinate(model.market, model.first_price, limits=Limits(max_sweeps=3))
    kept = polished(stopped)
    assert kept.stop.reason is StopReason.SWEEP_LIMIT and "not polished" in kept.stop.evidence
    assert kept.price is stopped.price and kept.responses is stopped.responses


def test_an_answer_that_cannot_be_polished_stays_as_it_is():
    model = build(load_case(TEACHING), "stress", True)
    found = coordinate(model.market, model.first_price)
    kept = polished(found, tolerance=math.ulp(0.0))
    assert kept.solved and "could not be polished" in kept.stop.evidence
    assert kept.price is found.price and kept.certificate is found.certificate


def test_what_a_certificate_objects_to_in_a_polished_answer_is_said():
    model = build(load_case(TEACHING), "base", True)
    kept = polished(coordinate(model.market, model.first_price, tolerances=ROUGH), tolerances=Tolerances.of(1e-300))
    assert "could not be polished: " in kept.stop.evidence and "(allowed 1e-300)" in kept.stop.evidence
    assert "natural residual meets" not in kept.stop.evidence


def test_a_polished_result_is_the_same_equilibrium_closer(tmp_path):
    shown = command(tmp_path, "solve", TEACHING, "--scenario", "stress", "--polish", "--json", "polished.json")
    assert shown.code == 0 and "crossover" in shown.out
    plain, result = solved((TEACHING, "stress", True)).result, load_result(tmp_path / "polished.json")
    assert result.solved and result.routes_agree and "Polished" in result.status
    assert result.certificate["natural_residual"] <= 1e-12 < plain.certificate["natural_residual"]
    assert disagreements(compare(dict(plain.quantities), dict(result.quantities), exchangeable=False)) == []
    assert result.sweeps == plain.sweeps and result.seconds["crossover"] > 0


def test_the_monolith_is_not_polished_twice():
    with pytest.raises(DataError, match="polish of its own"):
        solve(TEACHING, "stress", True, method="monolith", polish=True)
