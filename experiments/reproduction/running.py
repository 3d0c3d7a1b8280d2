"""Solving the runs of a reproduction, several at a time; each is stored as soon as it is there."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing

from bestresponse.errors import BestResponseError
from experiments.result import Result
from experiments.solving import solve
from experiments.store import Store, StoredRun
from experiments.task import Task
from networks.errors import NetworkDataError

Outcome = Result | str  # a result, or why there is none


def solve_all(
    tasks: Sequence[Task], store: Store, workers: int, on_run: Callable[[StoredRun], None] = lambda run: None
) -> list[StoredRun]:
    """Solve tasks by both routes, with ranges, store each and return the runs in the order in which they were done.

    A run that cannot be solved is stored with its reason. An interrupt lets the runs in hand end and be stored.
    """
    done = []
    with closing(_outcomes(tasks, min(workers, len(tasks)))) as outcomes:
        for task, outcome in outcomes:
            if isinstance(outcome, Result) and outcome.stop == "interrupted":
                raise KeyboardInterrupt
            run = store.add_failure(task, outcome) if isinstance(outcome, str) else store.add(task, outcome)
            on_run(run)
            done.append(run)
    return done


def _outcomes(tasks: Sequence[Task], workers: int) -> Generator[tuple[Task, Outcome], None, None]:
    if workers <= 1:
        yield from ((task, _outcome(task)) for task in tasks)
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy the threads' locks
    to_do = list(reversed(tasks))
    running: dict[Future[Outcome], Task] = {}
    with ProcessPoolExecutor(workers, context, initializer=_leave_interrupts_to_the_parent) as pool:
        try:
            while to_do or running:
                while to_do and len(running) < workers:  # no more: what is handed over cannot be called back
                    future = pool.submit(_outcome, to_do[-1])
                    running[future] = to_do.pop()
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    outcome = future.result()
                    yield running.pop(future), outcome
        except KeyboardInterrupt:
            yield from ((task, future.result()) for future, task in running.items())
            raise
        except BrokenProcessPool:
            killed = "the process of this run, or of another beside it, was killed"
            yield from ((task, killed) for task in (*running.values(), *reversed(to_do)))


def _outcome(task: Task) -> Outcome:
    try:
        return solve(
            task.case,
            task.scenario,
            task.v2g,
            task.method,
            tolerance=task.tolerance,
            max_sweeps=task.max_sweeps,
            ranges=True,
        )
    except (BestResponseError, NetworkDataError) as error:
        return str(error)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
