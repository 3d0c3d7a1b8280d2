"""The command `bestresponse price-of-anarchy`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.assign_cli import assign

if TYPE_CHECKING:
    from experiments.anarchy import Anarchy


def price_of_anarchy(
    case: Annotated[
        str, typer.Argument(metavar="CASE|NET.tntp", help="Built-in case, path of a TOML file, or a road network.")
    ] = "teaching",
    trips: Annotated[
        str | None, typer.Argument(metavar="[TRIPS.tntp]", help="Its trips, if it is a road network.")
    ] = None,
    scenario: Annotated[str, typer.Option(help="Scenario of the case.")] = "base",
    v2g: Annotated[bool, typer.Option("--v2g/--no-v2g", help="Whether vehicles may discharge.")] = True,
    json: Annotated[Path | None, typer.Option(help="Write the result to this JSON file.")] = None,
) -> None:
    """Solve a market with drivers in user equilibrium and at the system optimum, and compare what they cost society.

    Both choose among enumerated paths, and every hour counts at the electric vehicles' value of time. Of a road network
    alone it is what `bestresponse assign NET.tntp TRIPS.tntp --price-of-anarchy` finds; that has more options.
    Exit codes: 0 both solved and certified; 2 bad input; 3 not both (what is there is written); 4 the two routes
    disagree; 130 interrupted.
    """
    if trips is not None:
        assign(case, trips, price_of_anarchy=True, json=json)  # ends the command
    from experiments.anarchy import price_of_anarchy as compare
    from experiments.case import load_case
    from experiments.compare_models_cli import worst_exit
    from experiments.files import writable, write_json

    loaded = load_case(case)
    if json is not None:
        writable(json)
    found = compare(loaded, scenario, v2g)
    headline = f"{loaded.name} / {scenario} / {'with' if v2g else 'without'} V2G"
    if json is not None:
        write_json({"case": loaded.name, "scenario": scenario, "v2g": v2g, **found.data()}, json)
    _show(found, headline)
    raise typer.Exit(worst_exit(found.entries))


def _show(found: Anarchy, headline: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from experiments.anarchy import COSTS, PRINCIPLES

    console = Console(highlight=False)
    console.print(escape(headline), style="bold")
    names = [name.replace("_", " ") for name in PRINCIPLES.values()]
    table = Table("[$/h]", *names, "ratio", box=box.SIMPLE_HEAD)
    for name, key in COSTS.items():
        costs = [found.cost(principle, key) for principle in PRINCIPLES.values()]
        words = key.removesuffix("_usd_per_h").replace("_", " ")
        table.add_row(words, *(_number(cost, ",.4f") for cost in costs), _number(found.ratio(name), ".8g"))
    console.print(table)
    console.print(f"Every hour counts {found.value_of_time:g} $, in both markets.", soft_wrap=True)
    if found.stated_fuel_value_of_time != found.value_of_time:
        said = f"The case states {found.stated_fuel_value_of_time:g} $ for hours of fuel vehicles."
        console.print(said, soft_wrap=True)
    for entry in found.entries:
        status = entry.refused if entry.result is None else entry.result.status
        console.print(escape(f"{PRINCIPLES[entry.model].replace('_', ' ')}: {status}"), soft_wrap=True)


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
