"""The exercises: untouched they say so, solutions are right, and every wrong answer is told what is wrong with it."""

import runpy
from pathlib import Path

import cvxpy as cp
import numpy as np
import pytest

from bestresponse.errors import DataError
from experiments.exercises import check, exercises
from players.convex_program import ConvexProgram, Formulation

NOTEBOOKS = Path(__file__).parent.parent.parent / "docs" / "notebooks"
EXERCISES, SOLUTIONS = NOTEBOOKS / "10_exercises.py", NOTEBOOKS / "solutions" / "10_exercises.py"


def test_there_is_one_for_every_notebook_before_and_one_more():
    before = [path.stem[:2] for path in sorted(NOTEBOOKS.glob("0*.py"))]
    assert [f"{number:02}" for number in exercises()] == [*before, "10"]


def test_the_untouched_page_says_not_yet_to_each(capsys):
    runpy.run_path(str(EXERCISES), run_name="notebook")
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(". ")[0] for line in said] == [f"Exercise {number}: not yet" for number in exercises()]


def test_every_solution_is_right(capsys):
    verdicts = runpy.run_path(str(SOLUTIONS), run_name="notebook")["verdicts"]
    assert [(verdict.number, verdict.right) for verdict in verdicts] == [(number, True) for number in exercises()]
    assert capsys.readouterr().out.count(": right. ") == len(verdicts)


@pytest.fixture(scope="module")
def solved():
    """The right answers, by the number of their exercise."""
    names = runpy.run_path(str(SOLUTIONS), run_name="notebook")
    return dict(zip(exercises(), names["answers"], strict=True))


def jacobi(quantities, unit_costs):
    return (13 - unit_costs - (quantities.sum() - quantities)) / 2


def in_place(quantities, unit_costs):
    for firm in range(len(quantities)):
        quantities[firm] = (13 - unit_costs[firm] - quantities.sum() + quantities[firm]) / 2
    return quantities


def last_one_stays(quantities, unit_costs):
    return np.append(in_place(quantities.copy(), unit_costs)[:-1], quantities[-1])


class Heater(ConvexProgram):
    """The right one; what follows differs from it in one thing."""

    most, worth = 30.0, 0.2

    def formulate(self):
        use = cp.Variable(1, name="use", bounds=[0, self.most])
        cost = 0.0025 * cp.sum_squares(use) - self.worth * cp.sum(use)
        return Formulation(cost, self.traded(use), constraints={})

    def traded(self, use):
        return use


class Gives(Heater):
    def formulate(self):
        use = cp.Variable(1, name="use", bounds=[-30, 0])
        return Formulation(0.0025 * cp.sum_squares(use) + 0.2 * cp.sum(use), use, constraints={})


class WithoutEnd(Heater):
    most = 1e3


class Cheap(Heater):
    worth = 0.1


class ByMistake(Heater):
    def best_response(self, signal):
        answer = super().best_response(signal)
        return type(answer)(answer.trade, -answer.cost, answer.plan)


class TwoGoods(Heater):
    def traded(self, use):
        return cp.hstack([use, use])


class NotConvex(Heater):
    def formulate(self):
        use = cp.Variable(1, name="use", bounds=[0, 30])
        return Formulation(-cp.sum_squares(use), use, constraints={})


class SaysNothing(Heater):
    def best_response(self, signal):
        return None


class Breaks(Heater):
    def best_response(self, signal):
        raise KeyError("price")


class Forgetful(Heater):
    def best_response(self, signal):
        return super().best_response(type(signal)(signal.price))


def share(without, with_v2g):
    before, after = (result.quantities["social_cost_usd_per_h"] for result in (without, with_v2g))
    return (before - after) / before


def too_short(town, plant, sigma, damping, residual):
    return residual / (damping - sigma * (town + plant * (1 + 2 * sigma * town)))


WRONG = [
    (1, lambda enjoyment, town, plant: enjoyment * town / (town + plant), "the town takes 8 kW and the plant gives 2"),
    (1, lambda enjoyment, town, plant: 8.0, "With enjoyment 20"),
    (1, lambda enjoyment, town, plant: (1.0, 2.0), "One number is asked for"),
    (2, jacobi, "That is Jacobi"),
    (2, in_place, "quantities.copy()"),
    (2, lambda quantities, unit_costs: 2 * jacobi(quantities, unit_costs), "the derivative of its profit"),
    (2, last_one_stays, "one sweep leads to"),
    (2, lambda quantities, unit_costs: 3.0, "2 numbers are asked for"),
    (3, lambda wide, slope, drivers: (min(wide / slope / 2, drivers), min(wide / slope, drivers)), "other order"),
    (3, lambda wide, slope, drivers: (wide / slope, wide / slope / 2), "you send 10 over"),
    (3, lambda wide, slope, drivers: (drivers / 2, drivers / 4), "somebody would change"),
    (3, lambda wide, slope, drivers: (min(wide / slope, drivers), 0.0), "a driver more there"),
    (3, lambda wide, slope, drivers: (min(wide / slope, drivers),) * 2, "a driver less there"),
    (4, lambda c, most, p, w, target: np.clip(target + (p - c) / w, -most, 0), "sign of price − unit cost"),
    (4, lambda c, most, p, w, target: -np.clip(target + (c - p) / w, -most, 0), "what it gives is below zero"),
    (4, lambda c, most, p, w, target: target + (c - p) / w, "it can only trade from"),
    (4, lambda c, most, p, w, target: target, "there the derivative is 3, not zero"),
    (5, lambda c, most, p, output: min(0, (c - p) * most) - (c - p) * output, "no gain is below zero"),
    (5, lambda c, most, p, output: 0.0, "The gain is the difference"),
    (6, lambda smallest, largest: 1.0, "the larger of the two decides"),
    (6, lambda smallest, largest: 2 / (1 - largest), "the larger of the two decides"),
    (7, lambda M, q: np.linalg.solve(M, -q), "z2 is below zero"),
    (7, lambda M, q: np.zeros(2), "w1 = -12 is below zero"),
    (7, lambda M, q: np.full(2, 20.0), "has to be zero"),
    (8, share, "a hundred times as much"),
    (8, lambda without, with_v2g: -100 * share(with_v2g, without), "*without* V2G"),
    (8, lambda without, with_v2g: -100 * share(without, with_v2g), "wrong sign"),
    (8, lambda without, with_v2g: 12.3, "you say 12.3 per cent"),
    (9, Gives, "A trade above zero takes"),
    (9, WithoutEnd, "the heater can use 0 to 30 kW"),
    (9, Cheap, "it should use"),
    (9, ByMistake, "its cost is"),
    (9, TwoGoods, "The package cannot use it"),
    (9, NotConvex, "The package cannot use it"),
    (9, SaysNothing, "one good"),
    (9, Breaks, "KeyError"),
    (9, Forgetful, "fails the check “anchor”"),
    (10, lambda town, plant, sigma, damping, f: f, "the plain step"),
    (10, lambda *given: too_short(*given[:3], 0.0, given[4]), "d is 3.8 with your d, and should be 3.3"),
    (10, lambda town, plant, sigma, damping, f: -f / (sigma * town), "the price by 0.75, and T by 0.625"),
    (10, too_short, "1 + λ times as long"),
]


@pytest.mark.parametrize(("number", "answer", "words"), WRONG)
def test_a_wrong_answer_is_told_what_is_wrong(number, answer, words):
    verdict = check(number, answer)
    assert verdict.right is False and str(verdict).startswith(f"Exercise {number}: not right. ")
    assert words in verdict.words, verdict.words


def test_every_exercise_has_a_planted_wrong_answer():
    assert {number for number, _, _ in WRONG} == set(exercises())


@pytest.mark.parametrize("number", exercises())
def test_nothing_that_a_student_writes_breaks_a_check(number):
    assert check(number, ...).right is check(number, None).right is check(number, lambda *_: ...).right is None
    assert "ZeroDivisionError" in check(number, lambda *_: 1 / 0).words
    for answer in (3, lambda *_: "text", lambda *_: [[1], [2, 3]], lambda *_: np.nan, lambda *_: 1j, lambda: 1):
        assert check(number, answer).right is False


def test_an_answer_is_not_believed_on_one_market(solved):
    """Every check asks more than once: a constant that is right for its first question is not right."""
    for number in (1, 3, 4, 5, 6, 8, 10):
        first = []

        def constant(*arguments, answer=solved[number], first=first):
            first.append(answer(*arguments))
            return first[0]

        assert check(number, constant).right is False


def test_there_is_no_other_exercise():
    with pytest.raises(DataError, match=r"no exercise 11.*1, 2, 3"):
        check(11, ...)
