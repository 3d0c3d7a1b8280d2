"""Static traffic assignment against other programs: seconds to a relative gap, and everybody's gap by one judge.

    python -m experiments.benchmarks.assignment FOLDER [--peers-python PATH]

FOLDER holds NAME_net.tntp and NAME_trips.tntp files; the public collection TransportationNetworks on GitHub
(https://github.com/bstabler/TransportationNetworks) has them. PATH is a Python interpreter with the packages pytraf
or aequilibrae; a package that it lacks is left out. All are timed in a warm process, without reading, on the same
arrays; gap and Beckmann objective are recomputed from the flows that each program returns.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import Console

from bestresponse.errors import BestResponseError, DataError
from bestresponse.typing import Vector
from experiments.benchmarks.assignment_peers import MISSING
from experiments.benchmarks.report import Table
from networks.errors import NetworkDataError
from networks.road import MINUTES_PER_HOUR, RoadNetwork, load_road, load_trips
from players.traffic.network_assignment import AssignmentProblem, Evaluation, assign, evaluate, warm_up

PEERS = ("pytraf", "aequilibrae")
GAPS = (1e-4, 1e-6, 1e-8)
PEER_LIMIT = 1000  # iterations
SECONDS_LIMIT = 900  # for one peer, one network, one gap, with all repetitions
WEIGHTS = {"ChicagoSketch": (0.02, 0.04)}  # of toll and distance, as published with the network
_SCRIPT = Path(__file__).with_name("assignment_peers.py")


@dataclass(frozen=True, eq=False)
class Instance:
    """A network with its trips."""

    name: str
    road: RoadNetwork
    trips: Mapping[tuple[int, int], float]
    weights: tuple[float, float]  # of toll and distance

    def judged(self, flow: Vector) -> Evaluation:
        """Return what flows are worth."""
        return evaluate(self.road, self.trips, flow, *self.weights)

    def arrays(self) -> dict[str, Any]:
        """Return the instance in plain arrays, nodes and links numbered from 0."""
        road, position = self.road, self.road.node_index
        ends = np.array([(position[o], position[d]) for o, d in self.trips])
        return {
            "n_nodes": road.n_nodes,
            "tail": np.array([position[node] for node in road.tail.tolist()]),
            "head": np.array([position[node] for node in road.head.tolist()]),
            "time": road.free_flow_h * MINUTES_PER_HOUR,
            "capacity": road.capacity_veh_per_h,
            "b": road.bpr_coefficient,
            "power": road.bpr_power,
            "money": self.weights[0] * road.toll + self.weights[1] * road.length_km,
            "is_centroid": road.nodes < road.first_through_node,
            "origin": ends[:, 0],
            "destination": ends[:, 1],
            "trips": np.array(list(self.trips.values())),
        }


@dataclass(frozen=True)
class Timing:
    """One program on one network to one gap."""

    network: str
    program: str
    threads: int
    gap: float  # asked for
    seconds: tuple[float, ...]  # of every repetition
    iterations: int
    found: Evaluation

    def cells(self) -> tuple[str, ...]:
        """Return a row for the table."""
        reached = "" if self.found.relative_gap <= self.gap else " (not reached)"
        seconds = f"{median(self.seconds):.4g} ({min(self.seconds):.4g}–{max(self.seconds):.4g})"
        words = (self.network, f"{self.gap:g}", self.program, str(self.threads), seconds, str(self.iterations))
        found = f"{self.found.relative_gap:.2e}{reached}"
        return (*words, found, f"{self.found.beckmann:.12g}", f"{self.found.conservation_error:.0e}")


COLUMNS = (
    "network",
    "gap",
    "program",
    "threads",
    "seconds (range)",
    "iterations",
    "gap found",
    "Beckmann",
    "unbalanced",
)


def instances(folder: Path) -> list[Instance]:
    """Return the networks in a folder that have trips. Raises DataError if there are none."""
    found = []
    for net in sorted(folder.glob("*_net.tntp")):
        name = net.name.removesuffix("_net.tntp")
        trips = folder / f"{name}_trips.tntp"
        if trips.is_file():
            found.append(Instance(name, load_road(net), load_trips(trips), WEIGHTS.get(name, (0.0, 0.0))))
    if not found:
        raise DataError(
            f"{folder}: there are no files NAME_net.tntp and NAME_trips.tntp; see --help for where they are"
        )
    return found


def own(instance: Instance, gap: float, threads: int, repeat: int) -> Timing:
    """Time this project's path-based algorithm."""
    problem = AssignmentProblem.of(instance.road, instance.trips, *instance.weights)
    warm_up()
    runs = [assign(problem, gap=gap, threads=threads) for _ in range(repeat + 1)]
    seconds = tuple(run.seconds for run in runs[1:])
    judged = instance.judged(runs[-1].link_flow)
    return Timing(instance.name, "bestresponse", threads, gap, seconds, runs[-1].iterations, judged)


def peer(program: str, python: Path, instance: Instance, gap: float, threads: int, repeat: int) -> Timing | None:
    """Time another program in an interpreter of its own; None if it is not there or takes too long."""
    with TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(source, **instance.arrays())
        asked = (str(gap), str(threads), str(repeat), str(PEER_LIMIT))
        command = [str(python), str(_SCRIPT), program, str(source), str(target), *asked]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_LIMIT)
        except subprocess.TimeoutExpired:
            return None
        if done.returncode == MISSING:
            return None
        if done.returncode != 0:
            raise DataError(f"{program} in {python} failed: {done.stderr.strip().splitlines()[-1:]}")
        with np.load(target, allow_pickle=False) as stored:
            flow, iterations = stored["flow"].astype(float), int(stored["iterations"])
            seconds = tuple(stored["seconds"].tolist())
    return Timing(instance.name, program, threads, gap, seconds, iterations, instance.judged(flow))


def timings(asked: argparse.Namespace) -> Iterator[Timing]:
    """Yield every program on every network, to every gap, with every number of threads."""
    for instance in instances(asked.folder):
        for gap in GAPS:
            for threads in asked.threads:
                yield own(instance, gap, threads, asked.repeat)
                for program in PEERS if asked.peers_python is not None else ():
                    found = peer(program, asked.peers_python, instance, gap, threads, asked.repeat)
                    if found is not None:
                        yield found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit code, 2 for bad input."""
    asked = _parser().parse_args(arguments)
    console = Console(highlight=False, width=200)
    try:
        rows = []
        for timing in timings(asked):
            rows.append(timing.cells())
            console.print("  ".join(rows[-1]))
    except (BestResponseError, NetworkDataError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    console.print(Table("Seconds to a relative gap (median)", COLUMNS, tuple(rows)).markdown())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.benchmarks.assignment",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--peers-python", type=Path, metavar="PATH")
    parser.add_argument("--threads", type=int, nargs="+", default=[1], metavar="N")
    parser.add_argument("--repeat", type=int, default=3, metavar="N")
    return parser


if __name__ == "__main__":
    sys.exit(main())
