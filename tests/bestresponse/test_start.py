"""Warm starts: where another run ended, what its accelerator learned, and markets that are not quite the same."""

from dataclasses import replace

import numpy as np
import pytest

from bestresponse.acceleration import Accelerator, Anderson, Lessons
from bestresponse.coordinator import coordinate
from bestresponse.errors import DataError, FormulationError
from bestresponse.market import Market
from bestresponse.schemes.exchange import Exchange
from bestresponse.start import Ending, Start
from tests.bestresponse.toys import Trader, bread_market, chain_market


def _affine(seed=3, n=6):
    rng = np.random.default_rng(seed)
    linear = rng.standard_normal((n, n))
    return 0.9 * linear / np.linalg.norm(linear, 2), rng.standard_normal((2, n))


def _run(accelerator, linear, shift, sweeps):
    state = np.zeros(len(shift))
    for _ in range(sweeps):
        state = accelerator.next_state(state, linear @ state + shift)
    return state


def test_lessons_of_an_affine_map_solve_the_shifted_map_in_one_step():
    """n + 1 independent points know an affine map's derivative; a shifted map has the same."""
    linear, (old, new) = _affine()
    metric = np.linspace(0.5, 2.0, len(old))
    teacher = Accelerator(Anderson(), metric)
    _run(teacher, linear, old, len(old) + 1)
    solution = np.linalg.solve(np.eye(len(new)) - linear, new)
    for lessons, distance in ((teacher.lessons("s"), 1e-9), (None, 0.1)):
        pupil = Accelerator(Anderson(cap=np.inf), metric)
        if lessons is not None:
            pupil.heed(lessons)
        apart = np.linalg.norm(_run(pupil, linear, new, 1) - solution)
        assert apart <= distance if lessons is not None else apart > distance


def test_no_step_is_ever_taken_back_to_a_point_of_the_lessons():
    """They were never visited: their residuals may look small, and are no promise."""
    linear, (_, new) = _affine()
    pupil = Accelerator(Anderson(memory=2, rollback=1.0001), np.ones(len(new)))
    rng = np.random.default_rng(1)
    pupil.heed(Lessons("s", rng.standard_normal((4, len(new))), rng.standard_normal((4, len(new)))))
    _run(pupil, linear, new, 1)
    assert pupil.rolled_back == 0


@pytest.mark.parametrize("scheme", [None, Exchange()])
def test_a_run_that_starts_at_its_own_end_takes_one_sweep(scheme):
    cold = coordinate(chain_market(), np.zeros(3), scheme=scheme)
    warm = coordinate(chain_market(), Start.after(cold), scheme=scheme)
    assert cold.solved and warm.solved and (len(cold.trace) > 5, len(warm.trace)) == (True, 1)
    assert warm.price == pytest.approx(cold.price, rel=1e-6)


def test_lessons_of_another_scheme_are_not_heeded():
    end = Start.after(coordinate(bread_market(), np.zeros(1), acceleration=Anderson()))
    assert len(end.lessons.z) > 1
    with_them, without = (
        coordinate(
            bread_market(),
            replace(end, price=end.price + 1, lessons=lessons),
            scheme=Exchange(),
            acceleration=Anderson(),
        )
        for lessons in (end.lessons, None)
    )
    assert [r.price[0] for r in with_them.trace.records] == [r.price[0] for r in without.trace.records]


def _without_the_importer():
    market = bread_market()
    return Market(market.goods, market.players[:3])


def test_what_the_run_did_not_know_starts_as_usual_and_is_named():
    end = Ending.of(coordinate(_without_the_importer(), np.zeros(1)))
    start = end.start(bread_market(), np.zeros(1))
    assert start.trades["importer"].tolist() == [0.0] and start.trades["buyer"][0] > 0
    assert start.lessons is None  # they are about another market's states
    assert end.differences(bread_market()) == ["Players that are new started without trades: importer."]
    assert end.differences(_without_the_importer()) == []

    two_goods = Market(
        (*bread_market().goods, replace(bread_market().goods[0], name="cake")),
        (
            *bread_market().players,
            Trader("cake maker", {"cake": -1.0}, 1.0),
            Trader("cake eater", {"cake": 1.0}, 1.0, -3.0),
        ),
    )
    start = end.start(two_goods, np.array([7.0, 8.0]))
    assert start.price.tolist() == [end.price["bread"], 8.0]
    assert end.differences(two_goods)[0] == "Goods that are new started at their usual price (1): cake."
    assert coordinate(two_goods, start).solved


def test_the_end_of_a_market_with_other_goods_is_refused():
    end = Ending.of(coordinate(bread_market(), np.zeros(1)))
    with pytest.raises(DataError, match=r"2 of the 3 goods .* such as grain, flour; at least half"):
        end.start(chain_market(), np.zeros(3))


def test_prices_of_another_market_are_refused():
    with pytest.raises(FormulationError, match=r"shape \(1,\); the market has 3 goods"):
        coordinate(chain_market(), np.zeros(1))


def test_lessons_that_mislead_are_forgotten():
    """With wrong differences the first step makes things worse; from then on the run is one without any."""
    linear, (_, new) = _affine()
    rng = np.random.default_rng(4)
    pupil = Accelerator(Anderson(rollback=1e9), np.ones(len(new)))
    pupil.heed(Lessons("s", 10 * rng.standard_normal((9, len(new))), rng.standard_normal((9, len(new)))))
    _run(pupil, linear, new, 1)
    assert len(pupil.lessons("s").z) == 9
    state = np.full(len(new), 100.0)
    pupil.next_state(state, linear @ state + new)
    assert len(pupil.lessons("s").z) == 2
    assert np.linalg.norm(_run(pupil, linear, new, 12) - np.linalg.solve(np.eye(len(new)) - linear, new)) < 1e-8


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (Start(np.zeros(2)), r"start has prices of shape \(2,\); the market has 3 goods"),
        (Start(np.array([0.0, np.nan, 0.0])), "start has no finite price of flour"),
        (Start(np.array([0.0, 0.0, np.inf])), "start has no finite price of bread"),
        (Start(np.zeros(3), {"miller": np.zeros(3)}), "the trades of miller to start from are not 2 finite numbers"),
        (Start(np.zeros(3), {"buyer": np.array([np.nan])}), "the trades of buyer to start from are not 1 finite"),
        (Start(np.zeros(3), {"burglar": np.zeros(1)}), "start has trades of burglar, who is no player"),
    ],
)
def test_a_start_that_is_none_is_refused_by_name(start, words):
    with pytest.raises(FormulationError, match=words):
        coordinate(chain_market(), start)
