"""Does the comparison of two routes notice what must agree, and only that?"""

from __future__ import annotations

import copy
import math

import pytest

from experiments.cross_check import (
    NOT_UNIQUE,
    SHIFTED,
    UNIQUE,
    UNIQUE_BUT_AT_KINKS,
    as_data,
    compare,
    differences,
    disagreements,
)
from tests.experiments.runs import TEACHING, solved


@pytest.fixture
def found():
    return copy.deepcopy(dict(solved((TEACHING, "stress", True)).result.quantities))


def changed(found, name, by):
    """The same quantities with one of them, or the last entry of its table, moved by an amount."""
    other = copy.deepcopy(found)
    if isinstance(other[name], dict):
        other[name][list(other[name])[-1]] += by
    else:
        other[name] += by
    return other


def test_what_traffic_without_a_report_does_not_tell_is_not_compared(found):
    untold = ("travel_cost_usd_per_h", "od_cost_usd", "stop_share")
    rest = {name: value for name, value in found.items() if name not in untold}
    rows = compare(rest, found, exchangeable=False)
    assert not set(untold) & set(rows) and not disagreements(rows) and not differences(rows)


def test_shedding_that_costs_nothing_decides_nothing(found):
    other = changed(found, "load_shed_kw", 100.0)
    assert disagreements(compare(found, other, exchangeable=False)) == ["load_shed_kw"]
    assert not disagreements(compare(found, other, exchangeable=False, free=["load_shed_kw"]))


def test_equal_quantities_agree_everywhere(found):
    rows = compare(found, found, exchangeable=False)
    assert list(rows) == [*UNIQUE, *UNIQUE_BUT_AT_KINKS, *NOT_UNIQUE]
    assert disagreements(rows) == []
    assert all(row.relative_difference == 0.0 and row.agrees for row in rows.values())


def size(found, name):
    value = found[name]
    if name in SHIFTED:
        return max(map(abs, value.values()))
    return abs(list(value.values())[-1]) if isinstance(value, dict) else abs(value)


@pytest.mark.parametrize("name", [*UNIQUE, *UNIQUE_BUT_AT_KINKS])
@pytest.mark.parametrize("exchangeable", [False, True])
def test_a_planted_disagreement_in_a_unique_quantity_decides(found, name, exchangeable):
    unit = 0.1 if "usd_per_kwh" in name else 1.0
    step = 2e-6 * max(size(found, name), unit) + (1e-3 if name.endswith("_kw") else 0.0)
    for one, other in ((found, changed(found, name, step)), (changed(found, name, step), found)):
        rows = compare(one, other, exchangeable)
        at_a_kink = exchangeable and name in UNIQUE_BUT_AT_KINKS
        assert disagreements(rows) == ([] if at_a_kink else [name])
        assert rows[name].unique is not at_a_kink
        assert not rows[name].agrees
        if isinstance(found[name], dict):
            assert rows[name].at == list(found[name])[-1]


@pytest.mark.parametrize("name", [*UNIQUE, *UNIQUE_BUT_AT_KINKS])
def test_nothing_decides_where_the_market_is_not_monotone(found, name):
    rows = compare(found, changed(found, name, 3.0), exchangeable=False, monotone=False)
    assert disagreements(rows) == [] and not any(row.unique for row in rows.values())
    assert differences(rows) == [name]


@pytest.mark.parametrize("name", [*UNIQUE, *UNIQUE_BUT_AT_KINKS])
def test_what_rounding_leaves_does_not_decide(found, name):
    unit = 0.1 if "usd_per_kwh" in name else 1.0
    rows = compare(found, changed(found, name, 0.9e-6 * max(size(found, name), unit)), exchangeable=False)
    assert disagreements(rows) == []
    assert rows[name].relative_difference > 0


@pytest.mark.parametrize("name", NOT_UNIQUE)
def test_quantities_that_are_not_unique_are_shown_but_never_decide(found, name):
    rows = compare(found, changed(found, name, 3), exchangeable=False)
    assert disagreements(rows) == []
    assert not rows[name].unique and rows[name].relative_difference > 0.01


@pytest.mark.parametrize("name", ["charged_kw", "link_flow_veh_per_h", "dlmp_usd_per_kwh", "social_cost_usd_per_h"])
def test_nan_is_a_disagreement(found, name):
    rows = compare(found, changed(found, name, math.nan), exchangeable=False)
    assert disagreements(rows) == [name]


def test_rows_show_both_values_as_plain_data(found):
    rows = as_data(compare(found, changed(found, "charged_kw", 2.0), exchangeable=False))
    assert rows["charged_kw"] == {
        "coordinator": found["charged_kw"],
        "monolith": found["charged_kw"] + 2.0,
        "relative_difference": pytest.approx(2.0 / (found["charged_kw"] + 2.0)),
        "unique": True,
        "agrees": False,
        "at": None,
    }
    assert rows["generation_kw"]["at"] in found["generation_kw"]
