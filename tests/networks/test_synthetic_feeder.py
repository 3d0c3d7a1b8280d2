"""Feeders drawn from a seed: the voltage they promise, room on every line, the shape of a real feeder, any size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks.errors import NetworkDataError
from networks.feeder import Feeder, load_feeder
from networks.synthetic_feeder import CONDUCTORS, lowest_squared_voltage, synthetic_feeder

FIELDS = ("p_kw", "q_kvar", "cap_kvar", "line_from", "line_to", "r_pu", "x_pu", "rate_kva", "xy")


def ways(feeder: Feeder) -> list[list[int]]:
    """The lines between the root and every bus, walked up one at a time."""
    feeding = {int(j): (k, int(i)) for k, (i, j) in enumerate(zip(feeder.line_from, feeder.line_to, strict=True))}
    found = []
    for bus in range(feeder.n_buses):
        way = []
        while bus != feeder.root:
            line, bus = feeding[bus]
            way.append(line)
        found.append(way)
    return found


def drops(feeder: Feeder) -> np.ndarray:
    """By how much the squared voltage falls to every bus: shared impedance times load, bus by bus."""
    lines_to = ways(feeder)
    P, Q, found = np.zeros(feeder.n_lines), np.zeros(feeder.n_lines), np.zeros(feeder.n_buses)
    for bus, way in enumerate(lines_to):
        P[way] += feeder.p_kw[bus]
        Q[way] += feeder.q_kvar[bus] - feeder.cap_kvar[bus]
    for bus, way in enumerate(lines_to):
        found[bus] = sum(2 * (feeder.r_pu[k] * P[k] + feeder.x_pu[k] * Q[k]) / feeder.base_kva for k in way)
    return found


@settings(max_examples=15, deadline=None)
@given(
    n_buses=st.integers(10, 300),
    load_kw=st.floats(10.0, 1e5),
    seed=st.integers(0, 1000),
    drop=st.floats(0.01, 0.1),
)
def test_voltage_and_lines_hold_by_construction(n_buses, load_kw, seed, drop):
    feeder = synthetic_feeder(n_buses, load_kw, seed, voltage_drop_pu=drop)
    assert feeder.n_buses == n_buses and feeder.n_lines == n_buses - 1
    assert feeder.p_kw.sum() == pytest.approx(load_kw) and feeder.p_kw[feeder.root] == 0
    assert drops(feeder).max() == pytest.approx(2 * drop)
    behind = np.zeros(feeder.n_lines)
    for bus, way in enumerate(ways(feeder)):
        behind[way] += np.hypot(feeder.p_kw[bus], feeder.q_kvar[bus])
    assert np.all(behind * 1.5 <= feeder.rate_kva)


def test_the_shape_is_that_of_the_feeder_it_is_modelled_on():
    model = load_feeder("ieee123")
    found = [synthetic_feeder(123, 3490.0, seed) for seed in range(5)]

    def children(feeder: Feeder) -> np.ndarray:
        return np.bincount(np.minimum(np.bincount(feeder.line_from, minlength=123), 3), minlength=4) / 123

    def depth(feeder: Feeder) -> float:
        return float(np.mean([len(way) for way in ways(feeder)]))

    assert np.mean([children(feeder) for feeder in found], axis=0) == pytest.approx(children(model), abs=0.1)
    assert np.mean([depth(feeder) for feeder in found]) == pytest.approx(depth(model), rel=0.3)
    for feeder in found:
        assert np.mean(feeder.p_kw > 0) == pytest.approx(np.mean(model.p_kw > 0), abs=0.15)
        assert feeder.q_kvar.sum() / feeder.p_kw.sum() == pytest.approx(model.q_kvar.sum() / model.p_kw.sum(), rel=0.05)
        share = feeder.cap_kvar.sum() / feeder.q_kvar.sum()
        assert share == pytest.approx(model.cap_kvar.sum() / model.q_kvar.sum())
        kinds = {round(r / x, 3) for r, x in zip(feeder.r_pu, feeder.x_pu, strict=True)}
        assert kinds <= {round(c.r_ohm_per_km / c.x_ohm_per_km, 3) for c in CONDUCTORS} and len(kinds) > 1


def test_conductors_are_those_of_the_feeder_they_are_taken_from():
    """Lines 1-2 (175 ft, configuration 10), 1-7 (300 ft, 1) and 35-36 (650 ft, 8), lengths as published."""
    model, base_ohm = load_feeder("ieee123"), 4.16**2 / 5
    for conductor, line, feet in zip(CONDUCTORS, ("1-2", "35-36", "1-7"), (175, 650, 300), strict=True):
        k, km = model.line_index(line), feet * 0.0003048
        assert model.r_pu[k] * base_ohm / km == pytest.approx(conductor.r_ohm_per_km, rel=0.003)
        assert model.x_pu[k] * base_ohm / km == pytest.approx(conductor.x_ohm_per_km, rel=0.003)
    assert CONDUCTORS[0].rate_kva(4.16) == pytest.approx(model.rate_kva[model.line_index("1-2")], abs=0.1)
    assert CONDUCTORS[1].rate_kva(4.16) == pytest.approx(model.rate_kva[model.line_index("35-36")], abs=0.1)


def test_equal_arguments_give_equal_feeders_and_another_seed_another():
    first, again, other = (synthetic_feeder(60, 1000.0, seed) for seed in (7, 7, 8))
    assert all(np.array_equal(getattr(first, name), getattr(again, name)) for name in FIELDS)
    assert not np.array_equal(first.line_from, other.line_from) and not np.array_equal(first.p_kw, other.p_kw)


def test_ten_thousand_buses():
    feeder = synthetic_feeder(10_000, 20_000.0, 1)
    assert feeder.base_kv == 12.47 and np.all(feeder.connected_to_root)
    assert lowest_squared_voltage(feeder, 1.0) == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_buses": 9}, "n_buses is 9; allowed: whole numbers from 10"),
        ({"load_kw": 0.0}, "load_kw is 0.0; allowed: positive"),
        ({"load_kw": float("nan")}, "load_kw is nan"),
        ({"base_kv": -1.0}, "base_kv is -1.0; allowed: positive"),
        ({"voltage_drop_pu": 0.2}, "voltage_drop_pu is 0.2; allowed: between 0 and 0.2"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(NetworkDataError, match=message):
        synthetic_feeder(**({"n_buses": 20, "load_kw": 100.0, "seed": 1} | arguments))
