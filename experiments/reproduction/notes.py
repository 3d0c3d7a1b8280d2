"""What is known about the built-in cases and has to be said wherever their results are shown."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bestresponse.errors import DataError
from experiments.case import case_hash, load_case

NOTES = Path(__file__).with_name("notes.toml")


@dataclass(frozen=True)
class Notes:
    """Sentences about a case."""

    about: str = ""
    limits: tuple[str, ...] = ()
    why: Mapping[str, str] = field(default_factory=dict)  # finding → why it does not come out


def notes_on(case: str, hash_of_case: str) -> Notes:
    """Return what is known of a case with this name and content hash; nothing if it is no built-in case as shipped."""
    known = tomllib.loads(NOTES.read_text(encoding="utf-8"))
    try:
        if case not in known or case_hash(load_case(case)) != hash_of_case:
            return Notes()
    except DataError:
        return Notes()
    entry = known[case]
    return Notes(entry["about"], tuple(entry["limits"]), entry.get("why", {}))
