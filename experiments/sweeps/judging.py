"""How many of the paper's findings are left where something was changed: one judgement for the runs of one change."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from experiments.case_problems import shown
from experiments.reproduction.findings import findings
from experiments.store import StoredRun
from experiments.sweeps.runs import Outcome, Run


def judged(ended: Iterable[tuple[Run, Outcome]]) -> dict[int, dict[str, Any]]:
    """Return what to add to every run's row, by its number: how many findings hold, and which do not.

    Runs that differ only in scenario and V2G are judged together. What is not unique is judged as it was found.
    """
    groups: dict[tuple[Any, ...], list[tuple[Run, Outcome]]] = {}
    for run, outcome in ended:
        change = tuple((name, shown(value)) for name, value in run.columns.items() if name not in ("scenario", "v2g"))
        groups.setdefault(change, []).append((run, outcome))
    return {run.number: columns for group in groups.values() for columns in [_columns(group)] for run, _ in group}


def _columns(group: list[tuple[Run, Outcome]]) -> dict[str, Any]:
    runs = {
        (task.scenario, task.v2g): StoredRun(
            Path(task.name), task.content, task.hash, task.labels, outcome.result, outcome.reason or None
        )
        for run, outcome in group
        if (task := run.task) is not None
    }
    found = findings(runs)
    lost = [finding.name for finding in found if not finding.holds]
    return {"findings_held": len(found) - len(lost), "findings_lost": " ".join(lost)}
