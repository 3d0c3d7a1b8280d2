"""The command line of the catalogue: `bestresponse games list | show | solve | diagnose`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.exits import Exit

if TYPE_CHECKING:
    from experiments.catalogue import Solved

games = typer.Typer(no_args_is_help=True, help="Published games and equilibrium problems with known answers.")

Slug = Annotated[str, typer.Argument(help="family/author-what-year, as `games list` shows them.")]


@games.command("list")
def list_(
    family: Annotated[str | None, typer.Argument(help="Show one family only.")] = None,
) -> None:
    """List the problems of the catalogue."""
    from bestresponse.errors import DataError
    from experiments.catalogue import families, load, slugs
    from experiments.games_screen import show_list

    if family is not None and family not in families():
        raise DataError(f"there is no family {family!r}; there are {', '.join(families())}")
    show_list([load(slug) for slug in slugs() if family in (None, slug.partition("/")[0])])


@games.command()
def show(slug: Slug) -> None:
    """Show where a problem is from, its data, its published answers and rates."""
    from experiments.catalogue import load, methods
    from experiments.games_screen import show_entry, show_published_rates

    entry = load(slug)
    show_entry(entry, methods(entry))
    show_published_rates(entry)


@games.command()
def solve(
    slug: Slug,
    method: Annotated[str | None, typer.Option(help="One of the problem's methods, see `games show`.")] = None,
    weights: Annotated[
        str | None,
        typer.Option(metavar="W,W,...", help="Weights of a normalised equilibrium, one for every player, in order."),
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the result to this JSON file.")] = None,
) -> None:
    """Solve a problem, certify the answer and compare it with what is published.

    Exit codes: 0 certified; 2 bad input; 3 not certified (results are still written); 4 certified, but another answer
    than the only one that is published.
    """
    from experiments.catalogue import load
    from experiments.catalogue import solve as run
    from experiments.files import writable, write_json
    from experiments.games_screen import show_solved

    entry = load(slug)
    if json is not None:
        writable(json)
    solved = run(entry, method, None if weights is None else numbers(weights))
    if json is not None:
        write_json(solved.data(), json)
    show_solved(solved)
    raise typer.Exit(exit_code(solved))


@games.command()
def diagnose(
    slug: Slug,
    figure: Annotated[Path | None, typer.Option(help="Write the rate plot to this image file.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the solution to this JSON file.")] = None,
) -> None:
    """Show the paper, the answer, the certificate, and rates: published, predicted and measured.

    Exit codes: 0 shown; 2 bad input, or no solution to diagnose, or nothing to plot (all else is shown before).
    """
    from experiments.catalogue import load, methods
    from experiments.catalogue.diagnosing import diagnose as run
    from experiments.files import writable, write_json
    from experiments.games_screen import show_diagnosis, show_entry, show_file, show_solved

    entry = load(slug)
    for path in (figure, json):
        if path is not None:
            writable(path)
    diagnosis = run(entry)
    if json is not None:
        write_json(diagnosis.solved.data(), json)
    show_entry(entry, methods(entry))
    show_solved(diagnosis.solved)
    show_diagnosis(diagnosis)
    if figure is not None:
        from experiments.catalogue.figure import save_rate_figure

        save_rate_figure(diagnosis, figure)
        show_file("rate plot", figure)


def numbers(text: str) -> list[float]:
    """Return the numbers of a list like 1,2.5. Raises DataError for anything else."""
    from bestresponse.errors import DataError

    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise DataError(f"--weights {text!r}: must be numbers separated by commas, such as 1,2.5") from None


def exit_code(solved: Solved) -> Exit:
    """Return the exit code that a solution stands for."""
    if not solved.certified:
        return Exit.NOT_SOLVED
    is_the_one = solved.entry.unique and not solved.weights and solved.found.certificate.get("normalised", True)
    return Exit.ROUTES_DISAGREE if is_the_one and not solved.matches_published else Exit.SOLVED
