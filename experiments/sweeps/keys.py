"""Case keys as a study writes them, `vehicles.battery_kwh` or `lse[*].conduct`, and the places they stand for.

After a list stand the position of an entry, counted from 1 as in messages, `[*]` for every entry, or `[node=8]` for
the entry with that value; `*` as a name stands for every entry of a table such as `scenarios`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bestresponse.errors import DataError
from experiments.case_keys import keys_at, schema_table
from experiments.case_problems import Where, listed, nearest, shown

_STEP = re.compile(r"(?P<name>[^.\[\]]+)(?P<selectors>(\[[^\]]*\])*)(\.|$)")


def places(pattern: str, tables: Mapping[str, Any]) -> list[Where]:
    """Return every place of a case's tables that a pattern stands for.

    Raises DataError, with the nearest key, for a pattern that is no key of the case format or of these tables.
    """
    if not pattern:
        raise DataError('given "", must be a case key')
    found: list[Where] = [()]
    for name, selectors in _steps(pattern):
        found = [longer for where in found for longer in _named(pattern, where, name, value_at(tables, where))]
        for selector in selectors:
            found = [(*w, k) for w in found for k in _selected(pattern, w, selector, value_at(tables, w))]
    return found


def pattern_of(where: Where) -> str:
    """Return the pattern that stands for one place only."""
    return "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in where).removeprefix(".")


def value_at(tables: Mapping[str, Any], where: Where) -> Any:
    """Return the value at a place; None where an optional key of an open table is not given."""
    value: Any = tables
    for step in where:
        value = value.get(step) if isinstance(value, Mapping) else value[step]
    return value


def changed(tables: Any, where: Where, value: Any) -> Any:
    """Return the tables with another value at a place; the tables given stay as they are."""
    if not where:
        return value
    step, rest = where[0], where[1:]
    if isinstance(tables, Mapping):
        return {**tables, step: changed(tables.get(step), rest, value)}
    return tuple(changed(entry, rest, value) if k == step else entry for k, entry in enumerate(tables))


def _steps(pattern: str) -> Iterator[tuple[str, list[str]]]:
    end = 0
    while end < len(pattern):
        match = _STEP.match(pattern, end)
        if match is None:
            raise DataError(
                f"given {shown(pattern)}, must be a case key such as vehicles.battery_kwh or lse[*].conduct"
            )
        yield match["name"], re.findall(r"\[([^\]]*)\]", match["selectors"])
        end = match.end()


def _named(pattern: str, where: Where, name: str, value: Any) -> list[Where]:
    """The places one name deeper, in a table of fixed keys, of named tables or of open entries."""
    fixed = keys_at(where)
    if name in fixed:
        return [(*where, name)]
    if fixed or not isinstance(value, Mapping):
        raise DataError(_unknown(pattern, where, name, fixed))
    if name == "*":
        return [(*where, entry) for entry in value]
    if name not in value and keys_at((*where, name)):
        raise DataError(_unknown(pattern, where, name, list(value)))
    return [(*where, name)]


def _selected(pattern: str, where: Where, selector: str, value: Any) -> list[int]:
    """The positions of a list's entries that a selector stands for."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise DataError(f"unknown key {shown(pattern)}: {pattern_of(where)} is no list")
    if selector == "*":
        return list(range(len(value)))
    label, _, wanted = selector.partition("=")
    if wanted:
        labels = [str(entry.get(label)) if isinstance(entry, Mapping) else "" for entry in value]
        found = [k for k, text in enumerate(labels) if text == wanted]
        allowed = listed(labels)
    else:
        found = [int(selector) - 1] if selector.isdecimal() and 1 <= int(selector) <= len(value) else []
        allowed = f"1 to {len(value)}, * or a key with its value"
    if not found:
        raise DataError(f"{pattern_of(where)} has no entry [{selector}] (in {shown(pattern)}). Allowed: {allowed}")
    return found


def _unknown(pattern: str, where: Where, name: str, known: Sequence[str]) -> str:
    """The message for a name that is none of the known ones, with a key near the whole pattern."""
    near = [pattern.replace(name, each, 1) for each in known if nearest(name, [each]) != "."]
    every = [row["key"].replace("[]", "[*]").replace("NAME", "*") for row in schema_table()]
    allowed = listed(known, most=20) or "nothing, for it is no table"
    inside = f"in {pattern_of(where)}" if where else "first"
    return f"unknown key {shown(pattern)}{nearest(pattern, near or every)} Allowed {inside}: {allowed}"
