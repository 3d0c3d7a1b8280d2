"""The contract of a player as executable checks.

Prices are drawn from the market's own range, around a given price vector: with prices from nowhere a player sits
in a corner of its set, where most faults do not show. Comparisons are of outlays, never of plans: a linear program
may answer one signal with several plans.

`check_player` runs every check. `checks` yields them by name, each to be called, so that a test suite can show
them one by one:

    @pytest.mark.parametrize("check", [pytest.param(c, marks=skip_if(c.excuse), id=str(c)) for c in checks(...)])
    def test_my_player(check):
        check()

A player may declare exceptions, `conformance_exceptions = {"check name": "reason"}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import numpy as np

from bestresponse import block_checks, sensitivity_checks
from bestresponse.errors import FormulationError
from bestresponse.market import Market
from bestresponse.player import Anchor, HasBlock, KnowsItsSensitivity, KnowsItsSet, Player, Response, Signal
from bestresponse.typing import Vector

TOLERANCE = 1e-6  # of outlays, relative to max(1 $/h, |outlay|), and of violations
ANCHOR_STRENGTHS = (1.0, 0.1, 10.0)  # in turn, times a usual price over a usual quantity


class ConformanceError(AssertionError):
    """A player does not pass a check."""


@dataclass(frozen=True)
class Failure:
    """One check that a player does not pass, and how one can see it."""

    check: str
    detail: str

    def __str__(self) -> str:
        return f"{self.check}: {self.detail}"


@dataclass(frozen=True)
class Check:
    """One check of one player, to be called; nothing is asked of the player before."""

    name: str  # a key of CHECKS
    player: str
    excuse: str | None  # why it does not apply, if so declared
    _bench: _Bench = field(repr=False)

    def __str__(self) -> str:
        return f"{self.player}-{self.name}"

    def __call__(self) -> None:
        """Raise ConformanceError if the player fails. Calls the player even where the check is excused."""
        if found := self.failures():
            raise ConformanceError("; ".join(f"{self.player}, {failure}" for failure in found))

    def failures(self) -> list[Failure]:
        """Return every way in which the player fails this check; an error that it raises is one."""
        try:
            return [Failure(self.name, detail) for detail in CHECKS[self.name](self._bench)]
        except Exception as error:  # whatever a player under test may raise
            return [Failure(self.name, f"{type(error).__name__}: {error}")]


@dataclass(frozen=True)
class _Bench:
    """A player with prices to try it at and what the rivals last played."""

    player: Player
    prices: tuple[Vector, ...]  # in the player's own order
    price_scale: Vector
    quantity_scale: Vector
    others: Mapping[str, Response]
    seed: int

    @property
    def weight(self) -> Vector:
        """(n_goods,) of a usual anchor."""
        return self.price_scale / self.quantity_scale

    def answer(self, price: Vector, anchor: Anchor | None = None) -> Response:
        return self.player.best_response(self.signal(price, anchor))

    def signal(self, price: Vector, anchor: Anchor | None) -> Signal:
        return Signal(price.copy(), dict(self.others), anchor)

    def trade(self, anchor: Anchor, price: Vector) -> Vector:
        return self.answer(price, anchor).trade

    def answers(self) -> Iterator[tuple[Vector, Response]]:
        """Every price with its answer."""
        return ((price, self.answer(price)) for price in self.prices)

    def anchors(self) -> Iterator[tuple[Vector, Anchor]]:
        """Prices with anchors, weak and strong, around half the trades that the next prices call forth."""
        for turn, (price, other) in enumerate(pairwise(self.prices)):
            strength = ANCHOR_STRENGTHS[turn % len(ANCHOR_STRENGTHS)]
            yield price, Anchor(strength * self.weight, 0.5 * self.answer(other).trade)


def checks(
    player: Player,
    market: Market,
    price: Vector | None = None,  # (n_goods,) of the market, an equilibrium's or near it; default the usual prices
    others: Mapping[str, Response] | None = None,
    seed: int = 0,
    draws: int = 6,
    exceptions: Mapping[str, str] | None = None,  # check → reason, besides those that the player declares
) -> Iterator[Check]:
    """Yield every check, those that are excused with the reason. Raises FormulationError if one excused is unknown.

    The prices tried are `price` times 0.5 to 2 for every good, plus or minus half the usual price.
    """
    excused = {**getattr(player, "conformance_exceptions", {}), **(exceptions or {})}
    if unknown := [name for name in excused if name not in CHECKS]:
        raise FormulationError(f"{player.name}: no check is called {unknown[0]!r}; there are {', '.join(CHECKS)}")
    rng = np.random.default_rng(seed)
    at = market.positions[player.name]
    scale = market.price_scale[at]
    own = scale if price is None else price[at]
    drawn = [own * rng.uniform(0.5, 2.0, len(at)) + scale * rng.uniform(-0.5, 0.5, len(at)) for _ in range(draws)]
    rivals = {name: answer for name, answer in (others or {}).items() if name != player.name}
    bench = _Bench(player, (own, *drawn), scale, market.quantity_scale[at], rivals, seed)
    for name in CHECKS:
        yield Check(name, player.name, excused.get(name), bench)


def check_player(
    player: Player,
    market: Market,
    price: Vector | None = None,
    others: Mapping[str, Response] | None = None,
    seed: int = 0,
    draws: int = 6,
    exceptions: Mapping[str, str] | None = None,
) -> list[Failure]:
    """Return every failure in the checks that are not excused; an empty list means the player conforms.

    Takes what `checks` takes.
    """
    wanted = checks(player, market, price, others, seed, draws, exceptions)
    return [failure for check in wanted if check.excuse is None for failure in check.failures()]


def _shape(bench: _Bench) -> Iterator[str]:
    n_goods = len(bench.player.goods)
    block = bench.player.block() if isinstance(bench.player, HasBlock) else None
    for _, answer in bench.answers():
        if np.shape(answer.trade) != (n_goods,):
            yield f"the trade has shape {np.shape(answer.trade)} for {n_goods} goods"
        for name, length in block.variables.items() if block else ():
            if np.shape(answer.plan[name]) != (length,):
                yield f"the plan's {name} has shape {np.shape(answer.plan[name])}, the block says ({length},)"


def _finite(bench: _Bench) -> Iterator[str]:
    for price, answer in bench.answers():
        bound = {} if answer.bound is None else {"bound": answer.bound}
        stated: dict[str, Vector | float] = {
            "trade": answer.trade,
            "cost": answer.cost,
            "outlay": answer.outlay(price),
            **bound,
        }
        stated |= {f"plan's {name}": value for name, value in answer.plan.items()}
        stated |= {f"multiplier of {name}": value for name, value in answer.duals.items()}
        for name, value in stated.items():
            if not np.isfinite(value).all():
                yield f"the {name} is not a finite number"


def _leaves_signal_alone(bench: _Bench) -> Iterator[str]:
    before_price, before = next(bench.anchors(), (bench.prices[0], Anchor(bench.weight, bench.weight)))
    price, weight, target = before_price.copy(), before.weight.copy(), before.target + 1.0
    others = dict(bench.others)
    bench.player.best_response(Signal(price, others, Anchor(weight, target) if _anchored(bench) else None))
    for what, now, then in (
        ("price", price, before_price),
        ("weight", weight, before.weight),
        ("target", target, before.target + 1.0),
    ):
        if not np.array_equal(now, then):
            yield f"the signal's {what} was changed"
    if others.keys() != bench.others.keys():
        yield "the rivals' answers were changed"


def _no_memory(bench: _Bench) -> Iterator[str]:
    first = [bench.answer(price).outlay(price) for price in bench.prices]
    for _, (price, anchor) in zip(range(2), bench.anchors() if _anchored(bench) else (), strict=False):
        bench.answer(price, anchor)
    second = [bench.answer(price).outlay(price) for price in reversed(bench.prices)][::-1]
    for one, other in zip(first, second, strict=True):
        if not abs(one - other) <= _slack(one):
            yield f"one signal was answered with outlay {one:.9g} and later with {other:.9g}"


def _reacts_to_price(bench: _Bench) -> Iterator[str]:
    """Some change of prices changes the trades by more than what ties between plans are worth."""
    answers = list(bench.answers())
    for p, at_p in answers:
        for q, at_q in answers:
            if abs((p - q) @ (at_p.trade - at_q.trade)) > 100 * _slack(at_p.outlay(p)):
                return
    if bench.player.goods:
        yield "the trades are the same at all prices"


def _envelope(bench: _Bench) -> Iterator[str]:
    """V(q) ≤ V(p) + trade(p)·(q − p): the plan of p is still there at q, and a promised bound holds for it too."""
    answers = list(bench.answers())
    for _, at_p in answers:
        for q, at_q in answers:
            best, available = at_q.outlay(q), at_p.outlay(q)
            if not best <= available + _slack(available):
                yield f"an answer costs {best:.9g}, but another of its own plans would cost {available:.9g}"
                return
            if at_q.bound is not None and not at_q.bound <= available + _slack(available):
                yield f"no plan is said to cost less than {at_q.bound:.9g}, but one of its own costs {available:.9g}"
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


def _sensitivity(bench: _Bench) -> Iterator[str]:
    """It is the derivative of the anchored answers, also where the player has answered something else just before."""
    if not (isinstance(bench.player, KnowsItsSensitivity) and _anchored(bench)):
        return
    scales, rng = (bench.price_scale, bench.quantity_scale), np.random.default_rng(bench.seed)
    for given, anchor in bench.anchors():
        price = given + sensitivity_checks.AWAY * bench.price_scale * rng.normal(size=len(given))
        found = bench.player.sensitivity(bench.signal(price, anchor))
        if wrong := list(sensitivity_checks.is_matrix(found, len(price))):
            yield from wrong
            return
        if getattr(bench.player, "minimises", True):
            yield from sensitivity_checks.is_of_a_minimiser(found, *scales)
        yield from sensitivity_checks.differentiates(found, partial(bench.trade, anchor), price, *scales, rng)


def _stays_in_its_set(bench: _Bench) -> Iterator[str]:
    if not isinstance(bench.player, KnowsItsSet):
        return
    for price in bench.prices:
        outside = bench.player.violation(bench.answer(price).plan)
        if not outside <= TOLERANCE:
            yield f"a plan lies outside the player's own set by {outside:.1e}"


def _block_agrees(bench: _Bench) -> Iterator[str]:
    """The block's cost, trades and rows at every plan are the response's; no point of the block is better."""
    if not isinstance(bench.player, HasBlock):
        return
    block = bench.player.block()
    for price, answer in bench.answers():
        slack = _slack(answer.outlay(price))
        yield from block_checks.agrees_at(block, price, answer, slack)
        yield from block_checks.is_optimal(block, price, answer, 10 * slack)


def _block_set(bench: _Bench) -> Iterator[str]:
    """Far points of the block, in random directions and the opposite ones, are points of the player's set."""
    if not (isinstance(bench.player, HasBlock) and isinstance(bench.player, KnowsItsSet)):
        return
    block, rng = bench.player.block(), np.random.default_rng(bench.seed)
    x = block_checks.stacked(block, bench.answer(bench.prices[0]).plan)
    ahead = rng.normal(size=(3, block.size))
    yield from block_checks.stays_inside(block, bench.player, x, [*ahead, *-ahead])


def _block_jacobian(bench: _Bench) -> Iterator[str]:
    """The block's Jacobian is the derivative of its gradient; smoothed, as the gradient itself may have kinks."""
    if not isinstance(bench.player, HasBlock):
        return
    block, rng = bench.player.block(), np.random.default_rng(bench.seed)
    for _, answer in bench.answers():
        inside = block_checks.stacked(block, answer.plan) + 0.1 * block.scale
        yield from block_checks.differentiates(block, inside, rng.normal(size=block.size), smoothing=1.0)


def _multipliers(bench: _Bench) -> Iterator[str]:
    """Multipliers, where the player states them, prove the answer's outlay through the block's rows."""
    if not isinstance(bench.player, HasBlock):
        return
    block = bench.player.block()
    for price, answer in bench.answers():
        if answer.duals:
            slack = _slack(answer.outlay(price))
            yield from block_checks.has_multipliers(block, price, answer, 10 * slack)


CHECKS: Mapping[str, Callable[[_Bench], Iterator[str]]] = {
    "shape": _shape,
    "finite": _finite,
    "leaves the signal alone": _leaves_signal_alone,
    "no memory": _no_memory,
    "reacts to price": _reacts_to_price,
    "envelope": _envelope,
    "slopes down": _slopes_down,
    "anchor": _anchor,
    "sensitivity": _sensitivity,
    "stays in its set": _stays_in_its_set,
    "block agrees": _block_agrees,
    "block's set": _block_set,
    "block's Jacobian": _block_jacobian,
    "multipliers": _multipliers,
}


def _anchored(bench: _Bench) -> bool:
    return getattr(bench.player, "accepts_anchor", True)


def _slack(outlay: float) -> float:
    return TOLERANCE * max(1.0, abs(outlay))
