"""The runs that findings are read off, every look at them noted, so that each number leads to its file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from experiments.result import Result
from experiments.result_tables import LAYOUTS
from experiments.store import MANIFEST, RUNS, StoredRun

Name = tuple[str, bool]  # scenario, whether with V2G

_FILES = {name: f"{table}.parquet" for table, layout in LAYOUTS.items() for name in layout.quantities}
_FILES |= {"paths": "paths.parquet"}


class NoEvidence(Exception):  # noqa: N818  not an error: the finding cannot be judged
    """A run that a finding needs is not there, or not solved."""


@dataclass(frozen=True)
class Span:
    """What a quantity is in one equilibrium, and what it may be in others: anything from the lowest to the highest."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> Span:
        """Return the same in another unit; the factor is positive."""
        return Span(factor * self.value, factor * self.low, factor * self.high)

    def text(self, digits: str, factor: float = 1.0) -> str:
        """Return the value, and both ends where they differ in the digits shown, as in "2 (0 to 2)"."""
        value, low, high = (_number(factor * number, digits) for number in (self.value, self.low, self.high))
        return value if low == high else f"{value} ({low} to {high})"


def _number(value: float, digits: str) -> str:
    text = f"{value:{digits}}"
    return text.replace("-", "−") if any(digit in text for digit in "123456789") else text.lstrip("-")


@dataclass
class Evidence:
    """Runs by scenario and V2G, and what was looked at in them."""

    runs: Mapping[Name, StoredRun]
    seen: list[tuple[str, str]] = field(default_factory=list)  # (file, quantity), in the order of looking

    def result(self, scenario: str, v2g: bool) -> Result:
        """Return a solved run's result. Raises NoEvidence, saying why, if there is none."""
        run = self.runs.get((scenario, v2g))
        name = f"{scenario} {'with' if v2g else 'without'} V2G"
        if run is None:
            raise NoEvidence(f"there is no run of {name}")
        if run.result is None:
            raise NoEvidence(f"{name} failed: {run.failure}")
        if not run.result.solved:
            raise NoEvidence(f"{name} is not solved: {run.result.status}")
        return run.result

    def quantity(self, scenario: str, v2g: bool, name: str) -> Any:
        """Return a quantity of a run. Raises NoEvidence if its players do not report it, and as `result` does."""
        found = self.result(scenario, v2g).quantities
        if name not in found:
            raise NoEvidence(f"the players of {scenario} {'with' if v2g else 'without'} V2G do not report {name}")
        value = found[name]
        self._note(scenario, v2g, name, _FILES.get(name, MANIFEST))
        return value

    def known(self, run: Name, name: str) -> Any:
        """Return a quantity of a run; None if that run is not there, or not solved."""
        try:
            return self.quantity(*run, name)
        except NoEvidence:
            return None

    def known_span(self, run: Name, name: str) -> Span | None:
        """Return what `span` does; None if that run is not there, or not solved."""
        try:
            return self.span(*run, name)
        except NoEvidence:
            return None

    def span(self, scenario: str, v2g: bool, name: str) -> Span:
        """Return what a quantity that need not be unique may be; its value where nobody asked for the range."""
        value = float(self.quantity(scenario, v2g, name))
        return _span(value, self.result(scenario, v2g).ranges.get(name))

    def known_spans(self, run: Name, name: str) -> dict[str, Span]:
        """Return what every entry of a quantity may be; nothing if that run is not there, or not solved."""
        values = self.known(run, name) or {}
        ranges = self.result(*run).ranges.get(name, {}) if values else {}
        return {key: _span(float(value), ranges.get(key)) for key, value in values.items()}

    def ends(self, scenario: str, v2g: bool, name: str, key: str) -> tuple[float, float] | None:
        """Return the lowest and highest value of an entry of `Result.ranges`; None where nobody asked for it."""
        found = self.result(scenario, v2g).ranges.get(name, {}).get(key)
        if found is None:
            return None
        self._note(scenario, v2g, f"ranges.{name}", MANIFEST)
        return float(found[0]), float(found[1])

    def keys(self, scenario: str, v2g: bool) -> Mapping[str, Any]:
        """Return the case that a run solved, as plain data."""
        self.result(scenario, v2g)
        self._note(scenario, v2g, "task.case", MANIFEST)
        keys: Mapping[str, Any] = self.runs[scenario, v2g].task["case"]
        return keys

    def _note(self, scenario: str, v2g: bool, name: str, file: str) -> None:
        entry = (f"{RUNS}/{self.runs[scenario, v2g].name}/{file}", name)
        if entry not in self.seen:
            self.seen.append(entry)


def _span(value: float, ends: Sequence[float] | None) -> Span:
    low, high = ends or (value, value)
    return Span(value, min(float(low), value), max(float(high), value))


def by_name(runs: Iterable[StoredRun]) -> dict[Name, StoredRun]:
    """Return runs of one case by scenario and V2G."""
    return {(run.task["scenario"]["name"], bool(run.task["v2g"])): run for run in runs}
