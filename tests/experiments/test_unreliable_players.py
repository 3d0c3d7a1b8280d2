"""On a case: schemes that fail are stopped early and say why, and what unreliable players do to one that does not."""

import numpy as np
import pytest

from bestresponse.errors import DataError
from experiments.build import build
from experiments.case import load_case
from experiments.comparing import Budget, compare
from experiments.grid import Settings, chosen, grid
from experiments.solving import solve


def entry(schemes="sharing", max_sweeps=100, predict=False, **settings):
    budget = Budget(max_sweeps=max_sweeps, measure_every=10)
    points = [Settings(**settings)]
    (found,) = compare(load_case("teaching"), "base", True, chosen(schemes), points, budget, predict=predict)
    return found


def farthest(found, since):
    return max(reading.imbalance for reading in found.readings[since:])


@pytest.mark.parametrize("name", ["tatonnement", "tatonnement_damped", "tatonnement_diminishing"])
def test_an_auctioneer_before_linear_players_is_stopped_for_swinging_and_names_a_good(name):
    found = solve("teaching", method=name)
    goods = [good.name for good in build(load_case("teaching"), "base", True).market.goods]
    assert found.stop == "oscillating" and 41 <= found.sweeps <= 150
    assert any(f"The imbalance of {good} changed sign" in found.status for good in goods)
    assert "times in 20 sweeps" in found.status


def test_every_kind_of_unreliable_player_costs_sweeps_or_accuracy_as_it_should():
    exact, failing, inexact, late = entry(), entry(fail=0.1), entry(inexact=1e-4), entry(delay=1)
    assert exact.stop_reason == failing.stop_reason == "converged"
    assert exact.sweeps_to()["1e-8"] < failing.sweeps_to()["1e-8"]
    assert inexact.sweeps_to()["1e-2"] <= 2 * exact.sweeps_to()["1e-2"]
    assert inexact.sweeps_to()["1e-6"] is None and 1e-6 < farthest(inexact, 40) < 1e-2
    assert late.sweeps_to()["1e-6"] is None or late.sweeps_to()["1e-6"] > 2 * exact.sweeps_to()["1e-6"]
    for found in (failing, inexact, late):  # judged by exact players, nobody is better than its best response
        assert all(reading.gain >= -1e-9 for reading in found.readings if reading.gain is not None)


@pytest.mark.parametrize("delay", [1, 2])
def test_late_answers_are_no_obstacle_where_nobody_learns_from_them(delay):
    by_default, accelerated = (entry(max_sweeps=600, predict=True, delay=delay, anderson=m) for m in (None, 30))
    assert by_default.sweeps_to()["1e-6"] is not None and by_default.predicted is None  # it repeats no map
    assert accelerated.sweeps_to()["1e-6"] is None


def test_a_seed_repeats_what_goes_wrong_and_another_draws_anew():
    once, again, other = (entry(inexact=1e-3, seed=seed) for seed in (0, 0, 1))
    assert [r.imbalance for r in once.readings] == [r.imbalance for r in again.readings]
    assert not np.array_equal(once.records[1].price, other.records[1].price)


def test_a_failure_that_is_not_bridged_ends_the_run_and_says_whose_it_was_and_when():
    found = entry(fail=0.05, bridge=0)
    assert found.stop_reason == "player_failed"
    assert f"At sweep {len(found.records) + 1}: " in found.stop and "a planned failure" in found.stop
    assert found.settings["fail"] == 0.05 and found.settings["bridge"] == 0
    assert found.label == "sharing, fail 0.05, bridge 0"


def test_the_grid_takes_unreliable_players_and_refuses_what_makes_no_sense():
    points = grid(["delay=0,2", "inexact=0,1e-4", "fail=0,0.02"])
    assert len(points) == 8 and points[-1] == Settings(delay=2, inexact=1e-4, fail=0.02)
    for axis, words in (
        ("delay=-1", "whole numbers ≥ 0"),
        ("delay=1.5", "whole numbers ≥ 0"),
        ("fail=1", "numbers ≥ 0 and < 1"),
        ("inexact=nan", "numbers ≥ 0"),
        ("dely=1", 'did you mean "delay"'),
    ):
        with pytest.raises(DataError, match=words):
            grid([axis])
