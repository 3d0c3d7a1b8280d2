"""Whether stations and power can supply the charging that trips cannot do without, household load all shed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from bestresponse.errors import SolverError
from bestresponse.typing import SparseMatrix, Vector
from experiments.case_islands import feeder_parts
from experiments.case_problems import Problem, listed
from experiments.case_schema import Case
from networks.feeder import Feeder
from networks.paths import PathSet

TOLERANCE_KW = 1e-3


class _Limit(NamedTuple):
    exchange: Vector  # (n_paths,) [kWh/veh] energy of each path that counts
    most_kw: float
    meaning: str


def charging_problems(case: Case, feeder: Feeder, paths: Sequence[PathSet], scenario: str) -> list[Problem]:
    """A problem for every limit that must be broken however the vehicles choose their paths.

    `paths` holds those of every class of electric vehicles. A linear program in the path flows that breaks the limits
    of stations (1b) and the energy balances of the feeder's parts by as little as possible. Line and voltage limits
    are left out, so no problem here is no promise.
    Raises SolverError if HiGHS finds no answer.
    """
    charged = np.vstack([each.charged.toarray() for each in paths])
    discharged = np.vstack([each.discharged.toarray() for each in paths])
    limits = _station_limits(case, charged, discharged) + _supply_limits(case, feeder, charged - discharged)
    pair_rows = sparse.csr_array(sparse.block_diag([_pair_rows(each) for each in paths]))
    demand = [each.share * np.array(case.demand.ev_by_pair) for each in case.vehicles.electric_classes]
    excess = _least_excess(limits, pair_rows, np.concatenate(demand))
    return [
        Problem(
            ("scenarios", scenario),
            f"electric vehicles need {over:.1f} kW more than {limit.meaning} allows ({limit.most_kw:g} kW), "
            "whatever paths they choose",
        )
        for limit, over in zip(limits, excess, strict=True)
        if not over <= TOLERANCE_KW
    ]


def _station_limits(case: Case, charged: Vector, discharged: Vector) -> list[_Limit]:
    """Of charging and discharging (n_paths, n_stations) [kWh/veh], what a station can take and give."""
    limits = []
    for k, station in enumerate(case.resolved_stations()):
        net = charged[:, k] - discharged[:, k]
        at = f"of the station at node {station.node}"
        limits += [
            _Limit(charged[:, k], station.capacity_kw, f"capacity_kw {at}"),
            _Limit(discharged[:, k], station.capacity_kw, f"capacity_kw {at}"),
            _Limit(net, station.net_max_kw, f"net_max_kw {at}"),
            _Limit(-net, -station.net_min_kw, f"-net_min_kw {at}"),
        ]
    return limits


def _supply_limits(case: Case, feeder: Feeder, net: Vector) -> list[_Limit]:
    """What the stations in each part of the feeder take is at most its generation, and import at the root."""
    stations = case.resolved_stations()
    limits = []
    for part in feeder_parts(case, feeder):
        inside = [k for k, station in enumerate(stations) if station.bus in part.buses]
        supply = part.generation_kw + (case.tso.p_max_kw if part.has_root else 0.0)
        kind = "generation and import of the part with the root" if part.has_root else "generation of the island"
        at = f" (station at node {listed(stations[k].node for k in inside)})"
        limits.append(_Limit(net[:, inside].sum(axis=1), supply, kind + at))
    return limits


def _pair_rows(paths: PathSet) -> SparseMatrix:
    """(n_pairs, n_paths) with 1 where a path belongs to an OD pair."""
    positions = np.arange(paths.n_paths)
    return sparse.csr_array((np.ones(paths.n_paths), (paths.od, positions)), (len(paths.od_pairs), paths.n_paths))


def _least_excess(limits: list[_Limit], pair_rows: SparseMatrix, demand: Vector) -> Vector:
    """(n_limits,) [kW] by how much each limit is broken where their sum is least."""
    n_pairs, n_paths = pair_rows.shape
    n_limits = len(limits)
    exchange = sparse.csr_array(np.array([limit.exchange for limit in limits]))
    result = linprog(
        c=np.concatenate([np.zeros(n_paths), np.ones(n_limits)]),
        A_ub=sparse.hstack([exchange, -sparse.eye_array(n_limits)], format="csr"),
        b_ub=np.array([limit.most_kw for limit in limits]),
        A_eq=sparse.hstack([pair_rows, sparse.csr_array((n_pairs, n_limits))], format="csr"),
        b_eq=demand,
        method="highs",
    )
    if not result.success or result.x is None:
        raise SolverError(f"HiGHS could not judge whether the case's charging can be supplied: {result.message}")
    return np.asarray(result.x[n_paths:], dtype=np.float64)
