"""Predicted rates of coordination schemes against hand calculations, against another algorithm and against runs."""

from dataclasses import replace

import numpy as np
import pytest

from bestresponse.coordinator import PLAIN, UNBALANCED, coordinate
from bestresponse.plain_map import PlainMap, leading_modulus, spectrum
from bestresponse.scheme_rates import predicted_rate, scheme_rate
from bestresponse.schemes.exchange import Exchange
from bestresponse.schemes.extragradient import Extragradient
from bestresponse.schemes.gauss_seidel import GaussSeidel
from bestresponse.schemes.jacobi import Jacobi
from bestresponse.schemes.pdhg import PDHG
from bestresponse.schemes.registry import SCHEMES
from bestresponse.schemes.sharing import Sharing
from bestresponse.schemes.tatonnement import Tatonnement
from bestresponse.start import Start
from bestresponse.stopping import Limits, Tolerances
from tests.bestresponse.toys import Trader, bread_market, chain_market, chen_market, market_of, random_market


def at_equilibrium(market, scheme, sigma=1.0):
    """The market, the scheme, and prices and trades as exact as sweeps can make them."""
    found = coordinate(
        market, np.zeros(market.n_goods), tolerances=Tolerances(market=1e-12), limits=Limits(max_sweeps=5000)
    )
    assert found.solved
    return market, scheme, replace(Start.after(found), sigma=sigma)


def at_zero(market, scheme, sigma=1.0):
    return market, scheme, Start(np.zeros(market.n_goods), sigma=sigma)


def two_traders(buyer, seller):
    """They value and charge what leads to no trade at a price of zero, with these slopes of marginal value and cost."""
    return market_of([Trader("buyer", {"x": 1.0}, buyer), Trader("seller", {"x": -1.0}, seller)])


@pytest.mark.parametrize(("buyer", "seller", "sigma"), [(1.0, 1.0, 1.0), (2.0, 0.5, 1.0), (0.3, 4.0, 2.0)])
def test_sharing_of_two_quadratic_traders_has_the_rate_of_douglas_and_rachford(buyer, seller, sigma):
    """T = (1 + R R')/2 with the reflections R = (c − σ)/(c + σ) of both."""
    by_hand = 0.5 * (1 + (buyer - sigma) / (buyer + sigma) * (seller - sigma) / (seller + sigma))
    rate = scheme_rate(*at_zero(two_traders(buyer, seller), Sharing(), sigma))
    assert rate.predicted == pytest.approx(by_hand, abs=1e-9)
    assert rate.measured == pytest.approx(by_hand, abs=1e-6)
    assert (rate.fixed_directions, rate.note) == (0, "")


def test_tatonnement_of_two_quadratic_traders_swings_by_its_step():
    """Excess demand falls by 1/2 + 1/4 per price."""
    for step, by_hand in ((1.0, 0.25), (2.0, -0.5), (3.0, -1.25)):
        rate = scheme_rate(*at_zero(two_traders(2.0, 4.0), Tatonnement(step=step)))
        assert rate.predicted == pytest.approx(abs(by_hand), abs=1e-9)
        assert rate.measured == pytest.approx(abs(by_hand), abs=1e-6)


@pytest.mark.parametrize(
    ("scheme", "by_hand"),
    [
        (Jacobi(proximal=False), 1 + 2**0.5),
        (PDHG(step=1.5), (1 + 3**0.5) / 2),
        (Extragradient(step=1.5), 1.75**0.5),
    ],
)
def test_schemes_beyond_their_theorem_run_away_from_two_players_without_costs(scheme, by_hand):
    market = market_of([Trader("one", {"x": 1.0}, 0.0), Trader("other", {"x": 1.0}, 0.0)])
    assert predicted_rate(*at_zero(market, scheme)) == pytest.approx(by_hand, rel=1e-6)


def test_three_blocks_without_costs_have_the_published_rates():
    """Gauss-Seidel 1.02784 (Chen, He, Ye and Yuan 2016), exchange 0.994; the latter leaves fixed points beside zero."""
    for scheme, published, digits in ((GaussSeidel(), 1.02784, 1e-5), (Exchange(), 0.994, 5e-4)):
        rate = scheme_rate(*at_zero(chen_market(), scheme))
        assert rate.predicted == pytest.approx(published, abs=digits)
        assert rate.measured == pytest.approx(rate.predicted, abs=1e-4)


def test_along_a_continuum_of_fixed_points_nothing_moves_and_the_rate_is_that_of_the_rest():
    """The first two trade as they like against each other; only what they trade with the third is determined."""
    market = market_of(
        [Trader("one", {"x": 1.0}, 0.0), Trader("other", {"x": -1.0}, 0.0), Trader("third", {"x": 1.0}, 1.0)]
    )
    plain = PlainMap(*at_zero(market, Exchange()))
    found = spectrum(plain)
    assert found.fixed_directions == 1 and 0.1 < found.radius < 0.99
    drift = plain.point + np.array([1.0, -1.0, 0.0])  # one takes what the other gives
    assert plain(drift) == pytest.approx(drift, abs=1e-12)
    assert leading_modulus(plain) == pytest.approx(found.radius, abs=1e-7)
    assert scheme_rate(*at_zero(market, Exchange())).measured == pytest.approx(found.radius, abs=1e-4)


def test_where_nothing_moves_there_is_nothing_to_gain():
    """A market whose only two trades are fixed by bounds: every ζ of the seller above its cost is a fixed point."""
    fixed = {"lower": 1.0, "upper": 1.0}
    market = market_of([Trader("buyer", {"x": 1.0}, 0.0, **fixed), Trader("seller", {"x": -1.0}, 0.0, **fixed)])
    trades = {"buyer": np.array([1.0]), "seller": np.array([-1.0])}
    assert predicted_rate(market, Sharing(), Start(np.zeros(1), trades)) == 0.0
    assert scheme_rate(market, Sharing(), Start(np.zeros(1), trades)).fixed_directions == 1


def test_at_a_kink_the_slower_side_counts_and_the_rate_is_called_one_sided():
    """A second seller starts exactly at the equilibrium price: above it there are two sellers, below it one."""
    buyer = Trader("buyer", {"x": 1.0}, 1.0, -2.0)
    sellers = [Trader("steady", {"x": -1.0}, 1.0), Trader("waiting", {"x": -1.0}, 1.0, 1.0, lower=0.0)]
    trades = {"buyer": np.array([1.0]), "steady": np.array([-1.0]), "waiting": np.array([0.0])}
    rate = scheme_rate(market_of([buyer, *sellers]), Tatonnement(step=0.3), Start(np.ones(1), trades))
    assert rate.predicted == pytest.approx(1 - 0.3 * 2, abs=1e-9)  # against 1 - 0.3 * 3 above the price
    assert "one-sided: in 1 of 1 directions" in rate.note


def test_an_active_set_that_changes_near_the_equilibrium_does_not_disturb_the_prediction():
    buyer, steady = Trader("buyer", {"x": 1.0}, 1.0, -2.0), Trader("steady", {"x": -1.0}, 1.0)
    late = Trader("late", {"x": -1.0}, 1.0, 1.0 + 1e-4, lower=0.0)
    trades = {"buyer": np.array([1.0]), "steady": np.array([-1.0]), "late": np.array([0.0])}
    rate = scheme_rate(market_of([buyer, steady, late]), Tatonnement(step=0.3), Start(np.ones(1), trades))
    assert rate.predicted == pytest.approx(0.4, abs=1e-9) and rate.note == ""


@pytest.mark.parametrize("name", ["sharing", "exchange", "gauss_seidel", "jacobi", "pdhg", "extragradient"])
@pytest.mark.parametrize("make", [bread_market, chain_market, lambda: random_market(3)])
def test_two_algorithms_and_a_run_find_the_same_rate(name, make):
    at = at_equilibrium(make(), SCHEMES[name], 0.5)
    rate = scheme_rate(*at)
    assert predicted_rate(*at) == pytest.approx(rate.predicted, abs=1e-6)
    assert rate.measured == pytest.approx(rate.predicted, rel=0.05)  # a short run of a pair that swings


def test_relaxation_moves_every_eigenvalue_towards_or_past_one():
    at = at_zero(two_traders(2.0, 0.5), Sharing())
    plain = predicted_rate(*at)
    for relaxation in (0.7, 1.5):
        assert predicted_rate(*at, relaxation=relaxation) == pytest.approx(abs(1 + relaxation * (plain - 1)), abs=1e-8)


def test_a_whole_run_ends_at_the_predicted_rate():
    market, scheme, at = at_equilibrium(chain_market(), SCHEMES["pdhg"])
    run = coordinate(
        market,
        np.zeros(3),
        scheme=scheme,
        acceleration=PLAIN,
        balancing=UNBALANCED,
        tolerances=Tolerances(market=1e-11),
        limits=Limits(max_sweeps=5000, patience=5000),
    )
    imbalance = np.array([record.imbalance for record in run.trace.records])
    slope = np.polyfit(np.arange(len(imbalance))[-100:], np.log(np.maximum(imbalance[-100:], 1e-16)), 1)[0]
    assert np.exp(slope) == pytest.approx(predicted_rate(market, scheme, at), abs=0.01)


@pytest.mark.parametrize(
    ("scheme", "words"),
    [
        ("tatonnement_averaged", "applies another map in every sweep"),
        ("pdhg_halpern", "applies another map in every sweep"),
        ("golden_ratio", "applies another map in every sweep"),
        ("tatonnement", "does not stay at the equilibrium"),
    ],
)
def test_a_scheme_without_a_rate_says_why(scheme, words):
    """The importer of bread has a linear cost: asked without an anchor it answers all or nothing."""
    buyer = Trader("buyer", {"x": 1.0}, 1.0, -2.0)
    market = market_of([buyer, Trader("seller", {"x": -1.0}, 0.0, 1.0, lower=0.0, upper=5.0)])
    trades = {"buyer": np.array([1.0]), "seller": np.array([-1.0])}
    rate = scheme_rate(market, SCHEMES[scheme], Start(np.ones(1), trades))
    assert (rate.predicted, rate.measured) == (None, None) and words in rate.note
    assert predicted_rate(market, SCHEMES[scheme], Start(np.ones(1), trades)) is None


def test_a_scheme_that_does_not_fit_the_market_says_why():
    goods = [{"x": 1.0, "y": 1.0}, {"y": -1.0, "z": 1.0}, {"x": 1.0, "z": -1.0}]
    market = market_of([Trader(f"player {i}", direction, 1.0) for i, direction in enumerate(goods)])
    assert "cannot be split into two groups" in scheme_rate(*at_zero(market, Sharing())).note
