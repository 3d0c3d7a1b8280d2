"""The command `bestresponse models`."""

from __future__ import annotations

from typing import Annotated

import typer


def models(
    role: Annotated[
        str | None, typer.Argument(metavar="ROLE", help="A role, or extra for players beside the roles.")
    ] = None,
) -> None:
    """List the models by role: what a case file may choose by `[players] ROLE = "name"`, and their options.

    Models that installed packages announce are listed, too. Exit codes: 0 listed; 2 no such role.
    """
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from experiments.models.listing import listing

    table = Table("role", "model", "what it is", "options", box=box.SIMPLE_HEAD, caption_justify="left")
    caption = '* plays the role where a case says nothing. Roles: [players] ROLE = "model"; extra: [[players.extra]]'
    table.caption = escape(caption)
    shown_role = None
    for model in listing(role):
        name = f"{model.name} *" if model.default else model.name
        first = model.role if model.role != shown_role else ""
        table.add_row(*map(escape, (first, name, model.summary, "\n".join(model.options) or "none")))
        shown_role = model.role
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)
    console.print(table)
