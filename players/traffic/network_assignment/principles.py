"""What drivers heed: the times they meet themselves, or also those that they cause to others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches

from bestresponse.errors import DataError
from bestresponse.typing import Vector
from networks.road import RoadNetwork
from players.traffic.network_assignment.evaluate import Evaluation, evaluate

USER_EQUILIBRIUM, SYSTEM_OPTIMUM = "user_equilibrium", "system_optimum"
PRINCIPLES = (USER_EQUILIBRIUM, SYSTEM_OPTIMUM)


def heeded(road: RoadNetwork, principle: str) -> RoadNetwork:
    """Return the network with the times that drivers heed. Raises DataError for an unknown principle."""
    if principle not in PRINCIPLES:
        near = get_close_matches(principle, PRINCIPLES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise DataError(f"there is no principle {principle!r}; there are {', '.join(PRINCIPLES)}{hint}")
    return road.with_marginal_times() if principle == SYSTEM_OPTIMUM else road


def evaluate_by(
    principle: str,
    road: RoadNetwork,
    trips: Mapping[tuple[int, int], float],  # (origin, destination) -> [veh/h]
    link_flow: Vector,  # (n_links,) [veh/h]
    toll_weight: float = 0.0,  # [min per unit of toll]
    distance_weight: float = 0.0,  # [min/km]
) -> Evaluation:
    """Return what link flows are worth at the times that drivers meet, with the relative gap at those they heed."""
    met = evaluate(road, trips, link_flow, toll_weight, distance_weight)
    if principle == USER_EQUILIBRIUM:
        return met
    judged = evaluate(heeded(road, principle), trips, link_flow, toll_weight, distance_weight)
    return replace(met, relative_gap=judged.relative_gap)
