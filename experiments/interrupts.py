"""Ctrl-C on the command line: never in the middle of an import, never in silence."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from experiments.exits import Exit


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back until the end: a compiled module whose import is cut short cannot be imported again."""
    held: list[int] = []
    usual = signal.signal(signal.SIGINT, lambda number, frame: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if held:
        raise KeyboardInterrupt


@contextmanager
def says_when_interrupted() -> Iterator[None]:
    """Let no Ctrl-C pass in silence."""
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write("interrupted before there was anything to write\n")
        raise typer.Exit(Exit.INTERRUPTED) from None
