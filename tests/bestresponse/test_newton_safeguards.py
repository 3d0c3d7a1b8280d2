"""What keeps Newton's method from harm: bad steps, circles, wrong slopes, players that fail, runs that are cut."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from bestresponse.acceleration import Accelerator, Anderson
from bestresponse.checkpoint import load_checkpoint
from bestresponse.coordinator import UNBALANCED, coordinate
from bestresponse.errors import FormulationError
from bestresponse.market import Market
from bestresponse.newton import MOST_DAMPING, Newton, NewtonSteps
from bestresponse.schemes.exchange import Exchange
from bestresponse.schemes.jacobi import Jacobi
from bestresponse.stopping import Limits, StopReason
from tests.bestresponse.toys import Aware, Sloped, aware, bread_market, chain_market, market_of, of_kind


def scarce_market():
    """A buyer of up to 100 worth 40 each, two sellers of 70 in all: slopes lead from piece to piece and back."""
    buyer = Aware("buyer", {"x": 1.0}, 0.0, -40.0, 0.0, 100.0)
    cheap, dear = (Aware(f"of {most}", {"x": -1.0}, 0.1, cost, 0.0, most) for cost, most in ((1.0, 50.0), (5.0, 20.0)))
    return market_of([buyer, cheap, dear], quantity_scale=100.0)


def renamed(market):
    """The same market with another name for its first player."""
    first, *others = market.players
    return Market(market.goods, (replace(first, name="somebody else"), *others))


class Wrong(Aware):
    """Has its own slope with the wrong sign, and much too large."""

    def sensitivity(self, signal):
        return -20.0 * super().sensitivity(signal)


class Planted:
    """A tangent of T(z) = 0 whose steps are what somebody has planted, from then on Newton's."""

    def __init__(self, *planted):
        self.planted = list(planted)

    def step(self, right, damping):
        return np.array([self.planted.pop(0)]) if self.planted else right / (1 + damping)


def test_a_bad_step_is_taken_back_shortened_and_followed_by_more_damping():
    steps = NewtonSteps(Newton(factor=10.0), dict, lambda slopes: tangent)
    tangent = Planted(1000.0)
    steps.restart(np.ones(1))
    state, visited = np.array([1.0]), []
    for _ in range(4):
        state = steps.next_state(state, np.zeros(1))
        visited.append(float(state[0]))
    assert visited == pytest.approx([1001.0, 101.0, 11.0, 2.0])  # the last residual is no more than twice the first
    assert steps.rolled_back == 3 and steps.memory()["damping"][0] == pytest.approx(0.1 * 10.0**3)
    assert steps.next_state(state, np.zeros(1)) == pytest.approx([0.0])
    assert steps.memory()["damping"][0] == pytest.approx(100.0)  # a shortened step says nothing of λ
    assert steps.next_state(np.zeros(1), np.zeros(1)) == pytest.approx([0.0])
    assert steps.memory()["damping"][0] == pytest.approx(10.0)  # less again: the step did what T' says of it
    assert steps.rolled_back == 3


def test_with_the_most_damping_a_step_is_the_plain_one_and_nobody_is_asked():
    def nobody(*of):
        raise AssertionError("asked")

    steps = NewtonSteps(Newton(damping=MOST_DAMPING), nobody, nobody)
    steps.restart(np.ones(1))
    assert steps.next_state(np.array([4.0]), np.array([3.0])) == pytest.approx([3.0], abs=0)


def test_damping_falls_as_far_as_a_map_that_is_nearly_a_shift_needs():
    slope = 1e-7
    steps, state = NewtonSteps(Newton(), dict, lambda slopes: Sloped([[slope]])), np.array([1.0])
    steps.restart(np.ones(1))
    for _ in range(15):
        state = steps.next_state(state, (1 - slope) * state)
    assert abs(state[0]) < 1e-3  # at a damping of 1e-5 a step would leave 99 % of the error


def test_damping_stays_where_kinks_make_half_of_the_step_wrong():
    """What is left is 0.4 of the residual before: near enough to go on as before, too far to trust the slope more."""
    steps, state, taken = NewtonSteps(Newton(), dict, lambda slopes: Sloped([[1.0]])), np.array([0.0]), []
    steps.restart(np.ones(1))
    for turn in range(30):
        state = steps.next_state(state, state + 0.4**turn)
        taken.append(steps.memory()["damping"][0])
    assert taken[0] == pytest.approx(0.1) and np.all(np.diff(taken) <= 0)
    assert 1e-6 < taken[-1] <= 1e-5


def test_a_residual_that_is_not_a_number_takes_its_step_back():
    steps = NewtonSteps(Newton(), dict, lambda slopes: Planted(8.0))
    steps.restart(np.ones(1))
    assert steps.next_state(np.ones(1), np.zeros(1)) == pytest.approx([9.0])
    assert steps.next_state(np.array([9.0]), np.array([np.nan])) == pytest.approx([1.0 + 8.0 / Newton().factor])


@pytest.mark.parametrize("factor", [4.0, 5.0, 8.0])
def test_steps_that_would_go_in_circles_do_not(factor):
    """Damping grows while steps across kinks bring no smaller residual, and not while the price travels.

    Here only where residuals may rise for long.
    """
    trusting, watchful = (
        coordinate(scarce_market(), np.zeros(1), sigma=0.1, acceleration=way, balancing=UNBALANCED)
        for way in (Newton(factor=factor, recent=3, patience=10**6), Newton(factor=factor, recent=3))
    )
    assert trusting.stop.reason is StopReason.OSCILLATING
    assert watchful.solved and watchful.price == pytest.approx([40.0], abs=1e-5)


@pytest.mark.parametrize("sigma", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("make", [bread_market, chain_market])
def test_slopes_that_are_wrong_cost_sweeps_and_never_the_answer(make, sigma):
    """Damping grows until steps are plain ones, which need no slope."""
    right, wrong = aware(make()), of_kind(Wrong, make())
    limits = Limits(max_sweeps=3000, patience=1000)
    found, misled = (
        coordinate(market, np.zeros(market.n_goods), sigma=sigma, balancing=UNBALANCED, limits=limits)
        for market in (right, wrong)
    )
    assert found.solved and misled.solved, str(misled.stop)
    assert misled.price == pytest.approx(found.price, abs=1e-5)
    assert len(misled.trace) > len(found.trace)


@pytest.mark.parametrize(
    ("market", "settings"),
    [
        (aware(chain_market()), {"sigma": 3.0}),
        (of_kind(Wrong, chain_market()), {"sigma": 3.0}),
        (scarce_market(), {"sigma": 0.3, "balancing": UNBALANCED}),
    ],
    ids=["right slopes", "wrong slopes", "circles"],
)
def test_a_run_resumed_at_any_sweep_is_the_unbroken_one_bit_for_bit(market, settings, tmp_path):
    checkpoints, settings = [], {**settings, "limits": Limits(max_sweeps=40)}
    unbroken = coordinate(market, np.zeros(market.n_goods), **settings, on_checkpoint=checkpoints.append)
    assert len(checkpoints) >= 8
    for checkpoint in checkpoints:
        checkpoint.save(tmp_path / "run.npz")
        resumed = coordinate(
            market, np.zeros(market.n_goods), **settings, resume=load_checkpoint(tmp_path / "run.npz")[0]
        )
        after = unbroken.trace.records[checkpoint.sweep :]
        assert [record.price.tolist() for record in resumed.trace.records] == [r.price.tolist() for r in after]
        assert [record.rolled_back for record in resumed.trace.records] == [r.rolled_back for r in after]


@pytest.mark.parametrize(
    ("market", "settings", "apart"),
    [
        (aware(chain_market()), {"acceleration": Anderson()}, "acceleration"),
        (aware(chain_market()), {"scheme": Exchange()}, "scheme"),
        (renamed(aware(chain_market())), {}, "market"),
        (aware(bread_market()), {"scheme": Jacobi()}, "scheme and another acceleration and another market"),
    ],
    ids=["acceleration", "scheme", "names", "everything"],
)
def test_a_run_is_not_resumed_as_another(market, settings, apart):
    checkpoints = []
    coordinate(aware(chain_market()), np.zeros(3), limits=Limits(max_sweeps=3), on_checkpoint=checkpoints.append)
    with pytest.raises(FormulationError, match=f"the run to resume had another {apart} than this one"):
        coordinate(market, np.zeros(market.n_goods), resume=checkpoints[-1], **settings)


class Tired(Aware):
    """Fails at some questions, by number, and then has no slope either."""

    fails_at = (3, 4, 7)
    count = 0

    def best_response(self, signal):
        self.count += 1
        if self.count in self.fails_at:
            raise ValueError("too tired")
        return super().best_response(signal)

    def sensitivity(self, signal):
        if self.count in self.fails_at:
            raise AssertionError("the last answer was not given")
        return super().sensitivity(signal)


def with_seller(kind):
    """A buyer who pays 4 − S, and a seller whose marginal cost is what it gives: clears at 2."""
    return market_of([Aware("buyer", {"x": 1.0}, 1.0, -4.0, 0.0, 9.0), kind("seller", {"x": -1.0}, 1.0, 0.0, 0.0, 9.0)])


def test_nobody_is_asked_for_the_slope_of_an_answer_that_was_not_given():
    found = coordinate(with_seller(Tired), np.zeros(1), sigma=0.01, bridge=3)
    assert found.solved and found.bridged == {"seller": 3}
    assert found.price == pytest.approx([2.0], abs=1e-6)


@pytest.mark.parametrize("way", [Newton(), Anderson()], ids=["newton", "anderson"])
def test_a_sweep_in_which_an_old_answer_stood_for_a_new_one_teaches_nothing(way):
    """The next step is plain, and nobody compares that sweep with another."""
    checkpoints = []
    coordinate(
        with_seller(Tired), np.zeros(1), sigma=0.01, bridge=3, acceleration=way, on_checkpoint=checkpoints.append
    )
    steps = [checkpoint.arrays["accelerator"] for checkpoint in checkpoints]
    for failed in Tired.fails_at:
        before, after = steps[failed - 2], steps[failed - 1]
        if isinstance(way, Newton):
            assert len(after["sizes"]) == 0 and after["damping"].tolist() == before["damping"].tolist()
        else:
            assert after["z"].tolist() == before["z"].tolist()


def test_the_step_after_it_is_relaxed_as_all_are():
    accelerator = Accelerator(Anderson(memory=0, relaxation=0.5), np.ones(1))
    assert accelerator.unlearned_step(np.array([1.0]), np.array([3.0])) == pytest.approx([2.0])


def answering(answer):
    """A kind of trader that states something else as its slope."""

    class Odd(Aware):
        def sensitivity(self, signal):
            return answer()

    return Odd


def raising():
    raise np.linalg.LinAlgError("Singular matrix")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: np.zeros(1), "seller: the sensitivity of its trades is not a finite array of shape (1, 1)"),
        (lambda: np.zeros((2, 2)), "seller: the sensitivity of its trades is not a finite array of shape (1, 1)"),
        (lambda: np.full((1, 1), np.nan), "seller: the sensitivity of its trades is not a finite array"),
        (lambda: None, "seller: the sensitivity of its trades is not a finite array"),
        (lambda: "steep", "seller: the sensitivity of its trades is not a finite array"),
        (lambda: sparse.eye_array(1), "seller: the sensitivity of its trades is not a finite array"),
        (raising, "seller could not answer: LinAlgError: Singular matrix"),
    ],
)
def test_a_slope_that_is_none_ends_the_run_with_the_name_of_the_player(answer, words):
    found = coordinate(with_seller(answering(answer)), np.zeros(1), sigma=0.01)
    assert found.stop.reason is StopReason.PLAYER_FAILED and not found.solved
    assert f"At sweep 1: {words}" in str(found.stop)
    assert set(found.responses) == {"buyer", "seller"}


def test_slopes_that_leave_no_step_make_it_a_plain_one():
    """1 + λ + ρ S is zero."""
    odd = answering(lambda: np.full((1, 1), -1.1))
    market = market_of([odd("buyer", {"x": 1.0}, 1.0, -4.0), odd("seller", {"x": -1.0}, 3.0)])
    found = coordinate(market, np.zeros(1), sigma=1.0, acceleration=Newton(damping=0.1), balancing=UNBALANCED)
    assert found.solved and found.price == pytest.approx([3.0], abs=1e-6)
