"""One solve that is to be done, as data: what it is of, by what name it is stored, and its content hash."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

from experiments.case import content
from experiments.case_schema import Case
from experiments.defaults import MAX_SWEEPS, TOLERANCE

HASH_IN_NAME = 16  # hexadecimal digits


@dataclass(frozen=True)
class Task:
    """A scenario of a case to be solved with or without V2G by a method; the defaults are those of `solve`."""

    case: Case
    scenario: str = "base"
    v2g: bool = True
    method: str = "both"
    tolerance: float = TOLERANCE
    max_sweeps: int = MAX_SWEEPS
    labels: Mapping[str, Any] = field(default_factory=dict)  # plain data for the reader, such as what a study varies

    @cached_property
    def content(self) -> dict[str, Any]:
        """What the answer depends on, as plain data: the case with this scenario alone, and how it is solved.

        Names of files, other scenarios, labels and versions of packages are no part of it. Raises DataError for a
        scenario that does not exist or a network file that cannot be read.
        """
        scenario = self.case.scenario(self.scenario)
        stated = content(self.case)
        del stated["scenarios"]
        return {
            "case": stated,
            "scenario": {"name": self.scenario, **scenario.model_dump(mode="json")},
            "v2g": self.v2g,
            "method": self.method,
            "tolerance": self.tolerance,
            "max_sweeps": self.max_sweeps,
        }

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hexadecimal) of the content: equal for equal questions, whoever asks them."""
        return sha256(json.dumps(self.content, sort_keys=True, allow_nan=False).encode()).hexdigest()

    @property
    def name(self) -> str:
        """The name of the run's folder in a store, as in "stress-v2g-0123456789abcdef"."""
        return f"{self.scenario}-{'v2g' if self.v2g else 'no-v2g'}-{self.hash[:HASH_IN_NAME]}"
