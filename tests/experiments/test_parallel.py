"""Players in other threads and processes, and runs that were cut: the same result bit for bit."""

import multiprocessing
import pickle
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

from bestresponse.acceleration import Anderson
from bestresponse.checkpoint import load_checkpoint
from bestresponse.coordinator import coordinate
from bestresponse.errors import DataError
from bestresponse.market import Market
from bestresponse.newton import Newton
from bestresponse.player import Anchor, Remembers, Signal
from bestresponse.schemes.gauss_seidel import GaussSeidel
from bestresponse.schemes.sharing import Sharing
from bestresponse.schemes.tatonnement import Tatonnement
from bestresponse.stopping import Limits, StopReason
from bestresponse.unreliable import Failing
from experiments.build import build
from experiments.case import load_case


def _run(scheme=None, max_sweeps=600, case="teaching", **options):
    model = build(load_case(case), "base", True)
    limits = Limits(max_sweeps=max_sweeps)
    return coordinate(model.market, model.first_price, scheme=scheme, limits=limits, **options)


def _the_same(one, other):
    """Whether two traces agree bit for bit in everything but the clock."""
    assert len(one.trace) == len(other.trace) > 0
    for a, b in zip(one.trace.records, other.trace.records, strict=True):
        assert np.array_equal(a.price, b.price) and a.gains == b.gains and a.sigma == b.sigma
        assert all(np.array_equal(a.trades[name], b.trades[name]) for name in a.trades)
    return True


def _processes():
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


@pytest.mark.parametrize("executor", [lambda: ThreadPoolExecutor(2), _processes])
def test_an_executor_changes_nothing_but_who_computes(executor):
    alone = _run()
    with executor() as pool:
        assert alone.solved and _the_same(alone, _run(executor=pool))


@pytest.mark.parametrize("executor", [lambda: ThreadPoolExecutor(2), _processes])
def test_nor_where_players_fail_now_and_then(executor):
    """A copy that fails has to remember that it was asked, or it would fail at that question for ever."""

    def run(**options):
        model = build(load_case("teaching"), "base", True)
        failing = tuple(Failing(player, 0.1, (1, k)) for k, player in enumerate(model.market))
        return coordinate(Market(model.market.goods, failing), model.first_price, bridge=3, **options)

    alone = run()
    with executor() as pool:
        together = run(executor=pool)
    assert alone.solved and _the_same(alone, together)
    assert sum(alone.bridged.values()) >= 10
    assert (alone.bridged, alone.answers) == (together.bridged, together.answers)


@pytest.mark.parametrize(
    ("scheme", "acceleration", "cut"),
    [
        (Sharing(), Newton(), 1),
        (Sharing(), Newton(), 7),
        (Sharing(), Anderson(), 17),
        (GaussSeidel(), None, 30),
        (Tatonnement(), None, 25),
    ],
)
def test_a_run_resumed_from_a_file_is_the_unbroken_run(scheme, acceleration, cut, tmp_path):
    run = partial(_run, scheme, acceleration=acceleration)
    whole = run(max_sweeps=60)
    run(max_sweeps=cut + 1, on_checkpoint=lambda checkpoint: checkpoint.save(tmp_path / "state.npz"))
    checkpoint, _ = load_checkpoint(tmp_path / "state.npz")
    resumed = run(max_sweeps=60, resume=checkpoint)
    assert checkpoint.sweep == cut
    assert resumed.stop == whole.stop
    whole.trace.records[:cut] = []
    assert _the_same(whole, resumed)
    assert all(np.array_equal(whole.responses[n].trade, resumed.responses[n].trade) for n in whole.responses)


@pytest.mark.parametrize("cut", [12, 13])
def test_a_run_is_resumed_between_steps_from_across_kinks(cut, tmp_path):
    """Such a step needs the slopes of the sweep before."""
    run = partial(_run, case="sioux_falls_ieee123")
    whole = run()
    run(max_sweeps=cut + 1, on_checkpoint=lambda checkpoint: checkpoint.save(tmp_path / "state.npz"))
    checkpoint, _ = load_checkpoint(tmp_path / "state.npz")
    assert checkpoint.sweep == cut and checkpoint.arrays["accelerator"]["model"]["slopes"]
    resumed = run(resume=checkpoint)
    whole.trace.records[:cut] = []
    assert whole.solved and _the_same(whole, resumed)


def test_every_player_of_a_case_goes_on_from_its_memory_in_a_copy_bit_for_bit():
    model, rng = build(load_case("teaching"), "base", True), np.random.default_rng(5)
    for player in model.market:
        assert isinstance(player, Remembers)
        at = model.market.positions[player.name]
        price = model.first_price[at]
        anchor = Anchor(np.full(len(at), 1e-3), np.zeros(len(at)))
        for _ in range(3):
            player.best_response(Signal(price * rng.uniform(0.5, 2.0, len(at)), anchor=anchor))
        player.best_response(Signal(price))
        copy = pickle.loads(pickle.dumps(player))
        copy.recall({name: values.copy() for name, values in player.memory().items()})
        for signal in (Signal(price * 1.1, anchor=anchor), Signal(price * 1.1)):
            assert np.array_equal(player.best_response(signal).trade, copy.best_response(signal).trade)


class _LosesItsWorkers(Executor):
    """Answers some questions, then loses its workers."""

    def __init__(self, questions):
        self.left = questions

    def submit(self, call, /, *args, **options):
        self.left -= 1
        future = Future()
        if self.left < 0:
            future.set_exception(BrokenExecutor("a worker was lost"))
        else:
            future.set_result(call(*args, **options))
        return future


def test_a_lost_worker_ends_the_run_by_name_and_the_run_can_go_on_from_its_last_checkpoint():
    kept = []
    broken = _run(executor=_LosesItsWorkers(60), on_checkpoint=kept.append)
    assert broken.stop.reason is StopReason.PLAYER_FAILED
    assert "no answer from its worker: BrokenExecutor: a worker was lost" in broken.stop.evidence
    whole, rest = _run(), _run(resume=kept[-1])
    assert rest.solved and np.array_equal(rest.price, whole.price)


def test_a_player_that_cannot_be_sent_is_named():
    model = build(load_case("teaching"), "base", True)
    first = model.market.players[0]
    first.not_to_be_sent = lambda: None
    with _processes() as pool:
        result = coordinate(model.market, model.first_price, executor=pool)
    assert result.stop.reason is StopReason.PLAYER_FAILED
    evidence = result.stop.evidence  # in whose second half every Python has its own words
    assert "no answer from its worker" in evidence and "local object" in evidence


@pytest.mark.parametrize("content", [b"", b"PK nonsense"])
def test_a_file_that_is_no_checkpoint_is_refused(content, tmp_path):
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"bad\.npz: this is no checkpoint"):
        load_checkpoint(tmp_path / "bad.npz")
    with pytest.raises(DataError, match="no such file"):
        load_checkpoint(tmp_path / "none.npz")
