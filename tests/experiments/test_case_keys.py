"""Does the table of keys say what the models enforce?"""

from __future__ import annotations

import subprocess
import sys

import pytest

from bestresponse.errors import DataError
from experiments.case import case_from
from experiments.case_keys import allowed_at, schema_table
from tests.experiments.case_tables import CASES, REPOSITORY, tables

ROWS = {row["key"]: row for row in schema_table()}


def keys_in(data, prefix=""):
    for key, value in data.items():
        yield prefix + key
        if isinstance(value, dict) and key not in ("ev_by_od", "fv_by_od", "line_limits_kva"):
            for name, entry in value.items():
                if key == "scenarios":
                    yield from keys_in(entry, "scenarios.NAME.")
                else:
                    yield from keys_in({name: entry}, f"{prefix}{key}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for entry in value:
                yield from keys_in(entry, f"{prefix}{key}[].")


@pytest.mark.parametrize("name", [path.stem for path in sorted(CASES.glob("*.toml"))])
def test_every_key_that_users_write_is_explained(name):
    sections = {"road", "demand", "vehicles", "waiting", "station_defaults", "feeder", "tso", "households"}
    assert set(keys_in(tables(name))) - sections <= ROWS.keys()


def test_every_row_is_complete_and_units_agree_with_the_keys():
    units = {"_kw": "kW", "_kvar": "kvar", "_kva": "kVA", "_h": "h", "_pu": "p.u.", "_kwh": "kWh", "_veh": "veh"}
    units |= {"usd_per_kwh": "$/kWh", "_veh_per_h": "veh/h", "usd_per_h": "$/h", "usd_per_kw2h": "$/kW²h"}
    units |= {"h_per_veh": "h/veh", "kwh_per_km": "kWh/km"}
    for key, row in ROWS.items():
        assert set(row) == {"key", "meaning", "unit", "default", "allowed"}
        assert row["meaning"] and row["default"] and row["allowed"]
        suffix = max((end for end in units if key.endswith(end)), key=len, default=None)
        assert row["unit"] == (units[suffix] if suffix else row["unit"]), key
    assert ROWS["demand.ev_by_od"]["unit"] == "veh/h" and ROWS["vehicles.range_anxiety"]["unit"] == ""


def test_rows_state_default_and_range():
    assert ROWS["vehicles.range_anxiety"]["allowed"] == "a finite number ≥ 0 and < 1"
    assert ROWS["vehicles.post_discharge"]["allowed"] == '"level" or "need"'
    assert ROWS["demand.origins"]["allowed"] == "a list, not empty, each entry a whole number"
    assert ROWS["lse[].conduct"]["default"] == "1" and ROWS["lse[].name"]["default"] == "required"
    assert ROWS["stations[].period_h"]["default"] == "as in [waiting]"
    assert ROWS["stations[].pile_kw"]["default"] == "as in [station_defaults]"
    assert ROWS["scenarios"]["default"] == "base" and ROWS["scenarios.NAME.outages"]["default"] == "none"
    assert allowed_at(("scenarios", "x", "line_limits_kva", "1-2")) == "a finite number > 0"


CLASSES = {"vehicles__classes": [{"name": "all", "share": 1.0, "value_of_time_usd_per_h": 20.0}]}


def number_rows():
    places = {"stations[].": "stations__0__", "lse[].generators[].": "lse__0__generators__0__", "lse[].": "lse__0__"}
    places["vehicles.classes[]."] = "vehicles__classes__0__"
    for key, row in ROWS.items():
        if row["allowed"].startswith(("a finite number", "a whole number")):
            path = key.replace("scenarios.NAME.", "scenarios.base.")
            for table, place in places.items():
                path = path.replace(table, place)
            yield path.replace(".", "__"), row["allowed"]


@pytest.mark.parametrize(("path", "allowed"), list(number_rows()))
def test_the_stated_range_is_the_enforced_one(path, allowed):
    outside = {"≥ 0": -1e-9, "> 0": 0.0, "≥ 1": 0, "≤ 1": 1.0 + 1e-9, "< 1": 1.0}
    values = [float("nan"), float("inf"), "1", True]
    values += [value for limit, value in outside.items() if limit in allowed]
    for value in values:
        with pytest.raises(DataError, match=f"must be {allowed}"):
            case_from(tables(**CLASSES, **{path: value}), "c")


def test_the_keys_need_no_network_code():
    program = (
        "import sys, experiments.case_keys as k; k.schema_table(); print({'networks', 'cvxpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
