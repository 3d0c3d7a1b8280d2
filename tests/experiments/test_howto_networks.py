"""The how-to on networks of one's own: its files are written, its case solved, its commands run as they stand."""

import re
import tomllib
from pathlib import Path

import pytest
import tomli_w

from tests.experiments.case_tables import tables

HOWTO = (Path(__file__).parents[2] / "docs" / "howto.md").read_text(encoding="utf-8")
SECTION = HOWTO.partition("## Use a network of my own")[2].partition("\n## ")[0]
FILES = dict(re.findall(r"```\w+ title=\"(.+?)\"\n(.*?)```", SECTION, flags=re.DOTALL))
COMMANDS = re.findall(r"^    bestresponse (.+)$", SECTION, flags=re.MULTILINE)

# pandapower and what it imports warn on their own account
pytestmark = pytest.mark.filterwarnings("ignore")


def rest_of_the_case():
    """The teaching case where the how-to says "the rest", on the bus and the node of the example."""
    data = tables(scenarios={"base": {}}, stations=[{"node": 3, "bus": "square"}])
    for entity in data["lse"]:
        entity["generators"][0]["bus"] = "park"
    return data


def test_the_commands_run_on_the_files_of_the_page(call, tmp_path):
    for package in ("opendssdirect", "pandapower"):
        pytest.importorskip(package)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    case = rest_of_the_case() | tomllib.loads(FILES["my_case.toml"])
    (tmp_path / "my_case.toml").write_text(tomli_w.dumps(case), encoding="utf-8")
    assert [command.split()[0] for command in COMMANDS] == ["assign", "check", "solve", "validate", "validate"]
    for command in COMMANDS:
        shown = call(*command.split())
        assert (shown.code, shown.err) == (0, ""), (command, shown)
        if command.startswith("check"):
            assert "39" in shown.out and "91" in shown.out  # 0.3 and 0.7 of 130 vehicles
        if command.startswith("validate"):
            assert "All voltages are within" in shown.out
