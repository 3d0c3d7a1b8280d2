"""The command `bestresponse validate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.exits import Exit
from experiments.terminal import output

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table


def validate(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="File of `solve --json`.")],
    engine: Annotated[str, typer.Option(help="Of the AC power flow: pandapower or opendss.")] = "pandapower",
    json: Annotated[Path | None, typer.Option(help="Write everything to this JSON file; - for the screen.")] = None,
) -> None:
    """Replay an equilibrium's injections in an AC power flow and compare it with LinDistFlow, bus by bus.

    Exit codes: 0 compared, whether limits hold or not; 2 bad input; 3 the power flow does not converge.
    """
    from experiments.files import finite, writable, write_json
    from experiments.result import load_result
    from experiments.validating import validate as replay

    to_screen = json == Path("-")
    if json is not None and not to_screen:
        writable(json)
    data = replay(load_result(result), engine).data()
    if to_screen:
        from json import dumps

        sys.stdout.write(dumps(finite(data), indent=1, allow_nan=False) + "\n")
    else:
        _show(data)
    if json is not None and not to_screen:
        write_json(data, json)
        typer.echo(f"Written: {json}")
    raise typer.Exit(Exit.SOLVED if data["converged"] else Exit.NOT_SOLVED)


def _show(data: Mapping[str, Any]) -> None:
    from rich.markup import escape

    console = output()
    what = f"{data['case']} / {data['scenario']} / {'with' if data['v2g'] else 'without'} V2G"
    console.print(escape(f"{what}: AC power flow by {data['engine']}"))
    if not data["converged"]:
        console.print("The power flow does not converge: no AC state was found for these injections.")
        return
    console.print(_table("Voltages", data["buses"]))
    console.print(_table("Lines", data["lines"]))
    low, high = data["voltage_limits_pu"]
    console.print(
        f"Losses {data['losses_kw']:.3f} kW ({data['losses_of_result_kw']:.3f} kW in the result); voltages differ from "
        f"LinDistFlow by at most {data['largest_voltage_difference_pu']:.5f} p.u."
    )
    for names, fine, bad in (
        (data["voltage_violations"], f"All voltages are within {low:g} to {high:g} p.u.", "Voltages beyond limits at"),
        (data["overloads"], "No line is overloaded.", "Overloaded are the lines"),
    ):
        console.print(escape(f"{bad} {', '.join(names)}." if names else fine))


def _table(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for position, column in enumerate(rows[0] if rows else ()):
        table.add_column(column.replace("_", " "), justify="right" if position else "left")
    for row in rows:
        table.add_row(*(escape(_written(value)) for value in row.values()))
    return table


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else f"{value:.5f}" if isinstance(value, float) else str(value)
