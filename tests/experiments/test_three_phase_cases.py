"""Cases that choose the operator by phase: which feeders they can have, and what they say of the others."""

import shutil

import numpy as np
import pytest

from bestresponse.errors import DataError
from experiments.build import build
from experiments.case import case_from, case_hash, load_case
from experiments.case_check import check_case
from experiments.solving import solve
from networks.feeder import DATA, load_feeder
from tests.experiments.case_tables import tables


def case_on(feeder, folder=".", **options):
    players = {"dso": "three_phase"} | ({"options": {"dso": options}} if options else {})
    return case_from(tables(feeder__network=feeder, players=players), "case.toml", folder)


@pytest.fixture
def own(tmp_path):
    """A folder with the teaching feeder as a feeder of the user's own."""
    return shutil.copytree(DATA / "teaching", tmp_path / "own")


def test_a_feeder_of_the_users_own_solves_as_the_built_in_one(own, tmp_path):
    found, expected = (solve(case, "stress").quantities for case in (case_on("own", tmp_path), case_on("teaching")))
    assert found == expected
    linear = solve(load_case("teaching"), "stress").quantities
    assert found["voltage_min_pu"] < linear["voltage_min_pu"] - 0.005


def balance(folder):
    """Make the teaching feeder's phases all alike: a third of each load, transposed lines with coupling."""
    feeder, tables_by_phase = load_feeder(folder), folder / "three_phase"
    thirds = [np.column_stack([each] * 3) / 3 for each in (feeder.p_kw, feeder.q_kvar, feeder.cap_kvar)]
    loads = [f"{bus},wye,{row}" for bus, row in zip(feeder.buses, _rows(np.hstack(thirds[:2])), strict=True)]
    caps = [f"{bus},{row}" for bus, row in zip(feeder.buses, _rows(thirds[2]), strict=True)]
    ohm = (feeder.r_pu + 1j * feeder.x_pu) * feeder.base_ohm
    own, mutual = ohm + (0.1 + 0.3j), np.full(len(ohm), 0.1 + 0.3j)
    entries = np.column_stack([own, mutual, mutual, own, mutual, own])  # aa, ab, ac, bb, bc, cc
    configs = [
        f"{line},abc,{row}"
        for line, row in zip(feeder.line_names, _rows(np.hstack([entries.real, entries.imag])), strict=True)
    ]
    lines = [f"{line.replace('-', ',')},abc,5280,{line}" for line in feeder.line_names]
    for name, rows in (("lines", lines), ("configs", configs), ("loads", loads), ("capacitors", caps)):
        path = tables_by_phase / f"{name}.csv"
        header = path.read_text().splitlines()[0]
        if name == "loads":
            header = "bus,connection,p_a_kw,p_b_kw,p_c_kw,q_a_kvar,q_b_kvar,q_c_kvar"
        path.write_text("\n".join([header, *rows]))


def _rows(values):
    return [",".join(map(repr, row)) for row in values.tolist()]


@pytest.mark.parametrize("scenario", ["stress", "island"])
def test_a_market_on_a_balanced_feeder_is_that_of_the_balanced_operator(own, tmp_path, scenario):
    balance(own)
    found, expected = (solve(case, scenario).quantities for case in (case_on("own", tmp_path), load_case("teaching")))
    for name in ("social_cost_usd_per_h", "import_kw", "household_kw", "load_shed_kw", "dlmp_usd_per_kwh"):
        assert found[name] == pytest.approx(expected[name], rel=1e-6, abs=1e-6), name


def test_a_feeder_without_tables_is_refused_with_the_key_and_what_is_allowed(own, tmp_path):
    shutil.rmtree(own / "three_phase")
    with pytest.raises(DataError) as refused:
        check_case(case_on("own", tmp_path))
    assert 'case.toml: players.dso: given "three_phase", which needs three-phase tables, and' in str(refused.value)
    assert "with them: ieee123, ieee123_full, teaching; " in str(refused.value)


def test_bad_tables_are_a_problem_of_the_feeder(own, tmp_path):
    lines = own / "three_phase" / "lines.csv"
    lines.write_text(lines.read_text().replace("1,2,abc", "1,2,ab"))
    message = r"feeder.network: .*three_phase: line 2-3 has the phases abc, but bus 2 gets only ab"
    with pytest.raises(DataError, match=message):
        build(case_on("own", tmp_path), "base", True)


def test_the_other_models_read_nothing_of_the_tables(own, tmp_path):
    shutil.rmtree(own / "three_phase")
    (own / "three_phase").mkdir()
    assert check_case(case_from(tables(feeder__network="own"), "case.toml", tmp_path)).feeder.phases is None


def test_the_hash_of_a_case_sees_its_three_phase_tables(own, tmp_path):
    before = case_hash(case_on("own", tmp_path))
    with (own / "three_phase" / "regulators.csv").open("w") as file:
        file.write("from,to,phase,ratio\n1,2,a,1.025\n")
    assert case_hash(case_on("own", tmp_path)) != before


def test_regulators_stand_at_their_taps_when_asked_to(own, tmp_path):
    (own / "three_phase" / "regulators.csv").write_text("from,to,phase,ratio\n1,2,a,1.025\n")
    ratios = [
        build(case_on("own", tmp_path, taps=taps), "base", True).player("dso").conductors for taps in (False, True)
    ]
    lifted = [-grid.drop.squared_voltage.min() for grid in ratios]
    assert lifted == pytest.approx([1.0, 1.025**2])
