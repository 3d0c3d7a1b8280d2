"""The contract of a player as executable checks.

Prices are drawn from the market's own range, around a given price vector: with prices from nowhere a player sits
in a corner of its set, where most faults do not show. Comparisons are of outlays, never of plans: a linear program
may answer one signal with several plans.

A player may declare exceptions, `conformance_exceptions = {"check name": "reason"}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bestresponse.market import Market
from bestresponse.player import Anchor, HasBlock, KnowsItsSet, Player, Response, Signal
from bestresponse.typing import Vector

TOLERANCE = 1e-6  # of outlays, relative to max(1 $/h, |outlay|), and of violations


@dataclass(frozen=True)
class Failure:
    """One check that a player does not pass, and how one can see it."""

    check: str
    detail: str

    def __str__(self) -> str:
        return f"{self.check}: {self.detail}"


@dataclass(frozen=True)
class _Bench:
    """A player with prices to try it at and what the rivals last played."""

    player: Player
    prices: tuple[Vector, ...]  # in the player's own order
    price_scale: Vector
    weight: Vector
    others: Mapping[str, Response]

    def answer(self, price: Vector, anchor: Anchor | None = None) -> Response:
        return self.player.best_response(Signal(price.copy(), self.others, anchor))

    def anchors(self) -> Iterator[tuple[Vector, Anchor]]:
        """Prices with anchors around the trades that the next prices call forth."""
        for price, other in pairwise(self.prices):
            yield price, Anchor(self.weight, 0.5 * self.answer(other).trade)


def check_player(
    player: Player,
    market: Market,
    price: Vector,  # (n_goods,) of the market, an equilibrium's or near it
    others: Mapping[str, Response] | None = None,
    seed: int = 0,
    draws: int = 6,
) -> list[Failure]:
    """Return every check that the player fails; an empty list means it conforms.

    The prices tried are `price` times 0.5 to 2 for every good, plus or minus half the usual price.
    """
    rng = np.random.default_rng(seed)
    at = market.positions[player.name]
    own, scale = price[at], market.price_scale[at]
    drawn = [own * rng.uniform(0.5, 2.0, len(at)) + scale * rng.uniform(-0.5, 0.5, len(at)) for _ in range(draws)]
    weight = scale / market.quantity_scale[at]
    bench = _Bench(player, (own, *drawn), scale, weight, others or {})
    excused = getattr(player, "conformance_exceptions", {})
    found = []
    for name, check in CHECKS.items():
        if name not in excused:
            found += [Failure(name, detail) for detail in check(bench)]
    return found


def _shape(bench: _Bench) -> Iterator[str]:
    for price in bench.prices:
        answer = bench.answer(price)
        if np.shape(answer.trade) != (len(bench.player.goods),):
            yield f"the trade has shape {np.shape(answer.trade)} for {len(bench.player.goods)} goods"
        elif not (np.isfinite(answer.trade).all() and np.isfinite(answer.cost)):
            yield "a trade or the cost is not a finite number"


def _leaves_signal_alone(bench: _Bench) -> Iterator[str]:
    price, target = bench.prices[0].copy(), np.zeros(len(bench.player.goods))
    weight = bench.weight.copy()
    bench.player.best_response(Signal(price, bench.others, Anchor(weight, target) if _anchored(bench) else None))
    for what, now, before in (
        ("price", price, bench.prices[0]),
        ("weight", weight, bench.weight),
        ("target", target, 0),
    ):
        if not np.array_equal(now, before + np.zeros_like(now)):
            yield f"the signal's {what} was changed"


def _no_memory(bench: _Bench) -> Iterator[str]:
    first = [bench.answer(price).outlay(price) for price in bench.prices]
    for _, (price, anchor) in zip(range(2), bench.anchors() if _anchored(bench) else (), strict=False):
        bench.answer(price, anchor)
    second = [bench.answer(price).outlay(price) for price in reversed(bench.prices)][::-1]
    for one, other in zip(first, second, strict=True):
        if not abs(one - other) <= _slack(one):
            yield f"one signal was answered with outlay {one:.9g} and later with {other:.9g}"


def _reacts_to_price(bench: _Bench) -> Iterator[str]:
    answers = [bench.answer(price).trade for price in bench.prices]
    if bench.player.goods and all(np.allclose(answers[0], other, rtol=1e-9, atol=1e-9) for other in answers[1:]):
        yield "the trades are the same at all prices"


def _envelope(bench: _Bench) -> Iterator[str]:
    """V(q) ≤ V(p) + trade(p)·(q − p): the plan of p is still there at q."""
    answers = [(price, bench.answer(price)) for price in bench.prices]
    for _, at_p in answers:
        for q, at_q in answers:
            best, available = at_q.outlay(q), at_p.outlay(q)
            if not best <= available + _slack(available):
                yield f"an answer costs {best:.9g}, but another of its own plans would cost {available:.9g}"
                return


def _slopes_down(bench: _Bench) -> Iterator[str]:
    answers = [(price, bench.answer(price)) for price in bench.prices]
    for (p, at_p), (q, at_q) in pairwise(answers):
        product = float((p - q) @ (at_p.trade - at_q.trade))
        if not product <= _slack(at_p.outlay(p)):
            yield f"(p − q)·(trade(p) − trade(q)) = {product:.3g} is positive: it takes more where it is dearer"


def _anchor(bench: _Bench) -> Iterator[str]:
    """An anchored answer is a plain best response at the price the anchor makes of it."""
    if not _anchored(bench):
        return
    for price, anchor in bench.anchors():
        answer = bench.answer(price, anchor)
        seen = price + anchor.price(answer.trade)
        best = bench.answer(seen).outlay(seen)
        if not abs(answer.outlay(seen) - best) <= _slack(best):
            yield f"with an anchor its outlay is {answer.outlay(seen):.9g} at its own price; {best:.9g} is possible"


def _stays_in_its_set(bench: _Bench) -> Iterator[str]:
    if not isinstance(bench.player, KnowsItsSet):
        return
    for price in bench.prices:
        outside = bench.player.violation(bench.answer(price).plan)
        if not outside <= TOLERANCE:
            yield f"a plan lies outside the player's own set by {outside:.1e}"


def _block_agrees(bench: _Bench) -> Iterator[str]:
    """The block's cost, trades and rows at every plan are the response's; no other plan is better by the block."""
    if not isinstance(bench.player, HasBlock):
        return
    block = bench.player.block()
    answers = [(price, bench.answer(price)) for price in bench.prices]
    points = [np.concatenate([answer.plan[name] for name in block.variables]) for _, answer in answers]
    for (_, answer), x in zip(answers, points, strict=True):
        trade = block.trade @ x + block.trade_offset
        if not np.allclose(trade, answer.trade, rtol=TOLERANCE, atol=TOLERANCE):
            yield f"the block's trades differ from the answer's by {np.abs(trade - answer.trade).max():.1e}"
        if not abs(block.cost(x) - answer.cost) <= _slack(answer.cost):
            yield f"the block's cost is {block.cost(x):.9g}, the answer's {answer.cost:.9g}"
        rows = np.concatenate([np.abs(block.A @ x - block.b), block.G @ x - block.h, block.lower - x, x - block.upper])
        if not np.max(rows, initial=0.0) <= 1e-4:
            yield f"the answer breaks a row or bound of the block by {np.max(rows):.1e}"
    for (price, answer), x in zip(answers, points, strict=True):
        slope = block.gradient(x, 0.0) + block.trade.T @ price
        for other in points:
            if not slope @ (other - x) >= -10 * _slack(answer.outlay(price)):
                yield f"by the block's gradient another plan is better by {-slope @ (other - x):.1e} $/h"
                return


CHECKS: Mapping[str, Callable[[_Bench], Iterator[str]]] = {
    "shape": _shape,
    "leaves the signal alone": _leaves_signal_alone,
    "no memory": _no_memory,
    "reacts to price": _reacts_to_price,
    "envelope": _envelope,
    "slopes down": _slopes_down,
    "anchor": _anchor,
    "stays in its set": _stays_in_its_set,
    "block agrees": _block_agrees,
}


def _anchored(bench: _Bench) -> bool:
    return getattr(bench.player, "accepts_anchor", True)


def _slack(outlay: float) -> float:
    return TOLERANCE * max(1.0, abs(outlay))
