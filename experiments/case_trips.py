"""The demand of a case from a trip table, such as GMNS's demand.csv or TNTP's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from experiments.case_problems import Problem, raise_data_error
from experiments.case_schema import Demand, od_name
from networks.errors import NetworkDataError


def with_trips(data: Mapping[str, Any], file: str) -> Mapping[str, Any]:
    """The tables of a case with its trip table as entries of ev_by_od and fv_by_od, which those given override.

    Tables without one, or whose demand is refused anyway, are as they were. Raises DataError for a trip table that
    cannot be read or has none of the trips of the case.
    """
    try:
        demand = Demand.model_validate(data.get("demand"))
    except ValidationError:
        return data
    if not demand.trips:
        return data
    from networks.road import load_trips

    try:
        trips = load_trips(demand.trips)
    except NetworkDataError as error:
        raise_data_error(file, [Problem(("demand", "trips"), str(error))], data)
    driven = {od_name(pair): trips[pair] for pair in demand.od_pairs if pair in trips}
    if not driven:
        text = f"given {demand.trips}, which has no trips between any origin and destination of this case"
        raise_data_error(file, [Problem(("demand", "trips"), text)], data)
    ev = {name: demand.ev_share * number for name, number in driven.items()}
    fv = {name: number - ev[name] for name, number in driven.items()}
    stated = {key: value for key, value in data["demand"].items() if key != "trips"}
    return {**data, "demand": stated | {"ev_by_od": ev | demand.ev_by_od, "fv_by_od": fv | demand.fv_by_od}}
