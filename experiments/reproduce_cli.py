"""The command `bestresponse reproduce`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.exits import Exit, exit_code
from experiments.terminal import output

if TYPE_CHECKING:
    from rich.console import Console

    from experiments.case_schema import Case
    from experiments.reproduction.finding import Finding
    from experiments.reproduction.folder import Reproduction
    from experiments.store import StoredRun

DEFAULT_CASE = "paper_findings"


def reproduce(
    case: Annotated[
        str | None,
        typer.Argument(metavar="CASE", help=f"Built-in case or path of a TOML file [default: {DEFAULT_CASE}]."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for results, figures and report.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Solve again what is there; use a folder that holds something else.")
    ] = False,
    drawn_from: Annotated[
        Path | None, typer.Option("--from", help="Solve nothing: draw figures, findings and report from this folder.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Runs at a time [default: one per processor].")] = None,
) -> None:
    """Solve all scenarios of a case with and without V2G by both routes, and draw the paper's figures and findings.

    The folder then holds a results store (docs/results.md), report.html, findings.json and figures/. Runs that are
    stored are not solved again. A finding that does not come out is reported, and no error.

    Exit codes: 0 every run solved, certified and cross-checked; 2 bad input, or a file that could not be written; 3 a
    run is not solved; 4 the two routes disagree; 130 interrupted (what is there is kept).
    """
    console = output()
    if drawn_from is not None:
        if case is not None or out is not None or force or workers is not None:
            raise typer.BadParameter("--from draws what is in its folder: leave CASE, --out, --force and --workers out")
        raise typer.Exit(_draw(console, drawn_from))
    if out is None:
        raise typer.BadParameter("name a folder for the results by --out DIR, or one to draw from by --from DIR")
    from experiments.case import load_case

    try:
        _solve(console, load_case(case or DEFAULT_CASE), out, force, workers)
        code = _draw(console, out)
    except KeyboardInterrupt:
        sys.stderr.write(f"interrupted; {_kept(out)}\n")
        code = Exit.INTERRUPTED
    except OSError as error:
        sys.stderr.write(f"error: {error.filename or out}: {error.strerror or error}; {_kept(out)}\n")
        code = Exit.BAD_INPUT
    raise typer.Exit(code)


def _solve(console: Console, case: Case, out: Path, force: bool, workers: int | None) -> None:
    from experiments.case_check import check_case
    from experiments.files import writable
    from experiments.processors import usual_workers
    from experiments.reproduction.folder import begin, tasks_of
    from experiments.reproduction.running import solve_all

    check_case(case)
    if not out.is_file():
        writable(out, folder=True)
    store = begin(case, out, force)
    all_tasks = tasks_of(case)
    tasks = [task for task in all_tasks if force or task not in store or store.run(task).result is None]
    if len(tasks) < len(all_tasks):
        console.print(f"{len(all_tasks) - len(tasks)} of {len(all_tasks)} runs are there already")
    numbers = count(1)
    solve_all(
        tasks,
        store,
        workers or usual_workers(),
        lambda run: console.print(f"{next(numbers)}/{len(tasks)}  {_told(run)}", markup=False),
    )


def _told(run: StoredRun) -> str:
    name = f"{run.task['scenario']['name']} {'with' if run.task['v2g'] else 'without'} V2G"
    if run.result is None:
        return f"{name}: {run.failure}"
    if not run.result.solved or run.result.routes_agree is False:
        return f"{name}: {run.result.status}"
    agree = "both routes agree" if run.result.routes_agree else "the routes need not agree"
    return f"{name}: solved and certified after {run.result.sweeps} sweeps, {agree}"


def _kept(out: Path) -> str:
    from experiments.store import MANIFEST, RUNS

    names = sorted(path.parent.name for path in (out / RUNS).glob(f"[!.]*/{MANIFEST}"))
    return f"the runs kept in {out / RUNS}: {', '.join(names) or 'none'}. The same command goes on from there"


def _draw(console: Console, folder: Path) -> Exit:
    from experiments.files import writable
    from experiments.reproduction.drawing import FIGURES, draw_all
    from experiments.reproduction.finding import write_findings
    from experiments.reproduction.findings import findings
    from experiments.reproduction.folder import load_reproduction
    from experiments.reproduction.report import verdict, write_report

    found = load_reproduction(folder)
    writable(folder, folder=True)
    judged = findings(found.runs)
    files = [write_findings(folder, judged), write_report(found, judged, draw_all(found)), folder / FIGURES]
    _show(console, judged)
    console.print(verdict(found, judged))
    for path in files:
        console.print(f"Written: {path}", markup=False)
    return _exit(found)


def _exit(found: Reproduction) -> Exit:
    results = [run.result for run in found.runs.values()]
    if len(results) < len(found.names):
        return Exit.NOT_SOLVED
    codes = [exit_code(result) if result else Exit.NOT_SOLVED for result in results]
    return next((code for code in (Exit.NOT_SOLVED, Exit.ROUTES_DISAGREE) if code in codes), Exit.SOLVED)


def _show(console: Console, judged: Sequence[Finding]) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Findings", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for column in ("", "holds", "here", "why not"):
        table.add_column(column, overflow="fold")
    for finding in judged:
        word = {True: "yes", False: "no", None: "–"}[finding.holds]
        table.add_row(finding.name, word, escape(finding.ours), escape(finding.why_not))
    console.print(table)
