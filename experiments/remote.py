"""Every player on its own Dask worker: only prices and trades travel.

    python -m experiments.remote [CASE] [--scenario NAME] [--lose PLAYER]

A player is sent once to its worker and lives there as an actor; what stands in the market here is its name and a wire.
A plan stays with its owner, who can be asked how far it lies outside its own set. How trades answer to prices does not
travel either, so such a run takes Anderson's steps in place of Newton's. With `--lose` the worker of one player is
killed on the way: the run ends with the player's name as the reason, the player is placed on another worker, and the
run goes on from its last checkpoint to the answer that an unbroken run finds, bit for bit.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import typer
from distributed import Client, LocalCluster

from bestresponse.checkpoint import Checkpoint
from bestresponse.coordinator import coordinate
from bestresponse.equilibrium import Equilibrium
from bestresponse.errors import BestResponseError, SolverError
from bestresponse.market import Market
from bestresponse.player import KnowsItsSet, Player, Remembers, Response, Signal
from bestresponse.trace import SweepRecord
from bestresponse.typing import Vector
from experiments.build import Model, build
from experiments.case import load_case

TICKET = "ticket"  # the only entry of a plan that has stayed with its owner
PATIENCE = 60.0  # [s] for one answer


class Host:
    """A player at home on its worker, with the plans it has answered so far."""

    def __init__(self, player: Player) -> None:
        self.player = player
        self.plans: list[Mapping[str, Vector]] = []

    def best_response(self, signal: Signal) -> Response:
        """Return the answer with a ticket in place of its plan and duals."""
        response = self.player.best_response(signal)
        self.plans.append(response.plan)
        return replace(response, plan={TICKET: np.array([len(self.plans) - 1.0])}, duals={})

    def violation(self, plan: Mapping[str, Vector]) -> float:
        """Return how far the plan that a ticket stands for lies outside the player's own set; NaN if it cannot say."""
        return self.player.violation(self.plan(plan)) if isinstance(self.player, KnowsItsSet) else np.nan

    def plan(self, plan: Mapping[str, Vector]) -> Mapping[str, Vector]:
        """Return the plan that a ticket stands for. Raises SolverError if it was lost with another worker."""
        ticket = int(plan[TICKET][0])
        if not 0 <= ticket < len(self.plans):
            raise SolverError(f"{self.player.name}: plan number {ticket} was lost with another worker")
        return self.plans[ticket]

    def memory(self) -> Mapping[str, Vector]:
        """Return what the player remembers."""
        return self.player.memory() if isinstance(self.player, Remembers) else {}

    def recall(self, memory: Mapping[str, Vector]) -> None:
        """Give the player its memory back."""
        if isinstance(self.player, Remembers):
            self.player.recall(memory)


class RemotePlayer:
    """A player that lives on a worker of a Dask cluster. Raises SolverError when its worker is lost."""

    def __init__(self, player: Player, client: Client, worker: str) -> None:
        self.name, self.goods, self.worker = player.name, player.goods, worker
        self.accepts_anchor = getattr(player, "accepts_anchor", True)
        self._host = client.submit(Host, player, actor=True, workers=[worker], pure=False).result()

    def best_response(self, signal: Signal) -> Response:
        """Return the player's answer; its plan is a ticket, see `plan`."""
        return self._ask("best_response", signal)

    def violation(self, plan: Mapping[str, Vector]) -> float:
        """Return how far the plan lies outside the player's own set."""
        return self._ask("violation", plan)

    def plan(self, plan: Mapping[str, Vector]) -> Mapping[str, Vector]:
        """Return the whole plan that a ticket stands for."""
        return self._ask("plan", plan)

    def memory(self) -> Mapping[str, Vector]:
        """Return what the player remembers; it travels only for a checkpoint."""
        return self._ask("memory")

    def recall(self, memory: Mapping[str, Vector]) -> None:
        """Give the player its memory back."""
        self._ask("recall", memory)

    def _ask(self, question: str, *arguments: object) -> Any:
        try:
            return getattr(self._host, question)(*arguments).result(timeout=PATIENCE)
        except BestResponseError:
            raise
        except (OSError, RuntimeError, ValueError) as error:  # what Dask raises when an actor's worker is gone
            raise SolverError(
                f"{self.name}: its worker {self.worker} is lost ({type(error).__name__}: {error})"
            ) from error


def spread(model: Model, client: Client) -> Market:
    """Return the model's market with every player on a worker of its own, as far as there are enough workers."""
    workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
    players = [RemotePlayer(p, client, workers[i % len(workers)]) for i, p in enumerate(model.market)]
    return Market(model.market.goods, tuple(players))


def main(
    case: Annotated[str, typer.Argument(help="Built-in case or path of a TOML file.")] = "teaching",
    scenario: Annotated[str, typer.Option(help="Scenario of the case.")] = "base",
    lose: Annotated[str, typer.Option(help="Kill the worker of this player after ten sweeps.")] = "",
) -> None:
    """Solve a case with every player on its own worker of a local cluster."""
    model = build(load_case(case), scenario, v2g=True)
    names = [player.name for player in model.market]
    if lose and lose not in names:
        raise typer.BadParameter(f"no player {lose!r}; there are {', '.join(names)}", param_hint="--lose")
    with (
        LocalCluster(
            len(names), threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
        ) as cluster,
        Client(cluster) as client,
        ThreadPoolExecutor(len(names)) as executor,
    ):
        found = _solve(model, client, executor, lose)
    sys.stdout.write(f"{found.stop}\n{found.certificate}\n")
    raise typer.Exit(0 if found.solved else 3)


def _solve(model: Model, client: Client, executor: ThreadPoolExecutor, lose: str) -> Equilibrium:
    kept: list[Checkpoint] = []

    def kill_the_worker(record: SweepRecord) -> None:
        if lose and record.sweep == 10:
            worker = next(p.worker for p in market if isinstance(p, RemotePlayer) and p.name == lose)
            client.run(os._exit, 1, workers=[worker], on_error="ignore")

    market = spread(model, client)
    found = coordinate(
        market, model.first_price, executor=executor, on_checkpoint=kept.append, on_sweep=kill_the_worker
    )
    if found.solved or not lose:
        return found
    sys.stdout.write(f"{found.stop}\nAll players are placed anew; the run goes on from sweep {kept[-1].sweep}.\n")
    return coordinate(spread(model, client), model.first_price, executor=executor, resume=kept[-1])


if __name__ == "__main__":
    typer.run(main)
