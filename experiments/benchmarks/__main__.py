"""`python -m experiments.benchmarks`: measure, print the tables, and write them where asked."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bestresponse.errors import BestResponseError
from experiments.benchmarks.commands import measure_commands
from experiments.benchmarks.machine import machine_facts
from experiments.benchmarks.measure import measure
from experiments.benchmarks.one_program import load_one_program
from experiments.benchmarks.report import as_data, tables
from experiments.benchmarks.runs import select_runs
from experiments.files import writable
from networks.errors import NetworkDataError

WIDTH = 200  # [characters] where the output is no terminal


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the arguments ask for; return the exit code, 2 for bad input."""
    asked = _parser().parse_args(arguments)
    try:
        _benchmark(asked)
    except (BestResponseError, NetworkDataError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def _benchmark(asked: argparse.Namespace) -> None:
    runs = select_runs(asked.runs)
    for path in (asked.json, asked.markdown):
        if path is not None:
            writable(path)
    facts = machine_facts()
    samples = measure(runs, asked.repeat, load_one_program())
    commands = [] if asked.no_commands else measure_commands()
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    found = tables(samples, commands)
    for key, value in facts.items():
        console.print(f"{key}: {value}")
    for table in found:
        console.print(table.rich())
    if asked.markdown is not None:
        told = "\n".join(f"- {key}: {value}" for key, value in facts.items())
        body = "\n\n".join(table.markdown() for table in found)
        asked.markdown.write_text(f"{told}\n\n{body}\n", encoding="utf-8")
    if asked.json is not None:
        asked.json.write_text(json.dumps(as_data(facts, samples, commands), indent=1) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m experiments.benchmarks", description=__doc__)
    parser.add_argument(
        "--runs", nargs="+", default=["all"], metavar="RUN", help="robust, all, or CASE/SCENARIO/v2g or .../no-v2g"
    )
    parser.add_argument("--repeat", type=_positive, default=3, metavar="N", help="times that every run is solved")
    parser.add_argument("--no-commands", action="store_true", help="leave out the whole commands")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every repetition to this file")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables to this file")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"given {text!r}, must be a whole number of at least 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
