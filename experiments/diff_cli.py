"""The command `bestresponse diff`."""

from __future__ import annotations


def diff() -> None:
    """Compare two results."""
