"""Sweep orders: who answers when, and what it changes."""

import numpy as np
import pytest

from bestresponse.coordinator import PLAIN, UNBALANCED, coordinate
from bestresponse.errors import FormulationError
from bestresponse.groups import two_groups
from bestresponse.oracle import Oracle
from bestresponse.schemes.gauss_seidel import GaussSeidel
from bestresponse.schemes.orders import Cyclic, Grouped, MostImbalanced, Shuffled
from bestresponse.schemes.sharing import Sharing
from bestresponse.stopping import Limits, Tolerances
from tests.bestresponse.toys import BREAD_PRICE, bread_market, chain_market, chen_market, random_market

NAMES = ("farmer", "miller", "baker", "buyer")
PLAINLY = {"acceleration": PLAIN, "balancing": UNBALANCED}


@pytest.mark.parametrize(
    "order",
    [Cyclic(), Shuffled(seed=3), Grouped((("miller", "buyer"), ("farmer", "baker"))), MostImbalanced()],
)
def test_every_order_asks_everybody_once_and_leads_to_the_equilibrium(order):
    market = chain_market()
    turns = order.turns(market, 1, np.ones(3))
    assert sorted(name for turn in turns for name in turn) == sorted(NAMES)
    result = coordinate(market, np.zeros(3), scheme=GaussSeidel(order), limits=Limits(max_sweeps=2000))
    assert result.solved
    assert result.price == pytest.approx(coordinate(market, np.zeros(3)).price, abs=1e-5)
    assert all(asked >= len(result.trace) for asked in result.answers.values())


def test_a_shuffled_order_depends_on_the_seed_and_the_sweep_and_on_nothing_else():
    market = chain_market()
    orders = {(seed, n): Shuffled(seed).turns(market, n, np.zeros(3)) for seed in range(3) for n in range(1, 30)}
    assert orders == {(seed, n): Shuffled(seed).turns(market, n, np.ones(3)) for seed, n in reversed(orders)}
    for seed in range(3):
        assert len({orders[seed, n] for n in range(1, 30)}) > 10
    assert [orders[0, n] for n in range(1, 30)] != [orders[1, n] for n in range(1, 30)]


def test_the_most_imbalanced_good_comes_first_relative_to_its_usual_quantity():
    """Goods grain, flour, bread, in the order the players name them."""
    market = chain_market()
    assert [good.name for good in market.goods] == ["grain", "flour", "bread"]
    turns = MostImbalanced().turns(market, 1, np.array([0.5, -0.2, 3.0]))
    assert turns == (("baker",), ("buyer",), ("farmer",), ("miller",))


def test_two_groups_one_after_the_other_are_sharing():
    """Gauss-Seidel that starts where sharing has asked its first group and set the price takes the same prices."""
    market = bread_market()
    ask, groups = Oracle(market).ask, two_groups(market)
    sharing, grouped = Sharing().bind(market, np.ones(1)), GaussSeidel(Grouped((groups.second, groups.first)))
    first = sharing.sweep(1, sharing.state(np.zeros(1), market.no_trade), ask)
    trades = {**market.no_trade, **{name: first.responses[name].trade for name in groups.first}}
    gauss_seidel = grouped.bind(market, np.ones(1))
    state, zeta = gauss_seidel.state(first.price, trades), first.image
    for number in range(2, 20):
        theirs, ours = sharing.sweep(number, zeta, ask), gauss_seidel.sweep(number, state, ask)
        assert ours.price == pytest.approx(theirs.price, abs=1e-12)
        zeta, state = theirs.image, ours.image
    assert abs(ours.price[0] - BREAD_PRICE) < 0.1


@pytest.mark.parametrize("seed", range(6))
def test_any_two_turns_solve_random_convex_markets(seed):
    """Several players of both turns share goods."""
    market = random_market(seed)
    names = [player.name for player in market]
    scheme = GaussSeidel(Grouped((tuple(names[::2]), tuple(names[1::2]))))
    result = coordinate(
        market,
        np.zeros(market.n_goods),
        scheme=scheme,
        tolerances=Tolerances.of(1e-5),
        limits=Limits(max_sweeps=3000, patience=3000),
        **PLAINLY,
    )
    assert result.solved, str(result.stop)


def test_an_order_drawn_anew_converges_where_the_same_order_diverges():
    """The counterexample of Chen, He, Ye and Yuan (2016), on which random permutations help (Sun, Luo and Ye 2020)."""
    market = chen_market()
    sizes = {}
    for order in (Cyclic(), Shuffled(seed=1)):
        iteration, ask = GaussSeidel(order).bind(market, np.ones(3)), Oracle(market).ask
        state = iteration.state(np.array([1.0, -0.3, 0.7]), market.no_trade)
        for number in range(1, 1001):
            state = iteration.sweep(number, state, ask).image
        sizes[type(order)] = np.linalg.norm(state)
    assert sizes[Cyclic] > 1e6
    assert sizes[Shuffled] < 1e-3


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ((("farmer", "milller"), ("baker", "buyer")), "no player 'milller'; did you mean 'miller'"),
        ((NAMES, ("miller",)), "'miller' is in 2 groups"),
        ((("farmer",), ("baker",)), "no group has 'miller', 'buyer'"),
    ],
)
def test_groups_that_do_not_fit_the_market_are_refused_by_name(groups, words):
    with pytest.raises(FormulationError, match=words):
        coordinate(chain_market(), np.zeros(3), scheme=GaussSeidel(Grouped(groups)))
