"""What every check of a player asks and what to do about a failure, for those who write their first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """One check in plain words."""

    asks: str
    advice: str


ANSWERS = "answers"  # asked first, by `checking_player` itself

WORDS: Mapping[str, Words] = {
    ANSWERS: Words(
        "A plain signal is answered with a bestresponse.player.Response; the other checks build on that.",
        "Run it by itself: make the player and call best_response(Signal(prices)), prices in the order of `goods`.",
    ),
    "shape": Words(
        "The trade has one entry for every good of `goods`, and every part of the plan is as long as the block says.",
        "Return Response.trade as an array of len(goods), in the order of `goods`.",
    ),
    "finite": Words(
        "Every number of an answer is finite.",
        "Look for a division by zero, an unbounded variable, or a solver status that nobody looked at.",
    ),
    "leaves the signal alone": Words(
        "An answer changes nothing in the signal, which belongs to the market.",
        "Work on a copy: `price = signal.price.copy()`; no `+=` or `signal.price[...] =`.",
    ),
    "no memory": Words(
        "The same signal gets the same answer (the same outlay), whatever was asked in between.",
        "Let nothing of earlier calls change the answer: no step size, running mean or last price in `self`. A start "
        "of the solver may be kept, if the solver then solves to the end.",
    ),
    "reacts to price": Words(
        "Some change of prices in the market's range changes the trades.",
        "Read signal.price in the order of `goods`. If the player rightly keeps still at these prices, state so: "
        '`conformance_exceptions = {"reacts to price": "why"}`, or choose options with which it moves.',
    ),
    "envelope": Words(
        "At every price the answer costs no more (cost + price · trade) than its own answers to other prices would.",
        "The answer is no best response. See that the objective is cost + price · trade with these signs: trade > 0 "
        "takes and pays, trade < 0 gives and earns; that Response.cost holds no payment; that the solver is done.",
    ),
    "slopes down": Words(
        "Where a price rises, the player takes less of the good, or gives more.",
        "A sign is wrong: trade > 0 takes from the market, price · trade is what the player pays. A player that is an "
        'equilibrium of many may declare `conformance_exceptions = {"slopes down": "why"}`.',
    ),
    "anchor": Words(
        "Given signal.anchor, the answer minimises cost + price · trade + ½ Σ weight (trade − target)².",
        "Add anchor.cost(trade) to the objective, or declare `accepts_anchor = False`; schemes that need anchors then "
        "refuse the player by name.",
    ),
    "sensitivity": Words(
        "What `sensitivity` returns is how the trades of an anchored answer change with prices, ∂trade/∂price: entry "
        "(i, j) for trade i and price j. For a player that minimises it is symmetric and negative semidefinite.",
        "Hold it against differences of your own answers, anchor included, at the very signal it is asked for and not "
        "the last one answered. Or leave it out: the coordinator then does without Newton's method.",
    ),
    "stays in its set": Words(
        "The plan of every answer keeps the player's own rows and bounds, as `violation` measures them.",
        "The answer breaks its own plan. Compare Response.plan with the constraints; see the solver's tolerance, and "
        "that the plan is what was solved for, unrounded and in kW.",
    ),
    "block agrees": Words(
        "The block, which the monolith uses, gives every plan the answer's cost and trades, and knows no better plan.",
        "State one problem twice the same: rows, bounds, gradient and trade map of `block` against `best_response`. "
        "A ConvexProgram does both from one statement.",
    ),
    "block's set": Words(
        "No point that the block allows lies outside the player's own set.",
        "The block lacks a row or bound that `violation` knows, or has one with the wrong sign (A x = b, G x ≤ h).",
    ),
    "block's Jacobian": Words(
        "The block's Jacobian is the derivative of its gradient.",
        "Differentiate the gradient once more, by hand or with finite differences, and compare entry by entry.",
    ),
    "multipliers": Words(
        "The multipliers in Response.duals prove that no plan is cheaper.",
        "gradient + trade map' · price + A'y + G'z = 0 at the plan, with z ≥ 0 for G x ≤ h: look at signs and names "
        "of the rows, or leave duals out.",
    ),
}
