"""One run of a sweep: what it is of, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

from bestresponse.errors import BestResponseError, DataError
from experiments.case import case_from
from experiments.case_schema import Case
from experiments.clock import total
from experiments.result import Result
from experiments.solving import solve
from experiments.sweeps.design import RUN_KEYS, Point
from experiments.sweeps.study import Study
from experiments.task import Task
from networks.errors import NetworkDataError

SOLVED, NOT_SOLVED, FAILED, LOST = "solved", "not_solved", "failed", "lost"


@dataclass(frozen=True)
class Run:
    """What one run is of. Sent to a worker, it is all that is needed there."""

    number: int
    columns: Mapping[str, Any]  # what the table shows of its settings
    options: Mapping[str, Any]  # scenario, v2g, method, tolerance, max_sweeps
    task: Task | None  # of a case with the run's scenario only; None if its keys are refused
    refusal: str  # why they are

    @cached_property
    def key(self) -> str:
        """A hash that runs have in common if they are the same."""
        if self.task is not None:
            return self.task.hash
        return sha256(json.dumps([self.columns, self.options], sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    status: str  # solved, not_solved (a result, but not converged or certified), failed, or lost with its worker
    reason: str = ""  # a sentence, if it is not solved
    result: Result | None = None
    scalars: Mapping[str, Any] = field(default_factory=dict)  # what the table shows of the result

    @classmethod
    def of(cls, result: Result) -> Outcome:
        """Return the outcome that a result stands for."""
        status, reason = (SOLVED, "") if result.solved else (NOT_SOLVED, result.status)
        return cls(status, reason, result, scalars(result))


def run_of(study: Study, number: int, point: Point) -> Run:
    """Return the run of a point of the study."""
    options = {name: getattr(study, name) for name in RUN_KEYS}
    options |= {setting.pattern: setting.value for setting in point if setting.pattern in RUN_KEYS}
    columns = {column: value for setting in point for column, value in setting.columns.items()}
    try:
        task = Task(_case(study, point, options["scenario"]), **options, labels=columns)
        return Run(number, columns, options, task, refusal="")
    except DataError as error:
        return Run(number, columns, options, None, refusal=str(error))


def work(run: Run) -> Outcome:
    """Return how the run ended. What is wrong with its data or its solver is an outcome, too."""
    if run.task is None:
        return Outcome(FAILED, run.refusal)
    try:
        result = solve(run.task.case, **run.options)
    except (BestResponseError, NetworkDataError) as error:
        return Outcome(FAILED, str(error))
    if result.stop == "interrupted":
        raise KeyboardInterrupt
    return Outcome.of(result)


def scalars(result: Result) -> dict[str, Any]:
    """Return the numbers of a result, one column each.

    They are the single ones, the lowest, mean and highest price, and by name the generation of entities, the net
    load of stations and the cost of OD pairs.
    """
    quantities = result.quantities
    found: dict[str, Any] = {name: value for name, value in quantities.items() if isinstance(value, int | float)}
    if prices := list(quantities.get("dlmp_usd_per_kwh", {}).values()):
        found["dlmp_min_usd_per_kwh"], found["dlmp_max_usd_per_kwh"] = min(prices), max(prices)
        found["dlmp_mean_usd_per_kwh"] = sum(prices) / len(prices)
    if at_home := list(quantities.get("household_price_usd_per_kwh", {}).values()):
        found["household_price_mean_usd_per_kwh"] = sum(at_home) / len(at_home)
    if generation := quantities.get("generation_kw"):
        found["local_generation_kw"] = sum(generation.values())
    for name in ("generation_kw", "station_net_kw", "od_cost_usd"):
        found |= {f"{name}.{entry}": value for entry, value in quantities.get(name, {}).items()}
    certificate = result.certificate
    found["sweeps"] = result.sweeps
    found["worst_gain"] = max((gain["relative"] for gain in certificate.get("gain", {}).values()), default=None)
    found["natural_residual"] = certificate.get("natural_residual")
    found["routes_agree"] = result.routes_agree
    found["seconds"] = total(result.seconds)
    return found


def _case(study: Study, point: Point, scenario: str) -> Case:
    """The case of a point. Raises DataError if its keys do not fit together."""
    tables: Any = study.base_case.model_dump()
    for setting in point:
        tables = setting.applied(tables)
    tables["scenarios"] = {scenario: tables["scenarios"][scenario]}  # another one is no part of the run
    return case_from(tables, study.base_case.file)
