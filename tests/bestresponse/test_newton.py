"""Newton's method: the derivative it uses, the equation it solves, how fast it is, and where it is the default."""

import numpy as np
import pytest

from bestresponse.acceleration import Anderson
from bestresponse.balancing import Balancing
from bestresponse.coordinator import PLAIN, UNBALANCED, coordinate, default_acceleration, default_balancing
from bestresponse.errors import FormulationError
from bestresponse.market import Market
from bestresponse.newton import Newton, NewtonSteps
from bestresponse.oracle import Oracle
from bestresponse.plain_map import PlainMap
from bestresponse.schemes.exchange import Exchange
from bestresponse.schemes.registry import SCHEMES
from bestresponse.schemes.sharing import Sharing
from bestresponse.start import Start
from bestresponse.stopping import Limits, Tolerances
from tests.bestresponse.toys import (
    AwareCooperative,
    Sloped,
    aware,
    bread_market,
    chain_market,
    market_of,
    random_market,
)

TWO = pytest.mark.parametrize("scheme", [Sharing(), Exchange()], ids=lambda scheme: scheme.name)
NO_DAMPING = Newton(damping=1e-9)  # to speak of


def linear_market(seed, symmetric=True, least=0.5):
    """Four players without bounds, three of whom trade three goods and one two of them."""
    rng, goods, players = np.random.default_rng(seed), ("x", "y", "z"), []
    for k, traded in enumerate((goods, goods, goods[1:], goods)):
        root, n = rng.normal(size=(len(traded), len(traded))), len(traded)
        H = root @ root.T + least * np.eye(n) + (0.0 if symmetric else 2.0) * (root - root.T)
        players.append(AwareCooperative(f"player {k}", traded, H, rng.normal(size=n)))
    return market_of(players)


def tangent_at(market, scheme, start):
    """T' at the state that stands for a start, and the state."""
    iteration, oracle = scheme.bind(market, np.full(market.n_goods, start.sigma)), Oracle(market)
    state = iteration.state(start.price, {**market.no_trade, **start.trades})
    signals = iteration.sweep(1, state, oracle.ask).signals
    return iteration.tangent(oracle.sensitivities(signals)), iteration


@TWO
@pytest.mark.parametrize("seed", range(6))
def test_the_derivative_is_what_differences_of_sweeps_say(scheme, seed):
    market, sigma = aware(random_market(seed)), (0.3, 1.0, 3.0)[seed % 3]
    found = coordinate(market, np.zeros(market.n_goods), scheme=scheme, sigma=sigma, balancing=UNBALANCED)
    assert found.solved
    start = Start.after(found)
    plain, (tangent, iteration) = PlainMap(market, scheme, start), tangent_at(market, scheme, start)
    rng, metric = np.random.default_rng(seed), iteration.metric()
    for _ in range(3):
        direction = rng.normal(size=len(metric))
        forwards, backwards = plain.derivatives(metric * direction)
        assert forwards == pytest.approx(backwards, abs=1e-6)  # no kink at the equilibrium
        assert metric * tangent.image(direction) == pytest.approx(forwards, abs=1e-6)


@TWO
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("damping", [1e-8, 1e-3, 0.1, 1.0, 1e3])
def test_a_step_solves_its_equation(scheme, symmetric, damping):
    market = linear_market(1, symmetric)
    tangent, iteration = tangent_at(market, scheme, Start(np.zeros(3), sigma=0.7))
    right = np.random.default_rng(0).normal(size=len(iteration.metric()))
    step = tangent.step(right, damping)
    assert (1 + damping) * step - tangent.image(step) == pytest.approx(right, abs=1e-10)


@pytest.mark.parametrize("damping", [1e-6, 1e-2])
def test_a_step_solves_its_equation_where_costs_are_linear(damping):
    """Then only the anchor makes an answer unique, ρ S is −1, and B is as small as λ."""
    market = linear_market(1)
    iteration = Sharing().bind(market, np.full(3, 0.7))
    first, stack = iteration.groups.first, iteration.stack
    answers = {name: np.diag(-1 / iteration.rho[part]) for name, part in stack.part.items()}
    tangent = iteration.tangent({**answers, first[0]: np.diag([-0.4, -0.5, -0.1])})
    right = np.random.default_rng(0).normal(size=len(iteration.rho))
    step = tangent.step(right, damping)
    assert (1 + damping) * step - tangent.image(step) == pytest.approx(right, abs=1e-9)


@TWO
@pytest.mark.parametrize("damping", [0.02, 0.3, 5.0])
def test_a_damped_step_is_a_proximal_step_and_a_plain_one_after_it(scheme, damping):
    """On a linear market the error e becomes T' λ (1 + λ − T')⁻¹ e, which is no longer than e in the metric."""
    market = linear_market(2)
    solved = coordinate(market, np.zeros(3), scheme=scheme, sigma=0.7, balancing=UNBALANCED)
    tangent, iteration = tangent_at(market, scheme, Start.after(solved))
    rest = iteration.state(solved.price, {name: response.trade for name, response in solved.responses.items()})
    unit = np.eye(len(rest))
    slope = np.array([tangent.image(column) for column in unit]).T
    steps = NewtonSteps(Newton(damping=damping), dict, lambda slopes: tangent)
    steps.restart(iteration.metric())
    error = np.random.default_rng(0).normal(size=len(rest))
    image = iteration.sweep(1, rest + error, Oracle(market).ask).image
    after = steps.next_state(rest + error, image) - rest
    expected = slope @ (damping * np.linalg.solve((1 + damping) * unit - slope, error))
    assert after == pytest.approx(expected, abs=1e-6)
    assert np.linalg.norm(iteration.metric() * after) <= np.linalg.norm(iteration.metric() * error)


def test_a_step_from_across_a_kink_goes_where_the_models_of_both_sides_are_zero():
    """f is the way to the farther of two lines: steps of one model only would project on both in turn."""
    normals = np.array([[1.0, 0.0], [0.5, 0.75**0.5]])  # lines at an angle of 60°
    state = np.array([3.0, -1.0])

    def farther():
        return normals[np.argmax(np.abs(normals @ state))]

    def slopes():
        return {"player": np.outer(farther(), farther())}

    steps, visited = NewtonSteps(Newton(damping=1e-6), slopes, lambda found: Sloped(found["player"])), []
    steps.restart(np.ones(2))
    for _ in range(2):
        state = steps.next_state(state, state - (farther() @ state) * farther())
        visited.append(np.linalg.norm(state))
    assert visited[0] == pytest.approx(1.0, abs=1e-4)  # on the line that was farther
    assert visited[1] < 1e-4  # on both; steps of one model would halve the distance each


@TWO
@pytest.mark.parametrize("sigma", [0.03, 1.0, 30.0])
def test_a_linear_market_takes_one_step(scheme, sigma):
    """The second sweep is at the answer. A third mends what rounding and λ have left."""
    settings = {"scheme": scheme, "sigma": sigma, "balancing": UNBALANCED, "limits": Limits(max_sweeps=3000)}
    newton = coordinate(linear_market(3), np.zeros(3), acceleration=NO_DAMPING, **settings)
    anderson = coordinate(linear_market(3), np.zeros(3), acceleration=Anderson(), **settings)
    assert newton.solved and anderson.solved
    assert len(newton.trace) <= 3 < len(anderson.trace)
    assert newton.price == pytest.approx(anderson.price, abs=1e-6)


def test_the_default_is_newton_where_everybody_knows_its_slope_else_anderson():
    knowing, ignorant = aware(bread_market()), bread_market()
    half = Market(knowing.goods, (*knowing.players[:-1], ignorant.players[-1]))
    ways = [default_acceleration(Sharing(), market) for market in (knowing, half, ignorant)]
    assert ways == [Newton(), Anderson(), Anderson()]
    assert [default_balancing(Sharing(), way, knowing).every for way in ways[:2]] == [5, Balancing().every]
    assert default_acceleration(SCHEMES["jacobi"], knowing) == PLAIN
    for market in (knowing, half):
        plainly = coordinate(market, np.zeros(1), acceleration=default_acceleration(Sharing(), market))
        found = coordinate(market, np.zeros(1))
        assert found.solved and len(found.trace) == len(plainly.trace)
        assert found.price == pytest.approx([4.0], abs=1e-6)


@pytest.mark.parametrize(
    ("market", "scheme", "words"),
    [
        (bread_market(), Sharing(), "first baker, second baker, importer cannot say how their trades answer"),
        (aware(bread_market()), SCHEMES["gauss_seidel"], "the derivative of the scheme's map: gauss_seidel states non"),
        (aware(bread_market()), SCHEMES["pdhg_average"], "pdhg_average applies another map in every sweep"),
    ],
)
def test_newton_asked_for_where_it_cannot_be_is_refused_and_said_why(market, scheme, words):
    with pytest.raises(FormulationError, match=words):
        coordinate(market, np.zeros(1), scheme=scheme, acceleration=Newton())


@pytest.mark.parametrize("seed", range(8))
def test_newton_solves_random_convex_markets_with_kinks(seed):
    market = aware(random_market(seed))
    newton = coordinate(market, np.zeros(market.n_goods))
    plain = coordinate(market, np.zeros(market.n_goods), acceleration=PLAIN, limits=Limits(4000, patience=4000))
    assert newton.solved and plain.solved
    assert len(newton.trace) < len(plain.trace)


def test_a_start_with_trades_takes_less_damping():
    market, first = aware(chain_market()), []
    found = coordinate(market, np.zeros(3))
    for start in (Start(found.price), Start.after(found)):
        kept = []
        coordinate(
            market, start, limits=Limits(max_sweeps=3), tolerances=Tolerances.of(1e-15), on_checkpoint=kept.append
        )
        first.append(kept[0].arrays["accelerator"]["damping"][0])
    assert first == [Newton().damping, Newton().near]


def test_large_players_are_not_asked_for_their_slopes_by_default(monkeypatch):
    monkeypatch.setattr("bestresponse.coordinator.LARGE", 1)
    assert default_acceleration(Sharing(), aware(bread_market())) == Newton()
    assert default_acceleration(Sharing(), aware(chain_market())) == Anderson()


@pytest.mark.parametrize(
    "settings",
    [
        {"damping": 0.0},
        {"near": 0.0},
        {"patience": 0},
        {"damping": np.nan},
        {"damping": np.inf},
        {"factor": 1.0},
        {"trusted": 0.8},
        {"doubted": np.nan},
        {"rollback": 0.9},
        {"recent": 0},
    ],
)
def test_settings_outside_their_range_are_refused(settings):
    with pytest.raises(FormulationError, match=f"Newton needs .*{next(iter(settings))}"):
        Newton(**settings)
