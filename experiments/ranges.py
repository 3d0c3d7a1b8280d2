"""What quantities that are not unique may be: their lowest and highest values over all equilibria."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from bestresponse.player import Response
from bestresponse.system import ComplementaritySystem
from bestresponse.typing import BoolVector, Vector
from experiments.case_schema import od_name
from experiments.equilibrium_set import equilibrium_set, is_polyhedron
from players.traffic import ResourceForm, Traffic, least_discharge, station_hours, stopping

Bounds = list[float]  # the lowest and the highest value


def ranges(system: ComplementaritySystem, responses: Mapping[str, Response]) -> dict[str, Any]:
    """Return [lowest, highest] by quantity, given the plans of one equilibrium of a system's market.

    `station_net_kw` is by station. `discharging_od_pairs` counts the pairs that discharge in every equilibrium and
    those that do in some. `dominant_path_share` is, by OD pair, the share of the electric vehicles that the path with
    most of them here may have. Nothing is returned for a market whose equilibria are not known to be a polyhedron.
    """
    drivers = [player for player in system.market if isinstance(player, Traffic)]
    if not (len(drivers) == 1 and is_polyhedron(system.market)):
        return {}
    name, form = drivers[0].name, drivers[0].form
    flow, found = responses[name].plan["path_flow"], equilibrium_set(system, responses)

    def bounds(weight: Vector) -> Bounds:
        return list(found.bounds(name, "path_flow", weight))

    electric, stops, discharges = stopping(form)
    vehicles = float(flow[electric].sum()) or 1.0
    hours = station_hours(drivers[0].form_as_met, form.visits.T @ flow)
    return {
        "stop_share": bounds((electric & stops) / vehicles),
        "discharge_share": bounds((electric & discharges) / vehicles),
        "station_time_h_per_h": bounds(electric * hours),
        "discharging_od_pairs": _pairs(form, bounds),
        "station_net_kw": {str(node): bounds(net) for node, net in zip(form.stations.nodes, _net(form), strict=True)},
        "dominant_path_share": _dominant(form, flow, bounds),
    }


def _net(form: ResourceForm) -> Vector:
    """(n_stations, n_paths) [kWh/veh] what a vehicle charges less what it discharges."""
    trades, n = form.trades.toarray().T, form.n_stations
    return np.asarray(trades[:n] + trades[n:] if form.v2g else trades)


def _pairs(form: ResourceForm, bounds: Callable[[Vector], Bounds]) -> Bounds:
    always = sometimes = 0
    *_, discharges = stopping(form)
    for _, members, demand in _electric_pairs(form):
        low, high = bounds((members & discharges).astype(float))
        always, sometimes = always + (low > least_discharge(demand)), sometimes + (high > least_discharge(demand))
    return [always, sometimes]


def _dominant(form: ResourceForm, flow: Vector, bounds: Callable[[Vector], Bounds]) -> dict[str, Bounds]:
    shares = {}
    for name, members, demand in _electric_pairs(form):
        most = np.argmax(np.where(members, flow, -np.inf))
        shares[name] = bounds((np.arange(form.n_paths) == most) / demand)
    return shares


def _electric_pairs(form: ResourceForm) -> Iterator[tuple[str, BoolVector, float]]:
    """Give the name, the paths (n_paths,) and the demand [veh/h] of every OD pair with electric vehicles."""
    electric, _, _ = stopping(form)
    pairs = np.array([od_name(form.od_pair(group)) for group in range(len(form.first))])
    for name in dict.fromkeys(pairs.tolist()):
        members = electric & (pairs == name)[form.group]
        demand = float(form.demand[(pairs == name) & electric[form.first]].sum())
        if demand > 0.0:
            yield name, members, demand
