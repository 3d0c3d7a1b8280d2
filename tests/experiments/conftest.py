"""The command line, called in the process of the tests, and results that figures are drawn of."""

from __future__ import annotations

import sys

import pytest

from experiments import cli
from experiments.solving import solve
from tests.experiments.command_line import Shown


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """The command line in this process, from an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> Shown:
        monkeypatch.setattr(sys, "argv", ["bestresponse", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code = ended.value.code
        return Shown(code if isinstance(code, int) else 0, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def island():
    """Buses 3 and 4 of six are cut off and dearer; the station of road node 3 discharges, that of node 2 charges."""
    return solve("teaching", "island", method="sharing")


@pytest.fixture(scope="session")
def one_price():
    return solve("teaching", "base", method="monolith")


@pytest.fixture(scope="session")
def congested():
    return solve("sioux_falls_ieee123", "congested", method="sharing")
