"""The command `bestresponse watch`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.defaults import MAX_SWEEPS, TOLERANCE
from experiments.exits import Exit

LOOK_EVERY = 5  # sweeps: who watches wants to see them move

if TYPE_CHECKING:
    from rich.console import Console

    from bestresponse.equilibrium import Equilibrium
    from bestresponse.trace import SweepRecord
    from experiments.watching import View


def watch(
    case: Annotated[
        str, typer.Argument(metavar="CASE", help="Built-in case or path of a TOML file.")
    ] = "sioux_falls_ieee123",
    scenario: Annotated[str, typer.Option(help="Scenario of the case.")] = "base",
    v2g: Annotated[bool, typer.Option("--v2g/--no-v2g", help="Whether vehicles may discharge.")] = True,
    method: Annotated[str, typer.Option(help="A scheme; a wrong name lists all.")] = "sharing",
    grid: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="As in newton=0; keys as of compare --grid."),
    ] = None,
    max_sweeps: Annotated[int, typer.Option(help="Most sweeps.")] = MAX_SWEEPS,
    tolerance: Annotated[float, typer.Option(help="Largest relative imbalance of any good.")] = TOLERANCE,
    every: Annotated[int, typer.Option(help="Show every so many sweeps.", min=1)] = 1,
    pause: Annotated[float, typer.Option(help="Seconds to wait after every sweep that is drawn.", min=0.0)] = 0.02,
) -> None:
    """Watch one run live: imbalances, the prices that travel farthest, the gains of the players.

    Where the output is no terminal, every shown sweep is a line. Exit codes: 0 converged and certified; 2 bad input;
    3 not converged or not certified; 130 interrupted.
    """
    from rich.console import Console

    from bestresponse.coordinator import coordinate
    from bestresponse.errors import DataError
    from bestresponse.stopping import Limits, Tolerances
    from experiments.build import build
    from experiments.case import load_case
    from experiments.comparing import Budget
    from experiments.grid import chosen
    from experiments.grid import grid as combinations
    from experiments.watching import View

    budget, loaded = Budget(max_sweeps, tolerance), load_case(case)
    model, schemes, points = build(loaded, scenario, v2g), chosen(method), combinations(grid or [])
    if len(schemes) > 1 or len(points) > 1:
        raise DataError("watch shows one run: name one scheme and one value of every setting")
    scheme, settings = schemes[0], points[0]
    market = settings.players(model.market)
    acceleration = settings.acceleration(scheme, market)
    headline = f"{loaded.name} / {scenario} / {'with' if v2g else 'without'} V2G: {settings.label(scheme, market)}"
    view = View(headline, model.market.goods, tolerance, max_sweeps)
    with showing(Console(highlight=False), view, every, pause) as on_sweep:
        found = coordinate(
            market,
            settings.first_price(model.first_price),
            scheme=settings.scheme(scheme),
            sigma=settings.sigma,
            acceleration=acceleration,
            balancing=settings.balances(scheme, acceleration, market),
            bridge=settings.bridge,
            tolerances=Tolerances.of(tolerance),
            limits=Limits(max_sweeps=budget.max_sweeps),
            gains_every=LOOK_EVERY,
            on_sweep=on_sweep,
        )
        view.end = "\n".join(["", str(found.stop), str(found.certificate or "Nothing could be certified.")])
    raise typer.Exit(exit_code(found))


@contextmanager
def showing(console: Console, view: View, every: int, pause: float) -> Iterator[Callable[[SweepRecord], None]]:
    """Give what to call after every sweep; the view is drawn in place on a terminal, else line by line."""
    from rich.live import Live

    live = Live(view, console=console, auto_refresh=False, vertical_overflow="crop") if console.is_terminal else None

    def on_sweep(record: SweepRecord) -> None:
        view.hear(record)
        if record.sweep % every:
            return
        if live is None:
            console.print(view.line(), markup=False, soft_wrap=True)
            return
        began = time.perf_counter()
        live.refresh()
        time.sleep(pause)
        view.waited += time.perf_counter() - began

    if live is None:
        console.print(view.headline, markup=False, soft_wrap=True)
        yield on_sweep
        if view.records and view.records[-1].sweep % every:
            console.print(view.line(), markup=False, soft_wrap=True)
        console.print(view.end.strip(), markup=False, soft_wrap=True)
    else:
        with live:
            yield on_sweep
            live.refresh()


def exit_code(found: Equilibrium) -> int:
    """Return the exit code that the end of a run stands for."""
    if found.stop.reason.name == "INTERRUPTED":
        return Exit.INTERRUPTED
    certified = found.certificate is not None and found.certificate.holds
    return Exit.SOLVED if found.stop.reason.is_success and certified else Exit.NOT_SOLVED
