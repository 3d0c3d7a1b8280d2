"""Who is stopped early, for which reason, and who is not: planted swings, stalls and flights, and slow progress."""

import numpy as np
import pytest

from bestresponse.coordinator import PLAIN, UNBALANCED, coordinate
from bestresponse.errors import FormulationError
from bestresponse.market import Good, Market
from bestresponse.player import Response
from bestresponse.schemes.protocol import Sweep
from bestresponse.schemes.registry import SCHEMES
from bestresponse.schemes.tatonnement import Tatonnement
from bestresponse.stopping import Detection, Limits, Measures, StopReason
from bestresponse.watchdog import Watchdog
from tests.bestresponse.toys import Trader, market_of

FOREVER = 10**6


def goods_market(n=3):
    names = [f"delivery[{i}]" for i in range(n)]
    players = [Trader(word, dict.fromkeys(names, sign), 1.0) for word, sign in (("buyer", 1.0), ("seller", -1.0))]
    return Market(tuple(Good(name, "delivery", price_scale=1.0, quantity_scale=1.0) for name in names), tuple(players))


def watch(excess, price=None, sweeps=2000, **limits):
    """The sweep and stop of a run whose excess demands and prices are functions of the sweep."""
    market = goods_market()
    dog = Watchdog(market, Limits(max_sweeps=FOREVER, **limits))
    for sweep in range(1, sweeps + 1):
        off = np.asarray(excess(sweep), dtype=float)
        at = np.ones(3) if price is None else np.asarray(price(sweep), dtype=float)
        if stop := dog.judge(sweep, 0.0, Measures(np.abs(off), np.zeros(3)), off, at):
            return sweep, stop
    return sweeps, None


def draws(sweep):
    return np.random.default_rng(sweep)


STOPPED = {
    "swings with full force": (lambda k: [0.1, 0.5 * (-1) ** k, 0.0], StopReason.OSCILLATING, 60),
    "swings in a longer cycle": (lambda k: [0.0, 0.0, np.sin(2.2 * k)], StopReason.OSCILLATING, 80),
    "swings at random": (lambda k: draws(k).normal(size=3), StopReason.OSCILLATING, 150),
    "swings ever wider": (lambda k: [0.03, 0.1 * (-1.06) ** k, 0.0], StopReason.DIVERGED, 80),
    "stands still": (lambda k: [0.2, 0.1, 0.0], StopReason.STALLED, 110),
    "has come down to a floor": (lambda k: 0.9**k + 1e-4 * draws(k).uniform(0.9, 1, 3), StopReason.STALLED, 450),
    "is nothing but rounding": (lambda k: 1e-16 * draws(k).normal(size=3), StopReason.STALLED, 200),
    "is rounding that grows": (lambda k: 1e-16 * (-1.05) ** k * np.ones(3), StopReason.STALLED, 110),
    "is nothing but NaN": (lambda k: [np.nan, 0.0, 0.0], StopReason.DIVERGED, 1),
}


@pytest.mark.parametrize("name", STOPPED)
def test_a_run_that_gets_nowhere_is_stopped_early_for_the_right_reason(name):
    excess, reason, latest = STOPPED[name]
    sweep, stop = watch(excess)
    assert stop is not None and stop.reason is reason, stop
    assert sweep <= latest


def test_tries_that_were_taken_back_are_no_swings():
    """Three sweeps of four are tries that overshoot to and fro, while what stands waits, for less than its patience."""
    outcomes = []
    for told in (True, False):
        dog, stop = Watchdog(goods_market(), Limits(max_sweeps=FOREVER)), None
        for sweep in range(1, 90):
            stands = sweep % 4 == 0
            off = np.array([0.2 if stands else 3.0 * (-1) ** sweep, 0.0, 0.0])
            stop = stop or dog.judge(sweep, 0.0, Measures(np.abs(off), np.zeros(3)), off, np.ones(3))
            if told and not stands:
                dog.disregard()
        outcomes.append(stop and stop.reason)
    assert outcomes == [None, StopReason.OSCILLATING]


def travels(k):
    """To a price of 430 in 300 sweeps, while the imbalance stays what it is; then it falls."""
    return [0.0, min(k, 300) * 430 / 300, 0.0]


GOES_ON = {
    "falls slowly": (lambda k: 0.9995**k * np.ones(3), None),
    "falls as one over the sweep": (lambda k: np.ones(3) / k, None),
    "falls as one over its root, with noise": (lambda k: draws(k).uniform(0.5, 1.5, 3) / np.sqrt(k), None),
    "swings and shrinks slowly": (lambda k: 0.9995**k * np.array([(-1) ** k, 0.5, 0.1]), None),
    "swings and shrinks in one good, while others wait": (lambda k: [0.99**k * (-1) ** k, 0.999**k, 0.2], None),
    "falls in one good after another": (lambda k: [1.0, 1.0 * (k < 90), 1.0 * (k < 180)] if k < 270 else np.ones(3) / k,
                                        None),
    "travels": (lambda k: [0.0, 1.0, 0.0] if k < 300 else [0.0, 0.97 ** (k - 300), 0.0], travels),
}  # fmt: skip


@pytest.mark.parametrize("name", GOES_ON)
def test_a_run_that_makes_progress_is_left_alone(name):
    assert watch(*GOES_ON[name]) == (2000, None)


def test_the_evidence_of_a_swing_names_the_good_and_counts():
    sweep, stop = watch(lambda k: [0.01, 0.5 * (-1) ** k, 0.02 * (-1) ** k])
    assert sweep == 41  # with the second window
    assert "The imbalance of delivery[1] changed sign 20 times in 20 sweeps" in stop.evidence
    assert "5.0e-01 of its largest trade in the mean, after 5.0e-01 in the 20 sweeps before" in stop.evidence


def test_the_evidence_of_a_stall_names_the_good_the_floor_and_the_sweep():
    sweep, stop = watch(lambda k: [0.0, 0.0, max(0.9**k, 1e-3)])
    (reached,) = [k for k in range(1, 100) if 0.9**k > 1e-3 / 0.99 >= 0.9 ** (k + 1)]
    assert sweep == reached + 101 or sweep == reached + 100
    assert "the worst good has not come below 1.0e-03" in stop.evidence
    assert "delivery[2] is the worst good now, off by 1.0e-03" in stop.evidence


@pytest.mark.parametrize("patience", [1, 2, 5])
@pytest.mark.parametrize(("factor", "reason"), [(1.0, StopReason.STALLED), (3.0, StopReason.DIVERGED)])
def test_who_has_little_patience_is_told_why_before_two_windows_are_full(factor, reason, patience):
    sweep, stop = watch(lambda k: [0.2 * factor**k, 0.1, 0.0], patience=patience)
    assert sweep <= 2 * patience + 1 and stop.reason is reason


@pytest.mark.parametrize(
    ("excess", "price", "words"),
    [
        (lambda k: [1.0, 1.0, 1.0], lambda k: [1.0, -(2.0**k), 1.0], "price of delivery[1] left the range of ±1.0e+06"),
        (lambda k: [1.0, 1.0, 3.0**k], None, "excess demand of delivery[2] left the range of ±1.0e+06 kW at sweep 13"),
        (lambda k: [1.0, 1.0, 1.0], lambda k: [1.0, np.nan, 1.0], "price of delivery[1] left the range"),
    ],
)
def test_what_left_which_range_is_said(excess, price, words):
    _, stop = watch(excess, price)
    assert stop.reason is StopReason.DIVERGED and words in stop.evidence


@pytest.mark.parametrize("cut", [1, 30, 55, 65])
def test_a_watchdog_goes_on_from_its_memory(cut):
    def excess(k):
        return draws(k).normal(size=3) * 0.97 ** min(k, 40)

    def run(first, last, dog):
        for k in range(first, last + 1):
            off = excess(k)
            stop = dog.judge(k, 0.0, Measures(np.abs(off), np.zeros(3)), off, np.array([min(k, 30), 1.0, 2.0]))
            if stop:
                return k, stop
        return None

    market, limits = goods_market(), Limits()
    whole, first, second = (Watchdog(market, limits) for _ in range(3))
    assert run(1, cut, first) is None
    memory = first.memory()
    ended = run(1, 500, whole)
    assert ended is not None and run(cut + 1, 500, first) == ended  # which leaves the memory as it was
    second.recall(memory)
    assert run(cut + 1, 500, second) == ended
    assert all(np.array_equal(value, second.memory()[name]) for name, value in whole.memory().items())


def test_slow_steps_on_a_market_that_needs_a_thousand_sweeps_are_not_cut():
    """Excess demand 4 − 2p: factors of 0.99 a sweep, and of −0.98."""
    market = market_of([Trader("buyer", {"x": 1.0}, 1.0, -4.0), Trader("seller", {"x": -1.0}, 1.0)])
    for step in (0.005, 0.99):
        found = coordinate(market, np.zeros(1), scheme=Tatonnement(step=step), limits=Limits(max_sweeps=3000))
        assert found.solved and len(found.trace) > 900, str(found.stop)


@pytest.mark.parametrize("name", [name for name in SCHEMES if name.startswith("tatonnement")])
def test_tatonnement_on_linear_players_is_stopped_and_sharing_is_not(name):
    market = market_of(
        [
            Trader("buyer", {"x": 1.0}, 0.0, -4.0, 0.0, 5.0),
            Trader("cheap", {"x": -1.0}, 0.0, 1.0, 0.0, 3.0),
            Trader("dear", {"x": -1.0}, 0.0, 2.0, 0.0, 3.0),
        ]
    )
    found = coordinate(market, np.zeros(1), scheme=SCHEMES[name])
    assert found.stop.reason in {StopReason.OSCILLATING, StopReason.STALLED}
    assert 41 <= len(found.trace) <= 400 and " x " in f"{found.stop} "
    assert coordinate(market, np.zeros(1)).solved


def test_prices_without_an_equilibrium_to_go_to_diverge_by_name():
    """The buyer must take at least 3, the seller can give at most 1."""
    market = market_of(
        [Trader("buyer", {"x": 1.0}, 1.0, 0.0, 3.0, 9.0), Trader("seller", {"x": -1.0}, 1.0, 0.0, 0.0, 1.0)]
    )
    found = coordinate(market, np.zeros(1))
    assert found.stop.reason is StopReason.DIVERGED
    assert "price of x left the range of ±1.0e+06 $" in found.stop.evidence


class _ClearsButIsNoBestResponse:
    """Trades that clear, whatever the price."""

    name, accelerates, balances, stationary = "stubborn", False, False, True

    def bind(self, market, sigma):
        return self

    def state(self, price, trades):
        return price

    def metric(self):
        return np.ones(1)

    def sweep(self, number, state, ask):
        trades = {"buyer": 1.0, "seller": -1.0}
        return Sweep(
            state, {}, {n: Response(np.array([t]), -4.0 + t**2, {"x": np.ones(1)}) for n, t in trades.items()}, state
        )


def test_a_market_that_clears_without_a_certificate_says_what_is_in_the_way():
    market = market_of([Trader("buyer", {"x": 1.0}, 1.0, -4.0), Trader("seller", {"x": -1.0}, 1.0)])
    options = {"acceleration": PLAIN, "balancing": UNBALANCED}
    found = coordinate(market, np.zeros(1), scheme=_ClearsButIsNoBestResponse(), **options)
    assert found.stop.reason is StopReason.STALLED
    assert "The markets clear, but buyer could gain" in found.stop.evidence


@pytest.mark.parametrize("bad", [{"window": 1}, {"flips": 21}, {"progress": 0.0}, {"shrinks": np.nan}, {"wider": 1.0}])
def test_thresholds_that_make_no_sense_are_refused(bad):
    with pytest.raises(FormulationError, match="detection needs"):
        Detection(**bad)
