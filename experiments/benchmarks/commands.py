"""Whole commands from outside: wall seconds and peak memory of a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("bestresponse", "players", "networks", "experiments")
_ENTRY = "from experiments.cli import main; main()"  # what the installed script `bestresponse` runs
_CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True)
class CommandSample:
    """One call of one command."""

    command: str
    exit_code: int
    seconds: float
    peak_mib: float


def measure_commands() -> list[CommandSample]:
    """Return `bestresponse solve` for the first and the second time, and `bestresponse --help`.

    The first time, the project's own packages have no compiled bytecode; those that it depends on keep theirs, as
    an installer compiles them. The files themselves are in the memory of the operating system.
    """
    forget_bytecode()
    return [
        call(["solve"], "bestresponse solve, first time"),
        call(["solve"], "bestresponse solve, second time"),
        call(["--help"], "bestresponse --help"),
    ]


def forget_bytecode() -> None:
    """Remove the compiled bytecode of the project's own packages; Python makes it again."""
    for package in PACKAGES:
        for folder in (PROJECT / package).rglob("__pycache__"):
            shutil.rmtree(folder, ignore_errors=True)


def call(arguments: Sequence[str], name: str) -> CommandSample:
    """Run `bestresponse` with arguments in a process of its own and return what it took."""
    command = [sys.executable, "-c", _ENTRY, *arguments]
    measured = subprocess.run(
        [sys.executable, "-I", "-S", str(_CHILD), *command],
        cwd=PROJECT,
        env={key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"},
        capture_output=True,
        text=True,
        check=True,
    )
    return CommandSample(command=name, **json.loads(measured.stdout))
