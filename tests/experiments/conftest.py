"""The command line, called in the process of the tests."""

from __future__ import annotations

import sys

import pytest

from experiments import cli
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
