"""The program put together and solved: the potential, minimised over all sets and clearing rows."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path as FilePath
from time import perf_counter

import cvxpy as cp
import numpy as np

from tests.one_program.markets import MONEY, MW, Goods, Part
from tests.one_program.paths import Path, electric_paths
from tests.one_program.power import charging_operator, distribution_operator
from tests.one_program.result import OneProgramResult, Run, Solution, evaluate
from tests.one_program.retail import households, load_serving_entities
from tests.one_program.routes import shortest_routes
from tests.one_program.tables import Study, read_study
from tests.one_program.traffic import PathSums, traffic

PRICE = MW / MONEY  # [$/kWh] of a multiplier in the program's units
SOLVER_OPTIONS = {
    "tol_gap_abs": 1e-10,
    "tol_gap_rel": 1e-10,
    "tol_feas": 1e-9,
    # Where rounding stops it short of these, "optimal_inaccurate" must still mean:
    "reduced_tol_gap_abs": 1e-9,
    "reduced_tol_gap_rel": 1e-9,
    "reduced_tol_feas": 1e-8,
    # The default step of 0.99 of the way to the boundary loses primal accuracy in the last iterations.
    "max_step_fraction": 0.95,
    "iterative_refinement_max_iter": 50,
    "iterative_refinement_stop_ratio": 1.5,
}


@dataclass(frozen=True)
class Program:
    problem: cp.Problem
    parts: dict[str, Part]
    clearing: dict[str, cp.Constraint]  # family of goods -> sum of all trades == 0
    balance: cp.Constraint  # eq. (9b) at every bus but the root
    beyond_root: np.ndarray  # positions of those buses


def solve_one_program(case: str | FilePath, scenario: str, v2g: bool) -> OneProgramResult:
    """The equilibrium of a case (shipped name or path) in a scenario, with or without V2G.

    Raises RuntimeError where Clarabel ends neither "optimal" nor, at ten times the tolerance, "optimal_inaccurate";
    an infeasible scenario ends so too.
    """
    clock = [perf_counter()]
    study = read_study(case, scenario)
    ev_paths, fv_paths = all_paths(study, v2g)
    ev, fv = PathSums.of(ev_paths, study), PathSums.of(fv_paths, study)
    clock.append(perf_counter())
    program = build_program(study, ev, fv, v2g)
    problem = program.problem
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Solution may be inaccurate", UserWarning)  # the result says it
            problem.solve(solver=cp.CLARABEL, **SOLVER_OPTIONS)
    except cp.SolverError as error:
        raise RuntimeError(f"{case}, {scenario}, v2g={v2g}: Clarabel found no answer") from error
    clock.append(perf_counter())
    if problem.status not in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE):
        raise RuntimeError(f"{case}, {scenario}, v2g={v2g}: Clarabel ended {problem.status!r}")
    stats = problem.solver_stats
    run = Run(
        status=problem.status,
        iterations=stats.num_iters,
        path_seconds=clock[1] - clock[0],
        canonicalisation_seconds=clock[2] - clock[1] - stats.solve_time,
        solve_seconds=stats.solve_time,
    )
    return evaluate(study, ev_paths, ev, fv, read_solution(program), run)


def all_paths(study: Study, v2g: bool) -> tuple[list[Path], list[Path]]:
    """Paths of the electric and of the fuel vehicles, OD pair by OD pair."""
    time = dict(zip(study.roads.links, study.roads.free_flow_h.tolist(), strict=True))
    length = dict(zip(study.roads.links, study.roads.length_km.tolist(), strict=True))
    stations = {station.node for station in study.stations}
    ev_paths: list[Path] = []
    fv_paths: list[Path] = []
    for od, (origin, destination) in enumerate(study.od_pairs):
        for route in shortest_routes(origin, destination, time, study.base_routes):
            fv_paths.append(Path(od, route, ()))
            ev_paths += electric_paths(od, route, stations, length, study.vehicle, v2g)
    return ev_paths, fv_paths


def build_program(study: Study, ev: PathSums, fv: PathSums, v2g: bool) -> Program:
    goods = Goods.of(study)
    parts = {
        "traffic": traffic(study, ev, fv, v2g),
        "operator": charging_operator(study, goods, v2g),
        "dso": distribution_operator(study, goods),
        "households": households(study, goods),
        "lse": load_serving_entities(study, goods, v2g),
    }
    families = dict.fromkeys(family for part in parts.values() for family in part.trades)
    clearing = {
        family: sum(part.trades[family] for part in parts.values() if family in part.trades) == 0 for family in families
    }
    # The balance of the root follows from all the others, clearing and (10d); leaving it out fixes lambda there at 0.
    beyond_root = np.delete(np.arange(len(study.grid.buses)), study.grid.root)
    balance = parts["dso"].plan["balance"][beyond_root] == 0
    sets = [row for part in parts.values() for row in part.rows]
    potential = cp.Minimize(sum(part.cost for part in parts.values()))
    problem = cp.Problem(potential, [*clearing.values(), balance, *sets])
    return Program(problem, parts, clearing, balance, beyond_root)


def read_solution(program: Program) -> Solution:
    """Plans and prices in the units of the tables: kW, veh/h, $/kWh, $/h."""
    plan = {name: part.plan for name, part in program.parts.items()}
    price = {family: PRICE * row.dual_value for family, row in program.clearing.items()}
    wheeling = np.zeros(len(program.beyond_root) + 1)
    wheeling[program.beyond_root] = -PRICE * program.balance.dual_value
    trades = program.parts["traffic"].trades
    charged = trades["charging"].value / MW
    return Solution(
        f_ev=plan["traffic"]["f_ev"].value,
        f_fv=plan["traffic"]["f_fv"].value,
        charged_kw=charged,
        discharged_kw=-trades["discharging"].value / MW if "discharging" in trades else np.zeros_like(charged),
        import_kw=float(plan["dso"]["import_kw"].value),
        taken_kw=plan["households"]["taken_kw"].value,
        generated_kw=plan["lse"]["g_kw"].value,
        shed_kw=plan["lse"]["shed_kw"].value,
        price=price,
        dlmp=price["import"][0] + wheeling,
        potential=program.problem.value / MONEY,
    )
