"""The charging network operator, eq. (1), and the distribution system operator, eq. (9)."""

from __future__ import annotations

import math

import cvxpy as cp
import numpy as np

from tests.one_program.markets import MONEY, MW, Goods, Part, selection, station_buses, station_column
from tests.one_program.tables import Grid, Study

POLYGON_SIDES = 12


def charging_operator(study: Study, goods: Goods, v2g: bool) -> Part:
    """Eqs. (1a)-(1b): passes energy between the drivers and the retail markets of the stations' buses."""
    capacity = station_column(study, "capacity_kw") * MW
    charge = cp.Variable(len(study.stations), nonneg=True)
    at_bus = selection(station_buses(study), goods.station)
    rows = [charge <= capacity]
    trades: dict[str, cp.Expression] = {"charging": -charge, "retail_to_cno": at_bus @ charge}
    net: cp.Expression = charge
    if v2g:
        discharge = cp.Variable(len(study.stations), nonneg=True)
        rows.append(discharge <= capacity)
        trades |= {"discharging": discharge, "cno_to_retail": -(at_bus @ discharge)}
        net = charge - discharge
    rows += [net >= station_column(study, "net_min_kw") * MW, net <= station_column(study, "net_max_kw") * MW]
    return Part(cp.Constant(0.0), rows, trades, {"net_kw": net / MW})


def distribution_operator(study: Study, goods: Goods) -> Part:
    """Eqs. (9a)-(9i), LinDistFlow; `plan["balance"]` holds the left sides of (9b) for all buses."""
    grid, tso = study.grid, study.tso
    n_buses, n_lines = len(grid.buses), len(grid.lines)
    P, Q = cp.Variable(n_lines), cp.Variable(n_lines)
    rating = reactive_rating(study)
    sources = np.flatnonzero(rating)
    u, support = cp.Variable(n_buses), cp.Variable(len(sources))
    p_import, q_import = cp.Variable(), cp.Variable()
    delivered = cp.Variable(len(goods.delivery))
    ends = np.array(grid.lines)
    into = selection(ends[:, 1], np.arange(n_buses)) - selection(ends[:, 0], np.arange(n_buses))
    at_root = np.eye(n_buses)[grid.root]
    balance = into @ P + at_root * p_import - selection(goods.delivery, np.arange(n_buses)) @ delivered
    rows = [
        into @ Q + at_root * q_import + selection(sources, np.arange(n_buses)) @ support
        == (grid.q_kvar - grid.cap_kvar) * MW,
        into.T @ u + 2 / MW * (cp.multiply(grid.r_per_kw, P) + cp.multiply(grid.x_per_kvar, Q)) == 0,
        u[grid.root] == study.source_voltage_pu**2,
        u >= study.voltage_min_pu**2,
        u <= study.voltage_max_pu**2,
        p_import >= 0,
        p_import <= tso["p_max_kw"] * MW,
        q_import >= tso["q_min_kvar"] * MW,
        q_import <= tso["q_max_kvar"] * MW,
        cp.abs(support) <= rating[sources] * MW,
        *ratings(grid, P, Q),
    ]
    cost = MONEY * tso["price_usd_per_kwh"] / MW * p_import
    trades = {"delivery": -delivered, "import": -cp.reshape(p_import, (1,), order="C")}
    return Part(cost, rows, trades, {"balance": balance, "import_kw": p_import / MW})


def reactive_rating(study: Study) -> np.ndarray:
    """(n_buses,) [kvar] of generators and station inverters."""
    rating = np.zeros(len(study.grid.buses))
    for unit in study.generators:
        rating[study.grid.buses.index(unit.bus)] += unit.q_max_kvar
    for station in study.stations:
        rating[study.grid.buses.index(station.bus)] += station.inverter_kvar
    return rating


def ratings(grid: Grid, P: cp.Variable, Q: cp.Variable) -> list[cp.Constraint]:
    """Eq. (9e) as the inscribed polygon with facet normals at multiples of 30 degrees."""
    limited = np.flatnonzero(np.isfinite(grid.rate_kva))
    reach = grid.rate_kva[limited] * MW * math.cos(math.pi / POLYGON_SIDES)
    angles = [2 * math.pi * k / POLYGON_SIDES for k in range(POLYGON_SIDES)]
    return [P[limited] * math.cos(angle) + Q[limited] * math.sin(angle) <= reach for angle in angles]
