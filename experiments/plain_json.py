"""Plain data in strict JSON, which knows no infinity and no NaN: they stand there as words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_json(data: Any) -> Any:
    """Return plain data with every number that JSON does not know as a word."""
    if isinstance(data, Mapping):
        return {key: to_json(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [to_json(value) for value in data]
    if isinstance(data, float) and not math.isfinite(data):
        return "NaN" if math.isnan(data) else "Infinity" if data > 0 else "-Infinity"
    return data


def from_json(data: Any) -> Any:
    """Return the plain data that `to_json` was given."""
    if isinstance(data, Mapping):
        return {key: from_json(value) for key, value in data.items()}
    if isinstance(data, list):
        return [from_json(value) for value in data]
    return _WORDS.get(data, data) if isinstance(data, str) else data
