"""The command `bestresponse diagnose`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.exits import Exit
from experiments.interrupts import says_when_interrupted, without_interrupts

NONE = "none"


@says_when_interrupted()
def diagnose(
    case: Annotated[
        str, typer.Argument(metavar="CASE", help="Built-in case or path of a TOML file.")
    ] = "sioux_falls_ieee123",
    scenario: Annotated[str, typer.Option(help="Scenario of the case.")] = "base",
    v2g: Annotated[bool, typer.Option("--v2g/--no-v2g", help="Whether vehicles may discharge.")] = True,
    schemes: Annotated[
        str,
        typer.Option(
            help=f"Schemes whose rates to predict and measure, with commas; {NONE} for none. One takes thousands of "
            "sweeps: seconds on a small case, a quarter of a minute on the largest built-in one."
        ),
    ] = "sharing",
    sigma: Annotated[float, typer.Option(help="Multiple of the automatic penalties.")] = 1.0,
    figure: Annotated[Path | None, typer.Option(help="Write the rate plot to this image file.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the diagnosis to this JSON file.")] = None,
) -> None:
    """Say whether the market is monotone, has a potential and one equilibrium, and how fast schemes approach it.

    A rate is the factor of one sweep of the plain scheme (no acceleration, no balancing) next to the equilibrium:
    predicted by the linearised map, and measured on runs.

    Exit codes: 0 diagnosed; 2 bad input; 3 no equilibrium was found to look at; 130 interrupted.
    """
    with without_interrupts():
        from experiments.case import load_case
        from experiments.diagnosing import diagnose as run
        from experiments.files import writable
        from experiments.grid import chosen, grid
        from experiments.screen import Screen

    for path in (figure, json):
        if path is not None:
            writable(path)
    asked = [] if schemes == NONE else chosen(schemes)
    (point,) = grid([f"sigma={sigma:.17g}"])
    screen = Screen()
    diagnosis = run(load_case(case), scenario, v2g, asked, point.sigma)
    screen.show_diagnosis(diagnosis)
    if json is not None:
        from experiments.files import write_json

        write_json(diagnosis.data(), json)
        screen.say(f"Written: {json}")
    if figure is not None:
        from experiments.diagnosing import save_rate_figure

        save_rate_figure(diagnosis, figure)
        screen.say(f"Written: {figure}")
    raise typer.Exit(Exit.SOLVED if diagnosis.solution.mcp.converged else Exit.NOT_SOLVED)
