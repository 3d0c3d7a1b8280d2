"""The command `bestresponse animate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from experiments.animations.moving import Moving
    from experiments.catalogue import Entry

CASE = "teaching"
SLUGS = {"responses": "cournot/theocharis-two-firms-1960", "interior-point": "gnep/harker-two-players-1991"}


def animate(
    what: Annotated[
        str,
        typer.Argument(metavar="WHAT", help="prices, contraction, responses, or interior-point.", show_default=False),
    ],
    out: Annotated[
        Path, typer.Option(help="File to write: .svg or .png stand still, .gif and .html move.", show_default=False)
    ],
    case: Annotated[
        str | None, typer.Option(help=f"prices and contraction: built-in case or TOML file. [default: {CASE}]")
    ] = None,
    scenario: Annotated[str, typer.Option(help="Scenario of the case.")] = "base",
    v2g: Annotated[bool, typer.Option("--v2g/--no-v2g", help="Whether vehicles may discharge.")] = True,
    slug: Annotated[
        str | None,
        typer.Option(
            help="Problem of the catalogue, for responses, interior-point, or contraction in place of a case. "
            f"[default: {SLUGS['responses']}; {SLUGS['interior-point']}]"
        ),
    ] = None,
    schemes: Annotated[
        str | None,
        typer.Option(
            help="Names with commas, a panel or line for each: of a case any scheme, of a game jacobi, gauss_seidel, "
            "damped. [default: tatonnement,sharing; jacobi,gauss_seidel]"
        ),
    ] = None,
    max_sweeps: Annotated[int, typer.Option(min=1, help="Most sweeps of every run on a case.")] = 200,
) -> None:
    """Draw an algorithm at work, for slides: as a still, a GIF, or a page with a slider.

    prices: how prices move on a case. contraction: how the imbalance of a case, or the moves of a game, shrink.
    responses: both best responses of a game with two variables, and iterations on top. interior-point: the central path
    of a problem with two variables, and the iterates. Exit codes: 0 written; 2 bad input.
    """
    from experiments.animations.moving import kind_of, save
    from experiments.files import writable

    kind_of(out)
    writable(out)
    moving = drawn(what, case, scenario, v2g, slug, schemes, max_sweeps)
    save(moving, out)
    typer.echo(f"{moving.description}\n{out}")


def drawn(
    what: str,
    case: str | None = None,
    scenario: str = "base",
    v2g: bool = True,
    slug: str | None = None,
    schemes: str | None = None,
    max_sweeps: int = 200,
) -> Moving:
    """Return the figure that the options of the command name. Raises DataError for options that do not go together."""
    from bestresponse.errors import DataError
    from experiments.case_problems import nearest
    from experiments.catalogue import load

    if what not in DRAWN:
        raise DataError(f"WHAT: given {what!r}{nearest(what, DRAWN)} Allowed: {', '.join(DRAWN)}")
    takes = DRAWN[what]
    for option, given in (("case", case), ("slug", slug)):
        if given is not None and option not in takes:
            raise DataError(f"--{option}: {what} draws {' or '.join(f'a --{each}' for each in takes)} only")
    if case is not None and slug is not None:
        raise DataError("--case and --slug exclude each other: name one of them")
    if "case" in takes and slug is None:
        return _of_case(what, case or CASE, scenario, v2g, schemes or "tatonnement,sharing", max_sweeps)
    return OF_SLUG[what](load(slug or SLUGS[what]), schemes.split(",") if schemes else [])


def _of_case(what: str, name: str, scenario: str, v2g: bool, schemes: str, max_sweeps: int) -> Moving:
    from experiments.animations.contraction import contraction
    from experiments.animations.prices import price_paths
    from experiments.animations.runs import runs
    from experiments.case import load_case
    from experiments.grid import chosen

    case = load_case(name)
    found = runs(case, scenario, v2g, chosen(schemes), max_sweeps)
    headline = f"{case.name} / {scenario} / {'with' if v2g else 'without'} V2G"
    return price_paths(found, headline) if what == "prices" else contraction(found, headline)


def _contraction(entry: Entry, schemes: list[str]) -> Moving:
    from bestresponse.errors import DataError
    from experiments.animations.contraction import contraction_of_plays
    from experiments.case_problems import nearest
    from experiments.catalogue.diagnosing import diagnose
    from experiments.figures_rates import Play

    known = {rate.name: rate for rate in diagnose(entry).rates if rate.moves}
    if not known:
        raise DataError(f"{entry.slug} has no dynamics whose contraction could be drawn")
    for name in schemes:
        if name not in known:
            raise DataError(f"schemes: {entry.slug} has no {name!r}{nearest(name, known)} It has {', '.join(known)}")
    rates = [known[name] for name in schemes or known]
    return contraction_of_plays([Play(r.name, r.moves, r.measured, r.predicted) for r in rates], entry.slug)


def _responses(entry: Entry, schemes: list[str]) -> Moving:
    from bestresponse.errors import DataError
    from experiments.animations.responses import response_map
    from experiments.catalogue import model_of
    from experiments.catalogue.games import GameModel

    model = model_of(entry)
    if not isinstance(model, GameModel):
        raise DataError(f"{entry.slug} is no game of players but of kind {entry.problem.kind}")
    return response_map(model.game, model.start, schemes or ["jacobi", "gauss_seidel"], entry.slug)


def _interior_point(entry: Entry, schemes: list[str]) -> Moving:
    import numpy as np

    from bestresponse.errors import DataError
    from bestresponse.games.normalised import game_problem
    from experiments.animations.central_path import interior_point_path
    from experiments.catalogue import model_of
    from experiments.catalogue.games import GameModel
    from experiments.catalogue.map_model import MapModel

    if schemes:
        raise DataError("--schemes: interior-point draws one method; leave it out")
    model = model_of(entry)
    if isinstance(model, GameModel):
        game = model.game
        if any(len(player.rows) for player in game.players):
            raise DataError(f"{entry.slug}: the interior point cannot be drawn where players have rows of their own")
        return interior_point_path(game_problem(game), model.start, entry.slug, (game.shared.G, game.shared.h))
    if not isinstance(model, MapModel):
        raise DataError(f"{entry.slug} is no complementarity problem but of kind {entry.problem.kind}")
    start = np.zeros(len(model.lower)) if model.start is None else model.start
    return interior_point_path(model.problem, start, entry.slug)


DRAWN = {
    "prices": ("case",),
    "contraction": ("case", "slug"),
    "responses": ("slug",),
    "interior-point": ("slug",),
}
OF_SLUG = {
    "contraction": _contraction,
    "responses": _responses,
    "interior-point": _interior_point,
}
