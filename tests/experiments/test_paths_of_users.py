"""Do roads and feeders of users' own, as files beside their case, give what the built-in ones give?"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from experiments.case import load_case
from experiments.solving import solve
from tests.experiments.case_tables import TEACHING_NETWORKS, tables
from tests.experiments.runs import TEACHING, case_file, solved
from tests.one_program.tables import read_rows


def road_folder(parent: Path) -> str:
    (parent / "roads").mkdir()
    for name in ("links.csv", "nodes.csv"):
        shutil.copy(TEACHING_NETWORKS / name, parent / "roads")
    return "roads"


def tntp_file(parent: Path) -> str:
    links = read_rows(TEACHING_NETWORKS / "links.csv")
    columns = ("from", "to", "capacity_veh_per_h", "length_km", "free_flow_time_min")
    rows = ["\t" + "\t".join(link[column] for column in columns) + "\t0.15\t4\t0\t0\t1\t;" for link in links]
    head = ["<NUMBER OF NODES> 5", f"<NUMBER OF LINKS> {len(links)}", "<FIRST THRU NODE> 1", "<END OF METADATA>"]
    (parent / "mine_net.tntp").write_text("\n".join([*head, *rows, ""]), encoding="utf-8")
    return "mine_net.tntp"


def feeder_folder(parent: Path) -> str:
    (parent / "feeder").mkdir()
    for name in ("buses.csv", "lines.csv", "feeder.toml"):
        shutil.copy(TEACHING_NETWORKS / name, parent / "feeder")
    return "feeder"


PLACES = {
    "a folder with links": {"road__network": road_folder},
    "a TNTP file": {"road__network": tntp_file},
    "a folder with a feeder": {"feeder__network": feeder_folder},
    "both": {"road__network": tntp_file, "feeder__network": feeder_folder},
}


@pytest.mark.parametrize("place", PLACES)
def test_networks_beside_the_case_file_are_found_from_anywhere_and_solve_the_same(tmp_path, monkeypatch, place):
    own = tmp_path / "mine"
    own.mkdir()
    data = tables(**{key: write(own) for key, write in PLACES[place].items()})
    case_file(own, data)
    monkeypatch.chdir(tmp_path)
    result = solve("mine/mine.toml", "stress", True)
    assert result.solved and result.routes_agree, result.status
    built_in = solved((TEACHING, "stress", True)).result.quantities
    for name in ("social_cost_usd_per_h", "charged_kw", "discharged_kw", "household_kw", "travel_cost_usd_per_h"):
        assert result.quantities[name] == pytest.approx(built_in[name], rel=1e-7)
    for name in ("dlmp_usd_per_kwh", "link_flow_veh_per_h", "od_cost_usd"):
        assert result.quantities[name] == pytest.approx(built_in[name], rel=1e-6, abs=1e-6)
    assert result.provenance["case_file"] == "mine/mine.toml"
    absolute = load_case(own / "mine.toml")
    assert solve(absolute, "stress", True).provenance["case_hash"] == result.provenance["case_hash"]


def test_a_changed_network_file_changes_the_result_and_the_hash(tmp_path):
    data = tables(feeder__network=feeder_folder(tmp_path))
    path = case_file(tmp_path, data)
    before = solve(str(path), "stress", method="sharing")
    buses = (tmp_path / "feeder" / "buses.csv").read_text(encoding="utf-8").replace("140,55,50", "240,55,50")
    (tmp_path / "feeder" / "buses.csv").write_text(buses, encoding="utf-8")
    after = solve(str(path), "stress", method="sharing")
    assert after.solved and after.quantities["household_kw"] > before.quantities["household_kw"] + 1.0
    assert after.provenance["case_hash"] != before.provenance["case_hash"]
