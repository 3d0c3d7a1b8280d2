"""Solved scenarios that several tests look at, each solved once."""

from __future__ import annotations

import copy
from functools import cache

import numpy as np

from bestresponse.acceleration import Anderson
from bestresponse.coordinator import coordinate
from bestresponse.equilibrium import Equilibrium
from experiments.build import Model, build
from experiments.case import load_case


@cache
def solved(case: str, scenario: str, v2g: bool, dso: str = "linear") -> tuple[Model, Equilibrium]:
    """Return the model and its equilibrium by the coordinator.

    Prices of goods that nobody trades are not unique; around those
    that Anderson's method ends at every planted fault shows.
    """
    stated = load_case(case)
    choice = stated.players.model_copy(update={"dso": dso})
    model = build(stated.model_copy(update={"players": choice}), scenario, v2g)
    equilibrium = coordinate(model.market, model.first_price, acceleration=Anderson())
    assert equilibrium.solved, str(equilibrium.stop)
    return model, equilibrium


def player_of(model: Model, name: str, backend: str = "persistent", conduct: float | None = None):
    """Return the model's player of that name, through another backend or with another conduct if asked to."""
    player = next(player for player in model.market if player.name == name)
    if backend == "cvxpy":
        player = copy.copy(player)
        player.solver = "cvxpy"
    if conduct is not None:
        units, market, capacity = player.generators, player.households, player.station_capacity_kw
        largest, lost_load = player.import_max_kw, player.value_of_lost_load
        player = type(player)(
            name, units, market, capacity, largest, lost_load, conduct, player.v2g, solver=player.solver
        )
    return player


def prices_near(model: Model, equilibrium: Equilibrium, name: str, seed: int, draws: int) -> list[np.ndarray]:
    """Return prices of the market's own range, in the player's order: its equilibrium prices times 0.5 to 2, ± 0.05."""
    at = model.market.positions[name]
    rng = np.random.default_rng(seed)
    own = equilibrium.price[at]
    return [own * rng.uniform(0.5, 2, len(at)) + rng.uniform(-0.05, 0.05, len(at)) for _ in range(draws)]
