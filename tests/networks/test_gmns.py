"""GMNS roads and demand: Sioux Falls written that way is Sioux Falls, units are stated, faults are named."""

import csv

import numpy as np
import pytest

from networks.errors import NetworkDataError
from networks.road import load_road, load_trip_table, load_trips
from players.traffic.network_assignment import AssignmentProblem, assign

NODES = "node_id,name,x_coord,y_coord,zone_id\n10,A,0,1,1.0\n20,B,2,3,\n30,C,4,5,2.0\n"
LINKS = (
    "link_id,from_node_id,to_node_id,directed,length,capacity,lanes,free_speed,VDF_alpha1,VDF_beta1,VDF_fftt1,toll\n"
    "1,10,20,1,2,900,2,40,,,,\n"
    "2,20,30,TRUE,3,800,,,0.5,2,4.5,1.25\n"
    "3,30,10,true,1,1000,1,30,0.2,0,,\n"
)
DEMAND = "o_zone_id,d_zone_id,volume\n1,2,50\n2,1,0\n1,1,7\n"
CONFIG = "dataset_name,long_length,speed\ntown,mile,mph\n"
ROAD_COLUMNS = (
    "tail",
    "head",
    "length_km",
    "free_flow_h",
    "capacity_veh_per_h",
    "bpr_coefficient",
    "bpr_power",
    "toll",
)


@pytest.fixture
def write(tmp_path):
    def written(nodes=NODES, links=LINKS, demand=DEMAND, config=None):
        texts = {"node.csv": nodes, "link.csv": links, "demand.csv": demand, "config.csv": config}
        for name, text in texts.items():
            if text is not None:
                (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return written


def save(path, columns):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([list(columns), *zip(*columns.values(), strict=True)])


def as_gmns(road, trips, folder):
    """Write a road of two lanes a link, and its trips between zones numbered 100 above their nodes."""
    x, y = road.xy.T.tolist()
    zones = [node + 100 for node in road.nodes.tolist()]
    save(folder / "node.csv", {"node_id": road.nodes.tolist(), "x_coord": x, "y_coord": y, "zone_id": zones})
    links = {
        "link_id": range(road.n_links),
        "from_node_id": road.tail,
        "to_node_id": road.head,
        "lanes": [2] * road.n_links,
    }
    links |= {"length": road.length_km.tolist(), "free_speed": (road.length_km / road.free_flow_h).tolist()}
    links |= {"capacity": (road.capacity_veh_per_h / 2).tolist()}
    links |= {"vdf_alpha": road.bpr_coefficient.tolist(), "vdf_beta": road.bpr_power.tolist()}
    save(folder / "link.csv", links)
    pairs = list(trips)
    save(
        folder / "demand.csv",
        {
            "o_zone_id": [origin + 100 for origin, _ in pairs],
            "d_zone_id": [destination + 100 for _, destination in pairs],
            "volume": list(trips.values()),
        },
    )


def as_tntp(road, trips, folder):
    rows = np.column_stack(
        [road.tail, road.head, road.capacity_veh_per_h, road.length_km, 60.0 * road.free_flow_h, road.bpr_coefficient]
    )
    lines = [
        " ".join(map(repr, row)) + f" {power!r} ;"
        for row, power in zip(rows.tolist(), road.bpr_power.tolist(), strict=True)
    ]
    (folder / "sf_net.tntp").write_text("\n".join(lines), encoding="utf-8")
    lines = [f"Origin {origin}\n{destination} : {number!r};" for (origin, destination), number in trips.items()]
    (folder / "sf_trips.tntp").write_text("\n".join(lines), encoding="utf-8")


def test_sioux_falls_as_gmns_and_as_tntp_gives_one_assignment(tmp_path):
    road, trips = load_road("sioux_falls"), load_trips("sioux_falls")
    as_gmns(road, trips, tmp_path)
    as_tntp(road, trips, tmp_path)
    sources = (tmp_path, tmp_path), (tmp_path / "sf_net.tntp", tmp_path / "sf_trips.tntp")
    found = []
    for net, table in sources:
        problem = AssignmentProblem.of(load_road(net), load_trips(table))
        found.append(assign(problem, "path", 1e-10, 1, 1000))
    assert all(each.converged for each in found)
    assert found[0].link_flow == pytest.approx(found[1].link_flow, rel=1e-9)
    assert found[0].link_flow[0] == pytest.approx(4494.65764646, rel=1e-7)  # published
    assert load_trips(tmp_path) == load_trips(tmp_path / "demand.csv") == trips
    assert np.array_equal(load_road(tmp_path).xy, road.xy)


def test_defaults_lanes_and_functions_by_hand(write):
    road = load_road(write())
    assert road.link_names == ("10-20", "20-30", "30-10")
    assert road.capacity_veh_per_h.tolist() == [1800.0, 800.0, 1000.0]
    assert road.length_km.tolist() == [2.0, 3.0, 1.0]
    assert road.free_flow_h == pytest.approx([2 / 40, 4.5 / 60, 1 / 30 * 1.2])
    assert road.bpr_coefficient.tolist() == [0.15, 0.5, 0.0] and road.bpr_power.tolist() == [4.0, 2.0, 0.0]
    assert road.toll.tolist() == [0.0, 1.25, 0.0]
    assert road.xy.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert load_trip_table(write()) == ({(10, 30): 50.0}, {10: 7.0})


def test_units_are_those_of_the_configuration_or_of_the_argument(write):
    km = 1.609344
    for road in (load_road(write(), km_per_length_unit=km), load_road(write(config=CONFIG))):
        assert road.length_km == pytest.approx(np.array([2.0, 3.0, 1.0]) * km)
        assert road.free_flow_h[:2] == pytest.approx([2 / 40, 4.5 / 60])
    mixed = load_road(write(config="long_length,speed\nm,km/h\n"))
    assert mixed.length_km[0] == 0.002 and mixed.free_flow_h[0] == pytest.approx(0.002 / 40)


def test_zones_are_nodes_where_no_node_has_a_zone(write):
    demand = "o_zone_id,d_zone_id,volume,note\n10,30,5,kept\n"
    assert load_trips(write(nodes="node_id\n10\n20\n30\n", demand=demand)) == {(10, 30): 5.0}


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("node.csv", "30,C", "20,C", "node.csv, line 4: this node stands already in line 3"),
        ("node.csv", "node_id,name", "node,name", "node.csv, line 1: column 'node_id' is missing"),
        ("link.csv", "2,20,30", "2,20,40", "link.csv, line 3: node 40 is not among the 3 nodes"),
        ("link.csv", "2,20,30", "2,10,20", "link.csv, line 3: there is a link 10-20 already"),
        ("link.csv", "2,900", "2,0", "link.csv, line 2: capacity is 0; allowed: positive"),
        ("link.csv", "900,2,40", "900,none,40", "link.csv, line 2: column 'lanes' is 'none'; allowed: a number"),
        ("link.csv", "900,2,40", "900,2,", "link.csv, line 2: state a free_speed > 0 or a vdf_fftt >= 0"),
        ("link.csv", "900,2,40", "900,2,-40", "link.csv, line 2: free_speed is -40; allowed: positive or inf"),
        ("link.csv", "0.5,2,4.5", "0.5,2,-4.5", "link.csv, line 3: VDF_fftt1 is -4.5; allowed: non-negative or inf"),
        ("link.csv", "1,10,20,1", "1,10,20,0", "link.csv, line 2: the link is undirected; write one row for every"),
        ("link.csv", "1,10,20,1", "1,10,20,yes", "link.csv, line 2: directed is 'yes'; allowed: true, false"),
        ("link.csv", "1,10,20", "1,1a,20", "link.csv, line 2: column 'from_node_id' is '1a'"),
        ("config.csv", "mile", "league", "config.csv, line 2: long_length is 'league'; allowed: km, "),
        ("config.csv", "mph", "knot", "config.csv, line 2: speed is 'knot'; allowed: km/h, "),
    ],
)
def test_bad_roads_are_named_with_their_line(write, file, old, new, message):
    folder = write(config=CONFIG)
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(old) == 1
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(NetworkDataError, match=message):
        load_road(folder)


def test_a_unit_stated_twice_is_refused(write):
    with pytest.raises(
        NetworkDataError, match=r"config.csv, line 2: long_length is 'mile', but km_per_length_unit = 2 is"
    ):
        load_road(write(config=CONFIG), km_per_length_unit=2.0)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1,2,50", "1,2,-1", "demand.csv, line 2: volume is -1; allowed: non-negative"),
        ("1,2,50", "1,3,50", "line 2: d_zone_id is '3', which is the zone_id of no node in .*node.csv"),
        ("2,1,0", "1,2,0", "demand.csv, line 3: this pair of zones stands already in line 2"),
        ("o_zone_id", "origin", "demand.csv, line 1: column 'o_zone_id' is missing"),
    ],
)
def test_bad_demand_is_named_with_its_line(write, old, new, message):
    with pytest.raises(NetworkDataError, match=message):
        load_trips(write(demand=DEMAND.replace(old, new)))


def test_a_zone_of_several_nodes_is_refused(write):
    with pytest.raises(NetworkDataError, match="line 2: o_zone_id is '1', which is the zone_id of the nodes 10, 20 in"):
        load_trips(write(nodes=NODES.replace("20,B,2,3,", "20,B,2,3,1.0")))
