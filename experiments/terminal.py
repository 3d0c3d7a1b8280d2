"""Where commands print: a console as wide as the terminal, or as a file may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

FILE_WIDTH = 120  # characters, where the output goes to a file


def output(*, quiet: bool = False) -> Console:
    """Return the console for results."""
    from rich.console import Console

    console = Console(quiet=quiet, highlight=False)
    if not console.is_terminal:
        console.width = FILE_WIDTH
    return console
