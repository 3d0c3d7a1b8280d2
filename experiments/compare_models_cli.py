"""The command `bestresponse compare-models`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.terminal import output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from experiments.comparing_models import ModelEntry
    from experiments.exits import Exit


def compare_models(
    case: Annotated[str, typer.Argument(metavar="CASE", help="Built-in case or path of a TOML file.")] = "teaching",
    player: Annotated[str, typer.Option(help="The role whose models are compared; a wrong name lists all.")] = "dso",
    models: Annotated[
        str | None,
        typer.Option(
            help="Names with commas, or module:callable; if not given all that need no options and suit the case. "
            "A wrong name lists all."
        ),
    ] = None,
    scenario: Annotated[str, typer.Option(help="Scenario of the case.")] = "base",
    v2g: Annotated[bool, typer.Option("--v2g/--no-v2g", help="Whether vehicles may discharge.")] = True,
    out: Annotated[Path | None, typer.Option(help="Write compare.json and the figure to this folder.")] = None,
) -> None:
    """Solve one scenario with several models of one player, by both routes, and show what comes out side by side.

    Exit codes: 0 solved and certified with every model; 2 bad input; 3 not with every model (what is there is shown);
    4 the two routes disagree for a model; 130 interrupted.
    """
    from experiments import comparing_models as comparing
    from experiments.case import load_case
    from experiments.exits import Exit
    from experiments.files import writable

    loaded = load_case(case)
    if models is None:
        chosen, left_out = comparing.suited(loaded, player, v2g)
    else:
        chosen, left_out = [name.strip() for name in models.split(",") if name.strip()], []
    if out is not None:
        writable(out, folder=True)
    entries: list[ModelEntry] = []
    interrupted = False
    try:
        for entry in comparing.compare_models(loaded, player, chosen, scenario, v2g):
            entries.append(entry)
            if entry.result is not None and entry.result.stop == "interrupted":
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        interrupted = True
        sys.stderr.write(f"interrupted after {len(entries)} of {len(chosen)} models\n")
    console = output()
    headline = f"{loaded.name} / {scenario} / {'with' if v2g else 'without'} V2G: models of {player}"
    if entries:
        _show(console, entries, headline)
    for sentence in left_out:
        console.print(sentence, markup=False)
    if entries and out is not None:
        _write(console, entries, headline, out)
    raise typer.Exit(Exit.INTERRUPTED if interrupted else worst_exit(entries))


def worst_exit(entries: Sequence[ModelEntry]) -> Exit:
    """Return the exit code of several models; not solved outranks a disagreement of the routes."""
    from experiments.exits import Exit, exit_code

    codes = [Exit.NOT_SOLVED if entry.result is None else exit_code(entry.result) for entry in entries]
    order = (Exit.INTERRUPTED, Exit.NOT_SOLVED, Exit.ROUTES_DISAGREE)
    return next((code for code in order if code in codes), Exit.SOLVED)


def _show(console: Console, entries: Sequence[ModelEntry], headline: str) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from experiments.comparing_models import ROWS, numbers

    console.print(escape(headline), style="bold")
    table = Table("quantity", box=box.SIMPLE_HEAD)
    for entry in entries:
        table.add_column(escape(entry.model), justify="right", overflow="fold")
    table.add_column("unit")
    told = [numbers(entry) for entry in entries]
    for words, key, unit in ROWS:
        if any(key in each for each in told):
            table.add_row(words, *(f"{each[key]:,.4f}" if key in each else "–" for each in told), unit)
    table.add_section()
    for words, value in _ROUTES.items():
        table.add_row(words, *(value(entry) for entry in entries))
    console.print(table)
    for entry in entries:
        said = entry.refused if entry.result is None else entry.result.status
        console.print(escape(f"{entry.model}: {said}"), soft_wrap=True)


def _agreement(entry: ModelEntry) -> str:
    agree = entry.result.routes_agree if entry.result is not None else None
    return "–" if agree is None else "yes" if agree else "no"


_ROUTES = {
    "sweeps": lambda entry: "–" if entry.result is None or entry.result.sweeps is None else str(entry.result.sweeps),
    "certified": lambda entry: "yes" if entry.result is not None and entry.result.solved else "no",
    "both routes agree": _agreement,
}


def _write(console: Console, entries: Sequence[ModelEntry], headline: str, out: Path) -> None:
    from rich.markup import escape

    from experiments.figures_models import save_figure
    from experiments.files import write_json

    write_json([entry.data() for entry in entries], out / "compare.json")
    written = save_figure(entries, headline, out)
    console.print(escape(f"Written to {out}: {', '.join(['compare.json', *(path.name for path in written)])}"))
