"""Exercises that use the package. Each judge returns what a right answer has shown, or raises Wrong or NotYet."""

from __future__ import annotations

from functools import cache
from typing import Any

import cvxpy as cp
import numpy as np

from bestresponse.conformance import check_player
from bestresponse.errors import BestResponseError
from bestresponse.market import Good, Market
from bestresponse.player import Response, Signal
from experiments.conformance_words import WORDS
from experiments.exercises.answers import Wrong, ask, number, same
from experiments.result import Result
from experiments.solving import solve
from players.convex_program import ConvexProgram, Formulation

WORTH, FALLS, MOST = 0.2, 0.005, 30.0  # of the heater: $/kWh of the first, how fast it falls, kW
GOODS = ("energy",)


def saving(answer: Any) -> str:
    """Exercise 8: (without, with_v2g), two results → by how many per cent V2G lowers the social cost."""
    for scenario in ("stress", "base"):
        without, with_v2g = (_solved(scenario, v2g) for v2g in (False, True))
        before, after = (result.quantities["social_cost_usd_per_h"] for result in (without, with_v2g))
        found, expected = number(ask(answer, without, with_v2g)), 100 * (before - after) / before
        costs = f"In {scenario} all costs are {before:.2f} $/h without and {after:.2f} with V2G"
        if abs(found - expected) <= 1e-6:
            continue
        if abs(found - expected / 100) <= 1e-6:
            raise Wrong(f"{costs}. Your {found:.4g} is the share; in per cent it is a hundred times as much.")
        if abs(found + expected) <= 1e-6:
            raise Wrong(f"{costs}. Your {found:.4g} has the wrong sign: a saving is above zero where V2G costs less.")
        if abs(found - 100 * (before - after) / after) <= 1e-6:
            raise Wrong(f"{costs}. Divide by the cost *without* V2G, for that is what it saves from.")
        raise Wrong(f"{costs}, and you say {found:.4g} per cent.")
    return "Where nothing is scarce, V2G has little to save."


@cache
def _solved(scenario: str, v2g: bool) -> Result:
    return solve("teaching", scenario, v2g, "monolith")


def heater(answer: Any) -> str:
    """Exercise 9: a ConvexProgram that uses up to MOST kW, the next kWh being worth WORTH − FALLS · use."""
    player = ask(answer, "heater", GOODS)
    if not hasattr(player, "formulate"):
        raise Wrong(f"A ConvexProgram with a method `formulate` is asked for, and this makes {player!r}.")
    ask(player.formulate)
    for price in (0.0, 0.08, 0.15, 0.3):
        response = _answer(player, price)
        use = float(np.clip((WORTH - price) / FALLS, 0.0, MOST))
        found = float(response.trade[0])
        if not same(found, use) and same(found, -use):
            raise Wrong(f"At {price:g} $/kWh it trades {found:g}. A trade above zero takes, and a heater takes.")
        if not abs(found - use) <= 1e-4:
            raise Wrong(
                f"At {price:g} $/kWh it uses {found:.4g} kW. The next kWh is worth {WORTH:g} − {FALLS:g} · use, and "
                f"the heater can use 0 to {MOST:g} kW: it should use {use:g}."
            )
        cost = 0.5 * FALLS * use**2 - WORTH * use
        if not abs(response.cost - cost) <= 1e-4:
            raise Wrong(f"With {use:g} kW its cost is {response.cost:.4g} $/h, and should be {cost:.4g}.")
    market = Market((Good(*GOODS, "energy", price_scale=0.1, quantity_scale=10.0),), (player, _Source("source", GOODS)))
    for failure in check_player(player, market):
        raise Wrong(f"It fails the check “{failure.check}”: {failure.detail}. {WORDS[failure.check].advice}")
    return "It conforms, so it may enter any market."


def _answer(player: Any, price: float) -> Response:
    try:
        found = player.best_response(Signal(np.array([price])))
    except BestResponseError as error:
        raise Wrong(f"The package cannot use it: {error}") from error
    except Exception as error:  # whatever a student's player may raise
        raise Wrong(f"At {price:g} $/kWh it stops with {type(error).__name__}: {error}") from error
    if not isinstance(found, Response) or np.shape(found.trade) != (1,):
        raise Wrong("It has to trade one good: `trade` is an expression of one entry.")
    return found


class _Source(ConvexProgram):
    """Gives at rising cost."""

    def formulate(self) -> Formulation:
        output = cp.Variable(1, name="output", nonneg=True)
        return Formulation(cost=0.002 * cp.sum_squares(output), trade=-output, constraints={})
