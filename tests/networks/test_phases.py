"""Feeders with phases: their tables, and voltage drops against phasors and by hand."""

from dataclasses import replace

import numpy as np
import pytest

from networks.conductors import one_for_each_phase
from networks.errors import NetworkDataError
from networks.feeder import load_feeder
from networks.phases import Phases, wye_from_delta

VOLTS = np.exp(-2j * np.pi / 3 * np.arange(3))  # of the phases a, b, c

OHM = ",".join(f"{part}_{pair}_ohm_per_mile" for part in "rx" for pair in ("aa", "ab", "ac", "bb", "bc", "cc"))
TABLES = {
    "buses.csv": "bus,p_kw,q_kvar,cap_kvar\nA,0,0,0\nB,30,12,0\nC,20,8,5\nD,0,0,0\n",
    "lines.csv": "from,to,r_ohm,x_ohm,rate_kva\nA,B,0.1,0.2,100\nB,C,0.3,0.4,60\nB,D,0.6,0.9,\n",
    "feeder.toml": 'base_kv = 10.0\nbase_mva = 3.0\nroot = "A"\n',
    "three_phase/lines.csv": "from,to,phases,length_ft,config\nA,B,bc,5280,two\nC,B,c,2640,one\n",
    "three_phase/configs.csv": f"config,phases,{OHM}\ntwo,bc,,,,0.4,0.1,0.5,,,,0.8,0.3,0.9\n"
    "one,c,0,0,0,0,0,1.2,0,0,0,0,0,1.4\n",
    "three_phase/switches.csv": "from,to,phases,normal_state\nB,D,bc,closed\nD,C,c,open\n",
    "three_phase/loads.csv": "bus,connection,p_a_kw,q_a_kvar,p_b_kw,q_b_kvar,p_c_kw,q_c_kvar\n"
    "B,wye,0,0,10,4,20,8\nC,wye,0,0,0,0,20,8\n",
    "three_phase/capacitors.csv": "bus,q_a_kvar,q_b_kvar,q_c_kvar\nC,0,0,5\n",
    "three_phase/regulators.csv": "from,to,phase,ratio\nB,C,c,1.025\n",
}


@pytest.fixture
def write(tmp_path):
    def write_folder(**changed):
        """Write the tables, those given by the name of their file in the three_phase folder replaced."""
        (tmp_path / "three_phase").mkdir()
        for name, text in (TABLES | {f"three_phase/{name}.csv": text for name, text in changed.items()}).items():
            if text is not None:
                (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write_folder


def test_tables_are_read_by_phase_and_put_in_per_unit(write):
    feeder = load_feeder(write(), phases=True)
    phases, base_ohm = feeder.phases, 10.0**2 / 3
    assert phases.at_bus.astype(int).tolist() == [[1, 1, 1], [0, 1, 1], [0, 0, 1], [0, 1, 1]]
    assert phases.in_line.astype(int).tolist() == [[0, 1, 1], [0, 0, 1], [0, 1, 1]]
    two = np.array([[0, 0, 0], [0, 0.4 + 0.8j, 0.1 + 0.3j], [0, 0.1 + 0.3j, 0.5 + 0.9j]])
    one, switch = np.diag([0, 0, 0.6 + 0.7j]), np.diag([0, 1, 1]) * (0.6 + 0.9j) * 2 / 3
    assert phases.z_pu == pytest.approx(np.array([two, one, switch]) / base_ohm)
    assert phases.share == pytest.approx(np.array([[1 / 3] * 3, [0, 1 / 3, 2 / 3], [0, 0, 1], [0, 1 / 2, 1 / 2]]))
    assert phases.tap_ratio.tolist() == [[1, 1, 1], [1, 1, 1.025], [1, 1, 1]]
    assert phases.cap_kvar.sum(axis=0).tolist() == [0, 0, 5]


def test_conductors_and_their_limits(write):
    found = one_for_each_phase(load_feeder(write(), phases=True))
    assert found.buses == ("A.a", "A.b", "A.c", "B.b", "B.c", "C.c", "D.b", "D.c")
    assert found.line_names == ("A-B.b", "A-B.c", "B-C.c", "B-D.b", "B-D.c")
    assert found.rate_kva.tolist() == [50, 50, 60, np.inf, np.inf]
    assert found.q_kvar.tolist() == [0, 0, 0, 4, 8, 3, 0, 0]
    assert found.base_kva == 1000
    assert [found.buses[n] for n in found.roots] == ["A.a", "A.b", "A.c"]


def test_scenarios_reach_the_phases(write):
    feeder = load_feeder(write(), phases=True).with_loads_scaled(1.5).with_line_limits({"A-B": 40.0})
    found = one_for_each_phase(feeder.with_lines_open(["B-C"]))
    assert found.line_names == ("A-B.b", "A-B.c", "B-D.b", "B-D.c")
    assert found.rate_kva.tolist() == [20, 20, np.inf, np.inf]
    assert found.q_kvar.tolist() == [0, 0, 0, 6, 12, 12 - 5, 0, 0]


def test_voltages_fall_along_two_phases_as_by_hand(write):
    drop = one_for_each_phase(load_feeder(write(), phases=True)).drop
    # P, Q on A-B.b, A-B.c; the mutual impedance 0.1 + 0.3j turns by 120°, for b one way and for c the other
    b_by_c = (-0.1 + np.sqrt(3) * 0.3, -0.3 - np.sqrt(3) * 0.1)
    c_by_b = (-0.1 - np.sqrt(3) * 0.3, -0.3 + np.sqrt(3) * 0.1)
    per_kw = 1 / (10.0**2 / 3) / 1000  # ohm to per unit, kW to per unit
    assert drop.active.toarray()[:2, :2] / per_kw == pytest.approx(np.array([[0.8, b_by_c[0]], [c_by_b[0], 1.0]]))
    assert drop.reactive.toarray()[:2, :2] / per_kw == pytest.approx(np.array([[1.6, b_by_c[1]], [c_by_b[1], 1.8]]))
    assert not drop.active.toarray()[2:, :2].any()  # the other lines do not see these flows


def test_with_taps_the_voltage_at_the_from_end_is_multiplied(write):
    feeder = load_feeder(write(), phases=True)
    plain, tapped = (one_for_each_phase(feeder, taps).drop.squared_voltage.toarray() for taps in (False, True))
    assert tapped[2, 4] == pytest.approx(-(1.025**2)) and plain[2, 4] == -1
    assert (np.delete(tapped, 2, axis=0) == np.delete(plain, 2, axis=0)).all()


@pytest.mark.parametrize("seed", range(3))
def test_small_flows_lower_voltages_as_phasors_do(seed):
    rng = np.random.default_rng(seed)
    z = rng.uniform(0.1, 1, (3, 3)) + 1j * rng.uniform(0.1, 1, (3, 3))
    z = (z + z.T) / 2
    power = 1e-6 * (rng.normal(size=3) + 1j * rng.normal(size=3))
    current = np.conj(power / VOLTS)
    true = np.abs(VOLTS) ** 2 - np.abs(VOLTS - z @ current) ** 2
    none = np.zeros((1, 3))
    turned = Phases(none, none, z[None], none, none, none, none).turned_z_pu[0]
    assert 2 * (turned.real @ power.real + turned.imag @ power.imag) == pytest.approx(true, rel=1e-4)


def test_a_delta_load_stands_in_the_phases_that_its_currents_flow_in():
    load = np.array([40 + 20j, 35 + 25j, 70 + 50j])  # between ab, bc, ca
    between = VOLTS - np.roll(VOLTS, -1)
    current = np.conj(load / between)
    assert wye_from_delta(load) == pytest.approx(VOLTS * np.conj(current - np.roll(current, 1)))
    assert wye_from_delta(load).sum() == pytest.approx(load.sum())


@pytest.mark.parametrize("name", ["ieee123", "ieee123_full"])
def test_ieee_123_has_its_published_phases(name):
    feeder = load_feeder(name, phases=True)
    phases = feeder.phases
    published = {"a": 1420 + 775j, "b": 915 + 515j, "c": 1155 + 630j}  # of the totals row: delta loads as ab, bc, ca
    delta = np.array([40 + 35 + 105, 35 + 70, 70 + 70]) + 1j * np.array([20 + 25 + 80, 25 + 50, 50 + 50])
    wye = np.array(list(published.values())) - delta
    total = (phases.p_kw + 1j * phases.q_kvar).sum(axis=0)
    assert total == pytest.approx(wye + wye_from_delta(delta))
    assert phases.cap_kvar.sum(axis=0).tolist() == [250, 250, 250]
    assert phases.at_bus.sum() == {"ieee123": 256, "ieee123_full": 262}[name]
    assert phases.p_kw.sum(axis=1) == pytest.approx(feeder.p_kw)


@pytest.mark.parametrize("name", ["ieee123", "ieee123_full", "teaching"])
def test_the_balanced_lines_are_the_equivalents_of_those_by_phase(name):
    feeder = load_feeder(name, phases=True)
    n = feeder.phases.in_line.sum(axis=1)
    own = np.trace(feeder.phases.z_pu, axis1=1, axis2=2)
    mutual = feeder.phases.z_pu.sum(axis=(1, 2)) - own
    equivalent = 3 / n * (own / n - (n - 1) / 2 * mutual / np.maximum(n * (n - 1), 1))
    assert equivalent == pytest.approx(feeder.r_pu + 1j * feeder.x_pu, rel=1e-6)


@pytest.mark.parametrize(
    ("table", "old", "new", "message"),
    [
        ("lines", "C,B,c,2640,one\n", "", r"three_phase.lines.csv: 1 of 3 lines have no row .*: B-C"),
        ("lines", "C,B,c", "C,A,c", r"lines.csv, line 3: .* has no closed line 'C-A'.*near matches"),
        ("lines", "C,B,c", "B,D,c", "lines.csv, line 3: this line is a closed switch of switches.csv, too"),
        ("lines", "A,B,bc", "A,B,bcd", "lines.csv, line 2: phases is 'bcd'; allowed: some of abc, each once"),
        ("lines", "A,B,bc", "A,B,bb", "lines.csv, line 2: phases is 'bb'; allowed"),
        ("lines", "A,B,bc", "A,B,b", "line B-C has the phases c, but bus B gets only b from the line that feeds it"),
        ("lines", "A,B,bc", "A,B,abc", "line 2: phases is 'abc', but configuration two has only 'bc'"),
        ("lines", "2640,one", "2640,onee", "line 3: config is 'onee', which is none of configs.csv; near matches: one"),
        ("lines", "2640", "0", "line 3: length_ft is 0; allowed: positive numbers"),
        (
            "configs",
            "0.4,0.1,0.5",
            "0.4,,0.5",
            "line 2: column 'r_bc_ohm_per_mile' is empty, but phases is 'bc'",
        ),
        ("configs", "1.2", "-1.2", "configs.csv, line 3: r_cc_ohm_per_mile is -1.2; allowed: non-negative numbers"),
        ("switches", "closed", "shut", "switches.csv, line 2: normal_state is 'shut'; allowed: open, closed"),
        ("switches", "D,C,c,open", "D,B,c,closed", "switches.csv, line 3: line B-D stands here already"),
        (
            "loads",
            "C,wye,0,0,0,0,20,8",
            "C,wye,0,0,20,8,0,0",
            "line 3: it needs phase b, but .* bus C has only c",
        ),
        (
            "loads",
            "B,wye,0,0,10,4",
            "B,delta,0,0,10,4",
            "line 2: it needs phase a, but .* bus B has only bc",
        ),
        ("loads", "C,wye", "C,star", "loads.csv, line 3: connection is 'star'; allowed: wye, delta"),
        ("loads", "C,wye", "CC,wye", "loads.csv, line 3: .* has no bus 'CC'.*near matches: C"),
        (
            "loads",
            "B,wye,0,0,10,4",
            "B,wye,0,0,11,4",
            "phases of bus B sum to 31, but its p_kw in buses.csv is 30",
        ),
        (
            "loads",
            "20,8\nC,",
            "20,9\nC,",
            "phases of bus B sum to 13, but its q_kvar in buses.csv is 12",
        ),
        ("capacitors", "C,0,0,5", "C,0,0,6", "capacitors.csv: the phases of bus C sum to 6, but its cap_kvar .* is 5"),
        ("capacitors", "C,0,0,5", "C,0,5,0", "capacitors.csv, line 2: it needs phase b"),
        (
            "capacitors",
            "c_kvar\nC,0,0,5",
            "c_kvar,connection\nC,0,0,5,delta",
            "line 2: connection is 'delta'; allowed: wye",
        ),
        ("regulators", "B,C,c", "C,B,c", "regulators.csv, line 2: from must be 'B', which is nearer to the root"),
        ("regulators", "B,C,c", "B,C,b", "regulators.csv, line 2: phase is 'b'; allowed: one of c"),
        ("regulators", "1.025", "0", "regulators.csv, line 2: ratio is 0; allowed: positive numbers"),
    ],
)
def test_bad_tables_are_named_with_line_and_phase(write, table, old, new, message):
    text = TABLES[f"three_phase/{table}.csv"]
    assert text.count(old) >= 1
    with pytest.raises(NetworkDataError, match=message):
        load_feeder(write(**{table: text.replace(old, new)}), phases=True)


@pytest.mark.parametrize("table", ["configs", "loads", "capacitors"])
def test_a_missing_table_is_named(write, table):
    with pytest.raises(NetworkDataError, match=f"three_phase.{table}.csv: cannot be read"):
        load_feeder(write(**{table: None}), phases=True)


def test_what_a_feeder_lacks_needs_no_table(write):
    folder = write(regulators=None)
    assert (load_feeder(folder, phases=True).phases.tap_ratio == 1).all()


def test_phases_of_another_feeder_are_refused(write):
    with pytest.raises(NetworkDataError, match=r"its phases are of \(4, 3\) buses and lines, expected \(33, 32\)"):
        replace(load_feeder("ieee33"), phases=load_feeder(write(), phases=True).phases)


def test_a_feeder_without_the_folder_has_no_phases():
    feeder = load_feeder("ieee33", phases=True)
    assert feeder.phases is None
    assert load_feeder("ieee123").phases is None  # not asked for: the other models read nothing of them
    with pytest.raises(NetworkDataError, match="feeder 'ieee33' has no three-phase tables"):
        one_for_each_phase(feeder)
