"""Exercises that need calculus only. Each judge returns what a right answer has shown, or raises Wrong or NotYet."""

from __future__ import annotations

from typing import Any

import numpy as np

from bestresponse.typing import Vector
from experiments.exercises.answers import Wrong, ask, number, numbers, same

DEMAND = 13.0  # price at which nothing is sold, in notebooks 2 and 7


def clearing_price(answer: Any) -> str:
    """Exercise 1: (enjoyment, town, plant) → the price at which (enjoyment − p)/town = p/plant."""
    for enjoyment, town, plant in ((12.0, 1.0, 2.0), (20.0, 2.0, 3.0), (9.0, 4.0, 0.5)):
        price = number(ask(answer, enjoyment, town, plant))
        takes, gives = (enjoyment - price) / town, price / plant
        if not same(takes, gives):
            raise Wrong(
                f"With enjoyment {enjoyment:g}, town {town:g} and plant {plant:g} you say {price:g} $/kWh. There the "
                f"town takes {takes:g} kW and the plant gives {gives:g}. Set the two equal and solve for the price."
            )
    return "The steeper the plant's cost, the nearer the price is to all that the town enjoys."


def gauss_seidel(answer: Any) -> str:
    """Exercise 2: (quantities, unit_costs) → quantities after every firm has answered, one after another."""
    for given, costs in (([1.0, 5.0], [1.0, 1.0]), ([3.0, 2.0, 1.0], [1.0, 2.0, 4.0])):
        quantities, unit_costs = np.array(given), np.array(costs)
        found = numbers(ask(answer, quantities, unit_costs), len(given))
        if not np.array_equal(quantities, given):
            raise Wrong("Your function changes the quantities it was given. Begin with quantities.copy().")
        expected = np.array(given)
        at_once = np.array([_best(expected, firm, unit_costs) for firm in range(len(given))])
        for firm in range(len(given)):
            expected[firm] = _best(expected, firm, unit_costs)
        if same(found, expected):
            continue
        if same(found, at_once):
            raise Wrong("That is Jacobi. The second firm should hear what the first one has just decided.")
        if not same(found[0], expected[0]):
            rest = sum(given[1:])
            slope = DEMAND - rest - 2 * found[0] - costs[0]
            raise Wrong(
                f"The first firm answers {found[0]:g} to rivals who sell {rest:g}. There the derivative of its profit "
                f"(13 − Q) q − c q, with c = {costs[0]:g}, is {slope:g}, not zero."
            )
        raise Wrong(f"From {given} with unit costs {costs} one sweep leads to {expected}, and you have {found}.")
    return "Notebook 2 needs nothing more to come to rest with three firms."


def _best(quantities: Vector, firm: int, unit_costs: Vector) -> float:
    rivals = quantities.sum() - quantities[firm]
    return float(DEMAND - unit_costs[firm] - rivals) / 2


def narrow_road(answer: Any) -> str:
    """Exercise 3: (minutes_wide, slope, drivers) → how many take the narrow road: at Wardrop's point, and at best."""
    for minutes, slope, drivers in ((10.0, 2.0, 8.0), (10.0, 1.0, 6.0), (10.0, 1.0, 4.0)):
        where = f"With a wide road of {minutes:g} minutes, a narrow one of {slope:g} f and {drivers:g} drivers"
        wardrop, best = numbers(ask(answer, minutes, slope, drivers), 2)
        expected = min(minutes / slope, drivers), min(minutes / (2 * slope), drivers)
        for found in (wardrop, best):
            if not 0 <= found <= drivers:
                raise Wrong(f"{where} you send {found:g} over the narrow road.")
        if same(np.array([best, wardrop]), np.array(expected)) and not same(*expected):
            raise Wrong("You have both numbers, in the other order: Wardrop's point is asked for first.")
        if not same(wardrop, expected[0]):
            raise Wrong(
                f"{where}, {wardrop:g} of them on the narrow one, it takes {slope * wardrop:g} minutes there: somebody "
                "would change the road."
            )
        if not same(best, expected[1]):
            more = "more" if best < expected[1] else "less"
            raise Wrong(f"{where} and {best:g} on the narrow one, a driver {more} there would save minutes in all.")
    return "Left to themselves, drivers use the narrow road up to twice as much as is good for all (Pigou)."


def anchored_trade(answer: Any) -> str:
    """Exercise 4: (unit_cost, most, price, weight, target) → the trade of a linear plant with an anchor."""
    for unit_cost, most, price, weight, target in (
        (50.0, 80.0, 50.0, 0.5, -40.0),
        (50.0, 80.0, 53.0, 0.5, -40.0),
        (20.0, 60.0, 50.0, 0.5, -40.0),
        (50.0, 80.0, 20.0, 0.5, -40.0),
    ):
        trade = number(ask(answer, unit_cost, most, price, weight, target))
        free = target + (unit_cost - price) / weight
        case = f"At a price of {price:g} a plant with unit cost {unit_cost:g}"
        if same(trade, np.clip(free, -most, 0.0)):
            continue
        if same(trade, -np.clip(free, -most, 0.0)):
            raise Wrong(f"{case} trades {-trade:g}: a plant gives, and what it gives is below zero.")
        if same(trade, np.clip(target - (unit_cost - price) / weight, -most, 0.0)):
            raise Wrong(f"{case} would give more where it earns less. Look at the sign of price − unit cost.")
        if not -most <= trade <= 0:
            raise Wrong(f"{case} trades {trade:g} in your answer, but it can only trade from {-most:g} to 0.")
        slope = price - unit_cost + weight * (trade - target)
        raise Wrong(f"{case} trades {trade:g} in your answer; there the derivative is {slope:g}, not zero.")
    return "All or nothing has become a ramp: any output is the answer to some price."


def gain(answer: Any) -> str:
    """Exercise 5: (unit_cost, most, price, output) → what a plant could gain by another output."""
    for unit_cost, most, price, output in (
        (50.0, 80.0, 40.0, 40.0),
        (20.0, 60.0, 50.0, 60.0),
        (20.0, 60.0, 50.0, 0.0),
        (50.0, 80.0, 50.0, 10.0),
    ):
        found = number(ask(answer, unit_cost, most, price, output))
        best = most if price > unit_cost else 0.0
        expected = (unit_cost - price) * (output - best)
        case = f"A plant with unit cost {unit_cost:g} that gives {output:g} at a price of {price:g}"
        if same(found, expected):
            continue
        if found < 0:
            raise Wrong(f"{case} gains {found:g} in your answer. It may always go on as it is: no gain is below zero.")
        raise Wrong(
            f"{case} has an outlay of {(unit_cost - price) * output:g} $/h; with its best output, {best:g}, it would "
            f"have {(unit_cost - price) * best:g}. The gain is the difference, and you say {found:g}."
        )
    return "A certificate asks this of everybody, and believes nobody else."


def best_relaxation(answer: Any) -> str:
    """Exercise 6: (smallest, largest) → α with the smallest factor max |1 + α (λ − 1)| over eigenvalues in between."""
    for smallest, largest in ((0.0, 0.95), (-0.5, 0.8), (-0.2, 0.6)):
        alpha = number(ask(answer, smallest, largest))
        fast, slow = (1 + alpha * (value - 1) for value in (smallest, largest))
        if not same(fast, -slow):
            raise Wrong(
                f"With eigenvalues from {smallest:g} to {largest:g} and α = {alpha:g} the factors at both ends are "
                f"{fast:.3f} and {slow:.3f}, and the larger of the two decides. Where are they equally large, with "
                "opposite signs?"
            )
    return "Further than that, the fast directions overshoot by more than the slow ones gain."


def solve_two(answer: Any) -> str:
    """Exercise 7: (M, q) → z ≥ 0 with M z + q ≥ 0 and z (M z + q) = 0, two rows."""
    cournot, other = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[3.0, -1.0], [1.0, 2.0]])
    for M, q in (
        (cournot, [-12.0, -4.0]),
        (cournot, [-12.0, -12.0]),
        (cournot, [-4.0, -12.0]),
        (cournot, [1.0, 2.0]),
        (cournot, [-12.0, -6.0]),
        (other, [-2.0, -5.0]),
    ):
        z = numbers(ask(answer, M.copy(), np.array(q)), 2)
        w = M @ z + np.array(q)
        answered = f"For M = {M.tolist()} and q = {q} your z is {z.round(6).tolist()}, so that w"
        for row in (0, 1):
            if z[row] < -1e-9:
                raise Wrong(f"{answered} is {w.round(6).tolist()}. z{row + 1} is below zero: leave that one out.")
            if w[row] < -1e-6:
                raise Wrong(f"{answered}{row + 1} = {w[row]:g} is below zero: one more unit of z{row + 1} would pay.")
            if not same(z[row] * w[row], 0.0):
                raise Wrong(f"{answered}{row + 1} = {w[row]:g}. Either it or z{row + 1} has to be zero.")
    return "Four guesses always do for two rows; for n rows there are 2ⁿ, and then one needs notebook 7."


def newton_step(answer: Any) -> str:
    """Exercise 10: (town_slope, plant_slope, sigma, damping, residual) → d with (1 + λ − T') d = (1 + λ) f."""
    for town, plant, sigma, damping, residual in (
        (-0.25, -0.25, 1.0, 0.0, 3.0),
        (-0.25, -0.25, 1.0, 0.1, 3.0),
        (-0.2, -0.4, 2.0, 1.0, -1.5),
        (-0.1, 0.0, 2.0, 0.5, 1.0),
    ):
        found = number(ask(answer, town, plant, sigma, damping, residual))
        price = 1 + sigma * town
        slope = price + sigma * plant * (2 * price - 1)
        left, right = (1 + damping - slope) * found, (1 + damping) * residual
        case = f"With slopes {town:g} and {plant:g}, σ = {sigma:g}, λ = {damping:g} and f = {residual:g}"
        if same(left, right):
            continue
        if same(found, residual):
            raise Wrong(f"{case} you take the plain step. What would f be after it if T is linear?")
        if same(left, residual):
            raise Wrong(f"{case} your step is {found:g}. A damped one is 1 + λ times as long.")
        raise Wrong(
            f"{case} a change of ζ by 1 changes the price by {price:g}, and T by {slope:g}. So (1 + λ − T') d is "
            f"{left:g} with your d, and should be {right:g}."
        )
    return "Undamped, it leaves no residual where players are linear."
