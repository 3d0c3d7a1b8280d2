"""The command `bestresponse grow`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def grow(
    out: Annotated[Path, typer.Option(help="Folder for case.toml, road/ and feeder/; made if need be.")],
    stations: Annotated[int, typer.Option(help="Times as many charging stations as in the reference case.")] = 1,
    lses: Annotated[int, typer.Option(help="Times as many load serving entities.")] = 1,
    buses: Annotated[int, typer.Option(help="Times as many buses.")] = 1,
    routes: Annotated[int, typer.Option(help="Times as many routes of every OD pair.")] = 1,
    od_pairs: Annotated[int, typer.Option(help="Times as many OD pairs.")] = 1,
    total: Annotated[float, typer.Option(help="Times as much load, traffic, generation and import.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
) -> None:
    """Grow a synthetic market from the reference case and write it as a case file with its networks.

    Totals stay those of the reference case, times --total; the sizes say into how many parts they are split.
    Exit codes: 0 written; 2 bad input.
    """
    from rich.console import Console

    from experiments.files import writable
    from experiments.growing import Growth, refuse_others
    from experiments.growing import grow as grown

    growth = Growth(stations, lses, buses, routes, od_pairs, total, seed)
    writable(out, folder=True)
    refuse_others(out)
    market = grown(growth)
    file = market.write(out)
    tables = market.tables
    Console(highlight=False, soft_wrap=True).print(
        f"{file}: {len(tables['stations'])} stations, {len(tables['lse'])} load serving entities, "
        f"{market.feeder.n_buses} buses, {len(tables['demand']['ev_by_od'])} OD pairs with "
        f"{tables['road']['base_routes']} routes each, {market.road.n_nodes} road nodes\n"
        f"Solve it: bestresponse solve {file}",
        markup=False,
    )
