"""What the exit codes of the command line say."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments.result import Result


class Exit(IntEnum):
    """What the exit code says."""

    SOLVED = 0
    BAD_INPUT = 2
    NOT_SOLVED = 3
    ROUTES_DISAGREE = 4
    INTERRUPTED = 130


def exit_code(result: Result) -> Exit:
    """Return the exit code that a result stands for; not solved outranks a disagreement of the routes."""
    if result.stop == "interrupted":
        return Exit.INTERRUPTED
    if not result.solved:
        return Exit.NOT_SOLVED
    return Exit.ROUTES_DISAGREE if result.routes_agree is False else Exit.SOLVED
