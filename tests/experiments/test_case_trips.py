"""Demand of a case from a trip table: its numbers, what overrides them, and what is wrong with it."""

import pytest

from bestresponse.errors import DataError
from experiments.case import case_from, case_hash, case_tables
from tests.experiments.case_tables import refusal, tables

ROWS = "1,2,50\n1,3,0\n1,4,9\n1,5,20\n"
DEMAND = "o_zone_id,d_zone_id,volume\n" + ROWS


@pytest.fixture
def trips(tmp_path):
    (tmp_path / "demand.csv").write_text(DEMAND, encoding="utf-8")
    return tmp_path


def with_table(**changes):
    return tables(demand__trips="demand.csv", demand__ev_share=0.25, demand__ev_by_od={}, **changes)


def test_a_table_gives_the_vehicles_of_the_pairs_in_it(trips):
    demand = case_from(with_table(), "case.toml", trips).demand
    assert demand.od_pairs == ((1, 2), (1, 3), (1, 5))
    assert demand.ev_by_pair == (12.5, 12.0, 5.0)  # 1-3 has no trips in the table: ev_veh_per_h
    assert demand.fv_by_pair == (37.5, 40.0, 15.0)


def test_what_the_case_states_itself_wins_and_the_case_is_its_numbers(trips):
    changed = with_table()
    changed["demand"]["ev_by_od"] = {"1-2": 1.0}
    case = case_from(changed, "case.toml", trips)
    assert case.demand.ev_by_pair == (1.0, 12.0, 5.0)
    written = tables(demand__ev_by_od={"1-2": 1.0, "1-5": 5.0}, demand__fv_by_od={"1-2": 37.5, "1-5": 15.0})
    assert case_hash(case) == case_hash(case_from(written, "case.toml"))


def test_a_path_counts_from_the_folder_of_the_case(trips, monkeypatch):
    text = 'name = "x"\n[demand]\norigins = [1]\ndestinations = [2]\nev_veh_per_h = 0.0\ntrips = "demand.csv"\n'
    (trips / "case.toml").write_text(text, encoding="utf-8")
    assert case_tables(trips / "case.toml")[0]["demand"]["trips"] == str(trips.resolve() / "demand.csv")


def test_a_built_in_table_needs_no_path():
    case = case_from(tables("sioux_falls_ieee123", demand__trips="sioux_falls", demand__ev_by_od={}), "case.toml")
    assert sum(case.demand.ev_by_pair) > 0.0 and case.demand.fv_by_pair[0] == 0.0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1,2,50", "1,2,many", r"demand\.trips: .*demand\.csv, line 2: column 'volume' is 'many'"),
        ("o_zone_id", "from", r"demand\.trips: .*line 1: column 'o_zone_id' is missing"),
        (ROWS, "7,8,1\n", r"demand\.trips: given .*demand\.csv, which has no trips between any origin"),
    ],
)
def test_a_bad_table_names_the_key_and_the_row(trips, old, new, message):
    (trips / "demand.csv").write_text(DEMAND.replace(old, new), encoding="utf-8")
    with pytest.raises(DataError, match=rf"case\.toml: {message}"):
        case_from(with_table(), "case.toml", trips)


def test_a_missing_table_and_a_share_above_one_are_refused(trips):
    assert "demand.trips: " in refusal(tables(demand__trips="none.csv"), trips)
    assert "demand.ev_share: given 1.5, must be a finite number ≥ 0 and ≤ 1" in refusal(tables(demand__ev_share=1.5))
