import csv
from pathlib import Path

import numpy as np
import pytest

from networks.errors import NetworkDataError
from networks.road import RoadNetwork, load_road, load_trips

REFERENCE = Path(__file__).parents[1] / "reference"
LINKS = "from,to,length_km,free_flow_time_min,capacity_veh_per_h,power,b\n1,2,5,6,100,4,0.15\n2,3,1e1,12,200,0,0.5\n"
NODES = "node\n1\n2\n3\n"


@pytest.fixture
def write(tmp_path):
    def write_folder(links=LINKS, nodes=NODES):
        (tmp_path / "links.csv").write_text(links, encoding="utf-8")
        (tmp_path / "nodes.csv").write_text(nodes, encoding="utf-8")
        return tmp_path

    return write_folder


def test_sioux_falls_has_its_published_objective_and_link_times_at_the_best_known_flows():
    road = load_road("sioux_falls")
    with (REFERENCE / "sioux_falls_flows.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    known = {(int(row["from"]), int(row["to"])): row for row in rows}
    assert list(road.link_index) == list(known)
    flow = np.array([float(row["flow_veh_per_h"]) for row in rows])
    ratio = (flow / road.capacity_veh_per_h) ** road.bpr_power
    minutes = 60.0 * road.free_flow_h * (1.0 + road.bpr_coefficient * ratio)
    assert minutes == pytest.approx([float(row["time_min"]) for row in rows], rel=1e-12)
    integral = 60.0 * road.free_flow_h * flow * (1.0 + road.bpr_coefficient * ratio / (road.bpr_power + 1.0))
    assert integral.sum() == pytest.approx(4231335.287107441, rel=1e-12)


def test_sioux_falls_trips_balance_the_best_known_flows_at_every_node():
    trips = load_trips("sioux_falls")
    assert len(trips) == 528
    assert sum(trips.values()) == 360600.0
    excess = dict.fromkeys(range(1, 25), 0.0)
    for (origin, destination), number in trips.items():
        excess[origin] += number
        excess[destination] -= number
    with (REFERENCE / "sioux_falls_flows.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            excess[int(row["from"])] -= float(row["flow_veh_per_h"])
            excess[int(row["to"])] += float(row["flow_veh_per_h"])
    assert max(map(abs, excess.values())) < 1e-6


def test_a_folder_is_read_with_units_defaults_and_constant_links(write):
    road = load_road(write())
    assert (road.n_nodes, road.n_links, road.link_names) == (3, 2, ("1-2", "2-3"))
    assert road.length_km.tolist() == [5.0, 10.0]
    assert road.free_flow_h == pytest.approx([0.1, 0.2 * 1.5])  # with power 0 the term b is there at any flow
    assert road.bpr_coefficient.tolist() == [0.15, 0.0]
    assert road.toll.tolist() == [0.0, 0.0]
    assert road.xy is None
    plain = load_road(write(links="from,to,length_km,free_flow_time_min,capacity_veh_per_h\n3,1,0,0,7\n"))
    assert (plain.bpr_coefficient.tolist(), plain.bpr_power.tolist()) == ([0.15], [4.0])
    assert plain.free_flow_h.tolist() == [0.0]


def test_capacity_factor_changes_nothing_else():
    road = load_road("sioux_falls")
    district = road.with_capacity_factor(0.012)
    assert district.capacity_veh_per_h == pytest.approx(0.012 * road.capacity_veh_per_h)
    assert np.array_equal(district.free_flow_h, road.free_flow_h)
    assert district.link_index == road.link_index
    for factor in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(NetworkDataError, match="capacity factor"):
            road.with_capacity_factor(factor)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"links": LINKS.replace(",100,", ",-100,")},
            "links.csv, line 2: capacity_veh_per_h is -100; allowed: positive",
        ),
        ({"links": LINKS.replace(",100,", ",nan,")}, "links.csv, line 2: capacity_veh_per_h is nan"),
        ({"links": LINKS.replace(",4,0.15", ",0.5,0.15")}, "links.csv, line 2: power is 0.5; allowed: 1 or more"),
        ({"links": LINKS.replace(",6,", ",-6,")}, "links.csv, line 2: free_flow_time_min is -6"),
        ({"links": LINKS.replace("2,3,", "2,9,")}, "links.csv, line 3: node 9 is not among the 3 nodes"),
        ({"links": LINKS.replace("2,3,", "2,2,")}, "links.csv, line 3: the link leads from node 2 to itself"),
        ({"links": LINKS.replace("2,3,", "1,2,")}, "links.csv, line 3: there is a link 1-2 already"),
        ({"links": LINKS.replace("2,3,", "2.5,3,")}, "links.csv, line 3: from is 2.5; allowed: whole numbers"),
        ({"links": LINKS.replace("2,3,", "two,3,")}, "links.csv, line 3: column 'from' is 'two'"),
        ({"links": LINKS.replace("length_km", "length")}, "links.csv, line 1: column 'length_km' is missing"),
        ({"links": LINKS.replace("power", "exponent")}, "links.csv, line 1: unknown column 'exponent'"),
        ({"links": LINKS.replace("power", "b")}, "links.csv, line 1: column 'b' appears 2 times"),
        ({"nodes": NODES + "2\n"}, "nodes.csv, line 5: this node stands already in line 3"),
    ],
)
def test_bad_files_are_named_with_line_and_column(write, changed, message):
    with pytest.raises(NetworkDataError, match=message):
        load_road(write(**changed))


def test_what_is_no_network_is_named(tmp_path):
    with pytest.raises(NetworkDataError, match=r"'sioux': neither a built-in name \(sioux_falls, teaching\)"):
        load_road("sioux")
    with pytest.raises(NetworkDataError, match=r"nodes.csv: cannot be read"):
        load_road(tmp_path)
    (tmp_path / "nodes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(NetworkDataError, match=r"nodes.csv: cannot be read: it is not UTF-8 text"):
        load_road(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"capacity_veh_per_h": np.array([1.0, 0.0])}, "link 2-1: capacity_veh_per_h is 0"),
        ({"length_km": np.array([1.0, np.nan])}, "link 2-1: length_km is nan"),
        ({"length_km": np.array([1.0])}, r"length_km has shape \(1,\), but there are 2 links"),
        ({"nodes": np.array([1, 1])}, "a node number appears twice"),
        ({"nodes": np.array([1, 3])}, "link 1-2: node 2 is not among"),
        ({"xy": np.zeros((3, 2))}, r"xy has shape \(3, 2\)"),
    ],
)
def test_a_network_built_by_hand_is_checked_too(change, message):
    ones = np.ones(2)
    good = {
        "nodes": np.array([1, 2]),
        "tail": np.array([1, 2]),
        "head": np.array([2, 1]),
        "length_km": ones,
        "free_flow_h": ones,
        "capacity_veh_per_h": ones,
        "bpr_coefficient": ones,
        "bpr_power": ones,
    }
    assert RoadNetwork(name="pair", **good).n_links == 2
    with pytest.raises(NetworkDataError, match=message):
        RoadNetwork(name="pair", **(good | change))
