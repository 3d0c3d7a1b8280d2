"""CSV tables whose every fault is reported with file, line and column."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from networks.errors import NetworkDataError
from networks.typing import IntVector, Vector

Rule: TypeAlias = Literal["finite", "non-negative", "non-negative or inf", "positive", "positive or inf"]


def check_values(values: Vector, rule: Rule, where: Callable[[int], str], what: str) -> None:
    """Raise NetworkDataError for the first value that breaks the rule; `where(k)` names the place of value k."""
    obeys = {
        "finite": np.isfinite(values),
        "non-negative": np.isfinite(values) & (values >= 0.0),
        "non-negative or inf": values >= 0.0,
        "positive": np.isfinite(values) & (values > 0.0),
        "positive or inf": values > 0.0,
    }[rule]
    for k in np.flatnonzero(~obeys)[:1]:
        raise NetworkDataError(f"{where(int(k))}: {what} is {values[k]:g}; allowed: {rule} numbers")


def check_powers(rise: Vector, power: Vector, where: Callable[[int], str]) -> None:
    """Raise NetworkDataError for the first power between 0 and 1 of a link whose time rises: infinitely fast at first.

    `rise` (n_links,) is what flow at capacity adds to the free-flow time; where it is 0 the power does not matter.
    """
    for k in np.flatnonzero((rise > 0.0) & (power > 0.0) & (power < 1.0))[:1]:
        raise NetworkDataError(f"{where(int(k))}: power is {power[k]:g}; allowed: 1 or more, or 0 for a constant time")


def read_text(path: Path) -> str:
    """Return the text of a file; a missing file, a directory or bytes that are no text raise NetworkDataError."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise NetworkDataError(f"{path}: cannot be read: {reason}") from None


@dataclass(frozen=True)
class Table:
    """A CSV file as text cells that know the line they came from."""

    path: Path
    cells: dict[str, tuple[str, ...]]  # column name -> one cell per row
    lines: tuple[int, ...]  # (n_rows,) line of the file each row stands on

    def __len__(self) -> int:
        return len(self.lines)

    def where(self, row: int) -> str:
        """Return "FILE, line N" for a row."""
        return f"{self.path}, line {self.lines[row]}"

    def texts(self, column: str) -> tuple[str, ...]:
        """Return the cells of a column that has to be filled in every row."""
        for row, cell in enumerate(self.cells[column]):
            if not cell:
                raise NetworkDataError(f"{self.where(row)}: column {column!r} is empty")
        return self.cells[column]

    def numbers(self, column: str, rule: Rule, *, blank: float | None = None) -> Vector:
        """Return a column as numbers that obey the rule.

        An absent column or an empty cell counts as `blank`; without `blank` it is an error.
        """
        if column not in self.cells and blank is not None:
            return np.full(len(self), blank)
        values = np.array([self._number(column, row, cell, blank) for row, cell in enumerate(self.cells[column])])
        check_values(values, rule, self.where, column)
        return values

    def integers(self, column: str) -> IntVector:
        """Return a column of whole numbers."""
        values = self.numbers(column, "finite")
        for row in np.flatnonzero(values != np.round(values))[:1]:
            raise NetworkDataError(f"{self.where(int(row))}: {column} is {values[row]:g}; allowed: whole numbers")
        return values.astype(np.int64)

    def unique(self, keys: Sequence[object], what: str) -> None:
        """Raise NetworkDataError at the first row whose key stood in an earlier row."""
        first: dict[object, int] = {}
        for row, key in enumerate(keys):
            if key in first:
                raise NetworkDataError(f"{self.where(row)}: {what} stands already in line {self.lines[first[key]]}")
            first[key] = row

    def _number(self, column: str, row: int, cell: str, blank: float | None) -> float:
        if not cell and blank is not None:
            return blank
        try:
            return float(cell)
        except ValueError:
            given = repr(cell) if cell else "empty"
            raise NetworkDataError(f"{self.where(row)}: column {column!r} is {given}; allowed: a number") from None


def read_table(path: Path, required: Iterable[str], optional: Iterable[str] = (), *, others: bool = False) -> Table:
    """Return the table in a CSV file with a header row.

    Raises NetworkDataError for an unreadable file, a missing, unknown or repeated column, a row of another width,
    and a table without rows. Unknown columns are refused because a misspelt optional one would silently be ignored;
    `others` lets them pass where a format has many that do not matter here.
    """
    required, optional = tuple(required), tuple(optional)
    reader = csv.reader(read_text(path).splitlines())
    rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(cell.strip() for cell in row)]
    if not rows:
        raise NetworkDataError(f"{path}: the file is empty; its first line has to be {','.join(required)}")
    (_, header), *body = rows
    _check_header(path, header, required, optional, others)
    for line, row in body:
        if len(row) != len(header):
            raise NetworkDataError(f"{path}, line {line}: {len(row)} cells, but the header has {len(header)} columns")
    if not body:
        raise NetworkDataError(f"{path}: there is a header but no row")
    columns = zip(*(row for _, row in body), strict=True)
    return Table(path, dict(zip(header, columns, strict=True)), tuple(line for line, _ in body))


def _check_header(
    path: Path, header: list[str], required: tuple[str, ...], optional: tuple[str, ...], others: bool
) -> None:
    allowed = f"required: {', '.join(required)}" + (f"; optional: {', '.join(optional)}" if optional else "")
    for name in required:
        if name not in header:
            raise NetworkDataError(f"{path}, line 1: column {name!r} is missing ({allowed})")
    for name in header:
        if not others and name not in required + optional:
            raise NetworkDataError(f"{path}, line 1: unknown column {name!r} ({allowed})")
        if header.count(name) > 1:
            raise NetworkDataError(f"{path}, line 1: column {name!r} appears {header.count(name)} times")
