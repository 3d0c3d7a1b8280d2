import numpy as np
import pytest

from networks.errors import NetworkDataError
from networks.feeder import load_feeder

BUSES = "bus,p_kw,q_kvar,cap_kvar\nA,0,0,0\nB,10,4,0\nC,20,8,5\nD,5,2,0\n"
LINES = "from,to,r_ohm,x_ohm,rate_kva\nA,B,0.1,0.2,100\nC,B,0.3,0.4,\nC,D,0.1,0.1,50\n"
SETTINGS = 'base_kv = 10.0\nbase_mva = 2.0\nroot = "A"\n'


@pytest.fixture
def write(tmp_path):
    def write_folder(buses=BUSES, lines=LINES, settings=SETTINGS):
        for file, text in (("buses.csv", buses), ("lines.csv", lines), ("feeder.toml", settings)):
            (tmp_path / file).write_text(text, encoding="utf-8")
        return tmp_path

    return write_folder


def test_a_folder_is_read_pointed_away_from_the_root_and_put_in_per_unit(write):
    feeder = load_feeder(write())
    assert feeder.buses == ("A", "B", "C", "D")
    assert feeder.buses[feeder.root] == "A"
    assert feeder.line_names == ("A-B", "C-B", "C-D")
    ends = [(feeder.buses[i], feeder.buses[j]) for i, j in zip(feeder.line_from, feeder.line_to, strict=True)]
    assert ends == [("A", "B"), ("B", "C"), ("C", "D")]
    assert feeder.base_kva == 2000.0
    assert feeder.r_pu == pytest.approx(np.array([0.1, 0.3, 0.1]) / 50.0)  # 10 kV squared over 2 MVA is 50 ohm
    assert feeder.x_pu == pytest.approx(np.array([0.2, 0.4, 0.1]) / 50.0)
    assert feeder.rate_kva.tolist() == [100.0, np.inf, 50.0]
    assert feeder.tap_ratio.tolist() == [1.0, 1.0, 1.0]
    assert feeder.line_index("B-C") == feeder.line_index("C-B") == 1


@pytest.mark.parametrize(
    ("name", "n_buses", "root", "p_kw", "q_kvar", "cap_kvar"),
    [
        ("ieee123", 123, "149", 3490.0, 1920.0, 750.0),
        ("ieee123_full", 125, "150", 3490.0, 1920.0, 750.0),
        ("ieee33", 33, "1", 3715.0, 2300.0, 0.0),
        ("teaching", 6, "1", 830.0, 330.0, 100.0),
    ],
)
def test_built_in_feeders_have_their_published_totals(name, n_buses, root, p_kw, q_kvar, cap_kvar):
    feeder = load_feeder(name)
    assert (feeder.n_buses, feeder.n_lines, feeder.buses[feeder.root]) == (n_buses, n_buses - 1, root)
    assert feeder.p_kw.sum() == pytest.approx(p_kw)
    assert feeder.q_kvar.sum() == pytest.approx(q_kvar)
    assert feeder.cap_kvar.sum() == pytest.approx(cap_kvar)
    assert feeder.component.tolist() == [0] * n_buses


def test_the_core_of_ieee_123_is_the_full_feeder_less_two_buses_and_its_taps():
    core, full = load_feeder("ieee123"), load_feeder("ieee123_full")
    assert set(full.buses) - set(core.buses) == {"150", "610"}
    assert set(full.line_names) - set(core.line_names) == {"150-149", "61-610"}
    same_bus = [full.bus_index(bus) for bus in core.buses]
    same_line = [full.line_index(line) for line in core.line_names]
    for column in ("p_kw", "q_kvar", "cap_kvar"):
        assert np.array_equal(getattr(core, column), getattr(full, column)[same_bus])
    for column in ("r_pu", "x_pu", "rate_kva"):
        assert np.array_equal(getattr(core, column), getattr(full, column)[same_line])
    assert np.all(core.tap_ratio == 1.0)
    tapped = {full.line_names[k]: full.tap_ratio[k] for k in np.flatnonzero(full.tap_ratio != 1.0)}
    assert tapped == {"9-14": 0.99375, "25-26": 0.996875, "160-67": 1.029167, "150-149": 1.04375}


def test_three_outages_leave_the_published_islands_of_ieee_123():
    feeder = load_feeder("ieee123").with_lines_open(["135-18", "60-160", "97-197"])
    assert feeder.n_lines == 119
    parts = {}
    for bus, label in zip(feeder.buses, feeder.component.tolist(), strict=True):
        parts.setdefault(label, set()).add(bus)
    sizes = {min(part, key=int): len(part) for part in parts.values()}
    assert sizes == {"1": 52, "35": 19, "67": 36, "101": 16}
    island = parts[feeder.component[feeder.bus_index("35")]]
    assert island == {*map(str, range(35, 52)), "135", "151"}
    assert np.count_nonzero(feeder.connected_to_root) == 52
    assert feeder.connected_to_root[feeder.bus_index("149")]
    cap_kvar = feeder.cap_kvar[feeder.component == feeder.component[feeder.bus_index("67")]]
    assert cap_kvar.sum() == 750.0
    with pytest.raises(NetworkDataError, match="no closed line '18-135'"):
        feeder.line_index("18-135")


def test_opening_the_teaching_switch_islands_two_buses():
    feeder = load_feeder("teaching").with_lines_open(["5-2"])
    cut_off = [bus for bus, fed in zip(feeder.buses, feeder.connected_to_root.tolist(), strict=True) if not fed]
    assert cut_off == ["5", "6"]


def test_every_line_but_the_islands_first_has_a_line_before_it():
    feeder = load_feeder("ieee123").with_lines_open(["18-135", "67-72"])
    seen = set()
    fed = set(feeder.line_to.tolist())
    for line in feeder.outward_lines:
        start = int(feeder.line_from[line])
        assert start in seen or start not in fed
        seen.add(int(feeder.line_to[line]))
    assert len(seen) == feeder.n_lines == feeder.n_buses - 3


def test_loads_scale_without_the_capacitors_and_limits_replace_ratings():
    feeder = load_feeder("ieee123")
    heavy = feeder.with_loads_scaled(1.5)
    assert heavy.p_kw.sum() == pytest.approx(5235.0)
    assert heavy.q_kvar.sum() == pytest.approx(2880.0)
    assert heavy.cap_kvar.sum() == 750.0
    limited = feeder.with_line_limits({"72-67": 150.0})
    changed = np.flatnonzero(limited.rate_kva != feeder.rate_kva)
    assert [feeder.line_names[k] for k in changed] == ["67-72"]
    assert limited.rate_kva[changed] == [150.0]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda f: f.bus_index("1O5"), "no bus '1O5' .*near matches: "),
        (lambda f: f.line_index("18-136"), "no closed line '18-136' .*near matches: .*18-135"),
        (lambda f: f.with_lines_open(["nowhere"]), "no closed line 'nowhere'"),
        (lambda f: f.with_line_limits({"67-73": 10.0}), "no closed line '67-73'"),
        (lambda f: f.with_line_limits({"67-72": float("nan")}), "line 67-72: rate_kva is nan"),
        (lambda f: f.with_line_limits({"67-72": -1.0}), "line 67-72: rate_kva is -1"),
        (lambda f: f.with_loads_scaled(-0.5), "load factor -0.5"),
        (lambda f: f.with_loads_scaled(float("nan")), "load factor nan"),
    ],
)
def test_bad_questions_are_answered_by_name(ask, message):
    with pytest.raises(NetworkDataError, match=message):
        ask(load_feeder("ieee123"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"lines": LINES + "D,A,0.1,0.1,\n"}, "lines.csv: .* loop of the lines (?=.*D-A)(?=.*A-B)(?=.*C-B)(?=.*C-D)"),
        ({"lines": LINES + "B,C,0.1,0.1,\n"}, "lines.csv, line 5: a line between these buses stands already in line 3"),
        ({"lines": LINES.replace("C,D", "C,E")}, "lines.csv, line 4: to is 'E', which is no bus"),
        ({"lines": LINES.replace("C,D", "D,D")}, "lines.csv, line 4: .* from bus 'D' to itself"),
        ({"lines": LINES.replace("C,D,0.1,0.1,50\n", "")}, "1 of 4 buses have no connection to the root A: D"),
        ({"lines": LINES.replace("0.3", "-0.3")}, "lines.csv, line 3: r_ohm is -0.3; allowed: non-negative"),
        ({"lines": LINES.replace("0.3", "nan")}, "lines.csv, line 3: r_ohm is nan"),
        ({"lines": LINES.replace("0.3", "")}, "lines.csv, line 3: column 'r_ohm' is empty; allowed: a number"),
        ({"lines": LINES.replace("0.3", "0,3")}, "lines.csv, line 3: 6 cells, but the header has 5 columns"),
        ({"lines": LINES.replace(",100", ",-100")}, "lines.csv, line 2: rate_kva is -100"),
        ({"lines": LINES.replace(",100", ",0")}, "lines.csv, line 2: rate_kva is 0; allowed: positive or inf"),
        ({"lines": LINES.replace("rate_kva", "rate_kVA")}, "lines.csv, line 1: column 'rate_kva' is missing"),
        ({"lines": "from,to,r_ohm,x_ohm,rate_kva\n"}, "lines.csv: there is a header but no row"),
        ({"lines": ""}, "lines.csv: the file is empty"),
        ({"buses": BUSES.replace("D,", "B,")}, "buses.csv, line 5: this bus stands already in line 3"),
        ({"buses": BUSES.replace("20,8", "twenty,8")}, "buses.csv, line 4: column 'p_kw' is 'twenty'"),
        ({"buses": BUSES.replace("20,8", "inf,8")}, "buses.csv, line 4: p_kw is inf; allowed: finite"),
        ({"buses": BUSES.replace(",5\n", ",-5\n")}, "buses.csv, line 4: cap_kvar is -5"),
        ({"buses": BUSES.replace("D,", "D-1,")}, "buses.csv, line 5: bus 'D-1'; a name may not contain '-'"),
        ({"buses": BUSES.replace("D,", ",")}, "buses.csv, line 5: column 'bus' is empty"),
        ({"settings": SETTINGS.replace('"A"', '"Z"')}, "feeder.toml: root 'Z' is no bus"),
        ({"settings": SETTINGS.replace("10.0", "0.0")}, "feeder.toml: base_kv is 0.0; allowed: positive"),
        ({"settings": SETTINGS.replace("10.0", "nan")}, "feeder.toml: base_kv is nan"),
        ({"settings": SETTINGS.replace("base_mva", "base_kva")}, "feeder.toml: key 'base_mva' is missing"),
        ({"settings": SETTINGS + "rooot = 1\n"}, "feeder.toml: unknown key 'rooot'"),
        ({"settings": "base_kv = \n"}, "feeder.toml: no valid TOML"),
    ],
)
def test_bad_files_are_named_with_line_and_column(write, changed, message):
    with pytest.raises(NetworkDataError, match=message):
        load_feeder(write(**changed))


def test_a_loop_names_its_lines_and_no_others(write):
    buses = BUSES + "E,1,0,0\nF,1,0,0\n"
    lines = LINES + "D,E,0.1,0.1,\nE,C,0.1,0.1,\nA,F,0.1,0.1,\n"
    with pytest.raises(NetworkDataError, match="loop of the lines") as error:
        load_feeder(write(buses=buses, lines=lines))
    named = str(error.value).split("lines ")[1].split(";")[0]
    assert set(named.split(", ")) == {"C-D", "D-E", "E-C"}


def test_a_tap_on_a_line_written_towards_the_root_is_refused(write):
    header, *rows = LINES.splitlines()
    lines = "\n".join([header + ",tap_ratio", rows[0] + ",1.05", rows[1] + ",0.95", rows[2] + ","])
    with pytest.raises(NetworkDataError, match=r"lines.csv, line 3: .* written towards the root"):
        load_feeder(write(lines=lines))
    feeder = load_feeder(write(lines=lines.replace("C,B", "B,C")))
    assert feeder.tap_ratio.tolist() == [1.05, 0.95, 1.0]


def test_a_missing_feeder_is_named_with_the_known_ones(tmp_path):
    with pytest.raises(NetworkDataError, match=r"feeder 'ieee13': neither a built-in name \(ieee123, "):
        load_feeder("ieee13")
    with pytest.raises(NetworkDataError, match=r"feeder.toml: cannot be read: No such file"):
        load_feeder(tmp_path)
