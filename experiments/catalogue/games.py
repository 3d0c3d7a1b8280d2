"""Games of the catalogue: built from their data, solved at once or by best responses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bestresponse.acceleration import Anderson
from bestresponse.errors import DataError
from bestresponse.games import (
    ORDERS,
    CournotCost,
    Game,
    GameCertificate,
    IsoelasticDemand,
    Layout,
    LinearDemand,
    ProductionCost,
    QuadraticCost,
    Rows,
    SmoothPlayer,
    certify_game,
    play,
    solve_game,
)
from bestresponse.games.certificate import common_multipliers, stacked_weights
from bestresponse.typing import Vector
from experiments.catalogue.models import Derived, Found, named
from experiments.catalogue.schema import CournotData, QuadraticGameData, RowsData, vector

ACCELERATED = "+anderson"


@dataclass(frozen=True)
class GameModel:
    """A game and what follows from its plans."""

    game: Game
    start: Vector
    derive: Callable[[Vector], Derived]
    weights: Mapping[str, float] = field(default_factory=dict)  # player → weight of its multipliers, 1 if not given

    def weighted(self, weights: Sequence[float]) -> GameModel:
        """Return the model whose normalised equilibrium has these weights, one for every player in order.

        Raises DataError where no rows are shared, for another number of weights, or for one that is not positive.
        """
        players = tuple(self.game.layout.sizes)
        if not len(self.game.shared):
            raise DataError("weights: the players of this game share no rows, so that there is nothing to weight")
        if len(weights) != len(players):
            raise DataError(f"weights: {len(weights)} given, {len(players)} needed: {', '.join(players)}")
        stated = dict(zip(players, map(float, weights), strict=True))
        stacked_weights(self.game, stated)
        return replace(self, weights=stated)

    @property
    def labels(self) -> tuple[str, ...]:
        """(n,) a word for every variable."""
        return self.game.labels

    @property
    def methods(self) -> tuple[str, ...]:
        """All at once, or best responses in any order, plain or accelerated, which know no weights."""
        if self.weights:
            return ("mcp",)
        return ("mcp", *ORDERS, *(order + ACCELERATED for order in ORDERS[:2]))

    def solve(self, method: str) -> Found:
        """Return what the method finds, certified by fresh best responses."""
        return self._at_once() if method == "mcp" else self._by_play(method)

    def judge(self, x: Vector) -> Mapping[str, Any]:
        """Return the certificate of a joint plan."""
        return certificate_data(certify_game(self.game, x, weights=self.weights))

    def _at_once(self) -> Found:
        found = solve_game(self.game, self.start, self.weights)
        own = {name: tuple(values) for name, values in found.own.items() if len(values)}
        shared = named(shared=found.shared) if len(found.shared) else {}
        derived = self.derive(found.x)
        return Found(
            x=found.x,
            prices=derived.prices,
            multipliers={**own, **shared},
            quantities=derived.quantities,
            residual=found.residual,
            residual_meaning="natural residual of all optimality conditions",
            certificate=certificate_data(found.certificate),
            status=found.mcp.reason,
        )

    def _by_play(self, method: str) -> Found:
        order, _, accelerated = method.partition("+")
        acceleration = Anderson(memory=5, relaxation=1.0) if accelerated else None
        ended = play(self.game, self.start, order, acceleration=acceleration)
        derived = self.derive(ended.x)
        shared = named(shared=common_multipliers(self.game, ended.x)[0]) if len(self.game.shared) else {}
        verdict = ended.certificate or certify_game(self.game, ended.x)
        return Found(
            x=ended.x,
            prices=derived.prices,
            multipliers=shared,
            quantities=derived.quantities,
            residual=float(np.min(ended.moves, initial=np.inf)),
            residual_meaning="largest move a player still wanted to make, relative",
            certificate=certificate_data(verdict),
            status=str(ended.stop),
            moves=tuple(ended.moves.tolist()),
        )


def certificate_data(certificate: GameCertificate) -> dict[str, Any]:
    """Return a game's certificate as plain data."""
    return {
        "holds": certificate.holds,
        "statement": str(certificate),
        "largest_gain": certificate.largest_gain,
        "gains": {name: gain.relative for name, gain in certificate.gains.items()},
        "violation": certificate.violation,
        "multiplier_misfit": certificate.multiplier_misfit,
        "normalised": certificate.is_normalised,
    }


def cournot(data: CournotData, start: tuple[float, ...] | None) -> GameModel:
    """Return firms that meet in one market."""
    n = len(data.linear)
    plants = data.plants or (1,) * n
    layout = Layout({f"firm {i + 1}": size for i, size in enumerate(plants)})
    demand = (
        LinearDemand(data.demand.intercept, data.demand.slope)
        if data.demand.form == "linear"
        else IsoelasticDemand(data.demand.scale, data.demand.elasticity)
    )
    parts = [
        vector(values, n, default)
        for values, default in (
            (data.linear, 0.0),
            (data.quadratic, 0.0),
            (data.exponent, np.nan),
            (data.size, 1.0),
            (data.fixed, 0.0),
        )
    ]
    lower, upper, shared = vector(data.lower, n, 0.0), vector(data.upper, n, np.inf), _rows(data.shared, n)
    players = []
    for name, at in layout.places.items():
        cost = CournotCost(at, demand, ProductionCost(*[part[at] for part in parts]))
        players.append(SmoothPlayer(name, layout, cost, lower[at], upper[at], Rows.none(n), shared))
    game = Game(tuple(players), shared)

    def derive(x: Vector) -> Derived:
        profits = [-player.cost.value(x) for player in game.players]
        total = float(x.sum())
        return Derived(named(market=demand.price(total)[0]), quantities=named(profits=profits, total=total))

    first = vector(start, n, 1.0) if start is not None else np.clip(np.ones(n), lower, upper)
    return GameModel(game, first, derive)


def quadratic(data: QuadraticGameData, start: tuple[float, ...] | None) -> GameModel:
    """Return players with quadratic costs."""
    layout = Layout({f"player {i + 1}": len(player.b) for i, player in enumerate(data.players)})
    n = layout.size
    shared = _rows(data.shared, n)
    players = []
    for (name, at), player in zip(layout.places.items(), data.players, strict=True):
        size = len(player.b)
        cost = QuadraticCost(
            at, np.array(player.A), np.array(player.B).reshape(size, -1), np.array(player.b), player.constant
        )
        bounds = vector(player.lower, size, -np.inf), vector(player.upper, size, np.inf)
        players.append(SmoothPlayer(name, layout, cost, *bounds, _rows(player.rows, n), shared))
    game = Game(tuple(players), shared)

    def derive(x: Vector) -> Derived:
        return Derived(quantities=named(costs=[player.cost.value(x) for player in game.players]))

    first = vector(start, n, 0.0) if start is not None else np.clip(np.zeros(n), game.lower, game.upper)
    return GameModel(game, first, derive)


def _rows(data: RowsData | None, n: int) -> Rows:
    return Rows.none(n) if data is None else Rows(np.array(data.G), np.array(data.h), data.names)
