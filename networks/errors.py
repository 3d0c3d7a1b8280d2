"""The error every reader and builder of this package raises when the data are wrong."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class NetworkDataError(ValueError):
    """Network data are wrong: the message names the file, row or element, what was given and what is allowed."""


def near_matches(given: str, known: Iterable[str]) -> str:
    """Return a hint such as "; near matches: 13-18, 18-19" for an unknown name, empty if nothing is near."""
    names = get_close_matches(given, list(known), n=4, cutoff=0.5)
    return f"; near matches: {', '.join(names)}" if names else ""
