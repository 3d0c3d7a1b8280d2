"""The command `bestresponse assign`: static traffic assignment of a trip table to a road network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.exits import Exit

if TYPE_CHECKING:
    from networks.road import RoadNetwork
    from players.traffic.network_assignment import Assigned, Evaluation


def assign(
    net: Annotated[
        str, typer.Argument(metavar="NET.tntp", help="TNTP _net file, GMNS folder, folder of tables or built-in name.")
    ],
    trips: Annotated[
        str, typer.Argument(metavar="TRIPS.tntp", help="TNTP _trips file, demand.csv, its folder or built-in name.")
    ],
    gap: Annotated[float, typer.Option(help="Relative gap to reach: what drivers could save of all they pay.")] = 1e-6,
    algorithm: Annotated[str, typer.Option(help="path, frank-wolfe, conjugate or biconjugate.")] = "path",
    principle: Annotated[str, typer.Option(help="user_equilibrium or system_optimum.")] = "user_equilibrium",
    price_of_anarchy: Annotated[
        bool, typer.Option("--price-of-anarchy", help="Find the other principle's flows, too, and compare total cost.")
    ] = False,
    toll_weight: Annotated[float, typer.Option(help="Cost of a unit of toll, in units of time.")] = 0.0,
    distance_weight: Annotated[float, typer.Option(help="Cost of a unit of length, in units of time.")] = 0.0,
    threads: Annotated[int, typer.Option(help="Threads that search shortest paths.")] = 1,
    max_iterations: Annotated[int, typer.Option(help="Most improvements of the flows.")] = 1000,
    flows: Annotated[Path | None, typer.Option(help="Write flow and time of every link to this CSV file.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the result to this JSON file.")] = None,
) -> None:
    """Assign trips to a road network so that nobody finds a cheaper route, or so that all together pay the least.

    Times are in the unit of the network file. The gap shown is recomputed from the flows alone; for the system
    optimum it counts on every link what one more vehicle costs all vehicles there. The price of anarchy is the total
    cost in user equilibrium over the least possible one.
    Exit codes: 0 the gap is reached; 2 bad input; 3 it is not reached (results are still written).
    """
    from experiments.files import writable, write_json
    from networks.road import load_road, load_trip_table
    from players.traffic.network_assignment import PRINCIPLES, AssignmentProblem, evaluate_by, heeded, warm_up
    from players.traffic.network_assignment import assign as run

    for path in (flows, json):
        if path is not None:
            writable(path)
    road, (between, within) = load_road(net), load_trip_table(trips)

    def solved(by: str) -> tuple[Assigned, dict[str, Any]]:
        problem = AssignmentProblem.of(heeded(road, by), between, toll_weight, distance_weight)
        found = run(problem, algorithm, gap, threads, max_iterations)
        value = evaluate_by(by, road, between, found.link_flow, toll_weight, distance_weight)
        return found, as_data(road, len(between), found, value)

    warm_up(algorithm)
    assigned, answer = solved(principle)
    answers = {by: answer if by == principle else solved(by)[1] for by in (PRINCIPLES if price_of_anarchy else [])}
    asked = {"algorithm": algorithm, "gap": gap, "toll_weight": toll_weight, "distance_weight": distance_weight}
    dropped = {"trips": sum(within.values()), "zones": len(within)}
    data = {"network": net, "trip_table": trips, "principle": principle, **asked, "threads": threads}
    data |= {"intrazonal_trips_dropped": dropped, **answer}
    if price_of_anarchy:
        data |= {"price_of_anarchy": _price_of_anarchy(answers), "by_principle": answers}
    if flows is not None:
        _write_flows(road, assigned, flows)
    if json is not None:
        write_json(data, json)
    _show(data)
    converged = all(each["converged"] for each in (answer, *answers.values()))
    raise typer.Exit(Exit.SOLVED if converged else Exit.NOT_SOLVED)


def _price_of_anarchy(answers: dict[str, dict[str, Any]]) -> float:
    """Return the total cost in user equilibrium over that in the system optimum; 1 where nothing costs anything."""
    equilibrium, optimum = (answers[name]["total_cost"] for name in ("user_equilibrium", "system_optimum"))
    return float(equilibrium / optimum) if optimum > 0.0 else 1.0


def as_data(road: RoadNetwork, pairs: int, assigned: Assigned, value: Evaluation) -> dict[str, Any]:
    """Return what was found and what it took; the numbers of the evaluation are recomputed from the flows."""
    return {
        "nodes": road.n_nodes,
        "links": road.n_links,
        "pairs": pairs,
        "converged": assigned.converged,
        "relative_gap": value.relative_gap,
        "beckmann": value.beckmann,
        "total_travel_time": value.total_travel_time,
        "total_cost": value.total_cost,
        "shortest_path_cost": value.shortest_cost,
        "conservation_error": value.conservation_error,
        "iterations": assigned.iterations,
        "seconds": assigned.seconds,
        "phases": dict(assigned.phases),
    }


def _write_flows(road: RoadNetwork, assigned: Assigned, path: Path) -> None:
    import csv

    from bestresponse.files import replacing
    from networks.road import MINUTES_PER_HOUR

    share = road.bpr_coefficient * (assigned.link_flow / road.capacity_veh_per_h) ** road.bpr_power
    time = road.free_flow_h * MINUTES_PER_HOUR * (1.0 + share)
    with replacing(path) as file:
        writer = csv.writer(file)
        writer.writerow(("from", "to", "flow", "time"))
        writer.writerows(
            zip(road.tail.tolist(), road.head.tolist(), assigned.link_flow.tolist(), time.tolist(), strict=True)
        )


def _show(data: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console, table = Console(highlight=False), Table(show_header=False, box=None)
    dropped = data["intrazonal_trips_dropped"]
    if dropped["zones"]:
        zones = "one zone" if dropped["zones"] == 1 else f"{dropped['zones']} zones"
        console.print(f"dropped: {dropped['trips']:g} trips within {zones}, which use no link")
    for key in ("relative_gap", "beckmann", "total_travel_time", "conservation_error", "iterations", "seconds"):
        table.add_row(
            key.replace("_", " "),
            f"{data[key]:.12g}" if key in ("beckmann", "total_travel_time") else f"{data[key]:.4g}",
        )
    for phase, seconds in data["phases"].items():
        table.add_row(f"  {phase.replace('_', ' ')}", f"{seconds:.4g}")
    for by, each in data.get("by_principle", {}).items():
        table.add_row(f"total cost, {by.replace('_', ' ')}", f"{each['total_cost']:.12g}")
    if "price_of_anarchy" in data:
        table.add_row("price of anarchy", f"{data['price_of_anarchy']:.8g}")
    console.print(table)
    for by, each in data.get("by_principle", {data["principle"]: data}).items():
        if not each["converged"]:
            console.print(f"not converged to the {by.replace('_', ' ')}: the gap asked for is {data['gap']:g}")
