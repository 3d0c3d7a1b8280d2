"""The cold interior point on markets that are larger, or not monotone, as Markdown.

The robust case with more routes per OD pair, several values of time among electric vehicles, twice the stations, and
four times the OD pairs. Nothing but the interior point is asked: no coordinator, no fallback.

    python -m experiments.benchmarks.complementarity_robustness [SCENARIO ...]      base and stress if none is named
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from bestresponse.complementarity.interior_point import InteriorResult, interior_point
from bestresponse.complementarity.preprocessing import reduce
from bestresponse.errors import BestResponseError
from bestresponse.system import ComplementaritySystem
from experiments.benchmarks.machine import machine_facts
from experiments.benchmarks.report import Table
from experiments.build import build
from experiments.case import load_case
from experiments.case_schema import Case, Demand
from experiments.case_stations import StationEntry
from experiments.case_vehicles import ElectricClassEntry

CASE = "sioux_falls_ieee123"
SCENARIOS = ("base", "stress")
VALUES_OF_TIME = ((24.0,), (12.0, 60.0), (10.0, 90.0), (12.0, 24.0, 60.0))  # [$/h] in equal shares
MORE_STATIONS = {2: "13", 3: "30", 5: "67", 9: "151", 10: "300", 14: "66", 17: "62", 20: "72", 22: "101"}  # node: bus
ORIGINS, DESTINATIONS = (1, 2, 3, 4, 5, 7), (9, 10, 13, 15, 16, 18, 19, 20, 21, 22, 23, 24)


@dataclass(frozen=True)
class Variant:
    """A harder neighbour of the robust case."""

    routes: int = 10  # per OD pair
    values_of_time: tuple[float, ...] = (24.0,)  # [$/h]
    twice_the_stations: bool = False
    four_times_the_pairs: bool = False  # with a quarter of the vehicles on each

    def __str__(self) -> str:
        parts = [f"{self.routes} routes", " / ".join(f"{value:g}" for value in self.values_of_time) + " $/h"]
        parts += ["twice the stations"] * self.twice_the_stations + [
            "four times the OD pairs"
        ] * self.four_times_the_pairs
        return ", ".join(parts)

    def case(self) -> Case:
        """Return the case."""
        case = load_case(CASE)
        count = len(self.values_of_time)
        classes = tuple(
            ElectricClassEntry(name=f"at-{value:g}", share=1.0 / count, value_of_time_usd_per_h=value)
            for value in self.values_of_time
        )
        more = tuple(StationEntry(node=node, bus=bus) for node, bus in MORE_STATIONS.items())
        changed = {
            "road": case.road.model_copy(update={"base_routes": self.routes}),
            "vehicles": case.vehicles.model_copy(update={"classes": classes}),
            "stations": case.stations + more * self.twice_the_stations,
            "demand": _spread(case.demand) if self.four_times_the_pairs else case.demand,
        }
        return case.model_copy(update=changed)


def _spread(demand: Demand) -> Demand:
    quarter = {key: 0.25 * getattr(demand, key) for key in ("ev_veh_per_h", "fv_veh_per_h")}
    return demand.model_copy(update=quarter | {"origins": ORIGINS, "destinations": DESTINATIONS})


VARIANTS = (
    *(Variant(routes, values) for routes, values in product((10, 40, 60), VALUES_OF_TIME)),
    *(Variant(values_of_time=values, twice_the_stations=True) for values in VALUES_OF_TIME),
    *(Variant(values_of_time=values, four_times_the_pairs=True) for values in VALUES_OF_TIME),
)


@dataclass(frozen=True)
class Measurement:
    """The interior point on one variant."""

    variant: Variant
    scenario: str
    v2g: bool
    rows: int
    seconds: float
    found: InteriorResult


def measure(variants: Sequence[Variant], scenarios: Sequence[str]) -> Iterator[Measurement]:
    """Yield what a cold start does on every variant, scenario and with and without V2G."""
    for variant, scenario, v2g in product(variants, scenarios, (True, False)):
        problem = reduce(ComplementaritySystem(build(variant.case(), scenario, v2g).market).problem).problem
        began = time.perf_counter()
        found = interior_point(problem, np.zeros(problem.size))
        yield Measurement(variant, scenario, v2g, problem.size, time.perf_counter() - began, found)


def table(measurements: Sequence[Measurement]) -> Table:
    """Return the measurements as a table."""
    columns = ("variant", "rows", "iterations", "factorisations", "natural residual", "s", "outcome")
    return Table("The interior point, cold", columns, tuple(_row(measurement) for measurement in measurements))


def _row(m: Measurement) -> tuple[str, ...]:
    residual = "–" if m.found.best is None else f"{m.found.best.residual:.0e}"
    counts = (f"{m.rows:,}", str(len(m.found.trace)), str(m.found.factorisations))
    run = f"{m.variant}, {m.scenario}, {'v2g' if m.v2g else 'no-v2g'}"
    return (run, *counts, residual, f"{m.seconds:.1f}", m.found.outcome.name.replace("_", " ").lower())


def main(*scenarios: str) -> int:
    """Print the table and what it was measured on; return the exit code, 2 for bad input."""
    try:
        found = list(measure(VARIANTS, scenarios or SCENARIOS))
    except BestResponseError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(table(found).markdown() + "\n\n")
    sys.stdout.write("".join(f"- {key}: {value}\n" for key, value in machine_facts().items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
