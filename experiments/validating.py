"""The injections of an equilibrium in an AC power flow, beside what LinDistFlow says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bestresponse.errors import DataError
from bestresponse.typing import Vector
from experiments.case_check import scenario_feeder
from experiments.case_problems import nearest
from experiments.case_schema import FeederKeys
from experiments.provenance import case_of
from experiments.result import Result
from networks.ac_power_flow import ACFlow
from networks.feeder import Feeder, load_feeder
from networks.lindistflow import solve_voltages, sum_along_feeder
from networks.opendss_flow import opendss_flow
from networks.pandapower_flow import pandapower_flow

ENGINES = {"pandapower": pandapower_flow, "opendss": opendss_flow}
TOLERANCE = 1e-6  # relative, beyond a limit


@dataclass(frozen=True, eq=False)
class Validation:
    """An AC power flow of a result's injections, and LinDistFlow's answer to the same."""

    result: Result
    feeder: Feeder
    engine: str
    limits_pu: tuple[float, float]
    linear_pu: Vector  # (n_buses,) voltages by LinDistFlow
    linear_kva: Vector  # (n_lines,)
    flow: ACFlow | None  # None if it does not converge

    def buses(self) -> list[dict[str, Any]]:
        """Return a row for every bus: voltages by both, their difference, whether the AC one is within its limits."""
        if self.flow is None:
            return []
        low, high = self.limits_pu
        return [
            {
                "bus": bus,
                "voltage_ac_pu": ac,
                "voltage_lindistflow_pu": linear,
                "difference_pu": ac - linear,
                "within_limits": low * (1 - TOLERANCE) <= ac <= high * (1 + TOLERANCE),
            }
            for bus, ac, linear in zip(
                self.feeder.buses, self.flow.voltage_pu.tolist(), self.linear_pu.tolist(), strict=True
            )
        ]

    def lines(self) -> list[dict[str, Any]]:
        """Return a row for every line: flows by both, rating, loading, losses, whether it is overloaded."""
        if self.flow is None:
            return []
        rows = zip(
            self.feeder.line_names,
            self.flow.apparent_kva.tolist(),
            self.linear_kva.tolist(),
            self.feeder.rate_kva.tolist(),
            self.flow.losses_kw.tolist(),
            strict=True,
        )
        return [
            {
                "line": line,
                "flow_ac_kva": ac,
                "flow_lindistflow_kva": linear,
                "rate_kva": rate if np.isfinite(rate) else None,
                "loading": ac / rate if np.isfinite(rate) else None,
                "overloaded": ac > rate * (1 + TOLERANCE),
                "losses_kw": lost,
            }
            for line, ac, linear, rate, lost in rows
        ]

    def data(self) -> dict[str, Any]:
        """Return everything as plain data."""
        buses, lines = self.buses(), self.lines()
        apart = max((abs(row["difference_pu"]) for row in buses), default=None)
        return {
            "case": self.result.case,
            "scenario": self.result.scenario,
            "v2g": self.result.v2g,
            "engine": self.engine,
            "converged": self.flow is not None,
            "losses_kw": sum(row["losses_kw"] for row in lines) if buses else None,
            "losses_of_result_kw": self.result.quantities.get("losses_kw", 0.0),
            "largest_voltage_difference_pu": apart,
            "voltage_limits_pu": list(self.limits_pu),
            "voltage_violations": [row["bus"] for row in buses if not row["within_limits"]],
            "overloads": [row["line"] for row in lines if row["overloaded"]],
            "buses": buses,
            "lines": lines,
        }


def validate(result: Result, engine: str = "pandapower") -> Validation:
    """Return the AC power flow of a result's injections.

    The root keeps the source voltage and supplies what is missing; so does, in every island, the bus at which its lines
    begin, at the voltage of the result. Raises DataError for an engine that does not exist, a result without
    injections, or a case that is not at hand any more.
    """
    if engine not in ENGINES:
        raise DataError(f"engine: no engine {engine!r}{nearest(engine, ENGINES)} Engines: {', '.join(ENGINES)}")
    if not result.quantities.get("injection"):
        raise DataError("the result holds no injections: it was not solved, or its model of the operator reports none")
    case = case_of(result)
    keys = case.feeder
    feeder = scenario_feeder(case, load_feeder(keys.network), result.scenario)
    injection = np.array([result.quantities["injection"][bus] for bus in feeder.buses], dtype=float)
    top_pu = _top_voltage(feeder, keys, result)
    linear_pu, linear_kva = _lindistflow(feeder, injection, top_pu)
    return Validation(
        result=result,
        feeder=feeder,
        engine=engine,
        limits_pu=(keys.voltage_min_pu, keys.voltage_max_pu),
        linear_pu=linear_pu,
        linear_kva=linear_kva,
        flow=ENGINES[engine](feeder, injection[:, 0], injection[:, 1], top_pu),
    )


def _top_voltage(feeder: Feeder, keys: FeederKeys, result: Result) -> Vector:
    """(n_buses,) the voltage that a bus keeps if it is at the top of its part."""
    said = result.quantities["voltage_pu"]
    voltage = np.array([said.get(bus, keys.source_voltage_pu) for bus in feeder.buses], dtype=float)
    voltage[feeder.root] = keys.source_voltage_pu
    return voltage


def _lindistflow(feeder: Feeder, injection: Vector, top_pu: Vector) -> tuple[Vector, Vector]:
    """(n_buses,) voltages and (n_lines,) flows [kVA] of injections (n_buses, 2), the rest supplied at the tops."""
    balanced = injection.copy()
    tops = np.flatnonzero(feeder.tops)
    for column in (0, 1):
        total = np.bincount(feeder.component, weights=injection[:, column])
        balanced[tops, column] -= total[feeder.component[tops]]
    _, P, Q = solve_voltages(feeder, balanced[:, 0], balanced[:, 1], 1.0)
    drop = 2.0 * (feeder.r_pu * P + feeder.x_pu * Q) / feeder.base_kva
    top = np.zeros(feeder.n_buses)
    top[feeder.component[tops]] = top_pu[tops] ** 2
    return np.sqrt(top[feeder.component] - sum_along_feeder(feeder, drop)), np.hypot(P, Q)
