"""Traffic on a whole road network: route generation by the traffic player."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from bestresponse.typing import Vector
from experiments.catalogue.models import Found, named
from networks.road import MINUTES_PER_HOUR, RoadNetwork, load_road, load_trips
from players.traffic import LinkTime, assign_all_routes

GAP = 1e-8  # relative gap over all routes that counts as an equilibrium


@dataclass(frozen=True)
class RoadModel:
    """All trips of a network on all of its routes; times in minutes."""

    network: str

    @cached_property
    def road(self) -> RoadNetwork:
        """The network."""
        return load_road(self.network)

    @cached_property
    def trips(self) -> Mapping[tuple[int, int], float]:
        """(origin, destination) → vehicles per hour."""
        return load_trips(self.network)

    @property
    def labels(self) -> tuple[str, ...]:
        """The links."""
        return self.road.link_names

    @property
    def methods(self) -> tuple[str, ...]:
        """How the restricted problems are solved."""
        return ("newton",)

    def solve(self, method: str) -> Found:
        """Return link flows at the user equilibrium over all routes."""
        demand = np.array(list(self.trips.values()))
        found = assign_all_routes(self.road, list(self.trips), demand, GAP, method)
        times = self._times(found.link_flow)
        return Found(
            x=found.link_flow,
            prices={},
            multipliers=named(link_time=times),
            quantities=named(
                beckmann=MINUTES_PER_HOUR * found.beckmann_h,
                total_time=found.link_flow @ times,
                link_1_2=found.link_flow[self.road.link_index[1, 2]],
                link_1_3=found.link_flow[self.road.link_index[1, 3]],
            ),
            residual=found.gap,
            residual_meaning="relative gap over all routes",
            certificate=self.judge(found.link_flow),
            status=f"{len(found.gaps)} rounds of route generation",
            moves=found.gaps,
        )

    def judge(self, x: Vector) -> Mapping[str, Any]:
        """Return the certificate of link flows: what all drivers lose against shortest routes at these flows."""
        times = self._times(x)
        road = self.road
        tail, head = (np.array([road.node_index[int(node)] for node in side]) for side in (road.tail, road.head))
        distance = dijkstra(sparse.csr_array((times, (tail, head)), shape=(road.n_nodes, road.n_nodes)))
        least = sum(trips * distance[road.node_index[a], road.node_index[b]] for (a, b), trips in self.trips.items())
        spent = float(times @ x)
        gap = (spent - float(least)) / spent
        holds = abs(gap) <= 10 * GAP
        statement = f"drivers lose {gap:.1e} of their time against shortest routes over all of the network"
        return {"holds": holds, "statement": f"{'C' if holds else 'Not c'}ertified: {statement}.", "gap": gap}

    def _times(self, flow: Vector) -> Vector:
        return MINUTES_PER_HOUR * LinkTime.of(self.road).value(flow)
