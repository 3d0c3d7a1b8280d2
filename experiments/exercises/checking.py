"""Checks of students' answers: right, not right and why, or not yet. No answer makes a check raise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bestresponse.errors import DataError
from experiments.case_problems import shown
from experiments.exercises import by_hand, with_the_package
from experiments.exercises.answers import NotYet, Wrong

_JUDGES: Mapping[int, Callable[[Any], str]] = {  # each returns what a right answer has shown
    1: by_hand.clearing_price,
    2: by_hand.gauss_seidel,
    3: by_hand.narrow_road,
    4: by_hand.anchored_trade,
    5: by_hand.gain,
    6: by_hand.best_relaxation,
    7: by_hand.solve_two,
    8: with_the_package.saving,
    9: with_the_package.heater,
    10: by_hand.newton_step,
}


@dataclass(frozen=True)
class Verdict:
    """What is to be said of an answer."""

    number: int  # of the exercise
    right: bool | None  # None: there is no answer yet
    words: str

    def __str__(self) -> str:
        return f"Exercise {self.number}: {self.words}"


def exercises() -> tuple[int, ...]:
    """Return the numbers of all exercises."""
    return tuple(_JUDGES)


def check(number: int, answer: Any) -> Verdict:
    """Return whether an answer is right; if not, a sentence that helps.

    The answer is the function or class that the exercise asks for, or `...` as long as there is none. Raises DataError
    for an exercise that does not exist.
    """
    if number not in _JUDGES:
        raise DataError(f"no exercise {shown(number)}; there are {', '.join(map(str, _JUDGES))}")
    try:
        return Verdict(number, True, f"right. {_JUDGES[number](answer)}")
    except NotYet:
        return Verdict(number, None, "not yet. Replace the three dots by your answer and run the cell again.")
    except Wrong as reason:
        return Verdict(number, False, f"not right. {reason}")
