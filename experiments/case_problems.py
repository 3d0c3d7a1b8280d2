"""What is wrong with a case, said one way: file, key, what was given, what is allowed."""

from __future__ import annotations

import difflib
import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from pydantic_core import PydanticCustomError

from bestresponse.errors import DataError

Where: TypeAlias = tuple[str | int, ...]
"""Keys and 0-based positions that lead to a value, as in ``("stations", 1, "capacity_kw")``."""

LONGEST_VALUE_SHOWN = 60
LABELS = {"stations": "node", "lse": "name", "classes": "name", "generators": "bus"}
"""For every list of tables: the key whose value users know an entry by."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where, and a text that says what was given and what is allowed."""

    where: Where
    text: str


def refuse(problems: Sequence[Problem]) -> None:
    """Raise if there are problems, from inside a pydantic validator; positions are relative to its model."""
    if problems:
        raise PydanticCustomError("case", "the keys do not fit together", {"problems": tuple(problems)})


def repeated(values: Iterable[Hashable], before: Where = (), after: Where = ()) -> list[Problem]:
    """A problem for every value given again; ``before`` and ``after`` lead to the list and from entry to value."""
    seen: set[Hashable] = set()
    problems = []
    for position, value in enumerate(values):
        if value in seen:
            problems.append(Problem((*before, position, *after), f"given {shown(value)} again, must be given once"))
        seen.add(value)
    return problems


def raise_data_error(file: str, problems: Sequence[Problem], data: Mapping[str, Any]) -> NoReturn:
    """Raise one DataError with a line ``file: key: text`` for every problem; ``data`` gives entries their names."""
    lines = [f"{file}: {key_text(problem.where, data)}: {problem.text}" for problem in dict.fromkeys(problems)]
    raise DataError("\n".join(lines))


def key_text(where: Where, data: Mapping[str, Any]) -> str:
    """``stations[2].capacity_kw (node 8)``: entries are counted from 1, and the ones passed are named."""
    text, names, value, table = "", [], data, ""
    for step in where:
        value = _inside(value, step)
        if isinstance(step, int):
            text += f"[{step + 1}]"
            names += _name_of(value, table)
        else:
            text += f".{step}" if text else step
            table = step
    return f"{text} ({', '.join(names)})" if names else text or "the file"


def _inside(value: Any, step: str | int) -> Any:
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return None


def _name_of(entry: Any, table: str) -> list[str]:
    label = LABELS.get(table)
    if not label or not isinstance(entry, Mapping) or label not in entry:
        return []
    known_by = shown(entry[label])
    return [known_by if label == "name" else f"{label} {known_by}"]


def shown(value: Any) -> str:
    """A value as it stands in a TOML file, shortened if it is long."""
    try:
        text = json.dumps(value, ensure_ascii=False).replace("NaN", "nan").replace("Infinity", "inf")
    except (TypeError, ValueError):
        text = str(value)
    return text if len(text) <= LONGEST_VALUE_SHOWN else text[: LONGEST_VALUE_SHOWN - 1] + "…"


def nearest(given: object, allowed: Iterable[object]) -> str:
    """``; did you mean "x"?`` if something allowed is close to what was given, else a full stop."""
    found = difflib.get_close_matches(str(given), [str(name) for name in allowed], n=1, cutoff=0.6)
    return f'; did you mean "{found[0]}"?' if found else "."


def listed(names: Iterable[object], most: int = 12) -> str:
    """The names in a row, the rest counted if there are many."""
    texts = [str(name) for name in names]
    rest = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {rest} more" if rest > 0 else "")
