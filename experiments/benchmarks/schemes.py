"""What every scheme needs on a case, and on ten cases near it, as Markdown.

OPENBLAS_NUM_THREADS=1 python -m experiments.benchmarks.schemes [CASE [SCENARIO]]
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

import numpy as np

from experiments.benchmarks.machine import machine_facts
from experiments.benchmarks.report import NONE, Table
from experiments.case import load_case
from experiments.case_schema import Case, Demand, LoadServingEntity, od_name
from experiments.comparing import Budget, Entry, compare
from experiments.grid import chosen, grid

PLAIN = ("anderson=0", "relaxation=1", "balancing=0")
OTHERS = (
    "gauss_seidel,jacobi,pdhg,pdhg_average,pdhg_halpern,extragradient,golden_ratio,"
    "tatonnement,tatonnement_damped,tatonnement_averaged,tatonnement_diminishing"
)
ALONE = (  # schemes and grids
    ("sharing", ()),
    ("sharing", (*PLAIN, "sigma=1,0.3,0.1")),
    ("sharing", ("anderson=0", "relaxation=1", "sigma=0.01,0.1,1,10")),
    ("sharing", ("anderson=10", "relaxation=1", "balancing=0")),
    ("sharing", ("anderson=10", "relaxation=1", "sigma=0.01,0.1,1,10")),
    ("exchange", PLAIN),
    ("exchange", ()),
    (OTHERS, ()),
    ("gauss_seidel,jacobi,pdhg", ("anderson=30", "balancing=20")),
)
TOGETHER = (
    ("sharing", ()),
    ("sharing", PLAIN),
    ("sharing", ("anderson=10", "relaxation=1,1.6")),
    ("exchange", ()),
    (OTHERS, ()),
    ("gauss_seidel,jacobi,pdhg", ("anderson=30", "balancing=20")),
)
LONG = Budget(max_sweeps=2000, measure_every=20)
SHORT = Budget(max_sweeps=400, measure_every=400)
NEIGHBOURS, SPREAD = 10, 0.2  # perturbed cases, and how far from one the factors are


def perturbed(case: Case, scenario: str, seed: int) -> Case:
    """Return the case with its loads, every OD pair's demand, and every price multiplied by factors in 1 ± `SPREAD`."""
    rng = np.random.default_rng(seed)

    def near(value: float) -> float:
        return float(value * rng.uniform(1 - SPREAD, 1 + SPREAD))

    loads, households, tso = case.scenarios[scenario], case.households, case.tso
    loads = loads.model_copy(update={"load_factor": near(loads.load_factor)})
    reference = near(households.reference_price_usd_per_kwh)
    return case.model_copy(
        update={
            "scenarios": {**case.scenarios, scenario: loads},
            "demand": _perturbed_demand(case.demand, rng),
            "households": households.model_copy(update={"reference_price_usd_per_kwh": reference}),
            "tso": tso.model_copy(update={"price_usd_per_kwh": near(tso.price_usd_per_kwh)}),
            "lse": tuple(_perturbed_entity(entity, rng) for entity in case.lse),
        }
    )


def _perturbed_demand(demand: Demand, rng: np.random.Generator) -> Demand:
    names = [od_name(pair) for pair in demand.od_pairs]
    flows = {
        f"{kind}_by_od": dict(
            zip(names, (usual * rng.uniform(1 - SPREAD, 1 + SPREAD, len(names))).tolist(), strict=True)
        )
        for kind, usual in (("ev", np.array(demand.ev_by_pair)), ("fv", np.array(demand.fv_by_pair)))
    }
    return demand.model_copy(update=flows)


def _perturbed_entity(entity: LoadServingEntity, rng: np.random.Generator) -> LoadServingEntity:
    generators = tuple(
        unit.model_copy(update={"c1_usd_per_kwh": float(unit.c1_usd_per_kwh * rng.uniform(1 - SPREAD, 1 + SPREAD))})
        for unit in entity.generators
    )
    return entity.model_copy(update={"generators": generators})


def entries(case: Case, scenario: str, runs: Sequence[tuple[str, Sequence[str]]], budget: Budget) -> Iterator[Entry]:
    """Yield what every scheme with every setting does on one case, with V2G."""
    for schemes, settings in runs:
        yield from compare(case, scenario, True, chosen(schemes), grid(settings), budget)


def alone(found: Sequence[Entry], title: str) -> Table:
    """Return what every accuracy takes on one case."""
    columns = ("run", "1e-3", "1e-6", "1e-8", "gain 1e-6", "natural residual 1e-6", "s to 1e-6", "ms a sweep", "stop")
    return Table(title, columns, tuple(_row(entry) for entry in found))


def _row(entry: Entry) -> tuple[str, ...]:
    sweeps = entry.sweeps_to()
    counts = [sweeps["1e-3"], sweeps["1e-6"], sweeps["1e-8"]]
    counts += [entry.sweeps_to(residual)["1e-6"] for residual in ("gain", "natural_residual")]
    seconds = entry.seconds_to()["1e-6"]
    pace = f"{1000 * entry.readings[-1].seconds / len(entry.readings):.1f}" if entry.readings else NONE
    words = (*map(_count, counts), NONE if seconds is None else f"{seconds:.2f}", pace)
    return (entry.label, *words, entry.stop_reason.replace("_", " "))


def together(found: Sequence[Sequence[Entry]], title: str) -> Table:
    """Return the median and worst number of sweeps over several cases; `found` has the same runs of every case."""
    columns = ("run", "1e-6: cases", "median", "worst", "1e-8: cases", "median", "worst", "stops")
    rows = []
    for same in zip(*found, strict=True):
        stops = Counter(entry.stop_reason.replace("_", " ") for entry in same)
        cells = [cell for target in ("1e-6", "1e-8") for cell in _spread([e.sweeps_to()[target] for e in same])]
        rows.append((same[0].label, *cells, ", ".join(f"{reason} {count}" for reason, count in stops.most_common())))
    return Table(title, columns, tuple(rows))


def _spread(counts: Sequence[int | None]) -> tuple[str, str, str]:
    """How many of the counts exist, and of those the median and the largest."""
    known = [count for count in counts if count is not None]
    if not known:
        return f"0 of {len(counts)}", NONE, NONE
    return f"{len(known)} of {len(counts)}", f"{median(known):g}", str(max(known))


def _count(count: int | None) -> str:
    return NONE if count is None else str(count)


def main(name: str = "sioux_falls_ieee123", scenario: str = "base") -> None:
    """Print both tables, and what they were measured on."""
    case = load_case(name)
    title = f"{name}, {scenario}, with V2G: sweeps to every accuracy, of at most {LONG.max_sweeps}"
    sys.stdout.write(alone(list(entries(case, scenario, ALONE, LONG)), title).markdown() + "\n\n")
    cases = [perturbed(case, scenario, seed) for seed in range(1, NEIGHBOURS + 1)]
    title = f"{NEIGHBOURS} cases near it (± {SPREAD:.0%}): sweeps of at most {SHORT.max_sweeps}"
    found = [list(entries(neighbour, scenario, TOGETHER, SHORT)) for neighbour in cases]
    sys.stdout.write(together(found, title).markdown() + "\n\n")
    sys.stdout.write("".join(f"- {key}: {value}\n" for key, value in machine_facts().items()))


if __name__ == "__main__":
    main(*sys.argv[1:])
