"""What the players bring to the program, and where the goods are traded.

Units inside the program, chosen for the solver: MW and Mvar, hundreds of vehicles per hour, hundreds of $ per
hour. A trade is positive where its player takes the good and negative where it gives it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cvxpy as cp
import numpy as np
from scipy import sparse

from tests.one_program.tables import Study

MW = 1e-3  # of one kW
FLOW = 1e-2  # of one veh/h
MONEY = 1e-2  # of one $/h


@dataclass
class Part:
    """What one kind of player brings to the program."""

    cost: cp.Expression
    rows: list[cp.Constraint]
    trades: dict[str, cp.Expression]  # family of goods -> trade in each of them
    plan: dict[str, cp.Expression] = field(default_factory=dict)


@dataclass(frozen=True)
class Goods:
    """Positions of the buses at which the families of goods are traded."""

    load: np.ndarray
    station: np.ndarray
    delivery: np.ndarray

    @classmethod
    def of(cls, study: Study) -> Goods:
        load = np.flatnonzero(study.grid.p_kw > 0)
        station = np.unique([study.grid.buses.index(station.bus) for station in study.stations])
        units = [study.grid.buses.index(unit.bus) for unit in study.generators]
        return cls(load, station, np.unique([*load, *station, *units]).astype(int))


def selection(at: np.ndarray, among: np.ndarray) -> sparse.csr_array:
    """(len(among), len(at)): puts a value that belongs to bus at[k] in the place of that bus in `among`."""
    place = {int(n): row for row, n in enumerate(among)}
    rows = [place[int(n)] for n in at]
    return sparse.csr_array((np.ones(len(rows)), (rows, range(len(rows)))), shape=(len(among), len(rows)))


def station_column(study: Study, key: str) -> np.ndarray:
    return np.array([getattr(station, key) for station in study.stations])


def station_buses(study: Study) -> np.ndarray:
    """(n_stations,) position of each station's bus."""
    return np.array([study.grid.buses.index(station.bus) for station in study.stations])
