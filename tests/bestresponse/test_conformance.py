"""Every kind of fault that has been seen in a player is planted here and must be caught by the check made for it."""

import numpy as np
import pytest

from bestresponse.conformance import check_player
from bestresponse.player import Response, Signal
from tests.bestresponse.toys import BREAD_PRICE, Trader, bread_market, market_of


def _failures(player):
    """The player's failures in a market where it replaces the first baker."""
    rest = [p for p in bread_market().players if p.name != player.name]
    return {failure.check for failure in check_player(player, market_of([player, *rest]), np.array([BREAD_PRICE]))}


def _baker(base=Trader):
    return base("first baker", {"bread": -1.0}, 1.0, 1.0, lower=0.0)


@pytest.mark.parametrize("player", bread_market().players, ids=lambda p: p.name)
def test_the_toys_conform(player):
    assert not check_player(player, bread_market(), np.array([BREAD_PRICE]))


class WrongSign(Trader):
    def best_response(self, signal):
        return super().best_response(Signal(-signal.price + 2 * BREAD_PRICE, signal.others, signal.anchor))


class CostIncludesPayment(Trader):
    def best_response(self, signal):
        answer = super().best_response(signal)
        return Response(answer.trade, answer.outlay(signal.price), answer.plan)


class Remembers(Trader):
    def best_response(self, signal):
        answer = super().best_response(signal)
        return self.respond(answer.plan["x"][0] + 0.3 * (self.asked % 2))


class MutatesSignal(Trader):
    def best_response(self, signal):
        answer = super().best_response(signal)
        signal.price[:] = 0
        return answer


class IgnoresAnchor(Trader):
    def best_response(self, signal):
        return super().best_response(Signal(signal.price))


class IgnoresPrice(Trader):
    def best_response(self, signal):
        return self.respond(3.0)


class LeavesItsSet(Trader):
    def best_response(self, signal):
        return self.respond(super().best_response(signal).plan["x"][0] - 8)


class SaysNaN(Trader):
    def best_response(self, signal):
        return self.respond(np.nan)


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        (WrongSign, "slopes down"),
        (CostIncludesPayment, "envelope"),
        (Remembers, "no memory"),
        (MutatesSignal, "leaves the signal alone"),
        (IgnoresAnchor, "anchor"),
        (IgnoresPrice, "reacts to price"),
        (LeavesItsSet, "stays in its set"),
        (SaysNaN, "shape"),
    ],
)
def test_a_planted_fault_is_caught(fault, check):
    assert check in _failures(_baker(fault))


def test_a_declared_exception_is_respected():
    player = _baker(IgnoresPrice)
    player.conformance_exceptions = {"reacts to price": "a fixed order", "envelope": "", "anchor": ""}
    assert "reacts to price" not in _failures(player)
