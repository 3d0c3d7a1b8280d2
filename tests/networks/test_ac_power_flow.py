"""Two AC power flow engines and a backward-forward sweep of complex currents agree, whole feeders and islands alike."""

import sys

import numpy as np
import pytest

from networks.errors import NetworkDataError
from networks.feeder import load_feeder
from networks.opendss_flow import opendss_flow
from networks.pandapower_flow import pandapower_flow

# pandapower and what it imports warn on their own account
pytestmark = pytest.mark.filterwarnings("ignore")

ENGINES = {"pandapower": pandapower_flow, "opendss": opendss_flow}
PACKAGES = {"pandapower": "pandapower", "opendss": "opendssdirect"}
VOLTAGE, POWER = 1e-8, 1e-3  # p.u. and kW or kvar by which the engines may differ; a line has at least 1e-6 ohm there


@pytest.fixture(params=ENGINES)
def engine(request):
    pytest.importorskip(PACKAGES[request.param], reason=f"{request.param} is not installed")
    return ENGINES[request.param]


def swept(feeder, p_kw, q_kvar, top_pu, sweeps=200):
    """(n_buses,) complex voltages and (n_lines,) complex power into the line where it begins, all in per unit."""
    power = (p_kw + 1j * q_kvar) / feeder.base_kva
    voltage = np.where(feeder.tops, top_pu, 1.0) + 0j
    for _ in range(sweeps):
        drawn = -np.conj(power / voltage)
        current = np.zeros(feeder.n_lines, dtype=complex)
        for line in feeder.outward_lines[::-1]:
            current[line] = drawn[feeder.line_to[line]]
            drawn[feeder.line_from[line]] += current[line]
        for line in feeder.outward_lines:
            drop = (feeder.r_pu[line] + 1j * feeder.x_pu[line]) * current[line]
            voltage[feeder.line_to[line]] = voltage[feeder.line_from[line]] - drop
    return voltage, voltage[feeder.line_from] * np.conj(current)


def loaded(name, opened=()):
    feeder = load_feeder(name).with_lines_open(opened)
    return feeder, -feeder.p_kw, feeder.cap_kvar - feeder.q_kvar, np.where(feeder.connected_to_root, 1.02, 0.99)


@pytest.mark.parametrize(
    ("name", "opened"), [("ieee33", ()), ("ieee123", ()), ("ieee123", ("18-135", "60-160", "97-197"))]
)
def test_an_engine_agrees_with_our_own_sweep(engine, name, opened):
    feeder, p_kw, q_kvar, top = loaded(name, opened)
    flow = engine(feeder, p_kw, q_kvar, top)
    voltage, sent = swept(feeder, p_kw, q_kvar, top)
    assert flow.voltage_pu == pytest.approx(np.abs(voltage), abs=VOLTAGE)
    assert flow.from_kw + 1j * flow.from_kvar == pytest.approx(sent * feeder.base_kva, abs=POWER)
    lost = feeder.r_pu * np.abs(sent / voltage[feeder.line_from]) ** 2 * feeder.base_kva
    assert flow.losses_kw == pytest.approx(lost, abs=POWER)
    assert lost.sum() > 20.0  # kW, so the agreement is not that of an idle feeder


@pytest.mark.parametrize("name", ["ieee33", "ieee123"])
def test_the_engines_agree_with_each_other(name):
    for package in PACKAGES.values():
        pytest.importorskip(package)
    one, other = (flow(*loaded(name)) for flow in ENGINES.values())
    assert one.voltage_pu == pytest.approx(other.voltage_pu, abs=VOLTAGE)
    for column in ("from_kw", "from_kvar", "to_kw", "to_kvar"):
        assert getattr(one, column) == pytest.approx(getattr(other, column), abs=POWER)


def test_a_power_flow_without_a_solution_is_a_result(engine):
    feeder = load_feeder("teaching")
    far = np.where(np.arange(feeder.n_buses) == feeder.bus_index("6"), -1e6, 0.0)
    assert engine(feeder, far, far, np.ones(feeder.n_buses)) is None


@pytest.mark.parametrize("name", ENGINES)
def test_a_missing_engine_says_how_to_install_it(name, monkeypatch):
    monkeypatch.setitem(sys.modules, PACKAGES[name], None)
    zero = np.zeros(6)
    with pytest.raises(NetworkDataError, match=rf"pip install 'bestresponse\[{name}\]'"):
        ENGINES[name](load_feeder("teaching"), zero, zero, zero + 1)
