"""Schemes side by side: what a comparison measures, finds, predicts and refuses."""

import time

import numpy as np
import pytest

from bestresponse.coordinator import coordinate
from bestresponse.errors import DataError, FormulationError
from bestresponse.market import Market
from bestresponse.newton import Newton
from bestresponse.schemes.registry import SCHEMES
from bestresponse.schemes.sharing import Sharing
from experiments.build import build
from experiments.bystander import Bystander
from experiments.case import load_case
from experiments.comparing import Budget, compare
from experiments.convergence import RESIDUALS, TARGETS
from experiments.grid import Settings, chosen, grid
from tests.experiments.test_retail_models import case_with


def _compare(schemes, points, **budget):
    return list(compare(load_case("teaching"), "base", True, chosen(schemes), points, Budget(**budget)))


@pytest.fixture(scope="module")
def sharing():
    (entry,) = _compare("sharing", [Settings()], measure_every=3)
    return entry


@pytest.fixture(scope="module")
def anderson():
    (entry,) = _compare("sharing", [Settings(newton=0)], measure_every=3)
    return entry


def test_measuring_leaves_a_run_as_it_is(sharing):
    model = build(load_case("teaching"), "base", True)
    alone = coordinate(model.market, model.first_price)
    assert [record.price.tolist() for record in sharing.records] == [r.price.tolist() for r in alone.trace.records]
    assert sharing.sweeps_to() == {key: alone.trace.sweeps_to(target) for key, target in TARGETS.items()}
    assert sharing.stop_reason == "converged" and sharing.sweeps_to()["1e-8"] == len(alone.trace)


def test_readings_are_what_the_run_itself_measures(anderson):
    twentieth, last = anderson.records[19], anderson.records[-1]
    gains = {reading.sweep: reading.gain for reading in anderson.readings if reading.gain is not None}
    assert list(gains) == [3, 6, 9, 12, 15, 18, 21] == list(range(3, last.sweep + 1, 3))
    assert gains[last.sweep] == pytest.approx(last.gain, abs=1e-9)
    assert gains[21] < twentieth.gain < gains[18]
    residuals = [reading.natural_residual for reading in anderson.readings]
    assert residuals[-1] == pytest.approx(anderson.final["natural_residual"], rel=1e-9) and residuals[0] > 0.1
    assert anderson.sweeps_to("natural_residual")["1e-6"] == 1 + int(np.argmax(np.array(residuals) <= 1e-6))


def test_the_last_sweep_is_measured_whatever_its_number():
    (entry,) = _compare("sharing", [Settings()], measure_every=1000)
    assert [reading.sweep for reading in entry.readings if reading.gain is not None] == [len(entry.records)]


def test_measuring_is_off_the_clock(monkeypatch):
    def slow(self):
        time.sleep(0.2)

    monkeypatch.setattr(Bystander, "_gain", slow)
    (entry,) = _compare("sharing", [Settings()], max_sweeps=4, measure_every=1)
    assert entry.records[-1].seconds >= 0.6
    assert entry.records[-1].seconds - entry.readings[-1].seconds >= 0.6


def test_a_player_without_a_block_has_no_natural_residual():
    market = build(load_case("teaching"), "base", True).market
    without = Market(market.goods, tuple(_Blockless(player) for player in market.players))
    bystander = Bystander(without, 1)
    model = build(load_case("teaching"), "base", True)
    coordinate(model.market, model.first_price, scheme=bystander.beside(SCHEMES["sharing"]), on_sweep=bystander.hear)
    readings = bystander.finish()
    assert {reading.natural_residual for reading in readings} == {None} and readings[-1].gain < 1e-6


def test_a_market_without_blocks_is_compared_all_the_same():
    """Entities with conduct on a curved demand state no block."""
    case = case_with(lse="constant_elasticity", households="constant_elasticity")
    told, not_told = compare(case, "stress", True, chosen("sharing,exchange"), [Settings()])
    assert told.stop_reason == "converged" and told.sweeps_to("gain")["1e-6"] is not None
    assert told.final["natural_residual"] is None
    assert not_told.stop_reason == "player_failed" and "has to hear what Households use" in not_told.stop


class _Blockless:
    def __init__(self, player):
        self.name, self.goods, self.best_response = player.name, player.goods, player.best_response


def test_settings_reach_the_run_and_the_entry():
    points = grid(["sigma=1,3", "anderson=0,20"], seeds=2)
    entries = _compare("sharing", points, max_sweeps=40)
    shown = [(e.settings["seed"], e.settings["sigma"], e.settings["anderson"]) for e in entries]
    assert shown == [(s, sigma, memory) for s in (0, 1) for sigma in (1, 3) for memory in (0, 20)]
    assert len({entry.records[15].price.tobytes() for entry in entries}) == len(entries)
    slow, fast = entries[:2]
    assert slow.sweeps_to()["1e-8"] is None and slow.stop_reason == "sweep_limit"
    assert fast.sweeps_to()["1e-8"] < 40
    assert [entry.label for entry in entries[:2]] == ["sharing, anderson 0", "sharing, anderson 20"]


def test_newtons_method_is_the_default_where_it_is_possible_and_asked_for_or_not_by_one_setting(sharing, anderson):
    newton = {"sigma": 1.0, "newton": 1, "damping": Newton().damping, "balancing": 5, "seed": 0}
    other = {"sigma": 1.0, "anderson": 30, "relaxation": 1.3, "balancing": 20, "seed": 0}
    assert (sharing.label, sharing.settings, anderson.label, anderson.settings) == (
        "sharing",
        newton,
        "sharing, anderson 30",
        other,
    )
    assert len(sharing.records) < len(anderson.records)
    points = [Settings(newton=1), Settings(damping=0.5, balancing=20), Settings(relaxation=1.6), Settings(delay=1)]
    asked, damped, relaxed, late = _compare("sharing", points, max_sweeps=10)
    assert [record.price.tolist() for record in asked.records] == [r.price.tolist() for r in sharing.records]
    assert (asked.label, damped.label) == ("sharing", "sharing, damping 0.5, balancing 20")
    assert damped.settings == newton | {"damping": 0.5, "balancing": 20}
    assert relaxed.label == "sharing, anderson 30, relaxation 1.6" and relaxed.settings == other | {"relaxation": 1.6}
    assert late.label == "sharing, anderson 0, relaxation 0.5, delay 1"
    assert late.settings == other | {"anderson": 0, "relaxation": 0.5, "balancing": 0, "delay": 1}
    (plain,) = _compare("tatonnement", [Settings(newton=0)], max_sweeps=2)
    assert (plain.label, plain.settings["anderson"], plain.settings["relaxation"]) == ("tatonnement", 0, 1)


@pytest.mark.parametrize(
    ("scheme", "settings", "label", "words"),
    [
        ("pdhg", {"newton": 1}, "pdhg, newton 1", "pdhg states none"),
        ("sharing", {"newton": 1, "delay": 1}, "sharing, delay 1", "answers may come 1 question late"),
        ("tatonnement_averaged", {"damping": 2.0}, "tatonnement_averaged, newton 1, damping 2", "cannot be accel"),
    ],
)
def test_newtons_method_is_refused_where_it_is_impossible(scheme, settings, label, words):
    (refused,) = _compare(scheme, [Settings(**settings)])
    assert (refused.stop_reason, refused.label) == ("refused", label) and words in refused.stop


def test_a_scheme_that_does_not_fit_the_market_is_an_entry_that_says_why(monkeypatch):
    def unfit(self, market, sigma):
        raise FormulationError("no two groups")

    monkeypatch.setattr(Sharing, "bind", unfit)
    (refused,) = _compare("sharing", [Settings()])
    assert (refused.stop_reason, refused.stop, refused.label) == ("refused", "no two groups", "sharing")


def test_fitted_rates_are_near_the_predicted_ones_and_only_plain_runs_have_those():
    points = [*grid(["anderson=0", "balancing=0", "relaxation=1,1.3"]), *grid(["anderson=0", "balancing=20"])]
    budget = Budget(400, measure_every=1000)
    entries = list(compare(load_case("teaching"), "base", True, chosen("sharing"), points, budget, predict=True))
    plain, relaxed, balanced = (entry.data()["rate"] for entry in entries)
    assert balanced["predicted"] is None and balanced["fitted"] < 1
    for rate in (plain, relaxed):
        assert 1 - rate["fitted"] == pytest.approx(1 - rate["predicted"], rel=0.1)
    assert relaxed["predicted"] == pytest.approx(1 + 1.3 * (plain["predicted"] - 1), abs=1e-6)  # one real eigenvalue


def test_where_a_run_ends_at_another_equilibrium_its_rate_is_predicted_there():
    """Under stress the monolith's equilibrium, amid a continuum, has a rate of 0.985. Runs end at its rim, slower."""
    points, budget = grid(["anderson=0", "balancing=0", "relaxation=1"]), Budget(900, 1e-4, 1000)
    (entry,) = compare(load_case("teaching"), "stress", True, chosen("sharing"), points, budget, predict=True)
    assert 0.989 < entry.tail.rate < 0.992
    assert 1 - entry.predicted == pytest.approx(1 - entry.tail.rate, rel=0.1)


def test_nothing_is_predicted_unless_asked_or_for_a_scheme_without_one_map():
    unasked = _compare("pdhg", [Settings()], max_sweeps=2)
    others = list(
        compare(
            load_case("teaching"),
            "base",
            True,
            chosen("pdhg_halpern,tatonnement,sharing"),
            [Settings()],
            Budget(2),
            predict=True,
        )
    )
    assert {entry.predicted for entry in [*unasked, *others]} == {None}


def test_a_seed_multiplies_the_first_prices_and_is_reproducible():
    usual = np.full(1000, 0.1)
    first, again, other = (Settings(seed=seed).first_price(usual) for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any() and (Settings().first_price(usual) == usual).all()
    assert 0.05 <= first.min() < 0.052 and 0.195 < first.max() <= 0.2


def test_orders_change_the_run_of_the_scheme_that_has_them():
    points = grid(["order=cyclic,shuffled,most_imbalanced"])
    entries = _compare("gauss_seidel,sharing", points, max_sweeps=6)
    assert len({entry.records[-1].price.tobytes() for entry in entries[:3]}) == 3
    assert [entry.label for entry in entries[:2]] == ["gauss_seidel", "gauss_seidel, order shuffled"]
    assert {entry.stop_reason for entry in entries[3:]} == {"refused"} and "no order" in entries[3].stop


def test_a_scheme_that_cannot_run_is_an_entry_that_says_why():
    refused, other = _compare("tatonnement_averaged,sharing", [Settings(anderson=5)])
    assert refused.stop_reason == "refused" and "cannot be accelerated" in refused.stop
    assert set(refused.sweeps_to().values()) == {None} and other.stop_reason == "converged"
    assert refused.data()["seconds"] is None and refused.data()["final"] == dict.fromkeys(RESIDUALS)


def test_an_interrupt_of_a_prediction_ends_the_comparison_but_loses_no_run(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("experiments.comparing.predicted_rate", interrupt)
    entries, points = [], grid(["anderson=0", "balancing=0"])
    with pytest.raises(KeyboardInterrupt):
        for entry in compare(
            load_case("teaching"), "base", True, chosen("sharing,pdhg"), points, Budget(3), predict=True
        ):
            entries.append(entry)
    assert [(entry.scheme, len(entry.records), entry.predicted) for entry in entries] == [("sharing", 3, None)]


def test_an_interrupt_ends_the_run_and_the_comparison_but_loses_neither():
    entries, heard = [], []

    def interrupt(record):
        heard.append(record.sweep)
        if len(heard) == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        for entry in compare(
            load_case("teaching"), "base", True, chosen("tatonnement,sharing"), [Settings()], on_sweep=interrupt
        ):
            entries.append(entry)
    assert [entry.stop_reason for entry in entries] == ["interrupted"] and len(entries[0].records) == 7


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: chosen("sharing,pdgh"), "no scheme 'pdgh'; did you mean \"pdhg\""),
        (lambda: grid(["sigma=0"]), "sigma=0, allowed: numbers > 0"),
        (lambda: grid(["sigma=nan"]), "sigma=nan"),
        (lambda: grid(["sigma=inf"]), "sigma=inf"),
        (lambda: grid(["sigma"]), "sigma="),
        (lambda: grid(["anderson=-1"]), "whole numbers"),
        (lambda: grid(["anderson=1.5"]), "anderson=1.5"),
        (lambda: grid(["relaxation=2"]), "between 0 and 2"),
        (lambda: grid(["newton=2"]), "newton=2, allowed: 0 or 1"),
        (lambda: grid(["damping=0"]), "damping=0, allowed: numbers > 0"),
        (lambda: grid(["newton=0,1", "anderson=10"]), "given newton=1, anderson=10: newton=1 and damping ask"),
        (lambda: grid(["relaxation=1.5", "damping=1"]), "given damping=1, relaxation=1.5: "),
        (lambda: Settings(newton=0, damping=1.0), "given newton=0, damping=1: "),
        (lambda: grid(["order=alphabetic"]), "most_imbalanced"),
        (lambda: grid(["sigmas=1"]), 'did you mean "sigma"'),
        (lambda: grid(["sigma=1", "sigma=3"]), "sigma is given more than once, at last as 'sigma=3'"),
        (lambda: grid([], seeds=0), "seeds: given 0"),
        (lambda: Budget(max_sweeps=0), "max-sweeps: given 0"),
        (lambda: Budget(tolerance=float("nan")), "tolerance: given nan"),
        (lambda: Budget(measure_every=0), "measure-every: given 0"),
    ],
)
def test_bad_input_is_refused(make, words):
    with pytest.raises(DataError) as refused:
        make()
    assert words in str(refused.value)
