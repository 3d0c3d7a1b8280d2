"""A charging network operator: a linear program, eq. (1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import cvxpy as cp
import numpy as np
from scipy import sparse

from bestresponse.errors import DataError
from bestresponse.player import Response
from bestresponse.typing import SparseMatrix
from players import goods
from players.convex_program import ConvexProgram, Formulation
from players.reports import ChargingReport
from players.station_site import StationSite


class ChargingOperator(ConvexProgram):
    """Buys energy from the load serving entities and sells it to drivers, and the reverse with V2G.

    maximise  Σᵢ (ρ⁺ᵢ − π⁺ − m) e⁺ᵢ + (π⁻ − ρ⁻ᵢ − m) e⁻ᵢ                               (1a)
    subject to  lowᵢ ≤ e⁺ᵢ − e⁻ᵢ ≤ highᵢ,  0 ≤ e⁺ᵢ, e⁻ᵢ ≤ capᵢ                          (1b)

    It takes prices. The mark-up m, 0 in the paper, is what a regulator lets it earn per kWh: stated as a cost of its
    own, so that at an equilibrium, capacity apart, ρ⁺ − π⁺ = m where it charges and π⁻ − ρ⁻ = m where it discharges.
    Drivers pay it and nobody uses anything up, so it is a transfer and no social cost (see `report`). The rest of the
    objective is payments, so without a mark-up its own cost is zero.

    Goods: charging and discharging by station; retail in both directions by bus, or, where operators share buses, by
    station. Without V2G there is no e⁻ and neither discharging nor cno_to_retail exists.
    """

    def __init__(
        self,
        stations: Sequence[StationSite],
        v2g: bool = True,
        name: str = "CNO",
        solver: Literal["persistent", "cvxpy"] = "persistent",
        markup_usd_per_kwh: float = 0.0,
        retail_by_station: bool = False,
    ) -> None:
        if not 0 <= markup_usd_per_kwh < np.inf:
            raise DataError(f"{name}: markup_usd_per_kwh {markup_usd_per_kwh} must be finite and ≥ 0")
        for site in stations:
            if not v2g and max(0.0, site.net_min_kw) > min(site.capacity_kw, site.net_max_kw):
                given = (
                    f"net_min_kw {site.net_min_kw:g}, net_max_kw {site.net_max_kw:g}, capacity_kw {site.capacity_kw:g}"
                )
                raise DataError(f"{name}: without V2G the station at node {site.node} can take nothing within {given}")
        self.stations = tuple(stations)
        self.v2g = v2g
        self.markup_usd_per_kwh = markup_usd_per_kwh
        self._place = [goods.station(site.node) if retail_by_station else site.bus for site in stations]
        self.places = tuple(dict.fromkeys(self._place))  # of retail
        nodes = [station.node for station in stations]
        names = [*map(goods.charging, nodes), *map(goods.retail_to_cno, self.places)]
        if v2g:
            names += [*map(goods.discharging, nodes), *map(goods.cno_to_retail, self.places)]
        super().__init__(name, names, solver)

    def formulate(self) -> Formulation:
        """Return eq. (1) in CVXPY."""
        capacity = np.array([station.capacity_kw for station in self.stations])
        low = np.array([station.net_min_kw for station in self.stations])
        high = np.array([station.net_max_kw for station in self.stations])
        at_place = self._stations_at_place()

        nodes = [station.node for station in self.stations]
        if not self.v2g:
            within = [np.maximum(0, low), np.minimum(capacity, high)]
            charge = cp.Variable(len(capacity), name="charge", bounds=within)  # e⁺ [kW]
            return Formulation(
                cost=self.markup_usd_per_kwh * cp.sum(charge),
                trade=cp.hstack([-charge, at_place @ charge]),
                constraints={},
                labels={"charge": nodes},
            )
        charge = cp.Variable(len(capacity), name="charge", bounds=[0, capacity])  # e⁺ [kW]
        discharge = cp.Variable(len(capacity), name="discharge", bounds=[0, capacity])  # e⁻ [kW]
        net = charge - discharge
        return Formulation(
            cost=self.markup_usd_per_kwh * (cp.sum(charge) + cp.sum(discharge)),
            trade=cp.hstack([-charge, at_place @ charge, discharge, -(at_place @ discharge)]),
            constraints={"net_min": low <= net, "net_max": net <= high},
            labels={key: nodes for key in ("charge", "discharge", "net_min", "net_max")},
        )

    def report(self, response: Response) -> ChargingReport:
        """Return that it uses nothing up, and what its mark-up earns."""
        return ChargingReport(cost_usd_per_h=0.0, markup_usd_per_h=response.cost)

    def _stations_at_place(self) -> SparseMatrix:
        row = [self.places.index(place) for place in self._place]
        n = len(self.stations)
        return sparse.csr_array((np.ones(n), (row, np.arange(n))), shape=(len(self.places), n))
