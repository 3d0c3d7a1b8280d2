"""The command line: `solve`, `cases`, `check`, and commands of other files. Heavy imports wait for a command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bestresponse.errors import BestResponseError
from experiments.anarchy_cli import price_of_anarchy
from experiments.animate_cli import animate
from experiments.assign_cli import assign
from experiments.check_player_cli import check_player
from experiments.compare_cli import compare
from experiments.compare_models_cli import compare_models
from experiments.defaults import MAX_SWEEPS, TOLERANCE
from experiments.diagnose_cli import diagnose
from experiments.diff_cli import diff
from experiments.exits import Exit, exit_code
from experiments.games_cli import games
from experiments.grow_cli import grow
from experiments.interrupts import says_when_interrupted, without_interrupts
from experiments.lab_cli import lab
from experiments.models_cli import models
from experiments.new_player_cli import new_player
from experiments.reproduce_cli import reproduce
from experiments.sweep_cli import sweep
from experiments.validate_cli import validate
from experiments.watch_cli import watch
from networks.errors import NetworkDataError

DEFAULT_CASE = "sioux_falls_ieee123"

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Markets as games of separate solvers: coordinate them to an equilibrium, certify it, check it twice.",
)
app.add_typer(games, name="games")
app.command()(diagnose)
app.command()(compare)
app.command()(watch)
app.command()(assign)
app.command()(price_of_anarchy)
app.command()(reproduce)
app.command()(diff)
app.command()(sweep)
app.command()(grow)
app.command()(models)
app.command()(compare_models)
app.command()(new_player)
app.command()(check_player)
app.command()(validate)
app.command()(animate)
app.command()(lab)


CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="Built-in case or path of a TOML file.")]


@app.command()
@says_when_interrupted()
def solve(
    case: CaseArgument = DEFAULT_CASE,
    scenario: Annotated[str, typer.Option(help="Scenario of the case.")] = "base",
    v2g: Annotated[bool, typer.Option("--v2g/--no-v2g", help="Whether vehicles may discharge.")] = True,
    method: Annotated[
        str, typer.Option(help="A scheme (sharing, jacobi, pdhg, …; a wrong name lists all), monolith, or both.")
    ] = "both",
    tolerance: Annotated[float, typer.Option(help="Largest relative imbalance of any good.")] = TOLERANCE,
    max_sweeps: Annotated[int, typer.Option(help="Most sweeps of the coordinator.")] = MAX_SWEEPS,
    json: Annotated[Path | None, typer.Option(help="Write the result to this JSON file.")] = None,
    trace: Annotated[Path | None, typer.Option(help="Write every sweep to this file, CSV or .parquet.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the state beside the trace file.")] = False,
    start: Annotated[Path | None, typer.Option(help="Start where the run of this trace file ended.")] = None,
    polish: Annotated[bool, typer.Option("--polish", help="Take the coordinator's answer to the last digits.")] = False,
    figures: Annotated[Path | None, typer.Option(help="Write convergence and price figures to this folder.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Solve one scenario of a case and certify the result.

    Exit codes: 0 solved, certified and cross-checked; 2 bad input; 3 not converged or not certified (results are
    still written); 4 the two routes disagree; 130 interrupted.
    """
    with without_interrupts():
        from experiments.case import load_case
        from experiments.files import writable
        from experiments.recording import state_file
        from experiments.screen import Screen
        from experiments.solving import solve as run

    screen = Screen(quiet)
    named: dict[Path, str] = {}
    for option, path in (("--start", start), ("--trace", trace), ("--json", json), ("--figures", figures)):
        if path is not None and (other := named.setdefault(path.resolve(), option)) != option:
            raise typer.BadParameter(f"{other} and {option} both name {path}, which the run would overwrite")
    for path in (json, trace, figures):
        if path is not None:
            writable(path, folder=path is figures)
    if resume and trace is None:
        raise typer.BadParameter("--resume goes on from the state beside a trace file: name it by --trace FILE")
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
            polish=polish,
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
