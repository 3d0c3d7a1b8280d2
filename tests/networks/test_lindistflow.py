import csv
from pathlib import Path

import numpy as np
import pytest

from networks.errors import NetworkDataError
from networks.feeder import load_feeder
from networks.lindistflow import line_incidence, polygon, solve_voltages, voltage_drop

REFERENCE = Path(__file__).parents[1] / "reference"


def loaded(feeder, root_u=1.0, taps=False):
    return solve_voltages(feeder, -feeder.p_kw, feeder.cap_kvar - feeder.q_kvar, root_u, taps)


def test_ieee_123_voltages_meet_the_published_ones_as_far_as_a_balanced_model_can():
    feeder = load_feeder("ieee123_full")
    u, _, _ = loaded(feeder, taps=True)
    with (REFERENCE / "ieee123_voltages.csv").open(encoding="utf-8") as file:
        phases = {bus: [float(v) for v in volts if v] for bus, *volts in list(csv.reader(file))[1:]}
    buses = [bus for bus in feeder.buses if bus not in ("150", "610")]
    error = {bus: abs(np.sqrt(u[feeder.bus_index(bus)]) - np.mean(phases[bus])) for bus in buses}
    on_three_phases = [error[bus] for bus in buses if len(phases[bus]) == 3]
    laterals = [error[bus] for bus in buses if len(phases[bus]) < 3]
    assert max(error.values()) <= 0.01795
    assert np.mean(list(error.values())) <= 0.00345
    assert max(on_three_phases) <= 0.00125
    assert np.mean(on_three_phases) <= 0.00095
    assert np.mean(laterals) <= 0.00635


def test_ieee_123_core_at_the_regulated_source_voltage():
    u, P, Q = loaded(load_feeder("ieee123"), root_u=1.04375**2)
    assert np.sqrt(u.min()) == pytest.approx(0.9943, abs=5e-5)
    assert P.max() == pytest.approx(3490.0)
    assert Q.max() == pytest.approx(1170.0)


@pytest.mark.filterwarnings("ignore")  # pandapower and what it imports warn on their own account
def test_ieee_33_voltages_meet_an_ac_power_flow():
    import pandapower
    from pandapower.networks import case33bw

    net = case33bw()
    pandapower.runpp(net, numba=False)
    ac = net.res_bus.vm_pu.to_numpy()  # buses 0..32 are 1..33
    assert ac.min() == pytest.approx(0.91309, abs=5e-6)
    assert np.argmin(ac) == 17
    feeder = load_feeder("ieee33")
    assert feeder.buses == tuple(str(bus + 1) for bus in range(33))
    u, P, _ = loaded(feeder)
    assert np.argmin(u) == 17
    assert np.max(np.abs(np.sqrt(u) - ac)) <= 0.003
    assert np.all(np.sqrt(u) >= ac - 1e-9)  # without losses the drop is underestimated everywhere
    losses_kw = 1000.0 * net.res_line.pl_mw.sum()
    assert P.max() == pytest.approx(1000.0 * net.res_ext_grid.p_mw[0] - losses_kw, abs=1e-3)


@pytest.mark.parametrize("name", ["ieee123_full", "ieee33", "teaching"])
@pytest.mark.parametrize("taps", [True, False])
def test_the_swept_solution_satisfies_the_matrix_rows(name, taps):
    feeder = load_feeder(name)
    u, P, Q = loaded(feeder, root_u=1.05, taps=taps)
    others = np.arange(feeder.n_buses) != feeder.root
    arriving = line_incidence(feeder)
    assert (arriving @ P)[others] == pytest.approx(feeder.p_kw[others], abs=1e-9)
    assert (arriving @ Q)[others] == pytest.approx((feeder.q_kvar - feeder.cap_kvar)[others], abs=1e-9)
    rows = voltage_drop(feeder, taps)
    assert rows.squared_voltage @ u + rows.active @ P + rows.reactive @ Q == pytest.approx(0.0, abs=1e-12)


def test_two_lines_by_hand():
    feeder = load_feeder("teaching").with_lines_open(["2-3", "5-6"])  # 1-2-5 fed, 3-4 and 6 islands
    p, q = np.zeros(6), np.zeros(6)
    p[[1, 4]], q[4] = [-100.0, -300.0], -200.0
    u, P, Q = solve_voltages(feeder, p, q, 1.02)
    first, second = feeder.line_index("1-2"), feeder.line_index("2-5")
    assert (P[first], P[second], Q[first], Q[second]) == (400.0, 300.0, 200.0, 200.0)
    ohm = 4.16**2  # base, at 1 MVA
    u_2 = 1.02 - 2.0 * (0.2 * 0.4 + 0.4 * 0.2) / ohm
    assert u[1] == pytest.approx(u_2, abs=1e-14)
    assert u[4] == pytest.approx(u_2 - 2.0 * (0.4 * 0.3 + 0.5 * 0.2) / ohm, abs=1e-14)
    assert np.all(np.isnan(u[[2, 3, 5]]))


def test_an_island_has_to_balance():
    feeder = load_feeder("teaching").with_lines_open(["2-5"])
    p = np.array([0.0, -150.0, -200.0, -180.0, 40.0, -40.0])
    _, P, _ = solve_voltages(feeder, p, np.zeros(6), 1.0)
    assert P[feeder.line_index("5-6")] == 40.0
    p[4] = 39.0
    with pytest.raises(
        NetworkDataError, match=r"island with bus 5 does not balance: its active power \[kW\] sums to -1"
    ):
        solve_voltages(feeder, p, np.zeros(6), 1.0)
    p[4] = np.nan
    with pytest.raises(NetworkDataError, match="expected 6 finite numbers"):
        solve_voltages(feeder, p, np.zeros(6), 1.0)


def test_the_polygon_is_inscribed_with_corners_on_the_circle():
    cos, sin, factor = polygon()
    assert len(cos) == len(sin) == 12
    assert (cos[0], sin[0]) == (1.0, 0.0)
    assert factor == pytest.approx(0.9659258262890683)

    def reach(angle):  # largest length in this direction inside the polygon
        return factor / np.max(cos * np.cos(angle) + sin * np.sin(angle))

    angles = np.linspace(0.0, 2.0 * np.pi, 721)
    lengths = np.array([reach(angle) for angle in angles])
    assert lengths.max() == pytest.approx(1.0)
    assert lengths.min() == pytest.approx(factor)
    assert reach(np.pi / 12) == pytest.approx(1.0)
    assert reach(0.0) == pytest.approx(factor)
    with pytest.raises(NetworkDataError, match="at least 3 sides"):
        polygon(2)
