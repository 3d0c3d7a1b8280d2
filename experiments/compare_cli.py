"""The command `bestresponse compare`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.defaults import MAX_SWEEPS, TOLERANCE
from experiments.terminal import output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table

    from experiments.comparing import Entry, OnRun, OnSweep

SHOWN = ("1e-2", "1e-4", "1e-6", "1e-8")
GOAL = "1e-6"  # at which gains, natural residuals and seconds are shown


def compare(
    case: Annotated[
        str, typer.Argument(metavar="CASE", help="Built-in case or path of a TOML file.")
    ] = "sioux_falls_ieee123",
    scenario: Annotated[str, typer.Option(help="Scenario of the case.")] = "base",
    v2g: Annotated[bool, typer.Option("--v2g/--no-v2g", help="Whether vehicles may discharge.")] = True,
    schemes: Annotated[str, typer.Option(help="Names with commas; a wrong name lists all.")] = "sharing,exchange,pdhg",
    grid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE,VALUE,...",
            help="Settings to combine, as in sigma=1,3; also newton (1 for Newton's method, the default where scheme, "
            "players and size allow it, 0 for the scheme without it), damping (of Newton's method, to start with), "
            "anderson (memory, 0 for none), relaxation, balancing (every so many sweeps, 0 for never), order; and of "
            "the players delay (answers late by up to so many questions), inexact (relative error of the prices they "
            "hear), fail (share of questions at which they fail), bridge (failures in a row for which the last answer "
            "stands). May be given several times.",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Starts: the usual first prices, and random multiples of them.")] = 1,
    max_sweeps: Annotated[int, typer.Option(help="Most sweeps of every run.")] = MAX_SWEEPS,
    tolerance: Annotated[float, typer.Option(help="Largest relative imbalance of any good, at which a run ends.")] = (
        TOLERANCE
    ),
    measure_every: Annotated[int, typer.Option(help="Sweeps between measurements of the players' gains.")] = 5,
    predict: Annotated[
        bool,
        typer.Option(
            help="Predict the rate of runs without acceleration and balancing where they end, or at the monolith's "
            "equilibrium where they are far from an end; for some hundred sweeps more each."
        ),
    ] = True,
    out: Annotated[Path | None, typer.Option(help="Write compare.json, traces and figures to this folder.")] = None,
) -> None:
    """Run several schemes under one budget and compare what every accuracy costs.

    A count is the first sweep at which the market imbalance and the price disagreement of every good are within an
    accuracy. Measuring is not counted in the seconds.

    Exit codes: 0 done, whether the schemes converged or not; 2 bad input, or every run was refused; 130 interrupted
    (what is there is written).
    """
    from experiments import comparing
    from experiments.case import load_case
    from experiments.exits import Exit
    from experiments.files import writable
    from experiments.grid import chosen
    from experiments.grid import grid as combinations

    loaded = load_case(case)
    loaded.scenario(scenario)
    runs, points = chosen(schemes), combinations(grid or [], seeds)
    budget = comparing.Budget(max_sweeps, tolerance, measure_every)
    if out is not None:
        writable(out, folder=True)
    entries: list[comparing.Entry] = []
    interrupted = False
    try:
        with _progress(len(runs) * len(points), max_sweeps) as (on_run, on_sweep):
            for entry in comparing.compare(
                loaded, scenario, v2g, runs, points, budget, predict=predict, on_run=on_run, on_sweep=on_sweep
            ):
                entries.append(entry)
    except KeyboardInterrupt:
        interrupted = True
    headline = f"{loaded.name} / {scenario} / {'with' if v2g else 'without'} V2G"
    console = output()
    _show(console, entries, headline)
    if out is not None and entries:
        _write(console, entries, headline, out)
    if interrupted:
        sys.stderr.write(f"interrupted after {len(entries)} of {len(runs) * len(points)} runs\n")
        raise typer.Exit(Exit.INTERRUPTED)
    refused = all(entry.stop_reason == comparing.REFUSED for entry in entries)
    raise typer.Exit(Exit.BAD_INPUT if refused else Exit.SOLVED)


@contextmanager
def _progress(n_runs: int, max_sweeps: int) -> Iterator[tuple[OnRun, OnSweep]]:
    """Give what to call at the start of every run and after every sweep; it shows both on stderr."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from bestresponse.trace import SweepRecord

    columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn(), TextColumn("{task.fields[note]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        runs = progress.add_task("runs", total=n_runs, note="")
        sweeps = progress.add_task("sweeps", total=max_sweeps, note="")
        started = 0

        def on_run(label: str) -> None:
            nonlocal started
            progress.update(runs, completed=started, note=escape(label))
            progress.reset(sweeps)
            started += 1

        def on_sweep(record: SweepRecord) -> None:
            worst = max(record.imbalance, record.disagreement)
            progress.update(sweeps, completed=record.sweep, note=f"off by {worst:.1e}")

        yield on_run, on_sweep


def _show(console: Console, entries: Sequence[Entry], headline: str) -> None:
    from rich.markup import escape

    console.print(_table(entries, headline))
    for entry in entries:
        if entry.stop_reason not in ("converged", "sweep_limit"):
            console.print(escape(f"{entry.label}: {entry.stop}"))


def _table(entries: Sequence[Entry], headline: str) -> Table:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=headline, title_justify="left", title_style="bold", caption_justify="left", box=box.SIMPLE_HEAD)
    table.caption = (
        "Sweeps until imbalance and price disagreement of every good are within an accuracy; until no player "
        "gains more (gain); until the conditions of all hold that well (residual). – not reached"
    )
    table.add_column("scheme", overflow="fold")
    for key in (*SHOWN, f"gain\n{GOAL}", f"residual\n{GOAL}", f"seconds\n{GOAL}"):
        table.add_column(key, justify="right", vertical="bottom")
    table.add_column("stop", vertical="bottom")
    for entry in entries:
        sweeps = entry.sweeps_to()
        counts = [
            *(sweeps[key] for key in SHOWN),
            *(entry.sweeps_to(key)[GOAL] for key in ("gain", "natural_residual")),
        ]
        seconds = entry.seconds_to()[GOAL]
        table.add_row(
            escape(entry.label),
            *("–" if count is None else str(count) for count in counts),
            "–" if seconds is None else f"{seconds:.2f}",
            escape(entry.stop_reason.replace("_", " ")),
        )
    return table


def _write(console: Console, entries: Sequence[Entry], headline: str, out: Path) -> None:
    from rich.markup import escape

    from bestresponse.files import write_rows
    from experiments.figures_comparing import save_figures
    from experiments.files import write_json

    traces = out / "traces"
    traces.mkdir(exist_ok=True)
    data = []
    for number, entry in enumerate(entries, start=1):
        name = f"{number:02d}_{entry.scheme}.csv"
        if entry.records:
            write_rows(traces / name, entry.rows())
        data.append(entry.data() | {"trace": f"traces/{name}" if entry.records else None})
    write_json(data, out / "compare.json")
    written = save_figures(entries, headline, out)
    names = ("compare.json", "traces", *(path.name for path in written))
    console.print(escape(f"Written to {out}: {', '.join(names)}"))
