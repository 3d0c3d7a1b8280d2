"""The command line in a process of its own, and what it showed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

RUN = "from experiments.cli import main; main()"


class Shown(NamedTuple):
    code: int
    out: str
    err: str


def unwrapped(text: str) -> str:
    return " ".join(text.split())


def command(folder: Path, *arguments: str, script: str = RUN) -> Shown:
    """The command line in a process of its own."""
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, cwd=folder)
    return Shown(done.returncode, done.stdout, done.stderr)
