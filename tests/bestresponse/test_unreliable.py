"""Players that are late, fail or mishear: what it does to convergence, and that they are judged by exact ones."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from bestresponse.checkpoint import load_checkpoint
from bestresponse.conformance import check_player
from bestresponse.coordinator import (
    PLAIN,
    UNBALANCED,
    coordinate,
    default_acceleration,
    default_balancing,
    obstacle_to_newton,
)
from bestresponse.errors import FormulationError, SolverError
from bestresponse.market import Market
from bestresponse.newton import Newton
from bestresponse.player import Anchor, KnowsItsSensitivity, Signal
from bestresponse.schemes.exchange import Exchange
from bestresponse.schemes.pdhg import PDHG
from bestresponse.schemes.sharing import Sharing
from bestresponse.stopping import Limits, StopReason, Tolerances
from bestresponse.unreliable import Failing, Inexact, Late, exact_market
from tests.bestresponse.toys import BREAD_PRICE, Aware, Trader, aware, bread_market, chain_market, market_of


def wrapped(market, wrapper, *settings):
    return Market(market.goods, tuple(wrapper(p, *settings, (7, i)) for i, p in enumerate(market)))


def seller():
    return Trader("seller", {"x": -1.0}, 1.0, 0.0, 0.0, 9.0)


def answers(player, prices):
    return [player.best_response(Signal(np.array([price]))).trade[0] for price in prices]


def test_a_late_player_gives_one_of_its_last_answers_and_every_delay_occurs():
    prices = np.linspace(0.1, 8.0, 200)
    late, exact = answers(Late(seller(), 2), prices), answers(seller(), prices)
    behind = {k - int(np.argmin(np.abs(np.array(exact) - trade))) for k, trade in enumerate(late)}
    assert behind == {0, 1, 2}
    assert answers(Late(seller(), 2), prices) == late != answers(Late(seller(), 2, (1,)), prices)


def test_a_player_that_fails_does_so_at_its_rate_and_by_its_seed_never_at_first():
    def failures(seed, questions=1000):
        player, found = Failing(seller(), 0.2, seed), []
        for k in range(1, questions + 1):
            try:
                player.best_response(Signal(np.array([1.0])))
            except SolverError:
                found.append(k)
        return found

    assert 150 < len(failures((0,))) < 250
    assert failures((0,)) == failures((0,)) != failures((1,))
    assert all(1 not in failures((seed,), 2) for seed in range(20))


def test_an_inexact_player_answers_feasibly_and_is_off_by_what_it_misheard():
    """The seller gives the price itself, up to 9."""
    player, prices = Inexact(seller(), 1e-3), np.full(400, 5.0)
    off = np.array(answers(player, prices)) / -5.0 - 1
    assert np.std(off) == pytest.approx(1e-3, rel=0.2) and abs(np.mean(off)) < 2e-4
    assert all(seller().violation(player.best_response(Signal(np.array([9.0]))).plan) == 0 for _ in range(50))


WRAPPERS = [(Late, 3), (Failing, 0.3), (Inexact, 0.05)]


@pytest.mark.parametrize(("wrapper", "setting"), WRAPPERS)
def test_what_a_wrapper_remembers_travels(wrapper, setting):
    def outcome(player, price):
        try:
            return player.best_response(Signal(np.array([price]))).trade[0]
        except SolverError as error:
            return str(error)

    prices = np.linspace(1, 5, 40)
    whole, copy = wrapper(seller(), setting), wrapper(seller(), setting)
    first = [outcome(whole, price) for price in prices[:15]]
    copy.recall(whole.memory())
    assert [outcome(copy, price) for price in prices[15:]] == [outcome(whole, price) for price in prices[15:]]
    assert len(set(first)) > 5


@pytest.mark.parametrize(("scheme", "cut"), [(PDHG(), 23), (Sharing(), 7)], ids=["plain", "newton"])
@pytest.mark.parametrize(("wrapper", "setting"), WRAPPERS)
def test_a_run_of_unreliable_players_is_resumed_bit_for_bit(wrapper, setting, scheme, cut, tmp_path):
    def run(sweeps, **options):
        market = wrapped(aware(chain_market()), wrapper, setting)
        return coordinate(market, np.zeros(3), scheme=scheme, bridge=5, limits=Limits(max_sweeps=sweeps), **options)

    whole = run(60)
    run(cut + 1, on_checkpoint=lambda checkpoint: checkpoint.save(tmp_path / "state.npz"))
    checkpoint, _ = load_checkpoint(tmp_path / "state.npz")
    rest = run(60, resume=checkpoint)
    assert checkpoint.sweep == cut and len(rest.trace) == len(whole.trace) - cut > 0
    for one, other in zip(whole.trace.records[cut:], rest.trace.records, strict=True):
        assert np.array_equal(one.price, other.price) and one.gains == other.gains
    assert rest.bridged == whole.bridged and bool(whole.bridged) == (wrapper is Failing)


def sweeps_of(market, **options):
    found = coordinate(market, np.zeros(market.n_goods), limits=Limits(max_sweeps=3000), **options)
    return len(found.trace) if found.solved else None


def test_steps_are_plain_and_shorter_the_later_answers_may_be():
    market = aware(bread_market())
    for wrappers, delay in (([Late], 2), ([Late, Failing], 2), ([Late, Late], 4)):
        unreliable = market
        for wrapper in wrappers:
            unreliable = wrapped(unreliable, wrapper, {Late: 2, Failing: 0.1}[wrapper])
        assert default_acceleration(Sharing(), unreliable) == replace(PLAIN, relaxation=1 / (1 + delay))
        assert default_balancing(Sharing(), PLAIN, unreliable) == UNBALANCED
    for reliable in (market, wrapped(market, Late, 0)):
        assert default_acceleration(Sharing(), reliable) == Newton()
        assert default_balancing(Sharing(), PLAIN, reliable) != UNBALANCED


@pytest.mark.parametrize("scheme", [None, Exchange(accelerates=False)])
def test_delay_slows_a_run_down_which_still_finds_the_price(scheme):
    counts = [sweeps_of(wrapped(bread_market(), Late, delay), scheme=scheme) for delay in (0, 1, 3)]
    assert None not in counts and counts[0] < counts[1] < counts[2]
    found = coordinate(wrapped(bread_market(), Late, 3), np.zeros(1), scheme=scheme, limits=Limits(max_sweeps=3000))
    assert found.price == pytest.approx([BREAD_PRICE], abs=1e-6)


@pytest.mark.parametrize("size", [1e-2, 1e-4])
def test_noise_leaves_a_floor_of_its_size_which_is_called_a_stall_and_certified_by_exact_players(size):
    market = wrapped(bread_market(), Inexact, size)
    found = coordinate(market, np.zeros(1), scheme=PDHG(), tolerances=Tolerances.of(1e-8), limits=Limits(3000))
    assert found.stop.reason in {StopReason.STALLED, StopReason.OSCILLATING}
    level = np.median([max(r.imbalance, r.disagreement) for r in found.trace.records[-50:]])
    assert size / 10 < level < 10 * size
    assert abs(found.price[0] - BREAD_PRICE) < 10 * size
    gains = [record.gain for record in found.trace.records if record.gain is not None]
    assert all(gain >= -1e-12 for gain in gains)  # against misheard prices some would look better than the best
    assert found.certificate.gains["buyer"].violation == 0


def test_failures_end_the_run_by_name_or_are_bridged_and_counted(caplog):
    market = wrapped(bread_market(), Failing, 0.05)
    stopped = coordinate(market, np.zeros(1), scheme=PDHG())
    assert stopped.stop.reason is StopReason.PLAYER_FAILED and not stopped.bridged
    sweep = len(stopped.trace) + 1
    assert f"At sweep {sweep}: " in stopped.stop.evidence and "planned failure, at question" in stopped.stop.evidence
    with caplog.at_level(logging.INFO, logger="bestresponse.run"):
        market = wrapped(bread_market(), Failing, 0.05)
        bridged = coordinate(market, np.zeros(1), scheme=PDHG(), bridge=4, limits=Limits(max_sweeps=3000))
    assert bridged.solved and bridged.price == pytest.approx([BREAD_PRICE], abs=1e-6)
    lines = [line.getMessage() for line in caplog.records]
    assert len(lines) == sum(bridged.bridged.values()) > 3
    assert lines[0].startswith(f"sweep {sweep}: ") and "its last answer stands (1 in a row)" in lines[0]
    assert len(bridged.trace) > sweeps_of(bread_market(), scheme=PDHG())


def test_a_player_that_fails_for_good_is_not_bridged_for_ever():
    class Dead(Trader):
        def best_response(self, signal):
            if self.asked >= 10:
                raise SolverError("gone")
            return super().best_response(signal)

    market = bread_market()
    dead = Dead("importer", {"bread": -1.0}, 0.0, 3.5, lower=0.0, upper=2.0)
    market = Market(market.goods, (*market.players[:3], dead))
    found = coordinate(market, np.zeros(1), scheme=PDHG(), bridge=5)
    assert found.stop.reason is StopReason.PLAYER_FAILED and "importer could not answer: gone" in found.stop.evidence


def test_the_market_that_judges_is_the_one_inside():
    market = bread_market()
    assert exact_market(market) is market
    doubly = wrapped(wrapped(market, Inexact, 0.5), Late, 2)
    assert exact_market(doubly).players == market.players


@pytest.mark.parametrize(("wrapper", "setting"), [(Late, 3), (Inexact, 0.05)])
def test_a_wrapper_declares_what_it_breaks_of_the_contract_and_keeps_the_rest(wrapper, setting, monkeypatch):
    market = wrapped(bread_market(), wrapper, setting)
    assert check_player(market.players[1], market) == []
    monkeypatch.setattr(wrapper, "conformance_exceptions", {})
    broken = {failure.check for failure in check_player(market.players[1], market)}
    assert "no memory" in broken and broken <= {"no memory", "envelope", "slopes down", "anchor"}


def test_a_wrapper_knows_the_slope_of_the_answer_it_gave():
    anchor, price, step = Anchor(np.array([0.5]), np.zeros(1)), 5.0, 1e-4

    def answered(wrapper, setting, price):
        player, signal = wrapper(Aware("seller", {"x": -1.0}, 1.0), setting), Signal(np.array([price]), anchor=anchor)
        return player.best_response(signal).trade[0], player.sensitivity(signal)[0, 0]

    for wrapper, setting in ((Failing, 0.3), (Inexact, 0.05)):
        (here, slope), (there, _) = (answered(wrapper, setting, at) for at in (price, price + step))
        assert slope == pytest.approx((there - here) / step, rel=1e-6)
    assert slope != pytest.approx(-1 / 1.5, rel=1e-3)  # nor did it hear by how much the price changed


def test_it_is_none_where_the_player_inside_has_none_or_an_answer_may_be_late():
    knowing, plain = Aware("seller", {"x": -1.0}, 1.0), seller()
    for player, obstacle in (
        (Failing(knowing, 0.3), ""),
        (Failing(Inexact(knowing, 0.05), 0.3), ""),
        (Failing(plain, 0.3), "seller cannot say how their trades answer to prices"),
        (Late(knowing, 0), ""),
        (Late(knowing, 1), "answers may come 1 question late, and have none in the present"),
        (Failing(Late(knowing, 3), 0.3), "answers may come 3 questions late, and have none in the present"),
    ):
        market = market_of([player, Aware("buyer", {"x": 1.0}, 1.0)])
        assert obstacle_to_newton(Sharing(), market) == obstacle
        assert isinstance(player, KnowsItsSensitivity) == (not obstacle)


@pytest.mark.parametrize(("wrapper", "bad"), [(Late, -1), (Failing, 1.0), (Inexact, np.nan), (Inexact, -0.1)])
def test_settings_out_of_range_are_refused_by_name(wrapper, bad):
    with pytest.raises(FormulationError, match="seller"):
        wrapper(seller(), bad)
    with pytest.raises(FormulationError, match="bridge"):
        coordinate(bread_market(), np.zeros(1), bridge=-1)
