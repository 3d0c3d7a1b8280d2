"""The command line: `solve`, `diagnose`, `cases`, `check`. It owns the screen; heavy imports wait for a command."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bestresponse.errors import BestResponseError
from experiments.assign_cli import assign
from experiments.compare_cli import compare
from experiments.games_cli import games
from experiments.grow_cli import grow
from experiments.watch_cli import watch
from networks.errors import NetworkDataError

if TYPE_CHECKING:
    from experiments.result import Result

DEFAULT_CASE = "sioux_falls_ieee123"

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Markets as games of separate solvers: coordinate them to an equilibrium, certify it, check it twice.",
)
app.add_typer(games, name="games")
app.command()(compare)
app.command()(watch)
app.command()(assign)
app.command()(grow)


class Exit(IntEnum):
    """What the exit code says."""

    SOLVED = 0
    BAD_INPUT = 2
    NOT_SOLVED = 3
    ROUTES_DISAGREE = 4
    INTERRUPTED = 130


@contextmanager
def _without_interrupts() -> Iterator[None]:
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
def _says_when_interrupted() -> Iterator[None]:
    """Let no Ctrl-C pass in silence."""
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write("interrupted before there was anything to write\n")
        raise typer.Exit(Exit.INTERRUPTED) from None


CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="Built-in case or path of a TOML file.")]


@app.command()
@_says_when_interrupted()
def solve(
    case: CaseArgument = DEFAULT_CASE,
    scenario: Annotated[str, typer.Option(help="Scenario of the case.")] = "base",
    v2g: Annotated[bool, typer.Option("--v2g/--no-v2g", help="Whether vehicles may discharge.")] = True,
    method: Annotated[
        str, typer.Option(help="A scheme (sharing, jacobi, pdhg, …; a wrong name lists all), monolith, or both.")
    ] = "both",
    tolerance: Annotated[float, typer.Option(help="Largest relative imbalance of any good.")] = 1e-8,
    max_sweeps: Annotated[int, typer.Option(help="Most sweeps of the coordinator.")] = 600,
    json: Annotated[Path | None, typer.Option(help="Write the result to this JSON file.")] = None,
    trace: Annotated[Path | None, typer.Option(help="Write every sweep to this file, CSV or .parquet.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the state beside the trace file.")] = False,
    start: Annotated[Path | None, typer.Option(help="Start where the run of this trace file ended.")] = None,
    figures: Annotated[Path | None, typer.Option(help="Write convergence and price figures to this folder.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Solve one scenario of a case and certify the result.

    Exit codes: 0 solved, certified and cross-checked; 2 bad input; 3 not converged or not certified (results are
    still written); 4 the two routes disagree; 130 interrupted.
    """
    with _without_interrupts():
        from experiments.case import load_case
        from experiments.files import writable
        from experiments.recording import state_file
        from experiments.screen import Screen
        from experiments.solving import solve as run

    screen = Screen(quiet)
    for path in (json, trace, figures):
        if path is not None:
            writable(path, folder=path is figures)
    if resume and trace is None:
        raise typer.BadParameter("--resume goes on from the state beside a trace file: name it by --trace FILE")
    if start is not None and trace is not None and start.resolve() == trace.resolve():
        raise typer.BadParameter(f"--start and --trace both name {start}, which the run would overwrite")
    loaded = load_case(case)
    if resume and trace is not None and not state_file(trace).exists():
        screen.say(f"nothing to resume: there is no {state_file(trace)}; the run starts from its first sweep")
    with screen.progress(tolerance, max_sweeps) as on_sweep:
        result = run(
            loaded,
            scenario,
            v2g,
            method,
            tolerance=tolerance,
            max_sweeps=max_sweeps,
            on_sweep=on_sweep,
            trace=trace,
            resume=resume,
            start=start,
        )
    if result.stop == "interrupted" and json is None:
        json = Path(f"bestresponse-interrupted-{result.case}-{result.scenario}.json")
    if json is not None:
        result.save(json)
    if figures is not None:
        from experiments.figures import save_figures

        save_figures(result, figures)
    screen.show(result, [path for path in (json, trace, figures) if path is not None])
    if result.stop == "interrupted":
        sys.stderr.write(f"interrupted; the best sweep so far and the trace are in {json}\n")
    raise typer.Exit(exit_code(result))


@app.command()
@_says_when_interrupted()
def diagnose(
    case: CaseArgument = DEFAULT_CASE,
    scenario: Annotated[str, typer.Option(help="Scenario of the case.")] = "base",
    v2g: Annotated[bool, typer.Option("--v2g/--no-v2g", help="Whether vehicles may discharge.")] = True,
) -> None:
    """Say whether the market is monotone and has a potential at its equilibrium.

    Exit codes: 0 diagnosed; 2 bad input; 3 no equilibrium was found to look at; 130 interrupted.
    """
    with _without_interrupts():
        from experiments.case import load_case
        from experiments.diagnosing import diagnose as run
        from experiments.screen import Screen

    diagnosis = run(load_case(case), scenario, v2g)
    Screen().show_diagnosis(diagnosis)
    raise typer.Exit(Exit.SOLVED if diagnosis.solution.mcp.converged else Exit.NOT_SOLVED)


@app.command()
def cases() -> None:
    """List the built-in cases and their scenarios."""
    from experiments.case import builtin_cases
    from experiments.screen import Screen

    Screen().show_cases(builtin_cases())


@app.command()
def check(
    case: Annotated[str | None, typer.Argument(metavar="CASE", help="Built-in case or path of a TOML file.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Show every key of a case file instead.")] = False,
) -> None:
    """Validate a case file and say what it contains; solve nothing."""
    from experiments.case import load_case
    from experiments.case_keys import schema_table
    from experiments.case_report import describe
    from experiments.screen import Screen

    if schema:
        Screen().show_schema(schema_table())
    elif case is None:
        raise typer.BadParameter("name a case, or ask for --schema")
    else:
        Screen().show_description(describe(load_case(case)))


def exit_code(result: Result) -> Exit:
    """Return the exit code that a result stands for; not solved outranks a disagreement of the routes."""
    if result.stop == "interrupted":
        return Exit.INTERRUPTED
    if not result.solved:
        return Exit.NOT_SOLVED
    return Exit.ROUTES_DISAGREE if result.routes_agree is False else Exit.SOLVED


def main() -> None:
    """Run the command line; no traceback reaches a user for an error that this project foresees."""
    try:
        app()
    except (BestResponseError, NetworkDataError) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(Exit.BAD_INPUT)
    except OSError as error:  # a full disk, a pipe that closed
        sys.stderr.write(f"error: {error.filename or 'output'}: {error.strerror}\n")
        sys.exit(Exit.BAD_INPUT)
