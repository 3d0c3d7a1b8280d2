"""Runs of schemes on a case, for figures that show them sweep by sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bestresponse.coordinator import coordinate
from bestresponse.errors import SolverError
from bestresponse.market import Good
from bestresponse.schemes.protocol import Scheme
from bestresponse.stopping import Limits
from bestresponse.typing import Vector
from experiments.build import build
from experiments.case_schema import Case


@dataclass(frozen=True)
class Shown:
    """What one scheme did on a market."""

    scheme: str
    goods: Sequence[Good]
    prices: Vector  # (n_sweeps + 1, n_goods) the first row is the start
    imbalance: Vector  # (n_sweeps,) worst good, relative
    stop: str  # in a word

    @property
    def label(self) -> str:
        """The scheme and how it ended."""
        return f"{self.scheme}: {self.stop}, {len(self.imbalance)} sweeps"


def runs(case: Case, scenario: str, v2g: bool, schemes: Sequence[Scheme], max_sweeps: int) -> list[Shown]:
    """Return what every scheme does with its defaults.

    Raises FormulationError if one does not fit the market, SolverError if one ends before its first sweep.
    """
    found = []
    for scheme in schemes:
        model = build(case, scenario, v2g)
        ended = coordinate(model.market, model.first_price, scheme=scheme, limits=Limits(max_sweeps=max_sweeps))
        records = ended.trace.records
        if not records:
            raise SolverError(f"{scheme.name}: there is no sweep to draw. {ended.stop}")
        found.append(
            Shown(
                scheme.name,
                model.market.goods,
                np.array([model.first_price, *(record.price for record in records)]),
                np.array([record.imbalance for record in records]),
                ended.stop.reason.name.lower().replace("_", " "),
            )
        )
    return found
