"""What can be benchmarked: a scenario of a case, with or without V2G."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bestresponse.errors import DataError
from experiments.case import load_case

CASES = ("sioux_falls_ieee123", "paper_findings")
GROUPS = {"robust": CASES[:1], "all": CASES}
_V2G = {"v2g": True, "no-v2g": False}


@dataclass(frozen=True)
class Run:
    """One thing to solve."""

    case: str
    scenario: str
    v2g: bool

    def __str__(self) -> str:
        return f"{self.case}/{self.scenario}/{'v2g' if self.v2g else 'no-v2g'}"


def select_runs(words: Sequence[str]) -> list[Run]:
    """Return the runs that words such as "robust", "all" or "teaching/base/no-v2g" name, each once.

    Raises DataError for a word that names no run.
    """
    found: dict[Run, None] = {}
    for word in words:
        found |= dict.fromkeys(_group(GROUPS[word]) if word in GROUPS else [_run(word)])
    return list(found)


def _group(cases: Sequence[str]) -> list[Run]:
    return [
        Run(case, scenario, v2g) for case in cases for scenario in load_case(case).scenarios for v2g in (True, False)
    ]


def _run(word: str) -> Run:
    parts = word.rsplit("/", 2)
    if len(parts) != 3 or parts[2] not in _V2G:
        raise DataError(f"no run {word!r}: write robust, all, CASE/SCENARIO/v2g or CASE/SCENARIO/no-v2g")
    run = Run(parts[0], parts[1], _V2G[parts[2]])
    load_case(run.case).scenario(run.scenario)
    return run
