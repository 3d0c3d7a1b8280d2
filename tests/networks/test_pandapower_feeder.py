"""Feeders from pandapower: its IEEE 33 is ours, its own power flows agree, and what has no equivalent is refused."""

import json
import sys

import numpy as np
import pytest

from networks.errors import NetworkDataError
from networks.feeder import load_feeder
from networks.lindistflow import solve_voltages
from networks.pandapower_flow import pandapower_flow

pandapower = pytest.importorskip("pandapower")
# pandapower and what it imports warn on their own account
pytestmark = pytest.mark.filterwarnings("ignore")


def saved(net, folder):
    pandapower.to_json(net, str(folder / "net.json"))
    return folder / "net.json"


@pytest.fixture
def small():
    """A 20 kV ring with an open switch, a 20/0.4 kV transformer with taps, a coupled busbar, and things left out."""
    net = pandapower.create_empty_network(sn_mva=2.0)
    kv = [20.0, 20.0, 20.0, 0.4, 0.4, 0.4]
    bus = [pandapower.create_bus(net, level, name=name) for level, name in zip(kv, "abcdef", strict=True)]
    pandapower.create_ext_grid(net, bus[0])
    for start, end in ((0, 1), (1, 2), (2, 0), (3, 5)):
        pandapower.create_line_from_parameters(net, bus[start], bus[end], 1.5, 0.2, 0.3, 0.0, 0.2, parallel=2)
    pandapower.create_switch(net, bus[0], 2, "l", closed=False)
    pandapower.create_switch(net, bus[3], bus[4], "b")
    taps = {"tap_side": "hv", "tap_neutral": 0, "tap_pos": 0, "tap_step_percent": 2.5, "tap_changer_type": "Ratio"}
    pandapower.create_transformer_from_parameters(net, bus[2], bus[3], 0.63, 20.5, 0.4, 1.0, 6.0, 0.0, 0.0, **taps)
    pandapower.create_load(net, bus[1], 0.3, 0.1, scaling=0.5)
    pandapower.create_load(net, bus[5], 0.05, 0.02)
    pandapower.create_load(net, bus[5], 9.0, in_service=False)
    pandapower.create_shunt(net, bus[4], q_mvar=-0.02, step=2)
    return net


@pytest.mark.parametrize("from_file", [False, True])
def test_ieee_33_is_ours(from_file, tmp_path):
    source = saved(pandapower.networks.case33bw(), tmp_path) if from_file else "pandapower:case33bw"
    read, ours = load_feeder(source), load_feeder("ieee33")
    assert [str(int(bus) + 1) for bus in read.buses] == list(ours.buses)
    for column in ("p_kw", "q_kvar", "cap_kvar", "rate_kva", "line_from", "line_to", "root", "base_kv", "base_kva"):
        assert np.array_equal(getattr(read, column), getattr(ours, column))
    for column in ("r_pu", "x_pu"):
        assert getattr(read, column) == pytest.approx(getattr(ours, column), rel=1e-14)
    assert read.xy.shape == (33, 2)


def test_levels_switches_ratings_and_loads_by_hand(small, tmp_path):
    feeder = load_feeder(saved(small, tmp_path))
    assert feeder.buses == tuple("abcdef") and feeder.root == 0
    assert feeder.line_names == ("a-b", "b-c", "d-f", "c-d", "d-e")
    ohm = np.array([20.0, 20.0, 0.4]) ** 2 / 2.0
    assert feeder.r_pu[:3] * ohm == pytest.approx([0.15] * 3) and feeder.x_pu[:3] * ohm == pytest.approx([0.225] * 3)
    assert feeder.rate_kva == pytest.approx([*(1000 * 3**0.5 * np.array([20, 20, 0.4]) * 0.4), 630.0, np.inf])
    assert feeder.r_pu[3] == pytest.approx(0.01 * 2.0 / 0.63) and feeder.tap_ratio[3] == pytest.approx(20.0 / 20.5)
    assert feeder.r_pu[4] == feeder.x_pu[4] == pytest.approx(1e-4 * 2.0 / 0.4**2)
    assert feeder.p_kw == pytest.approx([0, 150, 0, 0, 0, 50]) and feeder.q_kvar == pytest.approx([0, 50, 0, 0, 0, 20])
    assert feeder.cap_kvar == pytest.approx([0, 0, 0, 0, 40, 0])


@pytest.mark.parametrize(("side", "steps"), [("hv", -2), ("lv", 2)])
def test_taps_and_impedances_are_those_of_pandapower(small, tmp_path, side, steps):
    """With loads so small that losses vanish, LinDistFlow with taps is the AC power flow."""
    small.trafo["tap_side"], small.trafo["tap_pos"] = side, steps
    small.load[["p_mw", "q_mvar"]] *= 0.01
    small.shunt["in_service"] = False
    feeder = load_feeder(saved(small, tmp_path))
    pandapower.runpp(small, numba=False)
    u, _, _ = solve_voltages(feeder, -feeder.p_kw, -feeder.q_kvar, 1.0, taps=True)
    assert np.sqrt(u) == pytest.approx(small.res_bus.vm_pu.to_numpy(), abs=1e-6)
    assert abs(u[4] - u[2]) > 0.04


@pytest.mark.parametrize("name", ["create_cigre_network_mv", "create_kerber_landnetz_freileitung_1"])
def test_ac_power_flows_of_networks_with_several_levels_agree(name):
    net = getattr(pandapower.networks, name)()
    feeder = load_feeder(f"pandapower:{name}")
    net.line["c_nf_per_km"], net.trafo["pfe_kw"], net.trafo["i0_percent"] = 0.0, 0.0, 0.0  # as we leave them out
    pandapower.runpp(net, numba=False, tolerance_mva=1e-9)
    top = np.full(feeder.n_buses, net.ext_grid.vm_pu.iloc[0])
    flow = pandapower_flow(feeder, -feeder.p_kw, feeder.cap_kvar - feeder.q_kvar, top)
    assert len({*feeder.buses}) == len(net.bus) and net.bus.vn_kv.nunique() > 1
    assert flow.voltage_pu == pytest.approx(net.res_bus.vm_pu.to_numpy(), abs=2e-6)
    assert flow.voltage_pu.min() < 0.99


def without_impedance(net):
    net.line.loc[1, ["r_ohm_per_km", "x_ohm_per_km"]] = 0.0


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda net: pandapower.create_sgen(net, 1, 0.1), "sgen 0: elements of this kind are not supported; allowed:"),
        (lambda net: pandapower.create_ext_grid(net, 2), "2 ext_grid in service; allowed: exactly one, the root"),
        (lambda net: net.ext_grid.drop(0, inplace=True), "0 ext_grid in service"),
        (lambda net: net.switch.drop(0, inplace=True), "a loop of the lines line 1, line 2, line 0; leave one of them"),
        (without_impedance, "line 1 has no impedance; state a bus-bus switch instead"),
        (lambda net: pandapower.create_bus(net, 0.4, name="far"), "1 of 7 buses have no connection to the root a: far"),
        (lambda net: net.trafo.__setitem__("tap_changer_type", "Ideal"), "trafo 0: its tap shifts the phase"),
    ],
)
def test_what_has_no_equivalent_is_refused(small, tmp_path, spoil, message):
    small.trafo["tap_pos"] = 1
    spoil(small)
    with pytest.raises(NetworkDataError, match=rf"net\.json: .*{message}"):
        load_feeder(saved(small, tmp_path))


def test_what_is_no_network_is_refused(tmp_path):
    with pytest.raises(NetworkDataError, match=r"pandapower has no network 'case33'; near matches: .*case33bw"):
        load_feeder("pandapower:case33")
    path = tmp_path / "other.json"
    for text in ("{", json.dumps({"a": 1})):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(NetworkDataError, match=r"other\.json: .*pandapower"):
            load_feeder(path)


def test_without_pandapower_it_is_said_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandapower", None)
    with pytest.raises(NetworkDataError, match=r"pip install 'bestresponse\[pandapower\]'"):
        load_feeder("pandapower:case33bw")
