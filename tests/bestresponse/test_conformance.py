"""Every kind of fault that has been seen in a player is planted here and must be caught by the check made for it."""

import numpy as np
import pytest

from bestresponse.checks.contract import CHECKS
from bestresponse.conformance import ConformanceError, check_player, checks
from bestresponse.errors import FormulationError
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
        (SaysNaN, "finite"),
    ],
)
def test_a_planted_fault_is_caught(fault, check):
    assert check in _failures(_baker(fault))


def test_a_declared_exception_is_respected():
    player = _baker(IgnoresPrice)
    player.conformance_exceptions = {"reacts to price": "a fixed order", "envelope": "", "anchor": ""}
    assert "reacts to price" not in _failures(player)


def test_the_generator_names_every_check_before_anything_is_asked():
    player = _baker()
    found = list(checks(player, bread_market(), np.array([BREAD_PRICE])))
    assert [str(check) for check in found] == [f"first baker-{name}" for name in CHECKS]
    assert player.asked == 0
    for check in found:
        check()


def test_called_alone_a_check_raises_what_check_player_lists():
    found = {c.name: c for c in checks(_baker(WrongSign), bread_market(), np.array([BREAD_PRICE]))}
    with pytest.raises(ConformanceError, match=r"first baker, slopes down: .*it takes more where it is dearer"):
        found["slopes down"]()


def test_an_exception_comes_with_its_reason_and_only_for_a_check_that_exists():
    market, player = bread_market(), _baker(IgnoresPrice)
    reason = {check.name: check.excuse for check in checks(player, market, exceptions={"reacts to price": "an order"})}
    assert reason.pop("reacts to price") == "an order"
    assert set(reason.values()) == {None}
    with pytest.raises(FormulationError, match="first baker: no check is called 'reacts to prices'; there are shape"):
        list(checks(player, market, exceptions={"reacts to prices": "misspelt"}))


def test_a_player_that_raises_fails_the_check_it_raises_in():
    class Breaks(Trader):
        def best_response(self, signal):
            raise ZeroDivisionError("no flour")

    assert {f.detail for f in check_player(_baker(Breaks), bread_market())} >= {"ZeroDivisionError: no flour"}
