"""Equilibria in an AC power flow: what LinDistFlow leaves out is seen, and a model with losses is met."""

import dataclasses
import json

import numpy as np
import pytest

from bestresponse.errors import DataError
from experiments import validating
from experiments.case import load_case
from experiments.solving import solve
from experiments.validating import validate
from tests.experiments.command_line import command

# pandapower and what it imports warn on their own account
pytestmark = pytest.mark.filterwarnings("ignore")


def equilibrium(case, scenario, dso):
    stated = load_case(case)
    players = stated.players.model_copy(update={"dso": dso})
    return solve(stated.model_copy(update={"players": players}), scenario, method="sharing")


@pytest.fixture(scope="module")
def island():
    return equilibrium("teaching", "island", "linear")


@pytest.fixture(scope="module")
def replayed(island):
    return validate(island)


@pytest.fixture
def with_losses(monkeypatch):
    """A stressed equilibrium with losses; its case stands in no file."""
    result = equilibrium("teaching", "stress", "socp")
    monkeypatch.setattr(validating, "case_of", lambda result: load_case("teaching"))
    return result


def test_lindistflow_of_the_injections_is_what_the_linear_operator_said(island, replayed):
    said = island.quantities["voltage_pu"]
    assert replayed.linear_pu == pytest.approx([said[bus] for bus in replayed.feeder.buses], abs=1e-8)
    flows = [np.hypot(*island.quantities["line_flow"][line]) for line in replayed.feeder.line_names]
    assert replayed.linear_kva == pytest.approx(flows, abs=1e-4)


def test_the_ac_power_flow_loses_what_lindistflow_leaves_out(island, replayed):
    data = replayed.data()
    flow, feeder = replayed.flow, replayed.feeder
    assert data["converged"] and data["losses_of_result_kw"] == 0.0
    begin = flow.voltage_pu[feeder.line_from]
    current = np.hypot(flow.from_kw, flow.from_kvar) ** 2 / (feeder.base_kva * begin**2)
    assert data["losses_kw"] == pytest.approx(float(feeder.r_pu @ current), rel=1e-6)
    supplied = flow.from_kw[feeder.line_from == feeder.root].sum()
    lost_here = flow.losses_kw[feeder.connected_to_root[feeder.line_to]].sum()
    assert supplied == pytest.approx(island.quantities["import_kw"] + lost_here, abs=1e-3)
    assert 0 < data["largest_voltage_difference_pu"] < 0.005


def test_a_model_with_losses_is_the_ac_power_flow_of_its_injections(with_losses):
    found = validate(with_losses)
    said = with_losses.quantities
    assert found.flow.voltage_pu == pytest.approx([said["voltage_pu"][bus] for bus in found.feeder.buses], abs=1e-6)
    assert found.data()["losses_kw"] == pytest.approx(said["losses_kw"], abs=1e-3)


def test_overloads_and_voltages_beyond_limits_are_named(replayed):
    narrow = dataclasses.replace(
        replayed, feeder=replayed.feeder.with_line_limits({"2-5": 100.0}), limits_pu=(1.0, 1.01)
    )
    data = narrow.data()
    assert data["overloads"] == ["2-5"]
    voltage = dict(zip(replayed.feeder.buses, replayed.flow.voltage_pu, strict=True))  # not unique: support is free
    outside = [bus for bus, value in voltage.items() if not 1.0 <= value <= 1.01]
    assert data["voltage_violations"] == outside and 0 < len(outside) < len(voltage)
    assert replayed.data()["overloads"] == replayed.data()["voltage_violations"] == []


def test_both_engines_say_the_same_of_an_equilibrium(island, replayed):
    pytest.importorskip("opendssdirect", reason="opendss is not installed")
    data, other = replayed.data(), validate(island, "opendss").data()
    assert other.pop("engine") == "opendss" and data.pop("engine") == "pandapower"
    for rows, key in (("buses", "bus"), ("lines", "line")):
        for row, same in zip(data.pop(rows), other.pop(rows), strict=True):
            assert same.pop(key) == row.pop(key)
            assert same == pytest.approx(row, abs=1e-3 if rows == "lines" else 1e-8)
    assert [other.pop(key) for key in ("voltage_limits_pu",)] == [data.pop("voltage_limits_pu")]
    texts = {key for key, value in data.items() if not isinstance(value, float)}
    assert {key: other.pop(key) for key in texts} == {key: data.pop(key) for key in texts}
    assert other == pytest.approx(data, abs=1e-3)


def test_what_cannot_be_validated_is_refused(island):
    with pytest.raises(DataError, match=r"no engine 'pandapwer'; did you mean .*pandapower"):
        validate(island, "pandapwer")
    with pytest.raises(DataError, match="holds no injections"):
        validate(dataclasses.replace(island, quantities={}))
    with pytest.raises(DataError, match="not at hand or has changed since"):
        validate(dataclasses.replace(island, provenance={**island.provenance, "case_hash": "other"}))


def test_the_command_shows_and_writes_the_comparison(island, tmp_path):
    island.save(tmp_path / "result.json")
    shown = command(tmp_path, "validate", "result.json", "--json", "ac.json")
    assert shown.code == 0, shown.err
    assert "Losses 11.5" in shown.out and "No line is overloaded." in shown.out
    data = json.loads((tmp_path / "ac.json").read_text(encoding="utf-8"))
    assert [row["bus"] for row in data["buses"]] == list(island.quantities["voltage_pu"])
    assert command(tmp_path, "validate", "result.json", "--engine", "none").code == 2
