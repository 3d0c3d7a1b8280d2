"""Cases on feeders of other programs: the market of our own tables, a safe identity, and the usual messages."""

import shutil
from pathlib import Path

import pytest

from bestresponse.errors import DataError
from experiments.case import case_from, case_hash
from experiments.solving import solve
from tests.experiments.case_tables import refusal, tables

# pandapower and what it imports warn on their own account
pytestmark = pytest.mark.filterwarnings("ignore")

IEEE123 = Path(__file__).parents[1] / "networks" / "fixtures" / "ieee123"
UNIQUE = ("social_cost_usd_per_h", "import_kw", "charged_kw", "discharged_kw", "travel_cost_usd_per_h")
TEACHING = (Path(__file__).parents[1] / "networks" / "fixtures" / "teaching.dss").read_text(encoding="utf-8")


def found(data, folder=".", scenario="base"):
    result = solve(case_from(data, "case.toml", folder), scenario, method="monolith")
    assert result.solved, result.status
    return result


def on_ieee_33(network, first):
    """The teaching market on a feeder of 33 buses that are numbered from `first`."""
    data = tables(feeder__network=network, feeder__voltage_min_pu=0.97, scenarios={"base": {}})
    data["tso"] = {"price_usd_per_kwh": 0.06, "p_max_kw": 6000.0, "q_min_kvar": -6000.0, "q_max_kvar": 6000.0}
    generators = [entity["generators"][0] for entity in data["lse"]]
    for entry, bus in zip((*data["stations"], *generators), (17, 24, 7, 29), strict=True):
        entry["bus"] = str(first + bus)
    return data


def test_ieee_33_of_pandapower_gives_the_equilibrium_of_our_tables():
    pytest.importorskip("pandapower")
    theirs, ours = (found(on_ieee_33(*each)).quantities for each in (("pandapower:case33bw", 0), ("ieee33", 1)))
    for name in UNIQUE:
        assert theirs[name] == pytest.approx(ours[name], rel=1e-7, abs=1e-7)
    prices = ours["dlmp_usd_per_kwh"]
    assert {str(int(bus) + 1): price for bus, price in theirs["dlmp_usd_per_kwh"].items()} == pytest.approx(
        prices, abs=1e-7
    )
    assert len(prices) == 33 and max(prices.values()) > 1.2 * min(prices.values())  # voltage limits bind


def test_an_opendss_file_gives_the_equilibrium_of_our_tables(tmp_path):
    pytest.importorskip("opendssdirect")
    (tmp_path / "master.dss").write_text(TEACHING, encoding="utf-8")
    theirs, ours = found(tables(feeder__network="master.dss"), tmp_path), found(tables())
    for name in UNIQUE:
        assert theirs.quantities[name] == pytest.approx(ours.quantities[name], rel=1e-6, abs=1e-6)
    assert theirs.quantities["dlmp_usd_per_kwh"] == pytest.approx(ours.quantities["dlmp_usd_per_kwh"], abs=1e-6)


def test_the_identity_of_a_case_is_that_of_all_files_of_its_feeder(tmp_path):
    folder = shutil.copytree(IEEE123, tmp_path / "feeder")
    data = tables(feeder__network="feeder/master.dss")
    before = case_hash(case_from(data, "case.toml", tmp_path))
    (folder / "IEEE123_EXP_VOLTAGES.CSV").write_text("written by OpenDSS", encoding="utf-8")
    assert case_hash(case_from(data, "case.toml", tmp_path)) == before
    lines = folder / "lines.dss"
    lines.write_text(lines.read_text(encoding="utf-8").replace("length=175", "length=176"), encoding="utf-8")
    assert case_hash(case_from(data, "case.toml", tmp_path)) != before
    lines.unlink()
    with pytest.raises(DataError, match=r"case\.toml: feeder\.network: .*lines\.dss cannot be read"):
        case_hash(case_from(data, "case.toml", tmp_path))


def test_a_name_of_pandapower_is_no_path(tmp_path):
    case = case_from(on_ieee_33("pandapower:case33bw", 0), "case.toml", tmp_path)
    assert case.feeder.network == "pandapower:case33bw"
    assert len(case_hash(case)) == 64


def test_what_is_wrong_with_a_feeder_names_the_key(tmp_path):
    pytest.importorskip("opendssdirect")
    (tmp_path / "master.dss").write_text(TEACHING + "New Reactor.r bus1=2\n", encoding="utf-8")
    message = refusal(tables(feeder__network="master.dss"), tmp_path)
    assert message.startswith("case.toml: feeder.network: ")
    assert "master.dss: Reactor.r: elements of class Reactor are not supported" in message
    assert "no such file or folder" in refusal(tables(feeder__network="none.dss"), tmp_path)
    assert "pandapower has no network 'case33'" in refusal(tables(feeder__network="pandapower:case33"), tmp_path)
