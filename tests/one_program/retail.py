"""Households and the load serving entities that sell to them, eq. (10)."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
from scipy import sparse

from tests.one_program.markets import MONEY, MW, Goods, Part, selection, station_buses, station_column
from tests.one_program.tables import Study


def households(study: Study, goods: Goods) -> Part:
    """Minus the area under the demand curves P = a - b S, through the reference point with the given elasticity."""
    a, b = demand_curves(study, goods)
    taken = cp.Variable(len(goods.load), nonneg=True)
    area = a / MW * cp.sum(taken) - 0.5 * (b / MW**2) @ cp.square(taken)
    return Part(-MONEY * area, [taken <= a / b * MW], {"household": taken}, {"taken_kw": taken / MW})


def demand_curves(study: Study, goods: Goods) -> tuple[float, np.ndarray]:
    """The intercept a [$/kWh] and, per load bus, the slope b [$/kWh per kW]."""
    price, elasticity = study.households["reference_price_usd_per_kwh"], study.households["elasticity"]
    return price * (1 + 1 / elasticity), price / (elasticity * study.grid.p_kw[goods.load])


def load_serving_entities(study: Study, goods: Goods, v2g: bool) -> Part:
    """Eqs. (10a)-(10d) of all entities, one column each; a markup on sales stands for their market conduct."""
    a, b = demand_curves(study, goods)
    n_lse, units = len(study.lse_names), study.generators
    obliged = study.households["served_portion"] * np.outer(study.grid.p_kw[goods.load], study.share) * MW
    p_max, c1, c2 = (
        np.array([getattr(u, k) for u in units]) for k in ("p_max_kw", "c1_usd_per_kwh", "c2_usd_per_kw2h")
    )
    unit_buses = np.array([study.grid.buses.index(u.bus) for u in units])
    owned = sparse.csr_array((np.ones(len(units)), (range(len(units)), [u.owner for u in units])), (len(units), n_lse))
    station_limit = selection(station_buses(study), goods.station) @ station_column(study, "capacity_kw") * MW

    g = cp.Variable(len(units), nonneg=True)
    sales = cp.Variable((len(goods.load), n_lse), nonneg=True)
    shed = cp.Variable((len(goods.load), n_lse), nonneg=True)
    bought = cp.Variable(n_lse, nonneg=True)
    to_cno = cp.Variable((len(goods.station), n_lse), nonneg=True)
    rows = [
        g <= p_max * MW,
        sales + shed >= obliged,
        shed <= obliged,
        sales <= np.outer(a / b * MW, np.ones(n_lse)),
        bought <= study.tso["p_max_kw"] * MW,
        to_cno <= np.outer(station_limit, np.ones(n_lse)),
    ]
    to_stations: cp.Expression = to_cno
    trades: dict[str, cp.Expression] = {"retail_to_cno": -cp.sum(to_cno, axis=1)}
    if v2g:
        from_cno = cp.Variable((len(goods.station), n_lse), nonneg=True)
        rows.append(from_cno <= np.outer(station_limit, np.ones(n_lse)))
        to_stations = to_cno - from_cno
        trades["cno_to_retail"] = cp.sum(from_cno, axis=1)
    generated = cp.multiply(owned.toarray(), cp.reshape(g, (len(units), 1), order="C"))
    withdrawal = (
        selection(goods.load, goods.delivery) @ sales
        + selection(goods.station, goods.delivery) @ to_stations
        - selection(unit_buses, goods.delivery) @ generated
    )
    rows.append(owned.T @ g + bought == cp.sum(sales, axis=0) + cp.sum(to_stations, axis=0))
    markup = 0.5 * cp.sum(cp.multiply(np.outer(b, study.conduct) / MW**2, cp.square(sales)))
    generation = c1 / MW @ g + 0.5 * (c2 / MW**2) @ cp.square(g)
    shortage = study.households["value_of_lost_load_usd_per_kwh"] / MW * cp.sum(shed)
    trades |= {
        "delivery": cp.sum(withdrawal, axis=1),
        "import": cp.reshape(cp.sum(bought), (1,), order="C"),
        "household": -cp.sum(sales, axis=1),
    }
    plan = {"g_kw": g / MW, "shed_kw": cp.sum(shed, axis=1) / MW}
    return Part(MONEY * (markup + generation + shortage), rows, trades, plan)
