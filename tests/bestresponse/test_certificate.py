"""A certificate is refused to everything that is no equilibrium, however it was found."""

import numpy as np
import pytest

from bestresponse.certificate import certify, complete
from bestresponse.coordinator import coordinate
from bestresponse.errors import SolverError
from bestresponse.groups import two_groups
from bestresponse.player import Response
from bestresponse.schemes.protocol import Sweep
from bestresponse.schemes.sharing import SharingIteration
from bestresponse.stopping import Limits, Measures, StopReason, Tolerances
from tests.bestresponse.toys import BREAD_PRICE, BREAD_TRADES, Trader, bread_market


def _answers(**changed):
    market = bread_market()
    x = {name: abs(trade) for name, trade in BREAD_TRADES.items()} | {
        k.replace("_", " "): v for k, v in changed.items()
    }
    return market, {player.name: player.respond(x[player.name]) for player in market}


def _certificate(market, responses, price=BREAD_PRICE):
    return certify(market, np.array([price]), responses, Tolerances())


def test_the_equilibrium_is_certified():
    certificate = _certificate(*_answers())
    assert certificate.holds, str(certificate)
    assert "no player can gain more than" in str(certificate)


def test_markets_that_do_not_clear_are_named():
    certificate = _certificate(*_answers(buyer=6.001))
    assert not certificate.holds
    assert "bread is out of balance" in str(certificate)


def test_a_balanced_answer_with_a_wrong_price_shows_who_would_deviate():
    certificate = _certificate(*_answers(), price=4.2)
    assert not certificate.holds
    assert "could gain" in str(certificate)


def test_the_gain_is_the_exact_loss_of_a_suboptimal_plan():
    """The first baker bakes 2 instead of 3 at p = 4: profit 4·2 − 2 − 2 instead of 4·3 − 3 − 4.5."""
    certificate = _certificate(*_answers(first_baker=2.0, buyer=5.0))
    assert certificate.gains["first baker"].absolute == pytest.approx(0.5)
    assert certificate.gains["first baker"].outlay == pytest.approx(-4.0)


def test_a_plan_outside_its_own_set_is_refused():
    """The importer gives 3 although it has only 2: its plan looks better than its best response."""
    certificate = _certificate(*_answers(importer=3.0, buyer=7.0))
    assert any("the plan of importer lies outside its own set by 1.0e+00" in text for text in certificate.objections())
    assert any("the plan of importer is better than its best response" in text for text in certificate.objections())


def test_nan_is_refused():
    market, responses = _answers()
    responses["buyer"] = Response(np.array([np.nan]), 0.0, {"x": np.array([np.nan])})
    certificate = certify(market, np.array([BREAD_PRICE]), responses, Tolerances())
    assert not certificate.holds
    assert not Measures(np.array([np.nan]), np.zeros(1)).clears(1e-3)


def test_a_bound_makes_the_gain_an_upper_bound():
    class Bounded(Trader):
        def best_response(self, signal):
            answer = super().best_response(signal)
            return Response(answer.trade, answer.cost, answer.plan, bound=answer.outlay(signal.price) - 1e-3)

    market, responses = _answers()
    players = [Bounded(**{k: v for k, v in vars(p).items() if k != "asked"}) for p in market.players]
    bounded = certify(type(market)(market.goods, tuple(players)), np.array([BREAD_PRICE]), responses, Tolerances())
    assert min(gain.absolute for gain in bounded.gains.values()) == pytest.approx(1e-3)


def test_a_conjecture_that_cannot_be_computed_costs_no_certificate(caplog):
    class Guessing(Trader):
        def conjectural_gain(self, price, response):
            raise SolverError("no answer")

    market, responses = _answers()
    players = [Guessing(**{k: v for k, v in vars(p).items() if k != "asked"}) for p in market.players]
    guessing, price = type(market)(market.goods, tuple(players)), np.array([BREAD_PRICE])
    certificate = complete(certify(guessing, price, responses, Tolerances()), guessing, price, responses, None)
    assert certificate.holds
    assert all(gain.conjectural is None for gain in certificate.gains.values())
    assert "no conjectural gain: buyer could not answer: no answer" in caplog.text


@pytest.mark.parametrize("asked", ["violation", "gain"])
def test_a_player_that_cannot_judge_its_plan_is_named(asked):
    class Lost(Trader):
        minimises = asked != "gain"

        def gain(self, plan, price):
            raise ValueError("no idea")

        def violation(self, plan):
            if asked == "violation":
                raise ValueError("no idea")
            return super().violation(plan)

    market, _ = _answers()
    players = [Lost(**{k: v for k, v in vars(p).items() if k != "asked"}) for p in market.players]
    found = coordinate(type(market)(market.goods, tuple(players)), np.zeros(1))
    assert found.stop.reason is StopReason.PLAYER_FAILED and found.certificate is None
    assert "buyer could not answer: ValueError: no idea" in found.stop.evidence


class _Planted(SharingIteration):
    """An iteration with a fault in what it reports or does."""

    def sweep(self, number, state, ask):
        return self.fault(super().sweep(number, state, ask), state)


def _scheme(fault):
    class Scheme:
        name, accelerates, balances, stationary = "planted", False, False, True

        def bind(self, market, sigma):
            iteration = _Planted(market, sigma, two_groups(market))
            iteration.fault = fault
            return iteration

    return Scheme()


def _stands_still(sweep, state):
    return Sweep(sweep.price, sweep.signals, sweep.responses, state)


def _shrinks(sweep, state):
    return Sweep(sweep.price, sweep.signals, sweep.responses, state + 1e-9 * (sweep.image - state))


def _cycles(sweep, state):
    return Sweep(sweep.price, sweep.signals, sweep.responses, -state + 2.0)


def _compares_with_itself(sweep, state):
    """Reports the buyer's trade as everybody's: the market clears by construction."""
    mirrored = {name: Response(np.zeros(1), r.cost, r.plan) for name, r in sweep.responses.items()}
    return Sweep(sweep.price, sweep.signals, mirrored, sweep.image)


def _nan(sweep, state):
    return Sweep(sweep.price * np.nan, sweep.signals, sweep.responses, sweep.image)


@pytest.mark.parametrize("fault", [_stands_still, _shrinks, _cycles, _compares_with_itself, _nan])
def test_a_coordinator_that_does_not_converge_gets_no_certificate(fault):
    result = coordinate(bread_market(), np.zeros(1), scheme=_scheme(fault), limits=Limits(max_sweeps=150, patience=40))
    assert not result.solved
    assert result.stop.reason is not StopReason.CONVERGED
    assert result.certificate is None or not result.certificate.holds
