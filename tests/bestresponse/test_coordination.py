"""Schemes on markets with answers known by hand: who converges, who does not, and what is said about it."""

from dataclasses import replace

import numpy as np
import pytest

from bestresponse.acceleration import Accelerator, Anderson
from bestresponse.balancing import Balancing
from bestresponse.coordinator import PLAIN, UNBALANCED, coordinate
from bestresponse.errors import FormulationError
from bestresponse.oracle import Oracle
from bestresponse.schemes.exchange import Exchange
from bestresponse.schemes.gauss_seidel import GaussSeidel
from bestresponse.schemes.sharing import Sharing
from bestresponse.schemes.tatonnement import Tatonnement
from bestresponse.stopping import Limits, StopReason
from bestresponse.unreliable import Inexact
from tests.bestresponse.toys import (
    BREAD_PRICE,
    BREAD_TRADES,
    Trader,
    bread_market,
    chain_market,
    chen_market,
    market_of,
)

PLAINLY = {"acceleration": PLAIN, "balancing": UNBALANCED}


@pytest.mark.parametrize("settings", [{}, PLAINLY, {"acceleration": Anderson(memory=0, relaxation=1.6)}])
@pytest.mark.parametrize("sigma", [0.05, 1.0, 20.0])
def test_sharing_finds_the_clearing_price_for_every_sigma(sigma, settings):
    result = coordinate(bread_market(), np.zeros(1), sigma=sigma, limits=Limits(max_sweeps=3000), **settings)
    assert result.solved, str(result.stop)
    assert result.price == pytest.approx([BREAD_PRICE], abs=1e-6)
    assert {name: r.trade[0] for name, r in result.responses.items()} == pytest.approx(BREAD_TRADES, abs=1e-6)


def test_two_schemes_agree_on_a_chain_of_goods():
    market = chain_market()
    sharing = coordinate(market, np.zeros(3))
    gauss_seidel = coordinate(market, np.zeros(3), scheme=GaussSeidel())
    assert sharing.solved and gauss_seidel.solved
    assert gauss_seidel.price == pytest.approx(sharing.price, abs=1e-5)


def test_acceleration_takes_fewer_sweeps():
    fast = coordinate(chain_market(), np.zeros(3), sigma=0.1, balancing=Balancing(every=0))
    slow = coordinate(chain_market(), np.zeros(3), sigma=0.1, **PLAINLY)
    assert fast.solved and slow.solved
    assert len(fast.trace) < len(slow.trace)


@pytest.mark.parametrize("every", [3, 7])
def test_gains_are_looked_at_as_often_as_asked_for_and_at_the_end(every):
    trace = coordinate(chain_market(), np.zeros(3), gains_every=every, **PLAINLY).trace
    assert len(trace) > 14
    assert [r.sweep for r in trace.records if r.gains] == [*range(every, len(trace), every), len(trace)]


def test_tatonnement_on_a_linear_player_cycles_and_says_so():
    market = market_of(
        [Trader("buyer", {"x": 1.0}, 0.0, -2.0, 0.0, 5.0), Trader("seller", {"x": -1.0}, 0.0, 1.0, 0.0, 3.0)]
    )
    result = coordinate(market, np.zeros(1), scheme=Tatonnement(step=0.3), limits=Limits(max_sweeps=500, patience=60))
    assert not result.solved
    assert result.stop.reason is StopReason.OSCILLATING
    assert "changed sign" in result.stop.evidence
    assert coordinate(market, np.zeros(1)).solved


def test_a_scheme_that_is_not_accelerated_takes_its_own_steps():
    """Plain tâtonnement from zero: p ← p + 0.2 (4 − 2p), the textbook recursion."""
    market = market_of([Trader("buyer", {"x": 1.0}, 1.0, -4.0), Trader("seller", {"x": -1.0}, 1.0)])
    result = coordinate(market, np.zeros(1), scheme=Tatonnement(step=0.2), limits=Limits(max_sweeps=4))
    assert result.price == pytest.approx([2 * (1 - 0.6**3)])


@pytest.mark.parametrize("scheme", [Tatonnement(step=0.2), Tatonnement(step=0.5, averaged=True)])
def test_tatonnement_converges_where_players_are_smooth(scheme):
    market = market_of([Trader("buyer", {"x": 1.0}, 1.0, -4.0), Trader("seller", {"x": -1.0}, 1.0)])
    result = coordinate(market, np.zeros(1), scheme=scheme, limits=Limits(max_sweeps=2000, patience=2000))
    assert result.price == pytest.approx([2.0], abs=2e-3)


def test_gauss_seidel_diverges_at_the_published_rate_on_the_published_counterexample():
    """Chen, He, Ye and Yuan 2016: spectral radius 1.02784 of the three-block iteration."""
    market = chen_market()
    iteration, ask = GaussSeidel().bind(market, np.ones(3)), Oracle(market).ask
    state = iteration.state(np.array([1.0, -0.3, 0.7]), market.no_trade)
    sizes = []
    for number in range(1200):
        state = iteration.sweep(number + 1, state, ask).image
        sizes.append(np.linalg.norm(state))
    rate = (sizes[-1] / sizes[-601]) ** (1 / 600)
    assert rate == pytest.approx(1.02784, abs=2e-4)


FAILED, NO_NUMBER = StopReason.PLAYER_FAILED, "a trade or cost that is not a finite number"


class _Broken(Trader):
    """Answers well until asked for the nth time."""

    def __init__(self, *args, after, fault, **keys):
        super().__init__(*args, **keys)
        self.after, self.fault = after, fault

    def best_response(self, signal):
        response = super().best_response(signal)
        return self.fault(response) if self.asked > self.after else response


def _raise_once(error):
    errors = [error]

    def fault(response):
        if errors:
            raise errors.pop()
        return response

    return fault


def _with(**parts):
    return lambda response: replace(response, **parts)


@pytest.mark.parametrize(
    ("fault", "reason", "words"),
    [
        (_with(trade=np.array([np.nan])), FAILED, f"seller answered with {NO_NUMBER}"),
        (_with(trade=np.array([1j])), FAILED, f"seller answered with {NO_NUMBER}"),
        (_with(trade=np.array(["1"])), FAILED, f"seller answered with {NO_NUMBER}"),
        (_with(trade=[[1.0], [1.0, 2.0]]), FAILED, "seller could not answer: ValueError: "),
        (_with(trade=np.zeros(2)), FAILED, "seller answered with trades of shape (2,); it has 1 goods"),
        (_with(cost=None), FAILED, f"seller answered with {NO_NUMBER}"),
        (_with(cost=np.ones(1)), FAILED, "seller answered with a cost of shape (1,); a cost is one number"),
        (lambda response: None, FAILED, "seller answered with a NoneType, not with a Response"),
        (lambda response: (response.trade, 0.0), FAILED, "seller answered with a tuple, not with a Response"),
        (_raise_once(ValueError("no plan")), FAILED, "seller could not answer: ValueError: no plan"),
        (_raise_once(ConnectionError("gone")), FAILED, "seller could not answer: ConnectionError: gone"),
        (_raise_once(KeyError("price")), FAILED, "seller could not answer: KeyError: 'price'"),
        (_raise_once(KeyboardInterrupt()), StopReason.INTERRUPTED, "after 4 sweeps"),
    ],
)
def test_a_player_that_fails_ends_the_run_with_its_name_and_the_best_sweep(fault, reason, words):
    buyer = Trader("buyer", {"x": 1.0}, 1.0, -4.0)
    seller = _Broken("seller", {"x": -1.0}, 1.0, after=4, fault=fault)
    result = coordinate(market_of([buyer, seller]), np.zeros(1), sigma=0.01, **PLAINLY)
    assert result.stop.reason is reason
    assert words in str(result.stop)
    assert not result.solved
    assert len(result.trace) == 4 and set(result.responses) == {"buyer", "seller"}


@pytest.mark.parametrize(("error", "logged"), [(ConnectionError("gone"), False), (TypeError("a mistake"), True)])
def test_whatever_a_player_raises_can_be_bridged_and_mistakes_are_logged_in_full(error, logged, caplog):
    seller = _Broken("seller", {"x": -1.0}, 1.0, after=4, fault=_raise_once(error))
    result = coordinate(market_of([Trader("buyer", {"x": 1.0}, 1.0, -4.0), seller]), np.zeros(1), sigma=0.01, bridge=1)
    assert result.solved and result.bridged == {"seller": 1}
    assert [record.getMessage() for record in caplog.records if record.exc_info] == ["seller could not answer"] * logged


class _Prepared(Trader):
    """A player that does its work beforehand, once."""

    answers_at_work, error = None, None

    def prepare(self):
        if self.error is not None:
            raise self.error
        if self.answers_at_work is None:
            self.answers_at_work = self.asked


def test_players_are_made_ready_before_anybody_is_asked_and_the_clock_starts_then():
    buyer, seller = Trader("buyer", {"x": 1.0}, 1.0, -4.0), _Prepared("seller", {"x": -1.0}, 1.0)
    for market in (market_of([buyer, seller]), market_of([buyer, Inexact(seller, 0.0)])):
        seller.asked, seller.answers_at_work = 0, None
        result = coordinate(market, np.zeros(1))
        assert seller.answers_at_work == 0 and result.solved
        assert {"set-up", "coordination", "buyer", "seller"} == set(result.seconds)
        assert result.trace.records[-1].seconds <= result.seconds["coordination"]


def test_a_player_that_cannot_be_made_ready_ends_the_run_by_name():
    buyer, seller = Trader("buyer", {"x": 1.0}, 1.0, -4.0), _Prepared("seller", {"x": -1.0}, 1.0)
    seller.error = FormulationError("no plan at all")
    result = coordinate(market_of([buyer, seller]), np.zeros(1))
    assert result.stop.reason is StopReason.PLAYER_FAILED and not result.trace
    assert result.stop.evidence == "Before the first sweep: seller could not answer: no plan at all"


def test_a_scheme_that_needs_an_anchor_refuses_a_player_that_accepts_none():
    buyer, seller = Trader("buyer", {"x": 1.0}, 1.0, -4.0), Trader("seller", {"x": -1.0}, 1.0)
    seller.accepts_anchor = False
    with pytest.raises(FormulationError, match="seller accepts no anchor"):
        coordinate(market_of([buyer, seller]), np.zeros(1))
    damped = Tatonnement(step=0.5)
    assert coordinate(market_of([buyer, seller]), np.zeros(1), scheme=damped).solved


def test_a_market_without_equilibrium_is_reported_not_solved():
    """The buyer must take at least 3, the seller can give at most 1."""
    market = market_of(
        [Trader("buyer", {"x": 1.0}, 1.0, 0.0, 3.0, 9.0), Trader("seller", {"x": -1.0}, 1.0, 0.0, 0.0, 1.0)]
    )
    result = coordinate(market, np.zeros(1), limits=Limits(max_sweeps=400, patience=100))
    assert not result.solved
    assert result.stop.reason in {StopReason.STALLED, StopReason.DIVERGED, StopReason.SWEEP_LIMIT}
    assert result.certificate is not None and not result.certificate.holds


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan")])
def test_sigma_must_be_positive(bad):
    with pytest.raises(FormulationError, match="sigma"):
        coordinate(bread_market(), np.zeros(1), sigma=bad)


@pytest.mark.parametrize("bad", [{"gains_every": 0}, {"bridge": -1}])
def test_counts_outside_their_range_are_refused(bad):
    with pytest.raises(FormulationError, match=next(iter(bad))):
        coordinate(bread_market(), np.zeros(1), **bad)


def test_anderson_solves_a_linear_map_in_as_many_steps_as_it_has_dimensions():
    rng = np.random.default_rng(3)
    M = rng.normal(size=(6, 6))
    M *= 0.95 / np.abs(np.linalg.eigvals(M)).max()
    b = rng.normal(size=6)
    solution = np.linalg.solve(np.eye(6) - M, b)
    accelerator = Accelerator(Anderson(cap=1e9, rollback=1e9), np.ones(6))
    state = np.zeros(6)
    for _ in range(8):
        state = accelerator.next_state(state, M @ state + b)
    assert state == pytest.approx(solution, abs=1e-8)


def test_the_cap_cuts_long_accelerated_steps():
    accelerator = Accelerator(Anderson(cap=2.0, relaxation=1.0), np.ones(1))
    state = accelerator.next_state(np.zeros(1), np.ones(1))
    moved = accelerator.next_state(state, state + 0.999)
    assert moved == pytest.approx(state + 2 * 0.999)
    assert accelerator.clipped == 1


def test_a_step_that_makes_things_worse_is_taken_back():
    accelerator = Accelerator(Anderson(rollback=2.0, relaxation=1.0), np.ones(2))
    first, image = np.zeros(2), np.array([1.0, 0.0])
    second = accelerator.next_state(first, image)
    accelerator.next_state(second, second + np.array([0.5, 0.0]))
    back = accelerator.next_state(second + 9, second + 50.0)
    assert accelerator.rolled_back == 1
    assert back == pytest.approx(second + np.array([0.5, 0.0]))


def sweeps_of_a_ramp(far: float, **settings) -> int:
    """How many sweeps T(z) = z + clip(far − z, −1, 1) takes: the residual is 1 all the way, the map nonexpansive."""
    accelerator, state = Accelerator(Anderson(relaxation=1.0, **settings), np.ones(1)), np.zeros(1)
    for sweep in range(1000):
        if abs(far - state[0]) <= 1e-9:
            return sweep
        state = accelerator.next_state(state, state + np.clip(far - state, -1.0, 1.0))
    return 1000


def test_a_long_way_takes_a_number_of_sweeps_that_grows_like_its_logarithm():
    near, farther, farthest = (sweeps_of_a_ramp(10.0**power) for power in (2, 4, 6))
    assert near <= 20 and farther - near <= 45 and farthest - farther <= 45
    assert sweeps_of_a_ramp(1e4, growth=1.0) == 1000


def scarcity_market():
    """A buyer who must have 5, a seller who has 3, and a reserve that costs 2000 times the usual price."""
    return market_of(
        [
            Trader("buyer", {"power": 1.0}, 0.0, lower=5.0, upper=5.0),
            Trader("seller", {"power": -1.0}, 0.1, 1.0, lower=0.0, upper=3.0),
            Trader("reserve", {"power": -1.0}, 0.5, 2000.0, lower=0.0),
        ]
    )


def test_a_scarcity_price_is_found_however_far_away():
    settings = {"sigma": 0.2, "balancing": UNBALANCED}
    found = coordinate(scarcity_market(), np.zeros(1), **settings)
    assert found.solved and found.price == pytest.approx([2001.0], rel=1e-6)
    plain = coordinate(scarcity_market(), np.zeros(1), acceleration=Anderson(growth=1.0), **settings)
    assert len(found.trace) <= 60 and not plain.solved


def test_the_way_goes_on_from_where_it_was_remembered():
    ramp = np.array([1.0, -2.0])
    accelerator, state = Accelerator(Anderson(), np.ones(2)), np.zeros(2)
    for _ in range(6):
        state = accelerator.next_state(state, state + ramp)
    other = Accelerator(Anderson(), np.ones(2))
    other.recall(accelerator.memory())
    nexts = [each.next_state(state, state + ramp) for each in (accelerator, other)]
    assert nexts[0].tolist() == nexts[1].tolist()
    assert np.linalg.norm(nexts[0] - state) > 10 * np.linalg.norm(ramp)


def test_a_market_without_two_groups_is_solved_by_exchange_which_is_said(caplog):
    """Three traders in a triangle: each pair meets in one good; by symmetry all take the same."""
    players = [
        Trader(n, {g[0]: 1.0, g[1]: -1.0}, 1.0, -0.5, 0.0, 3.0) for n, g in zip("abc", ("xy", "yz", "zx"), strict=True)
    ]
    result = coordinate(market_of(players), np.zeros(3))
    assert result.method == "exchange" and result.solved
    assert "by exchange in place of sharing" in caplog.text and "'x' (traded by a, c)" in caplog.text
    assert [response.plan["x"][0] for response in result.responses.values()] == pytest.approx([0.5] * 3, abs=1e-6)


def test_exchange_converges_at_the_published_rate_where_gauss_seidel_diverges():
    """Chen, He, Ye and Yuan 2016: spectral radius 0.994."""
    market = chen_market()
    iteration, ask = Exchange().bind(market, np.ones(3)), Oracle(market).ask
    state = np.linspace(-1.0, 1.0, 9)
    sizes = []
    for number in range(3000):
        image = iteration.sweep(number + 1, state, ask).image
        sizes.append(np.linalg.norm(image - state))
        state = image
    assert (sizes[-1] / sizes[-1001]) ** (1 / 1000) == pytest.approx(0.994, abs=5e-4)


def test_sharing_asked_for_by_name_is_refused_with_the_goods_in_the_way(caplog):
    """The triangle x, y, z is in the way; the seven goods that only d and e trade are not."""
    players = [Trader(n, dict.fromkeys(g, 1.0), 1.0) for n, g in zip("abc", ("xy", "yz", "zx"), strict=True)]
    players += [Trader(n, {f"w{i}": 1.0 for i in range(7)}, 1.0) for n in "de"]
    with pytest.raises(FormulationError, match="cannot be split") as refused:
        coordinate(market_of(players), np.zeros(10), scheme=Sharing())
    words = str(refused.value)
    assert "'x' (traded by a, c); 'y' (traded by a, b); 'z' (traded by b, c)." in words
    assert "'w0'" not in words and "'exchange'" in words and not caplog.text


def test_goods_in_the_way_that_are_traded_alike_are_counted_not_listed():
    players = [Trader(n, dict.fromkeys(g, 1.0), 1.0) for n, g in zip("abc", ("xy", "yz", "zx"), strict=True)]
    for player in (players[0], players[2]):
        player.direction |= {f"v{i}": 1.0 for i in range(7)}
    with pytest.raises(FormulationError, match="'x', 'v0', 'v1', 'v2' and 4 more like them \\(traded by a, c\\)"):
        coordinate(market_of(players), np.zeros(10), scheme=Sharing())
