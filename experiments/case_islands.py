"""Whether every part of a feeder has the reactive power it needs: without it no dispatch exists, whatever is shed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bestresponse.typing import Vector
from experiments.case_problems import Problem, listed
from experiments.case_schema import Case
from networks.feeder import Feeder

TOLERANCE_KVAR = 1e-6
MOST_BUSES_NAMED = 60


class FeederPart(NamedTuple):
    """A connected part of a feeder and its balance of reactive power."""

    buses: tuple[str, ...]
    has_root: bool
    load_kw: float
    generation_kw: float  # most generation
    load_kvar: float
    capacitors_kvar: float
    least_kvar: float  # what generators, inverters and import can take, as a negative number
    most_kvar: float  # what they can give

    @property
    def needed_kvar(self) -> float:
        """Reactive power that must come from generators, inverters and import."""
        return self.load_kvar - self.capacitors_kvar


def feeder_parts(case: Case, feeder: Feeder) -> tuple[FeederPart, ...]:
    """The connected parts of a feeder, the one with the root first."""
    rating, generation = reactive_rating(case, feeder), _generation(case, feeder)
    labels = sorted(set(feeder.component.tolist()), key=lambda label: label != feeder.component[feeder.root])
    parts = []
    for label in labels:
        inside = np.flatnonzero(feeder.component == label)
        has_root = bool(feeder.component[feeder.root] == label)
        support = float(rating[inside].sum())
        parts.append(
            FeederPart(
                buses=tuple(feeder.buses[n] for n in inside),
                has_root=has_root,
                load_kw=float(feeder.p_kw[inside].sum()),
                generation_kw=float(generation[inside].sum()),
                load_kvar=float(feeder.q_kvar[inside].sum()),
                capacitors_kvar=float(feeder.cap_kvar[inside].sum()),
                least_kvar=-support + (case.tso.q_min_kvar if has_root else 0.0),
                most_kvar=support + (case.tso.q_max_kvar if has_root else 0.0),
            )
        )
    return tuple(parts)


def reactive_problems(case: Case, feeder: Feeder, scenario: str) -> list[Problem]:
    """A problem for every part of a scenario's feeder whose reactive load cannot be balanced, with its buses."""
    return [
        Problem(("scenarios", scenario), _shortage(part))
        for part in feeder_parts(case, feeder)
        if not part.least_kvar - TOLERANCE_KVAR <= part.needed_kvar <= part.most_kvar + TOLERANCE_KVAR
    ]


def _shortage(part: FeederPart) -> str:
    kind = "the part with the root" if part.has_root else "an island"
    sources = "generators and station inverters" + (" there and the TSO's import" if part.has_root else " there")
    need = f"{part.needed_kvar:.1f} kvar of reactive power (load {part.load_kvar:.1f} − capacitors"
    return (
        f"{kind} of {len(part.buses)} buses ({listed(part.buses, MOST_BUSES_NAMED)}) needs {need} "
        f"{part.capacitors_kvar:.1f}); available from {sources}: {part.least_kvar:.1f} to {part.most_kvar:.1f} kvar"
    )


def reactive_rating(case: Case, feeder: Feeder) -> Vector:
    """Return (n_buses,) [kvar] what generators and station inverters can give, or take."""
    rating = np.zeros(feeder.n_buses)
    for entity in case.lse:
        for unit in entity.generators:
            rating[feeder.bus_index(unit.bus)] += unit.q_max_kvar
    for station in case.resolved_stations():
        rating[feeder.bus_index(station.bus)] += station.inverter_kvar
    return rating


def _generation(case: Case, feeder: Feeder) -> Vector:
    """(n_buses,) [kW] most generation."""
    most = np.zeros(feeder.n_buses)
    for entity in case.lse:
        for unit in entity.generators:
            most[feeder.bus_index(unit.bus)] += unit.p_max_kw
    return most
