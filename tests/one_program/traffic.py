"""Both classes of vehicles on the roads and at the stations: eqs. (3)-(8) as a convex cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cvxpy as cp
import numpy as np
from scipy import sparse

from tests.one_program.markets import FLOW, MONEY, MW, Part, station_column
from tests.one_program.paths import Path
from tests.one_program.tables import Study


def sums_over_paths(
    paths: list[Path], n_rows: int, terms: Callable[[Path], list[tuple[int, float]]]
) -> sparse.csr_array:
    """(n_rows, n_paths) matrix with the (row, value) terms of every path."""
    entries = [(row, column, value) for column, path in enumerate(paths) for row, value in terms(path)]
    rows, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
    return sparse.csr_array((values, (rows, columns)), shape=(n_rows, len(paths)))


@dataclass(frozen=True)
class PathSums:
    """What a unit of flow on every path adds up to; each matrix (…, n_paths)."""

    od: sparse.csr_array
    links: sparse.csr_array
    visits: sparse.csr_array  # stops at each station
    charged: sparse.csr_array  # [kWh/veh] at each station
    discharged: sparse.csr_array  # [kWh/veh] at each station

    @classmethod
    def of(cls, paths: list[Path], study: Study) -> PathSums:
        link = {ends: a for a, ends in enumerate(study.roads.links)}
        station = {s.node: i for i, s in enumerate(study.stations)}

        def energy(action: str) -> sparse.csr_array:
            return sums_over_paths(
                paths,
                len(station),
                lambda path: [(station[s.node], s.energy) for s in path.stops if s.action == action],
            )

        return cls(
            od=sums_over_paths(paths, len(study.od_pairs), lambda path: [(path.od, 1.0)]),
            links=sums_over_paths(paths, len(link), lambda path: [(link[ends], 1.0) for ends in path.links]),
            visits=sums_over_paths(paths, len(station), lambda path: [(station[s.node], 1.0) for s in path.stops]),
            charged=energy("+"),
            discharged=energy("-"),
        )


def traffic(study: Study, ev: PathSums, fv: PathSums, v2g: bool) -> Part:
    """Eqs. (3)-(8): the Beckmann function, queues and dwell in the EVs' value of time, and battery degradation."""
    roads, vehicle = study.roads, study.vehicle
    f_ev = cp.Variable(ev.od.shape[1], nonneg=True)
    f_fv = cp.Variable(fv.od.shape[1], nonneg=True)
    saturation = cp.Variable(len(roads.links))  # v / c
    visits = cp.Variable(len(study.stations))
    rows = [
        ev.od @ f_ev == study.ev_veh_per_h * FLOW,
        fv.od @ f_fv == study.fv_veh_per_h * FLOW,
        cp.multiply(roads.capacity_veh_per_h * FLOW, saturation) == ev.links @ f_ev + fv.links @ f_fv,
        visits == ev.visits @ f_ev,
    ]
    queueing, queue_rows = waiting(study, visits)
    dwell_h = (1 / station_column(study, "pile_kw")) @ (ev.charged + ev.discharged)
    hours = driving(study, saturation) + queueing + dwell_h @ f_ev / FLOW
    discharged = MW / FLOW * (ev.discharged @ f_ev)
    cost = MONEY * (
        vehicle.ev_value_of_time_usd_per_h * hours + vehicle.degradation_usd_per_kwh / MW * cp.sum(discharged)
    )
    trades = {"charging": MW / FLOW * (ev.charged @ f_ev)}
    if v2g:
        trades["discharging"] = -discharged
    return Part(cost, rows + queue_rows, trades, {"f_ev": f_ev / FLOW, "f_fv": f_fv / FLOW})


def driving(study: Study, saturation: cp.Variable) -> cp.Expression:
    """Sum of the integrals of eq. (4a) [veh h/h], with the saturation v / c of every link as the variable."""
    roads = study.roads
    scale = roads.free_flow_h * roads.capacity_veh_per_h
    total = scale @ saturation
    for power in np.unique(roads.bpr_power):
        some = np.flatnonzero(roads.bpr_power == power)
        weight = scale[some] * roads.bpr_coefficient[some] / (power + 1)
        total += weight @ cp.power(saturation[some], power + 1, approx=True)
    return total


def waiting(study: Study, visits: cp.Variable) -> tuple[cp.Expression, list[cp.Constraint]]:
    """Sum of the integrals of the smoothed queue, eq. (7) [veh h/h].

    A queue of s vehicles is split into a part up to the smoothing width, whose integrated weight is a cubic, and
    the rest, whose weight starts where the cubic's ends and grows in proportion.
    """
    column = {key: station_column(study, key) for key in ("base_h", "slope_h_per_veh", "capacity_veh", "period_h")}
    width = station_column(study, "smoothing_veh")
    start, rest = cp.Variable(len(width), nonneg=True), cp.Variable(len(width), nonneg=True)
    weight = column["slope_h_per_veh"] / column["period_h"]
    total = (
        column["base_h"] @ visits / FLOW
        + (weight * width**2 / 6) @ cp.power(start, 3, approx=True)
        + (weight * width / 2) @ rest
        + (weight / 2) @ cp.square(rest)
    )
    queue = cp.multiply(column["period_h"], visits) / FLOW - column["capacity_veh"]
    return total, [start <= 1, cp.multiply(width, start) + rest >= queue]
