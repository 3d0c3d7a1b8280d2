"""Do all shipped runs come out as equilibria, the same by every route, and as published?"""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.cross_check import NOT_UNIQUE, UNIQUE
from experiments.solving import solve
from tests.experiments.runs import (
    PAPER,
    ROBUST,
    TEACHING,
    Run,
    assert_confirmed,
    run_name,
    runs_of,
    solved,
    third_route,
)
from tests.one_program.tables import Row, read_rows

REFERENCE = Path(__file__).parents[1] / "reference"
FULL_RUNS = runs_of(ROBUST, PAPER)
QUICK = {"base", "stress", "island"}  # scenarios of the robust case that settle early

all_full_runs = pytest.mark.parametrize("run", FULL_RUNS, ids=run_name)


@all_full_runs
def test_a_full_run_is_solved_and_its_routes_agree_on_every_unique_quantity(run):
    result = solved(run).result
    assert result.solved and result.routes_agree, result.status
    assert {name for name in UNIQUE if not result.cross_check[name]["relative_difference"] <= 1e-6} == set()
    # Away from kinks prices and generation by entity are unique, too; no shipped run sits at one.
    assert all(result.cross_check[name]["unique"] for name in ("generation_kw", "dlmp_usd_per_kwh", "od_cost_usd"))
    for name, row in result.cross_check.items():
        if row["unique"] and name.endswith("_kw"):
            assert row["coordinator"] == pytest.approx(row["monolith"], rel=0, abs=1e-3), name


@all_full_runs
@pytest.mark.parametrize("route", ["coordinator", "monolith"])
def test_no_market_is_out_of_balance_and_no_player_gains_or_leaves_its_set(run, route):
    result = solved(run).result
    certificate = result.certificate if route == "coordinator" else result.monolith["certificate"]
    assert len(certificate["imbalance"]) == (7 if result.v2g else 5)
    assert all(0 <= size <= 1e-6 for size in certificate["imbalance"].values())
    assert set(certificate["gain"]) == {"CNO", "DSO", "Households", "Traffic", "LSE 1", "LSE 2", "LSE 3", "LSE 4"}
    for gain in certificate["gain"].values():
        assert -1e-6 <= gain["relative"] <= 1e-6
        assert abs(gain["absolute"]) <= 1e-6 * max(1.0, abs(gain["outlay"])) * 1.000001
        assert 0 <= gain["violation"] <= 1e-6


@all_full_runs
def test_nobody_on_the_road_could_travel_cheaper(run):
    assert 0 <= solved(run).result.quantities["wardrop_gap"] <= 1e-8
    assert 0 <= solved(run, "monolith").result.quantities["wardrop_gap"] <= 1e-8


@all_full_runs
def test_the_monolith_starts_cold_and_ends_exact(run):
    monolith = solved(run).result.monolith
    assert monolith["converged"] and monolith["independent"]
    assert monolith["natural_residual"] <= 1e-10
    assert monolith["factorisations"] <= 25


@all_full_runs
def test_sweeps_stay_few(run):
    case, scenario, _ = run
    trace = solved(run).result.trace
    clear = [row["sweep"] for row in trace if max(row["imbalance"], row["disagreement"]) <= 1e-6]
    assert clear[0] <= (80 if case == ROBUST and scenario in QUICK else 450)


@all_full_runs
def test_quadratic_players_hardly_need_their_interior_point(run):
    found = solved(run)
    assert len(found.counters) == 7
    for counters in found.counters.values():
        assert counters.answers == found.result.sweeps
        assert counters.interior_point <= 20 and counters.inexact == 0


def test_a_run_repeated_is_the_same_to_the_last_digit():
    run = (ROBUST, "stress", True)
    again, first = solve(*run), solved(run).result
    assert again.quantities == first.quantities
    assert again.certificate == first.certificate
    assert again.cross_check == first.cross_check


def printed(row: Row, columns: set[str]) -> dict[str, object]:
    """The figures of a row of a reference table, each as good as half a unit of its last printed digit, and 1e-8."""
    half = {key: 0.5 * 10.0 ** -len(row[key].partition(".")[2]) for key in columns if row[key]}
    return {key: pytest.approx(float(row[key]), rel=0, abs=size + 1e-8 * float(row[key])) for key, size in half.items()}


def rows(file: str, case: str) -> list[tuple[Run, Row]]:
    return [((case, row["scenario"], row["v2g"] == "yes"), row) for row in read_rows(REFERENCE / file)]


ROWS = rows("findings_robust.csv", ROBUST) + rows("findings_paper.csv", PAPER)


@pytest.mark.parametrize(("run", "row"), ROWS, ids=[run_name(run) for run, _ in ROWS])
@pytest.mark.parametrize("method", ["both", "monolith"])
def test_a_full_run_gives_the_tabulated_quantities(run, row, method):
    found = solved(run, method).result.quantities
    dlmp = found["dlmp_usd_per_kwh"].values()
    summary = {
        **found,
        "generation_kw": sum(found["generation_kw"].values()),
        "dlmp_min_usd_per_kwh": min(dlmp),
        "dlmp_max_usd_per_kwh": max(dlmp),
        "od_cost_1_20_usd": found["od_cost_usd"]["1-20"],
    }
    expected = printed(row, set(row) - {"scenario", "v2g", "saving", *NOT_UNIQUE})
    assert len(expected) >= 4
    assert {key: summary[key] for key in expected} == expected


@pytest.mark.parametrize("scenario", ["base", "stress", "island"])
def test_v2g_saves_what_the_table_says(scenario):
    before, after = (solved((PAPER, scenario, v2g)).result.quantities["social_cost_usd_per_h"] for v2g in (False, True))
    row = next(row for run, row in ROWS if run == (PAPER, scenario, True))
    assert {"saving": 100 * (1 - after / before)} == printed(row, {"saving"})


THIRD = [*runs_of(TEACHING), (ROBUST, "stress", True), (PAPER, "island", False), (ROBUST, "congested", True)]


@pytest.mark.parametrize("method", ["both", "monolith"])
@pytest.mark.parametrize("run", THIRD, ids=run_name)
def test_one_program_with_code_of_its_own_confirms_either_route(run, method):
    third = third_route(*run)
    assert third.run.status == "optimal" and third.wardrop_gap <= 1e-8
    assert {*UNIQUE, "generation_kw"} <= third.unique.keys()
    assert_confirmed(solved(run, method).result.quantities, third)
