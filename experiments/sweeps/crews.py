"""Who works on the runs: this process, processes on this machine, or the workers of a Dask cluster."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Protocol

from bestresponse.errors import DataError
from experiments import THREADS
from experiments.sweeps.runs import Outcome, Run, work

PATIENCE = 4  # [s] for a scheduler to answer
AHEAD = 2  # runs handed out per worker, so that none waits for the next


class Crew(Protocol):
    """Takes runs and gives futures of their outcomes."""

    slots: int  # most runs to hand out at once
    lost: tuple[type[BaseException], ...]  # what a future raises whose worker was lost

    def submit(self, run: Run) -> Future[Outcome]:
        """Return the future outcome of a run."""
        ...


class Here:
    """Work in this process: a run is over when it has been handed in."""

    slots = 1
    lost: tuple[type[BaseException], ...] = ()

    def submit(self, run: Run) -> Future[Outcome]:
        """Return the outcome of a run."""
        future: Future[Outcome] = Future()
        try:
            future.set_result(work(run))
        except Exception as error:
            future.set_exception(error)
        return future


class Processes:
    """Processes on this machine, each with one thread of linear algebra; new ones for a pool that has lost one."""

    lost: tuple[type[BaseException], ...] = (BrokenProcessPool,)

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.slots = AHEAD * workers
        self._pool = self._new_pool()

    def submit(self, run: Run) -> Future[Outcome]:
        """Return the future outcome of a run."""
        try:
            return self._pool.submit(work, run)
        except BrokenProcessPool:
            self._pool = self._new_pool()
            return self._pool.submit(work, run)

    def close(self) -> None:
        """Let the runs in flight end, and no other begin."""
        self._pool.shutdown(cancel_futures=True)

    def _new_pool(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.workers, mp_context=context, initializer=_depend_on_the_parent)


class Cluster:
    """The workers of a Dask cluster; Dask gives the runs of a lost worker to another one by itself."""

    def __init__(self, client: Any) -> None:
        from distributed.scheduler import KilledWorker

        self.slots = AHEAD * sum(client.nthreads().values())
        self.lost: tuple[type[BaseException], ...] = (KilledWorker,)
        self._executor = client.get_executor(pure=False)

    def submit(self, run: Run) -> Future[Outcome]:
        """Return the future outcome of a run."""
        future: Future[Outcome] = self._executor.submit(work, run)
        return future

    def close(self) -> None:
        """Call off the runs in flight."""
        self._executor.shutdown(wait=False)


@contextmanager
def crew(workers: int, scheduler: str | None = None) -> Iterator[Crew]:
    """Give a crew: of the scheduler's workers, if there is one, else of so many processes on this machine.

    Raises DataError for a scheduler that does not answer or has no workers.
    """
    if scheduler is not None:
        with _client(scheduler) as client:
            cluster = Cluster(client)
            try:
                yield cluster
            finally:
                cluster.close()
    elif workers == 1:
        yield Here()
    else:
        with _one_thread_each():
            processes = Processes(workers)
            try:
                yield processes
            finally:
                processes.close()


@contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError:
        raise DataError('--scheduler: Dask is not installed; python -m pip install "bestresponse[sweep]"') from None
    try:
        asyncio.run(_knock(scheduler))
    except ValueError as error:
        raise DataError(f"--scheduler {scheduler}: is no address such as tcp://host:8786 ({error})") from error
    except (OSError, TimeoutError) as error:
        why = str(error).partition("\n")[0]
        raise DataError(f"--scheduler {scheduler}: no answer within {PATIENCE} s{why and f' ({why})'}") from error
    with Client(scheduler, timeout=PATIENCE, set_as_default=False) as client:
        if not client.nthreads():
            raise DataError(f"--scheduler {scheduler}: it has no workers; start some (dask worker {scheduler})")
        yield client


async def _knock(scheduler: str) -> None:
    """Return once the scheduler has greeted; a client alone waits longer for one that is silent."""
    from distributed.comm import connect

    greeted = await asyncio.wait_for(connect(scheduler, timeout=PATIENCE), PATIENCE)
    greeted.abort()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes that start inside use one thread of linear algebra, whatever this one was told."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _depend_on_the_parent() -> None:
    """Leave interrupts to the parent, and end with it, should it be killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if (parent := multiprocessing.parent_process()) is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)
