"""What all tables of a case file have in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A table of a case file: unknown keys, NaN, infinity and silent conversions are refused; frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def key(meaning: str, unit: str = "", **limits: Any) -> Any:
    """A pydantic field with its meaning and unit; ``limits`` are pydantic's (default, ge, gt, le, lt, min_length)."""
    return Field(description=meaning, json_schema_extra={"unit": unit}, **limits)
