"""The command `bestresponse compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from experiments.comparing import Entry

SHOWN = ("1e-2", "1e-4", "1e-6", "1e-8")


def compare(
    case: Annotated[
        str, typer.Argument(metavar="CASE", help="Built-in case or path of a TOML file.")
    ] = "sioux_falls_ieee123",
    scenario: Annotated[str, typer.Option(help="Scenario of the case.")] = "base",
    v2g: Annotated[bool, typer.Option("--v2g/--no-v2g", help="Whether vehicles may discharge.")] = True,
    schemes: Annotated[str, typer.Option(help="Names with commas; a wrong name lists all.")] = "sharing,exchange,pdhg",
    grid: Annotated[
        list[str] | None, typer.Option(help="As in sigma=1,3; also anderson, relaxation, balancing.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Starts: the usual first prices, and random multiples of them.")] = 1,
    max_sweeps: Annotated[int, typer.Option(help="Most sweeps of every run.")] = 600,
    tolerance: Annotated[float, typer.Option(help="Largest relative imbalance of any good.")] = 1e-8,
    out: Annotated[Path | None, typer.Option(help="Write compare.json and figures to this folder.")] = None,
) -> None:
    """Run several schemes under one budget and compare what every accuracy costs.

    Exit codes: 0 done, whether the schemes converged or not; 2 bad input; 130 interrupted (what is there is written).
    """
    from rich.console import Console

    from experiments import comparing
    from experiments.case import load_case
    from experiments.files import writable

    loaded = load_case(case)
    loaded.scenario(scenario)
    runs, points = comparing.chosen(schemes), comparing.grid(grid or [], seeds)
    if out is not None:
        writable(out, folder=True)
    entries: list[comparing.Entry] = []
    interrupted = False
    try:
        with Console(stderr=True).status("starting") as status:
            found = comparing.compare(
                loaded,
                scenario,
                v2g,
                runs,
                points,
                max_sweeps=max_sweeps,
                tolerance=tolerance,
                on_run=lambda name: status.update(f"{name} ({len(entries) + 1} of {len(runs) * len(points)})"),
            )
            for entry in found:
                entries.append(entry)
    except KeyboardInterrupt:
        interrupted = True
    Console().print(_table(entries))
    headline = f"{loaded.name} / {scenario} / {'with' if v2g else 'without'} V2G"
    if out is not None and entries:
        _write(entries, headline, out)
    raise typer.Exit(130 if interrupted else 0)


def _table(entries: Sequence[Entry]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Sweeps to every accuracy", caption="– not reached")
    table.add_column("scheme")
    for key in (*SHOWN, "seconds"):
        table.add_column(key, justify="right")
    table.add_column("stop")
    for entry in entries:
        sweeps = [str(entry.sweeps_to[key] or "–") for key in SHOWN]
        seconds = f"{entry.records[-1].seconds:.2f}" if entry.records else "–"
        table.add_row(escape(entry.label), *sweeps, seconds, escape(entry.stop_reason.replace("_", " ")))
    return table


def _write(entries: Sequence[Entry], headline: str, out: Path) -> None:
    import json

    from bestresponse.trace import replacing
    from experiments.figures_comparing import costs_figure, paths_figure
    from experiments.figures_style import style, write

    with replacing(out / "compare.json") as file:
        json.dump([entry.data() for entry in entries], file, indent=1)
    with style():
        write(paths_figure(entries, headline), out, "convergence")
        write(costs_figure(entries, headline), out, "compare")
