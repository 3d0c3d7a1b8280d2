"""Runs another program's traffic assignment in an interpreter that has it; a script of its own, none of ours inside.

    PYTHON assignment_peers.py PROGRAM IN.npz OUT.npz GAP THREADS REPEAT LIMIT

IN.npz holds the network in plain arrays, OUT.npz gets link flows, iterations and the seconds of every repetition,
the first of which only warms up. Exit code 9: the program is not there.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np

MISSING = 9
SMALLEST_TIME = 1e-6  # AequilibraE refuses links whose free-flow time is 0


def pytraf(data: Mapping[str, Any], gap: float, threads: int, limit: int) -> Callable[[], tuple[Any, ...]]:
    """Return a function that assigns and returns (link flows, iterations), by gradient projection."""
    program = import_module("pytraf")

    network = program.Network(
        int(data["n_nodes"]), data["tail"], data["head"], data["time"], data["capacity"], data["b"], data["power"],
        is_centroid=data["is_centroid"],
    )  # fmt: skip
    demand = program.Demand(int(data["n_nodes"]), data["origin"], data["destination"], data["trips"])
    drivers = program.TrafficClass(demand, extra_link_cost=data["money"])

    def run() -> tuple[Any, ...]:
        found = network.assign(drivers, gap=gap, threads=threads, max_iter=limit)
        return np.asarray(found.links.by_class[0]), found.iterations

    return run


def aequilibrae(data: Mapping[str, Any], gap: float, threads: int, limit: int) -> Callable[[], tuple[Any, ...]]:
    """Return a function that assigns and returns (link flows, iterations, seconds), by bi-conjugate Frank-Wolfe."""
    pandas, paths = import_module("pandas"), import_module("aequilibrae.paths")
    table_of = import_module("aequilibrae.matrix").AequilibraeMatrix

    n_links, zones = len(data["tail"]), np.union1d(data["origin"], data["destination"])
    links = {"link_id": np.arange(1, n_links + 1), "a_node": data["tail"] + 1, "b_node": data["head"] + 1}
    columns = {
        "time": np.maximum(data["time"], SMALLEST_TIME),
        "capacity": data["capacity"],
        "b": data["b"],
        "power": data["power"],
    }
    frame = {**links, "direction": np.ones(n_links, np.int8), **columns, "money": data["money"]}
    position = {zone: k for k, zone in enumerate(zones.tolist())}
    table = np.zeros((len(zones), len(zones)))
    for origin, destination, trips in zip(data["origin"], data["destination"], data["trips"], strict=True):
        table[position[int(origin)], position[int(destination)]] = trips

    def run() -> tuple[Any, ...]:
        graph = paths.Graph()
        graph.mode = "c"
        graph.network = pandas.DataFrame(frame)
        graph.prepare_graph(zones + 1)
        graph.set_graph("time")
        graph.set_blocked_centroid_flows(bool(data["is_centroid"].any()))
        matrix = table_of()
        matrix.create_empty(zones=len(zones), matrix_names=["trips"], memory_only=True)
        matrix.index[:] = zones + 1
        matrix.matrices[:, :, 0] = table
        matrix.computational_view(["trips"])
        drivers = paths.TrafficClass("drivers", graph, matrix)
        drivers.set_vot(1.0)
        if data["money"].any():
            drivers.set_fixed_cost("money")
        assignment = paths.TrafficAssignment()
        assignment.set_classes([drivers])
        assignment.set_vdf("BPR")
        assignment.set_vdf_parameters({"alpha": "b", "beta": "power"})
        assignment.set_capacity_field("capacity")
        assignment.set_time_field("time")
        assignment.set_algorithm("bfw")
        assignment.max_iter, assignment.rgap_target = limit, gap
        assignment.set_cores(threads)
        started = time.perf_counter()
        assignment.execute()
        seconds = time.perf_counter() - started
        flow = assignment.results()["trips_ab"].to_numpy()
        return flow, len(assignment.report()), seconds

    return run


def main() -> None:
    """Run what the arguments say."""
    program, source, target, gap, threads, repeat, limit = sys.argv[1:]
    with np.load(source, allow_pickle=False) as stored:
        data = dict(stored)
    try:
        run = {"pytraf": pytraf, "aequilibrae": aequilibrae}[program](data, float(gap), int(threads), int(limit))
    except ImportError:
        sys.exit(MISSING)
    seconds = []
    for _ in range(int(repeat) + 1):
        started = time.perf_counter()
        flow, iterations, *own = run()
        seconds.append(own[0] if own else time.perf_counter() - started)
    np.savez(target, flow=flow, iterations=iterations, seconds=seconds[1:])


if __name__ == "__main__":
    main()
