import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from networks import road as road_module
from networks.errors import NetworkDataError
from networks.paths import base_routes
from networks.road import load_road, load_trips

FIXTURES = Path(__file__).parent / "fixtures"
NET = (FIXTURES / "odd_net.tntp").read_text(encoding="utf-8")
TRIPS = (FIXTURES / "odd_trips.tntp").read_text(encoding="utf-8")


def test_a_net_file_with_missing_fields_comments_and_constant_links_is_read():
    road = load_road(FIXTURES / "odd_net.tntp")
    assert road.name == "odd"
    assert road.link_names == ("1-3", "3-4", "4-2", "3-5", "5-2")
    assert road.capacity_veh_per_h.tolist() == [1200.0, 1800.0, 900.0, 100.0, 100.0]
    assert road.length_km.tolist() == [0.5, 2.5, 1.5, 1.0, 1.0]
    assert road.free_flow_h == pytest.approx(np.array([0.0, 3.0 * 1.5, 2.0, 1.0, 0.5]) / 60.0)
    assert road.bpr_coefficient.tolist() == [0.15, 0.0, 0.15, 0.15, 0.0]
    assert road.bpr_power.tolist() == [4.0, 0.0, 4.5, 4.0, 0.0]
    assert road.toll.tolist() == [25.0, 0.0, 0.0, 0.0, 0.0]
    assert road.first_through_node == 3
    assert road.nodes.tolist() == [1, 2, 3, 4, 5]
    assert road.xy[3].tolist() == [-2.5, 1.0]
    assert base_routes(road, [(1, 2)], 5) == (((1, 3, 5, 2), (1, 3, 4, 2)),)


def test_units_are_parameters_and_coordinates_are_optional(tmp_path):
    path = tmp_path / "odd_net.tntp"
    path.write_text(NET, encoding="utf-8")
    road = load_road(path, minutes_per_time_unit=0.01, km_per_length_unit=1.609344)
    assert road.xy is None
    assert road.free_flow_h[2] == pytest.approx(2.0 * 0.01 / 60.0)
    assert road.length_km[2] == pytest.approx(1.5 * 1.609344)


def test_a_file_without_any_metadata_is_read(tmp_path):
    path = tmp_path / "bare.tntp"
    path.write_text("1 2 10 1 1\n2 1 10 1 1\n", encoding="utf-8")
    road = load_road(path)
    assert (road.name, road.link_names, road.first_through_node) == ("bare", ("1-2", "2-1"), 1)


def test_a_trips_file_gives_positive_trips_between_different_zones():
    assert load_trips(FIXTURES / "odd_trips.tntp") == {(1, 2): 10.0, (2, 1): 0.5}


def test_sioux_falls_written_as_tntp_is_the_built_in_network(tmp_path):
    tables = Path(road_module.__file__).parent / "data" / "sioux_falls"
    with (tables / "links.csv").open(encoding="utf-8") as file:
        links = list(csv.DictReader(file))
    columns = ("from", "to", "capacity_veh_per_h", "length_km", "free_flow_time_min", "b", "power")
    rows = ["\t" + "\t".join([*(link[column] for column in columns), "0", "0", "1"]) + "\t;" for link in links]
    metadata = ["<NUMBER OF NODES> 24", "<FIRST THRU NODE> 1", "<NUMBER OF LINKS> 76", "<END OF METADATA>", "", ""]
    (tmp_path / "SiouxFalls_net.tntp").write_text("\n".join(metadata + rows), encoding="utf-8")
    nodes = (tables / "nodes.csv").read_text(encoding="utf-8").replace(",", "\t")
    (tmp_path / "SiouxFalls_node.tntp").write_text(nodes, encoding="utf-8")

    read, built_in = load_road(tmp_path / "SiouxFalls_net.tntp"), load_road("sioux_falls")
    assert read.name == "SiouxFalls"
    for column in ("nodes", "tail", "head", "length_km", "free_flow_h", "capacity_veh_per_h", "bpr_power", "xy"):
        assert np.array_equal(getattr(read, column), getattr(built_in, column))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1.2e3", "-1.2e3", "line 9: capacity is -1200; allowed: positive"),
        ("1.2e3", "many", "line 9: capacity is 'many'; allowed: a number"),
        ("1.2e3", "nan", "line 9: capacity is nan"),
        ("2.5\t3.0", "2.5\t-3.0", "line 10: free flow time is -3; allowed: non-negative"),
        ("3.0\t0.5\t0\t", "3.0\t0.5\t0.9\t", r"line 10: power is 0\.9; allowed: 1 or more"),
        ("4\t2\t900", "4\t2.5\t900", r"line 11: term node is 2\.5; allowed: whole numbers from 1"),
        ("4\t2\t900", "4\t4\t900", "line 11: the link leads from node 4 to itself"),
        ("4\t2\t900", "3\t4\t900", "line 11: there is a link 3-4 already"),
        ("\t3\t5\t100\t1\t1 ;", "\t3\t5\t100\t1 ;", "line 13: 4 fields; a link has 5 to 10"),
        ("0\t25\t1\t;", "0\t25\t1\t7\t;", "line 9: 11 fields"),
        ("NODES> 5", "NODES> 4", "NUMBER OF NODES declares 4, but 5 nodes have links"),
        ("NODES> 5", "NODES> five", "<NUMBER OF NODES>: NUMBER OF NODES is 'five'"),
        ("NODES> 5", "NODES> 5.5", r"<NUMBER OF NODES>: '5\.5'; allowed: whole numbers"),
        ("<NUMBER OF NODES> 5", "<NUMBER OF LINKS> 6", "NUMBER OF LINKS declares 6, but the file holds 5 links"),
    ],
)
def test_bad_net_files_are_named_with_their_line(tmp_path, old, new, message):
    assert old in NET
    path = tmp_path / "bad_net.tntp"
    path.write_text(NET.replace(old, new), encoding="utf-8")
    with pytest.raises(NetworkDataError, match=rf"bad_net\.tntp.*{message}"):
        load_road(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2 :    1e1", "2 :    -1", "line 7: trips from 1 to 2 are -1; allowed: >= 0"),
        ("2 :    1e1", "2 :    nan", "line 7: trips from 1 to 2 are nan"),
        ("2 :    1e1", "2 =    1e1", "line 7: '2 =    1e1' is no 'destination : trips'"),
        ("2 :    1e1", "1 :    1e1", "line 7: trips from 1 to 1 are given twice"),
        ("2 :    1e1", "3 :    1e1", "line 7: node 3, but NUMBER OF ZONES declares 2"),
        ("2 :    1e1", "2 :    11", r"TOTAL OD FLOW declares 15\.5, but the entries sum to 16\.5"),
        ("Origin 2", "Origin two", "line 8: node is 'two'"),
        ("Origin \t1\n", "\n", "line 7: trips stand before the first 'Origin' line"),
    ],
)
def test_bad_trips_files_are_named_with_their_line(tmp_path, old, new, message):
    assert old in TRIPS
    path = tmp_path / "bad_trips.tntp"
    path.write_text(TRIPS.replace(old, new), encoding="utf-8")
    with pytest.raises(NetworkDataError, match=rf"bad_trips\.tntp.*{message}"):
        load_trips(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("5\t2\t-1\t;\n", "", "node 5 of odd_net.tntp has no coordinates"),
        ("5\t2\t-1", "4\t2\t-1", "line 6: node 4 is given twice"),
        ("5\t2\t-1\t;", "5\t2\t;", "line 6: 2 fields; a row has node, x, y"),
        ("5\t2\t-1", "5\ttwo\t-1", "line 6: x is 'two'"),
    ],
)
def test_bad_node_files_are_named_with_their_line(tmp_path, old, new, message):
    shutil.copy(FIXTURES / "odd_net.tntp", tmp_path)
    text = (FIXTURES / "odd_node.tntp").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "odd_node.tntp").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(NetworkDataError, match=rf"odd_node\.tntp.*{message}"):
        load_road(tmp_path / "odd_net.tntp")


def test_an_empty_file_and_a_missing_file_are_named(tmp_path):
    path = tmp_path / "empty_net.tntp"
    path.write_text("<NUMBER OF NODES> 0\n~ nothing\n", encoding="utf-8")
    with pytest.raises(NetworkDataError, match="holds no data row"):
        load_road(path)
    with pytest.raises(NetworkDataError, match=r"missing_trips.tntp: cannot be read: No such file"):
        load_trips(tmp_path / "missing_trips.tntp")
