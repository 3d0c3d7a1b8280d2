"""The command `bestresponse sweep`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.exits import Exit
from experiments.terminal import output

if TYPE_CHECKING:
    from rich.console import Console

    from experiments.sweeps.sweep import OnDone, Sweep

REASONS = 3  # shown of runs that failed


def sweep(
    study: Annotated[str | None, typer.Argument(metavar="STUDY", help="Built-in study or path of a TOML file.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes on this machine; as many as it has cores if not given.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="Work on the cluster of this Dask scheduler instead.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for results; output/NAME if not given.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write into a folder that holds something else.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Show every key of a study file instead.")] = False,
) -> None:
    """Do the runs of a study: a case with some of its keys varied, as a table and a figure.

    Every run is kept in the folder as soon as it ends, so the same command goes on where it was stopped. What failed is
    a row with its reason. Writes table.parquet, table.csv and figure.png/.svg beside the runs.

    Exit codes: 0 all runs are done, those that failed included; 2 bad input; 3 no run was solved, or a worker was lost
    and the sweep should be run again; 130 interrupted (what is done is kept).
    """
    from experiments.case_keys import schema_table
    from experiments.processors import usual_workers
    from experiments.screen import Screen
    from experiments.sweeps.crews import crew
    from experiments.sweeps.design import points
    from experiments.sweeps.folder import SweepFolder
    from experiments.sweeps.study import Study, builtin_studies, load_study
    from experiments.sweeps.sweep import Sweep

    if schema:
        Screen().show_schema(schema_table(Study))
        return
    if study is None:
        raise typer.BadParameter(f"name a study ({', '.join(builtin_studies())}), or ask for --schema")
    loaded = load_study(study)
    designs = points(loaded)
    folder = SweepFolder(out or Path("output") / loaded.name, loaded.name, force)
    progress = Sweep(loaded, designs, folder)
    interrupted = False
    try:
        with crew(workers or usual_workers(), scheduler) as available, _bar() as on_done:
            progress.go(available, on_done)
    except KeyboardInterrupt:
        interrupted = True
    except OSError as error:
        _say_what_is_kept(progress, error)
        raise typer.Exit(Exit.BAD_INPUT) from None
    console = output()
    _finish(console, progress)
    if interrupted:
        sys.stderr.write("interrupted; the same command goes on from here\n")
        raise typer.Exit(Exit.INTERRUPTED)
    nothing = progress.count("lost") or not progress.count("solved")
    raise typer.Exit(Exit.NOT_SOLVED if nothing else Exit.SOLVED)


@contextmanager
def _bar() -> Iterator[OnDone]:
    """Give what to call when a run is done; it shows runs done, found, failed, and the time left on stderr."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(30),
        MofNCompleteColumn(),
        TextColumn("elapsed"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, speed_estimate_period=120) as progress:
        task = progress.add_task("runs", total=None, note="")

        def on_done(sweep: Sweep) -> None:
            failed = sweep.count("failed", "not_solved", "lost")
            note = ", ".join(
                text for count, text in ((sweep.found, f"{sweep.found} found"), (failed, f"{failed} failed")) if count
            )
            progress.update(task, total=len(sweep.runs) - sweep.found, completed=sweep.done - sweep.found, note=note)

        yield on_done


def _finish(console: Console, progress: Sweep) -> None:
    """Write the table and the figure, and say what came out."""
    from rich.markup import escape

    from experiments.sweeps.figure import save_figure

    rows = progress.rows()
    if not rows:
        return
    table = progress.folder.write_table(rows)
    console.print(escape(_summary(progress)))
    for row in [row for row in rows if row["reason"]][:REASONS]:
        console.print(escape(f"run {row['run']}: {row['reason']}"))
    written = ["table.parquet", "table.csv"]
    if progress.study.figure is not None and progress.count("solved"):
        written += [path.name for path in save_figure(progress.study, table, progress.folder.path)]
    console.print(escape(f"Written to {progress.folder.path}: {', '.join(written)}, and every run in runs/"))


def _summary(progress: Sweep) -> str:
    kinds = {"solved": "solved", "not_solved": "not solved", "failed": "failed", "lost": "lost with their worker"}
    counts = [f"{progress.count(status)} {words}" for status, words in kinds.items() if progress.count(status)]
    before = f" ({progress.found} had been done before)" if progress.found else ""
    return f"{progress.study.name}: {progress.done} of {len(progress.runs)} runs done{before}: {', '.join(counts)}"


def _say_what_is_kept(progress: Sweep, error: OSError) -> None:
    sys.stderr.write(
        f"error: {error.filename or progress.folder.path}: {error.strerror or error}; {progress.done} of "
        f"{len(progress.runs)} runs are kept in {progress.folder.path}, and the same command goes on from there\n"
    )
