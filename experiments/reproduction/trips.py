"""Which trips figures show: the path that most electric vehicles of an OD pair take, and pairs that change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.case_vehicles import FUEL
from experiments.reproduction.bars import scenarios
from experiments.reproduction.evidence import Evidence, Name

PAPER_PAIRS = ("1-20", "3-18", "3-22")  # OD 3, 14 and 17

Path = Mapping[str, Any]  # an entry of quantities["paths"]


def dominant_path(paths: Sequence[Path], pair: str) -> Path | None:
    """Return the path with most electric vehicles of an OD pair among `quantities["paths"]`, None if there is none."""
    own = [path for path in paths if path["od"] == pair and path["class"] != FUEL]
    return max(own, key=lambda path: float(path["flow_veh_per_h"]), default=None)


def path_text(path: Path) -> str:
    """Return a path's nodes with its stops, such as "1-3-12(−)-13": (+) charges, (−) discharges."""
    marks = {stop["node"]: "(+)" if stop["action"] == "charge" else "(−)" for stop in path["stops"]}
    return "-".join(f"{node}{marks.get(node, '')}" for node in path["route"])


def shown_pairs(e: Evidence, names: Sequence[Name]) -> list[str]:
    """Return the paper's OD pairs if the case has them all, else those whose cost V2G lowers most in some scenario."""
    saved: dict[str, float] = {}
    for scenario in scenarios(names):
        before, after = (e.known((scenario, v2g), "od_cost_usd") or {} for v2g in (False, True))
        for pair in before.keys() & after.keys():
            saved[pair] = max(saved.get(pair, 0.0), before[pair] - after[pair])
    if set(PAPER_PAIRS) <= saved.keys():
        return list(PAPER_PAIRS)
    return sorted(saved, key=lambda pair: (-saved[pair], pair))[: len(PAPER_PAIRS)]


def rerouted(e: Evidence, names: Sequence[Name], pairs: Sequence[str]) -> tuple[str, str] | None:
    """Return a scenario and an OD pair whose dominant path V2G changes: its nodes if there is such, else its stops.

    Stress comes first, where it can be had. Where V2G changes no path, any pair that is driven without and with it;
    None if there is none.
    """
    driven = []
    for pair in pairs:
        for scenario in sorted(scenarios(names), key=lambda name: name != "stress"):
            found = [dominant_path(e.known((scenario, v2g), "paths") or [], pair) for v2g in (False, True)]
            if found[0] and found[1]:
                changed = [found[0][key] != found[1][key] for key in ("route", "stops")]
                driven.append((changed, (scenario, pair)))
    return max(driven, key=lambda entry: entry[0], default=(None, None))[1]
