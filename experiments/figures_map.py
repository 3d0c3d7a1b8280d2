"""What a map of the prices needs besides the result: the feeder of the case that was solved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bestresponse.errors import DataError
from bestresponse.typing import Vector
from experiments.case import case_hash, load_case
from experiments.case_check import scenario_feeder
from experiments.case_schema import Case
from experiments.result import Result
from networks.errors import NetworkDataError
from networks.feeder import Feeder, load_feeder
from networks.lindistflow import polygon

BINDING = 1 - 1e-4  # share of its limit from which on a line counts as full


@dataclass(frozen=True)
class FeederMap:
    """Where the buses of a scenario lie and what connects them. Line ends are positions among the buses."""

    buses: tuple[str, ...]
    xy: Vector  # (n_buses, 2)
    root: int
    lines: tuple[tuple[int, int], ...]
    full: Mapping[str, tuple[int, int]]  # closed lines at their limit, by name
    out: Mapping[str, tuple[int, int]]  # lines out of service, by name
    stations: Mapping[str, tuple[int, ...]]  # bus → road nodes of its stations


def feeder_map(result: Result) -> FeederMap:
    """Return the map of a result.

    Raises DataError if the case file is gone or has changed since, or its feeder has no coordinates.
    """
    case = _case_of(result)
    try:
        whole = load_feeder(case.feeder.network)
        feeder = scenario_feeder(case, whole, result.scenario)
    except NetworkDataError as error:
        raise DataError(f"no map: {error}") from error
    if whole.xy is None:
        raise DataError(f"no map: the feeder {whole.name} has no coordinates")
    stations: dict[str, tuple[int, ...]] = {}
    for site in case.stations:
        stations[site.bus] = (*stations.get(site.bus, ()), site.node)
    out = [whole.line_index(name) for name in case.scenario(result.scenario).outages]
    return FeederMap(
        buses=feeder.buses,
        xy=whole.xy,
        root=feeder.root,
        lines=_ends(feeder, range(feeder.n_lines)),
        full=_named_ends(feeder, _full_lines(feeder, result.quantities["line_flow"])),
        out=_named_ends(whole, out),
        stations=stations,
    )


def _case_of(result: Result) -> Case:
    """The case with the same content as the one that was solved, looked for where that one was."""
    file = str(result.provenance["case_file"])
    # A built-in case goes by its file name alone, as a file in the working directory does.
    for source in dict.fromkeys((file, Path(file).stem, result.case)):
        try:
            case = load_case(source)
            if case_hash(case) == result.provenance["case_hash"]:
                return case
        except DataError:
            continue
    raise DataError(f"no map: {file} is not at hand or has changed since")


def _full_lines(feeder: Feeder, flow: Mapping[str, Sequence[float]]) -> list[int]:
    """The lines whose flow touches a side of the polygon that stands for P² + Q² ≤ rate²."""
    cos, sin, factor = polygon()
    p, q = np.array([flow[name] for name in feeder.line_names], dtype=float).reshape(-1, 2).T
    apparent = (np.outer(p, cos) + np.outer(q, sin)).max(axis=1, initial=0.0)
    return np.flatnonzero(apparent >= BINDING * factor * feeder.rate_kva).tolist()


def _ends(feeder: Feeder, lines: Sequence[int]) -> tuple[tuple[int, int], ...]:
    return tuple((int(feeder.line_from[k]), int(feeder.line_to[k])) for k in lines)


def _named_ends(feeder: Feeder, lines: Sequence[int]) -> dict[str, tuple[int, int]]:
    return dict(zip((feeder.line_names[k] for k in lines), _ends(feeder, lines), strict=True))
