"""What a finding is: a statement with checks, each of them measured, and where every number is from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

from experiments.reproduction.evidence import Evidence, NoEvidence
from experiments.store import write_json


@dataclass(frozen=True)
class Check:
    """One claim of a finding."""

    claim: str
    measured: str
    holds: bool


@dataclass(frozen=True)
class Finding:
    """A finding, judged."""

    name: str  # F1 … F13
    statement: str
    paper: str  # what the paper says, in numbers where it gives some
    checks: tuple[Check, ...]
    sources: tuple[tuple[str, str], ...]  # (file in the folder of results, quantity) of every number
    no_evidence: str | None = None  # why it could not be judged

    @property
    def holds(self) -> bool | None:
        """Whether all checks hold; None if the finding could not be judged."""
        return None if self.no_evidence else all(check.holds for check in self.checks)

    @property
    def ours(self) -> str:
        """What was measured, in one line."""
        return "; ".join(check.measured for check in self.checks)

    @property
    def why_not(self) -> str:
        """Which claims fail, or why it could not be judged; empty if the finding holds."""
        failed = [check.claim for check in self.checks if not check.holds]
        return self.no_evidence or (f"not true: {'; '.join(failed)}" if failed else "")


Checks: TypeAlias = Iterator[Check]
Judge: TypeAlias = Callable[[Evidence], Checks]


def judged(name: str, statement: str, paper: str, judge: Judge, e: Evidence) -> Finding:
    """Return a finding with its checks, or why there is no evidence."""
    checks: list[Check] = []
    missing = None
    try:
        checks.extend(judge(e))
    except NoEvidence as reason:
        missing = str(reason)
    return Finding(name, statement, paper, tuple(checks), tuple(e.seen), missing)


def write_findings(folder: Path, judged: Sequence[Finding]) -> Path:
    """Write findings.json into a folder of results and return its path."""
    path = folder / "findings.json"
    extra = ("holds", "ours", "why_not")
    write_json(path, {"findings": [asdict(each) | {key: getattr(each, key) for key in extra} for each in judged]})
    return path
