"""Small markets with answers one can work out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from bestresponse.market import Good, Market
from bestresponse.player import Response, Signal


@dataclass
class Trader:
    """minimises ½ c x² + d x over lower ≤ x ≤ upper and trades direction · x. Solved in closed form."""

    name: str
    direction: dict[str, float]
    curvature: float
    slope: float = 0.0
    lower: float = -np.inf
    upper: float = np.inf
    asked: int = field(default=0, compare=False)

    @property
    def goods(self) -> tuple[str, ...]:
        return tuple(self.direction)

    def best_response(self, signal: Signal) -> Response:
        self.asked += 1
        a = np.array(list(self.direction.values()))
        curvature, slope = self.curvature, self.slope + signal.price @ a
        if signal.anchor is not None:
            curvature += signal.anchor.weight @ a**2
            slope -= (signal.anchor.weight * signal.anchor.target) @ a
        if curvature > 0:
            x = float(np.clip(-slope / curvature, self.lower, self.upper))
        else:
            x = self.lower if slope > 0 else self.upper
        return self.respond(x)

    def respond(self, x: float) -> Response:
        cost = 0.5 * self.curvature * x**2 + self.slope * x
        return Response(np.array(list(self.direction.values())) * x, cost, {"x": np.array([x])})

    def violation(self, plan) -> float:
        x = plan["x"][0]
        return float(max(0.0, self.lower - x, x - self.upper))


def market_of(players: Sequence[object], price_scale: float = 1.0, quantity_scale: float = 1.0) -> Market:
    names = dict.fromkeys(good for player in players for good in player.goods)
    return Market(
        tuple(Good(n, n.split("[")[0], "unit", "$", price_scale, quantity_scale) for n in names), tuple(players)
    )


def bread_market() -> Market:
    """A buyer who pays 10 − S, bakers with marginal costs 1 + q and 2 + 2q, an importer: clears at 4, 6 = 3 + 1 + 2."""
    buyer = Trader("buyer", {"bread": 1.0}, 1.0, -10.0, lower=0.0)
    first = Trader("first baker", {"bread": -1.0}, 1.0, 1.0, lower=0.0)
    second = Trader("second baker", {"bread": -1.0}, 2.0, 2.0, lower=0.0)
    importer = Trader("importer", {"bread": -1.0}, 0.0, 3.5, lower=0.0, upper=2.0)
    return market_of([buyer, first, second, importer])


BREAD_PRICE = 4.0
BREAD_TRADES = {"buyer": 6.0, "first baker": -3.0, "second baker": -1.0, "importer": -2.0}


def chain_market() -> Market:
    """Grain, flour and bread: a farmer, a miller without cost of his own but a limit, a baker, a buyer."""
    farmer = Trader("farmer", {"grain": -1.0}, 0.5, 0.2, lower=0.0)
    miller = Trader("miller", {"grain": 1.0, "flour": -0.8}, 0.0, 0.1, lower=0.0, upper=4.0)
    baker = Trader("baker", {"flour": 1.0, "bread": -1.3}, 0.1, 0.3, lower=0.0)
    buyer = Trader("buyer", {"bread": 1.0}, 1.0, -8.0, lower=0.0)
    return market_of([farmer, miller, baker, buyer])


def chen_market() -> Market:
    """Three players whose trades A x must sum to zero, A = [1 1 1; 1 1 2; 1 2 2] (Chen, He, Ye and Yuan 2016)."""
    A = np.array([[1.0, 1, 1], [1, 1, 2], [1, 2, 2]])
    goods = ["g1", "g2", "g3"]
    return market_of([Trader(f"block {i}", dict(zip(goods, A[:, i], strict=True)), 0.0) for i in range(3)])


@dataclass
class Cooperative:
    """minimises ½ (t − t₀)'H(t − t₀) in its trades t, H positive semidefinite, perhaps singular; in closed form."""

    name: str
    goods: tuple[str, ...]
    H: np.ndarray
    wish: np.ndarray

    def best_response(self, signal: Signal) -> Response:
        weight, target = np.zeros(len(self.goods)), np.zeros(len(self.goods))
        if signal.anchor is not None:
            weight, target = signal.anchor.weight, signal.anchor.target
        trade = np.linalg.lstsq(
            self.H + np.diag(weight), self.H @ self.wish + weight * target - signal.price, rcond=None
        )[0]
        return Response(trade, float(0.5 * (trade - self.wish) @ self.H @ (trade - self.wish)), {"t": trade})


def random_market(seed: int, least_curvature: float = 0.0) -> Market:
    """A convex market that clears where nobody trades or nearby: bounded traders, some linear, and a smooth player.

    With least_curvature > 0 every cost is strongly convex in the player's decision.
    """
    rng = np.random.default_rng(seed)
    goods = [f"good {g}" for g in range(rng.integers(1, 4))]
    players: list[object] = []
    for i in range(rng.integers(3, 6)):
        traded = goods if i < 2 else rng.choice(goods, rng.integers(1, len(goods) + 1), replace=False)
        direction = {str(g): float(rng.choice([-1, 1]) * rng.uniform(0.5, 2)) for g in traded}
        curvature = least_curvature + float(rng.choice([0.0, 1.0]) * rng.uniform(0.1, 2))
        players.append(Trader(f"trader {i}", direction, curvature, float(rng.normal()), -rng.uniform(0, 3), 2.0))
    root = rng.normal(size=(len(goods), len(goods)))
    players.append(
        Cooperative("cooperative", tuple(goods), root @ root.T + 0.2 * np.eye(len(goods)), rng.normal(size=len(goods)))
    )
    return market_of(players)


class Aware(Trader):
    """A trader that knows its slope: −a a' / curvature while it is free, anchor included, and zero at a bound."""

    def sensitivity(self, signal: Signal) -> np.ndarray:
        a = np.array(list(self.direction.values()))
        if not self.lower < Trader.best_response(self, signal).plan["x"][0] < self.upper:
            return np.zeros((len(a), len(a)))
        return -np.outer(a, a) / (self.curvature + signal.anchor.weight @ a**2)


class AwareCooperative(Cooperative):
    """H need not be symmetric: then it is an equilibrium of many, and minimises nothing."""

    def sensitivity(self, signal: Signal) -> np.ndarray:
        return -np.linalg.inv(self.H + np.diag(signal.anchor.weight))


def aware(market: Market) -> Market:
    """The same market of players that know their slopes."""
    kinds = {Trader: Aware, Cooperative: AwareCooperative}
    return Market(market.goods, tuple(kinds[type(player)](**vars(player)) for player in market))


def of_kind(kind: type[Trader], market: Market) -> Market:
    """The same market of traders of another kind."""
    return Market(market.goods, tuple(kind(**vars(player)) for player in market))


class Sloped:
    """The tangent of T(z) = (1 − A) z."""

    def __init__(self, A: Sequence[Sequence[float]] | np.ndarray) -> None:
        self.A = np.asarray(A)

    def step(self, right: np.ndarray, damping: float) -> np.ndarray:
        return np.linalg.solve(damping * np.eye(len(right)) + self.A, right)
