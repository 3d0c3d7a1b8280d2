"""The command `bestresponse new-player`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def new_player(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, as in my_load or MyLoad.")],
    out: Annotated[Path, typer.Option(help="Folder for the two files; made if need be.")] = Path("."),
) -> None:
    """Write a short player in CVXPY to change into your own, and its test, which passes as written.

    Exit codes: 0 written; 2 bad input, such as a file that is already there.
    """
    from rich.console import Console

    from experiments.files import writable
    from experiments.new_player import write_player

    writable(out, folder=True)
    player, test = write_player(name, out)
    say = Console(highlight=False, markup=False, soft_wrap=True).print
    say(f"Written: {player}, {test}")
    say(f"Test it: pytest {test}")
    say("Use it: the first lines of the file say how a case file names it; run from its folder.")
