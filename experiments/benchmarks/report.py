"""The figures as tables, for the terminal (rich) and for the README (Markdown), and as plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import rich.table

from experiments.benchmarks.commands import CommandSample
from experiments.benchmarks.measure import TOLERANCES, Sample
from experiments.benchmarks.runs import Run

Samples = Sequence[Sample]
Cell = Callable[[Samples], str]
NONE = "–"


@dataclass(frozen=True)
class Table:
    """Words in rows and columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """Return the table in Markdown, its title as a line of bold type above it."""
        lines = [self.columns, ("---", *["---:"] * (len(self.columns) - 1)), *self.rows]
        return "\n".join([f"**{self.title}**", "", *(f"| {' | '.join(line)} |" for line in lines)])

    def rich(self) -> rich.table.Table:
        """Return the table for a rich console."""
        table = rich.table.Table(title=self.title, title_justify="left")
        for i, column in enumerate(self.columns):
            table.add_column(column, justify="right" if i else "left")
        for row in self.rows:
            table.add_row(*row)
        return table


def tables(samples: Mapping[Run, Samples], commands: Sequence[CommandSample]) -> list[Table]:
    """Return the routes side by side, where the coordinator's time goes, and the whole commands."""
    found = [
        _of_runs("Routes (median of the repetitions; ratios with their range)", _ROUTES, samples),
        _of_runs("Seconds of the coordinator to 1e-8", _TIME | _player_columns(samples), samples),
    ]
    if commands:
        rows = ((c.command, str(c.exit_code), f"{c.seconds:.2f}", f"{c.peak_mib:.0f}") for c in commands)
        found.append(Table("Whole commands", ("command", "exit code", "seconds", "peak MiB"), tuple(rows)))
    return found


def as_data(
    facts: Mapping[str, str], samples: Mapping[Run, Samples], commands: Sequence[CommandSample]
) -> dict[str, Any]:
    """Return everything that was measured, every repetition, ready for JSON."""
    return {
        "machine": dict(facts),
        "runs": {str(run): [asdict(sample) for sample in repeated] for run, repeated in samples.items()},
        "commands": [asdict(command) for command in commands],
    }


def _of_runs(title: str, columns: Mapping[str, Cell], samples: Mapping[Run, Samples]) -> Table:
    rows = tuple((str(run), *(cell(repeated) for cell in columns.values())) for run, repeated in samples.items())
    return Table(title, ("run", *columns), rows)


def _seconds(values: Iterable[float | None]) -> str:
    """The median with three digits, or a dash if any is missing."""
    reached = list(values)
    known = [value for value in reached if value is not None]
    return f"{median(known):.3f}" if len(known) == len(reached) else NONE


def _ratio(values: Iterable[float | None]) -> str:
    """The median and the range."""
    reached = list(values)
    known = [value for value in reached if value is not None]
    return f"{median(known):.2f} ({min(known):.2f}–{max(known):.2f})" if len(known) == len(reached) else NONE


def _worst_sweeps(samples: Samples) -> str:
    """The largest number of sweeps to every tolerance over the repetitions."""
    counts = [[sample.sweeps[name] for sample in samples] for name in TOLERANCES]
    return " / ".join(NONE if None in found else str(max(n for n in found if n is not None)) for found in counts)


_ROUTES: dict[str, Cell] = {
    f"sweeps to {' / '.join(TOLERANCES)}": _worst_sweeps,
    "s to 1e-6": lambda samples: _seconds(s.coordinator_seconds["1e-6"] for s in samples),
    "s to 1e-8": lambda samples: _seconds(s.coordinator_seconds["1e-8"] for s in samples),
    "monolith factorisations": lambda samples: str(max(s.factorisations for s in samples)),
    "monolith s": lambda samples: _seconds(s.monolith_seconds for s in samples),
    "natural residual": lambda samples: f"{max(s.natural_residual for s in samples):.0e}",
    "one program s": lambda samples: _seconds(s.one_program_seconds for s in samples),
    "coordinator to 1e-6 / one program": lambda samples: _ratio(s.coordinator_ratio("1e-6") for s in samples),
    "coordinator to 1e-8 / one program": lambda samples: _ratio(s.coordinator_ratio("1e-8") for s in samples),
    "monolith / one program": lambda samples: _ratio(s.monolith_ratio for s in samples),
}

_TIME: dict[str, Cell] = {
    "build": lambda samples: _seconds(s.build_seconds for s in samples),
    "compile": lambda samples: _seconds(s.compile_seconds for s in samples),
    "ms a sweep": lambda samples: f"{median(s.ms_per_sweep for s in samples):.1f}",
    "ms, last 10": lambda samples: f"{median(s.ms_per_late_sweep for s in samples):.1f}",
    "coordinator itself": lambda samples: _seconds(s.other_seconds for s in samples),
}


def _player_columns(samples: Mapping[Run, Samples]) -> dict[str, Cell]:
    names = dict.fromkeys(name for repeated in samples.values() for s in repeated for name in s.player_seconds)
    return {name: _seconds_of(name) for name in names}


def _seconds_of(player: str) -> Cell:
    return lambda samples: _seconds(s.player_seconds.get(player) for s in samples)
