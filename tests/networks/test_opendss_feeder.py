"""Feeders from OpenDSS files: the published ones are our tables, and what has no balanced equivalent is refused."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from networks.errors import NetworkDataError
from networks.feeder import load_feeder
from networks.lindistflow import solve_voltages
from networks.opendss import opendss_circuit, opendss_files

pytest.importorskip("opendssdirect", reason="OpenDSSDirect.py is not installed")

IEEE123 = Path(__file__).parent / "fixtures" / "ieee123" / "master.dss"
HEAD = "Clear\nNew Circuit.small bus1=a basekv=12.47 MVAsc3=1e6\n"
SMALL = """
New Line.ab bus1=a bus2=b r1=0.1 x1=0.2 r0=0.3 x0=0.6 c1=0 c0=0 length=2 normamps=100
New Line.bc bus1=b.1 bus2=c.1 phases=1 r1=0.4 x1=0.5 r0=0.4 x0=0.5 c1=0 c0=0 length=1 normamps=50
New Load.b bus1=b kv=12.47 kW=90 kvar=30
New Load.c bus1=c.1 phases=1 kv=7.2 kW=40 kvar=10
"""


def written(folder, *parts):
    path = folder / "master.dss"
    path.write_text(HEAD + "\n".join(parts) + "\n", encoding="utf-8")
    return path


def test_ieee_123_from_its_opendss_file_is_our_balanced_equivalent():
    read, ours = load_feeder(IEEE123), load_feeder("ieee123_full")
    behind_regulators = {"9r", "25r", "150r", "160r"}
    assert set(read.buses) == set(ours.buses) | behind_regulators
    assert read.buses[read.root] == ours.buses[ours.root] == "150"
    at = [read.bus_index(bus) for bus in ours.buses]
    for column in ("p_kw", "q_kvar", "cap_kvar"):
        assert np.array_equal(getattr(read, column)[at], getattr(ours, column))

    regulated = {"9-14": "9r-14", "25-26": "25r-26", "160-67": "160r-67", "150-149": "150r-149"}
    here = [read.line_index(regulated.get(line, line)) for line in ours.line_names]
    ohm, our_ohm = (feeder.base_kv**2 / (feeder.base_kva / 1000.0) for feeder in (read, ours))
    for column in ("r_pu", "x_pu"):
        assert getattr(read, column)[here] * ohm == pytest.approx(getattr(ours, column) * our_ohm, rel=1e-7)
    head = [ours.line_index(line) for line in ("150-149", "149-1", "1-7", "7-8", "8-13")]
    as_published = np.setdiff1d(np.arange(ours.n_lines), head)  # our head is relaxed to 5000 kVA
    assert read.rate_kva[here][as_published] == pytest.approx(ours.rate_kva[as_published], rel=2e-4)
    for line, tapped in regulated.items():
        regulator = read.line_index(f"{line.partition('-')[0]}-{tapped.partition('-')[0]}")
        assert read.tap_ratio[regulator] == pytest.approx(ours.tap_ratio[ours.line_index(line)], abs=1e-6)

    u, ours_u = (
        solve_voltages(feeder, -feeder.p_kw, feeder.cap_kvar - feeder.q_kvar, 1.0, taps=True)[0]
        for feeder in (read, ours)
    )
    assert np.sqrt(u[at]) == pytest.approx(np.sqrt(ours_u), abs=5e-6)  # OpenDSS's regulators have an impedance


def test_the_rule_of_phases_and_ratings_by_hand(tmp_path):
    (tmp_path / "places.csv").write_text("a,1,2\nb,3,4\nc,5,6\n", encoding="utf-8")
    feeder = load_feeder(written(tmp_path, SMALL, "MakeBusList\nBusCoords places.csv"))
    ohm = 12.47**2 / 10.0  # on 10 MVA
    assert feeder.line_names == ("a-b", "b-c")
    assert feeder.r_pu * ohm == pytest.approx([2 * 0.1, 3 * 0.4])  # positive sequence; one phase carries all
    assert feeder.x_pu * ohm == pytest.approx([2 * 0.2, 3 * 0.5])
    assert feeder.rate_kva == pytest.approx([3 * 100 * 12.47 / 3**0.5, 50 * 12.47 / 3**0.5])
    assert feeder.p_kw.tolist() == [0.0, 90.0, 40.0] and feeder.q_kvar.tolist() == [0.0, 30.0, 10.0]
    assert feeder.xy.tolist() == [[1, 2], [3, 4], [5, 6]]


def test_lines_without_limit_bus_names_and_what_is_passed_over(tmp_path):
    feeder = load_feeder(
        written(
            tmp_path,
            SMALL,
            "New Line.cd bus1=d-1.1 bus2=c.1 phases=1 r1=1 x1=1 c1=0 normamps=0",
            "New Line.ca bus1=c.1 bus2=a.1 phases=1 r1=1 x1=1 c1=0\nOpen Line.ca 1",
            "New Generator.off bus1=b kW=10 enabled=no\nNew EnergyMeter.m element=Line.ab\nNew LoadShape.s npts=1",
            "New Line.tie bus1=b bus2=nowhere r1=1 x1=1\nOpen Line.tie 2",
            "New Transformer.spare buses=[b low] kvs=[12.47 0.48]\nOpen Transformer.spare 1",
            "New Capacitor.b bus1=b kvar=90 kv=12.47 numsteps=3 states=[1 1 0]",
        )
    )
    assert feeder.line_names == ("a-b", "b-c", "d_1-c")
    assert feeder.rate_kva[2] == np.inf
    assert (feeder.buses[feeder.line_from[2]], feeder.buses[feeder.line_to[2]]) == ("c", "d_1")
    assert feeder.cap_kvar.tolist() == [0.0, 60.0, 0.0, 0.0]


@pytest.mark.parametrize("turned", [False, True], ids=["downwards", "written upwards"])
def test_a_transformer_is_what_opendss_makes_of_it(tmp_path, turned):
    """Without load the taps decide, with load the impedance: OpenDSS says the same of small loads."""
    ends = ["buses=[b low] kvs=[12.47 0.48] taps=[0.95 1.025]", "buses=[low b] kvs=[0.48 12.47] taps=[1.025 0.95]"]
    rest = (
        f"New Transformer.t {ends[turned]} kvas=[500 500] xhl=4 %loadloss=1",
        "New Line.ld bus1=low bus2=d r1=0.01 x1=0.02 r0=0.01 x0=0.02 c1=0 c0=0 length=1",
        "New Load.d bus1=d kv=0.48 kW=3 kvar=1 vminpu=0.5 vmaxpu=2",
    )
    path = written(tmp_path, SMALL.replace("New Line.bc", "!").replace("New Load", "!New Load"), *rest)
    feeder = load_feeder(path)
    u, _, _ = solve_voltages(feeder, -feeder.p_kw, -feeder.q_kvar, 1.0, taps=True)
    engine = opendss_circuit(path)
    engine.Text.Command("Set voltagebases=[12.47 0.48] controlmode=off\nCalcVoltageBases")
    engine.Solution.Solve()
    for bus, squared in zip(feeder.buses, u, strict=True):
        engine.Circuit.SetActiveBus(bus)
        kv = 0.48 if bus in ("low", "d") else 12.47
        assert np.sqrt(squared) == pytest.approx(engine.Bus.VMagAngle()[0] * 3**0.5 / 1000 / kv, abs=2e-5)
    assert u[feeder.bus_index("d")] > 1.1 and feeder.rate_kva[feeder.line_index("b-low")] == 500.0


def test_single_phase_transformers_between_two_buses_are_one(tmp_path):
    units = [
        f"New Transformer.t{phase} phases=1 buses=[b.{phase} r.{phase}] kvs=[7.2 7.2] kvas=[1000 1000] xhl=3 "
        f"%loadloss=1 taps=[1 {tap}]"
        for phase, tap in ((1, 1.0), (2, 1.025), (3, 1.05))
    ]
    feeder = load_feeder(written(tmp_path, SMALL, *units))
    bank = feeder.line_index("b-r")
    assert feeder.tap_ratio[bank] == pytest.approx(1.025)
    assert feeder.rate_kva[bank] == 3000.0
    scale = (7.2 * 3**0.5 / 12.47) ** 2 * 10_000 / 3000  # a bank of 3 MVA on 10 MVA
    assert feeder.x_pu[bank] == pytest.approx(0.03 * scale * np.mean([1, 1.025**2, 1.05**2]), rel=1e-9)


@pytest.mark.parametrize(
    ("added", "message"),
    [
        (
            "New Line.ca bus1=c.1 bus2=a.1 phases=1 r1=1 x1=1",
            "a loop of the lines Line.bc, Line.ca, Line.ab; leave",
        ),
        ("New Line.ab2 bus1=a bus2=b r1=1 x1=1", "a loop of the lines Line.ab2, Line.ab"),
        ("New Generator.g bus1=b kW=10", r"Generator\.g: elements of class Generator are not supported"),
        ("New Vsource.second bus1=c basekv=12.47", "voltage sources: Vsource.source, Vsource.second; allowed: exactly"),
        ("Vsource.source.enabled=no", "voltage sources: none; allowed: exactly one"),
        ("New Line.z bus1=b bus2=z r1=0 x1=0 r0=0 x0=0 c1=0 c0=0", r"OpenDSS refuses it: .*Line \"z\""),
        ("New Line.z bus1=y bus2=z r1=1 x1=1", "2 of 5 buses have no connection to the root a: y, z"),
        ("New Line.z bus1=b.1.2.3.4 bus2=z.1.2.3.4 phases=4 r1=1 x1=1", "Line.z has 4 phases; allowed: 1 to 3"),
        ("New Capacitor.s bus1=b bus2=z kvar=10 kv=12", "Capacitor.s stands in series from b to z"),
        ("New Transformer.t windings=3 buses=[b x y] kvs=[12 1 1]", "Transformer.t has 3 windings; allowed: 2"),
        ("New Lien.z bus1=b", "OpenDSS refuses it: .*[Ll]ien"),
        ("Redirect missing.dss", "OpenDSS refuses it: .*missing.dss"),
    ],
)
def test_what_has_no_balanced_equivalent_is_refused(tmp_path, added, message):
    with pytest.raises(NetworkDataError, match=rf"master\.dss: .*{message}"):
        load_feeder(written(tmp_path, SMALL, added))


def test_a_file_without_a_circuit_and_one_that_is_not_there(tmp_path):
    (tmp_path / "master.dss").write_text("New Line.ab bus1=a bus2=b\n", encoding="utf-8")
    with pytest.raises(NetworkDataError, match=r"OpenDSS refuses it: .*circuit"):
        load_feeder(tmp_path / "master.dss")
    with pytest.raises(NetworkDataError, match=r"nor an existing folder, OpenDSS file \(.dss\)"):
        load_feeder(tmp_path / "other.dss")


def test_the_working_directory_stays(tmp_path, monkeypatch):
    written(tmp_path, SMALL)
    monkeypatch.chdir(tmp_path)
    code = "import opendssdirect, os; os.chdir('..'); from networks.feeder import load_feeder; "
    code += f"print(load_feeder('{tmp_path.name}/master.dss').n_buses, os.getcwd())"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    shown = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["3", str(tmp_path.parent)]


def test_the_files_of_a_circuit_are_followed(tmp_path):
    assert [path.name for path in opendss_files(IEEE123)] == ["master.dss", "lines.dss"]
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "one.dss").write_text("redirect ../master.dss ! back\n", encoding="utf-8")
    path = written(
        tmp_path, 'REDIRECT "parts\\one.dss" // and on', "! Redirect none.dss\n/* as in\nRedirect none.dss\n*/"
    )
    assert [each.name for each in opendss_files(path)] == ["master.dss", "one.dss"]
