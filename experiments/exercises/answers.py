"""Getting a student's answer out of a student's function, whatever it does."""

from __future__ import annotations

from typing import Any

import numpy as np

from bestresponse.typing import Vector

CLOSE = 1e-6  # relative difference of numbers that count as equal


class NotYet(Exception):  # noqa: N818  not an error
    """There is no answer yet."""


class Wrong(Exception):  # noqa: N818  not an error of ours
    """An answer is not right; the message is for the student."""


def ask(function: Any, *arguments: Any) -> Any:
    """Return what a function answers. Raises NotYet if there is none or it answers nothing, Wrong if it breaks."""
    if function is None or function is ...:
        raise NotYet
    if not callable(function):
        raise Wrong(f"A function is asked for, and this is a {type(function).__name__}.")
    try:
        answer = function(*arguments)
    except Exception as error:  # whatever a student's function may raise
        given = f" for {', '.join(map(str, arguments))}" if arguments else ""
        raise Wrong(f"Your function stops{given} with {type(error).__name__}: {error}") from error
    if answer is None or answer is ...:
        raise NotYet
    return answer


def numbers(answer: Any, count: int) -> Vector:
    """Return an answer as so many numbers. Raises Wrong if it is something else."""
    try:
        found = np.atleast_1d(np.asarray(answer, dtype=float))
    except (TypeError, ValueError):
        found = np.full(0, np.nan)
    if found.shape != (count,):
        wanted = "one number is" if count == 1 else f"{count} numbers are"
        raise Wrong(f"{wanted.capitalize()} asked for, and your function returns {answer!r}.")
    if not np.isfinite(found).all():
        raise Wrong(f"Your function returns {answer!r}, which is not finite.")
    return found


def number(answer: Any) -> float:
    """Return an answer as one number. Raises Wrong if it is something else."""
    return float(numbers(answer, 1)[0])


def same(one: float | Vector, other: float | Vector) -> bool:
    """Whether numbers are equal but for rounding."""
    return bool(np.allclose(one, other, rtol=CLOSE, atol=CLOSE))
