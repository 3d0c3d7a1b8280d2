"""Every scheme that has a theorem converges where its assumptions hold; those without fail where they are known to."""

import numpy as np
import pytest

from bestresponse.acceleration import Anderson
from bestresponse.balancing import Balancing
from bestresponse.coordinator import PLAIN, UNBALANCED, coordinate
from bestresponse.errors import FormulationError
from bestresponse.oracle import Oracle
from bestresponse.schemes.exchange import Exchange
from bestresponse.schemes.extragradient import Extragradient
from bestresponse.schemes.golden_ratio import GoldenRatio
from bestresponse.schemes.jacobi import Jacobi, JacobiIteration
from bestresponse.schemes.pdhg import PDHG
from bestresponse.schemes.registry import FOR_CONVEX_COSTS, SCHEMES
from bestresponse.schemes.stacking import Stack
from bestresponse.schemes.tatonnement import Tatonnement
from bestresponse.stopping import Limits, StopReason, Tolerances
from tests.bestresponse.toys import Trader, bread_market, chain_market, market_of, random_market

PLAINLY = {"acceleration": PLAIN, "balancing": UNBALANCED}
STATIONARY = ("sharing", "exchange", "gauss_seidel", "jacobi", "pdhg", "extragradient")


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", FOR_CONVEX_COSTS)
def test_a_scheme_for_convex_costs_solves_random_convex_markets(name, seed):
    market = random_market(seed)
    sigma = (0.3, 1.0, 3.0)[seed % 3]
    result = coordinate(
        market,
        np.zeros(market.n_goods),
        scheme=SCHEMES[name],
        sigma=sigma,
        tolerances=Tolerances.of(1e-4),
        limits=Limits(max_sweeps=4000, patience=4000),
        **PLAINLY,
    )
    assert result.solved, str(result.stop)


@pytest.mark.parametrize(
    "scheme",
    [Jacobi(gamma=0.5), Jacobi(gamma=1.6), PDHG(step=0.5), Extragradient(step=0.5), GoldenRatio(phi=1.618)],
)
def test_the_whole_step_range_converges(scheme):
    for seed in range(2):
        market = random_market(seed)
        settings = {"tolerances": Tolerances.of(1e-4), "limits": Limits(max_sweeps=4000, patience=4000)}
        result = coordinate(market, np.zeros(market.n_goods), scheme=scheme, **settings, **PLAINLY)
        assert result.solved, str(result.stop)


def _slopes_of_demand(market):
    """The sum of how fast players' trades can fall per price, an upper bound of the constant L of excess demand."""
    total = np.zeros((market.n_goods, market.n_goods))
    for player in market:
        at = np.ix_(market.positions[player.name], market.positions[player.name])
        if isinstance(player, Trader):
            a = np.array(list(player.direction.values()))
            total[at] += np.outer(a, a) / player.curvature
        else:
            total[at] += np.linalg.inv(player.H)
    return float(np.linalg.eigvalsh(total).max())


@pytest.mark.parametrize("seed", range(6))
def test_tatonnement_converges_for_strongly_convex_costs_within_its_step_range(seed):
    market = random_market(seed, least_curvature=0.5)
    result = coordinate(
        market,
        np.zeros(market.n_goods),
        scheme=Tatonnement(),
        sigma=1.8 / _slopes_of_demand(market),
        tolerances=Tolerances.of(1e-4),
        limits=Limits(max_sweeps=4000, patience=4000),
        **PLAINLY,
    )
    assert result.solved, str(result.stop)


def test_tatonnement_beyond_its_step_range_does_not_converge():
    """Excess demand 4 − 2p: L = 2, so 0.95 converges and 1.05 swings ever wider."""
    market = market_of([Trader("buyer", {"x": 1.0}, 1.0, -4.0), Trader("seller", {"x": -1.0}, 1.0)])
    inside = coordinate(market, np.zeros(1), scheme=Tatonnement(step=0.95), limits=Limits(patience=500))
    outside = coordinate(market, np.zeros(1), scheme=Tatonnement(step=1.05), limits=Limits(patience=500))
    assert inside.solved
    assert outside.stop.reason in {StopReason.DIVERGED, StopReason.SWEEP_LIMIT, StopReason.OSCILLATING}


def test_diminishing_steps_find_the_price_of_linear_players_where_constant_ones_cycle():
    """Two linear sellers, at 1 for up to 3 and at 2 for up to 3, and a buyer of up to 5 worth 4: the price is 2."""
    market = market_of(
        [
            Trader("buyer", {"x": 1.0}, 0.0, -4.0, 0.0, 5.0),
            Trader("cheap", {"x": -1.0}, 0.0, 1.0, 0.0, 3.0),
            Trader("dear", {"x": -1.0}, 0.0, 2.0, 0.0, 3.0),
        ]
    )
    prices = {}
    for scheme in (Tatonnement(step=0.3), SCHEMES["tatonnement_diminishing"]):
        result = coordinate(market, np.zeros(1), scheme=scheme, limits=Limits(max_sweeps=3000, patience=3000))
        prices[scheme.name] = np.array([record.price[0] for record in result.trace.records[-50:]])
        assert not result.solved  # plans jump, whatever the price does
    assert np.abs(prices["tatonnement_diminishing"] - 2).max() < 0.05
    assert np.abs(prices["tatonnement"] - 2).max() > 0.2


def _radius(iteration, market):
    """The spectral radius of one sweep, which is a linear map where nobody has costs or bounds."""
    ask, n = Oracle(market).ask, len(iteration.state(np.zeros(market.n_goods), market.no_trade))
    matrix = np.array([iteration.sweep(1, unit, ask).image for unit in np.eye(n)]).T
    return np.abs(np.linalg.eigvals(matrix)).max()


@pytest.mark.parametrize(
    ("scheme", "rate"),
    [
        (Jacobi(proximal=False), 1 + 2**0.5),  # excess r and price p: r ← −r − 2p, p ← p + r
        (PDHG(step=1.5), (1 + 3**0.5) / 2),  # eigenvalues of [[1, μ], [−μ, 1 − 2μ²]], μ² = step
        (Extragradient(step=1.5), 1.75**0.5),  # |1 − μ² + iμ|
    ],
)
def test_beyond_the_theorem_two_players_without_costs_diverge_at_the_rate_worked_out_by_hand(scheme, rate):
    market = market_of([Trader("one", {"x": 1.0}, 0.0), Trader("other", {"x": 1.0}, 0.0)])
    assert _radius(scheme.bind(market, np.ones(1)), market) == pytest.approx(rate, rel=1e-6)
    inside = {"jacobi": Jacobi(), "pdhg": PDHG(), "extragradient": Extragradient()}[scheme.name]
    assert _radius(inside.bind(market, np.ones(1)), market) <= 1 + 1e-9


def _prices(scheme_or_iteration, market, sweeps=25):
    iteration = scheme_or_iteration
    if hasattr(iteration, "bind"):
        iteration = iteration.bind(market, np.ones(market.n_goods))
    ask, state, found = Oracle(market).ask, iteration.state(np.zeros(market.n_goods), market.no_trade), []
    for number in range(sweeps):
        sweep = iteration.sweep(number + 1, state, ask)
        state = sweep.image
        found.append(sweep.price)
    return np.array(found)


def test_pdhg_with_the_longest_step_and_jacobi_with_the_smallest_proximity_are_exchange():
    """Jacobi looks at the price after the answers, the others before: it is one sweep ahead."""
    market = chain_market()
    exchange = _prices(Exchange(), market)
    stack, sigma = Stack(market), np.ones(market.n_goods)
    jacobi = _prices(JacobiIteration(stack, sigma, sigma * (stack.traders - 1), gamma=1.0), market)
    assert np.abs(exchange[-1]).max() > 0.1
    assert _prices(PDHG(step=1.0), market) == pytest.approx(exchange, abs=1e-12)
    assert jacobi[:-1] == pytest.approx(exchange[1:], abs=1e-12)


@pytest.mark.parametrize("name", SCHEMES)
def test_a_resumed_run_is_the_unbroken_run_bit_for_bit(name):
    """Everything a scheme needs is in its state vector: the average, the anchor, the steps and the count."""
    checkpoints = []
    settings = {"scheme": SCHEMES[name], "sigma": 0.3, "limits": Limits(max_sweeps=60, patience=60)}
    unbroken = coordinate(chain_market(), np.zeros(3), **settings, on_checkpoint=checkpoints.append)
    middle = checkpoints[len(checkpoints) // 2]
    resumed = coordinate(chain_market(), np.zeros(3), **settings, resume=middle)
    after = unbroken.trace.records[middle.sweep :]
    assert len(after) > 1
    for record, again in zip(after, resumed.trace.records, strict=True):
        assert (record.price == again.price).all()


@pytest.mark.parametrize("name", STATIONARY)
def test_acceleration_works_on_every_stationary_scheme(name):
    settings = {"scheme": SCHEMES[name], "sigma": 0.1, "balancing": UNBALANCED, "limits": Limits(max_sweeps=3000)}
    fast = coordinate(chain_market(), np.zeros(3), acceleration=Anderson(), **settings)
    slow = coordinate(chain_market(), np.zeros(3), acceleration=PLAIN, **settings)
    assert fast.solved and slow.solved
    assert len(fast.trace) < len(slow.trace) / 2
    assert fast.price == pytest.approx(slow.price, abs=1e-4)


@pytest.mark.parametrize("name", STATIONARY)
def test_relaxation_works_on_every_stationary_scheme(name):
    result = coordinate(
        bread_market(),
        np.zeros(1),
        scheme=SCHEMES[name],
        acceleration=Anderson(memory=0, relaxation=0.7),
        balancing=UNBALANCED,
        limits=Limits(max_sweeps=3000),
    )
    assert result.solved and result.price == pytest.approx([4.0], abs=1e-6)


@pytest.mark.parametrize("name", [*STATIONARY, "pdhg_average", "pdhg_halpern", "golden_ratio"])
def test_balancing_mends_a_bad_sigma_on_every_scheme_with_an_anchor(name):
    settings = {"scheme": SCHEMES[name], "sigma": 0.003, "acceleration": PLAIN, "limits": Limits(max_sweeps=3000)}
    mended = coordinate(bread_market(), np.zeros(1), balancing=Balancing(), **settings)
    left = coordinate(bread_market(), np.zeros(1), balancing=UNBALANCED, **settings)
    assert mended.solved
    assert len(mended.trace) < len(left.trace) / 2


@pytest.mark.parametrize("name", [name for name, scheme in SCHEMES.items() if not scheme.stationary])
def test_a_scheme_that_changes_from_sweep_to_sweep_is_not_accelerated(name):
    with pytest.raises(FormulationError, match=f"{name} applies another map in every sweep"):
        coordinate(bread_market(), np.zeros(1), scheme=SCHEMES[name], acceleration=Anderson())


def test_a_restart_starts_from_the_average_of_the_epoch():
    """Plain steps of a rotation never settle; their average is the centre, and that is where the next epoch starts."""
    market = bread_market()
    iteration, ask = SCHEMES["pdhg_average"].bind(market, np.ones(1)), Oracle(market).ask
    state, points, n = iteration.state(np.zeros(1), market.no_trade), [], 5
    for number in range(1, 200):
        image = iteration.sweep(number, state, ask).image
        points.append(SCHEMES["pdhg"].bind(market, np.ones(1)).sweep(1, state[:n], ask).image)
        if image[-3] == 0:  # the epoch's length
            break
        assert image[:n] == pytest.approx(points[-1])
        state = image
    assert 1 < len(points) < 199
    assert image[:n] == pytest.approx(np.mean(points, axis=0))
    assert image[n : 2 * n] == pytest.approx(image[:n])


def test_every_scheme_is_listed_under_its_own_name():
    assert all(name == scheme.name for name, scheme in SCHEMES.items())
    assert {*FOR_CONVEX_COSTS, *STATIONARY} < set(SCHEMES)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Jacobi(gamma=2.0), "gamma 2.0 must lie between 0 and 2"),
        (lambda: PDHG(step=float("nan")), "step nan must be positive"),
        (lambda: PDHG(restart="mean"), "no restart 'mean'; allowed: average, halpern"),
        (lambda: Extragradient(step=-1.0), "step -1.0 must be positive"),
        (lambda: GoldenRatio(phi=1.7), "phi 1.7 must lie above 1 and be at most 1.6180"),
        (lambda: Tatonnement(decay=0.3), "decay 0.3 must be 0, or lie above 1/2"),
        (lambda: Tatonnement(step=0.0), "step 0.0 must be positive"),
    ],
)
def test_a_step_outside_its_range_is_refused(make, words):
    with pytest.raises(FormulationError, match=words):
        make()


class Eavesdropper(Trader):
    """A trader that notes whose answers it is told."""

    def best_response(self, signal):
        self.told = set(signal.others)
        return super().best_response(signal)


@pytest.mark.parametrize("name", ["sharing", "gauss_seidel"])
def test_who_answers_second_hears_the_first(name):
    seller = Eavesdropper("seller", {"bread": -1.0}, 1.0)
    rival = Eavesdropper("rival", {"bread": -1.0}, 2.0)
    market = market_of([Trader("buyer", {"bread": 1.0}, 1.0, slope=-10.0), seller, rival])
    SCHEMES[name].bind(market, np.ones(1)).sweep(0, np.zeros(4 if name != "sharing" else 2), Oracle(market).ask)
    assert "buyer" in seller.told and "buyer" in rival.told
