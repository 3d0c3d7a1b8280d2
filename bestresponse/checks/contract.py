"""The contract, check by check: each yields what is wrong with the player on the bench."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import pairwise

import numpy as np

from bestresponse.checks import block as block_checks
from bestresponse.checks import sensitivity as sensitivity_checks
from bestresponse.checks.bench import TOLERANCE, Bench, slack
from bestresponse.player import Anchor, HasBlock, KnowsItsSensitivity, KnowsItsSet, Signal, stacked
from bestresponse.typing import Vector


def _shape(bench: Bench) -> Iterator[str]:
    n_goods = len(bench.player.goods)
    block = bench.player.block() if isinstance(bench.player, HasBlock) else None
    for _, answer in bench.answers():
        if np.shape(answer.trade) != (n_goods,):
            yield f"the trade has shape {np.shape(answer.trade)} for {n_goods} goods"
        for name, length in block.variables.items() if block else ():
            if np.shape(answer.plan[name]) != (length,):
                yield f"the plan's {name} has shape {np.shape(answer.plan[name])}, the block says ({length},)"


def _finite(bench: Bench) -> Iterator[str]:
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


def _leaves_signal_alone(bench: Bench) -> Iterator[str]:
    before_price, before = next(bench.anchors(), (bench.prices[0], Anchor(bench.weight, bench.weight)))
    price, weight, target = before_price.copy(), before.weight.copy(), before.target + 1.0
    others = dict(bench.others)
    bench.player.best_response(Signal(price, others, Anchor(weight, target) if bench.anchored else None))
    for what, now, then in (
        ("price", price, before_price),
        ("weight", weight, before.weight),
        ("target", target, before.target + 1.0),
    ):
        if not np.array_equal(now, then):
            yield f"the signal's {what} was changed"
    if others.keys() != bench.others.keys():
        yield "the rivals' answers were changed"


def _no_memory(bench: Bench) -> Iterator[str]:
    first = [bench.answer(price).outlay(price) for price in bench.prices]
    for _, (price, anchor) in zip(range(2), bench.anchors() if bench.anchored else (), strict=False):
        bench.answer(price, anchor)
    second = [bench.answer(price).outlay(price) for price in reversed(bench.prices)][::-1]
    for one, other in zip(first, second, strict=True):
        if not abs(one - other) <= slack(one):
            yield f"one signal was answered with outlay {one:.9g} and later with {other:.9g}"


def _reacts_to_price(bench: Bench) -> Iterator[str]:
    """Some change of prices changes the trades by more than what ties between plans are worth."""
    answers = list(bench.answers())
    for p, at_p in answers:
        for q, at_q in answers:
            if abs((p - q) @ (at_p.trade - at_q.trade)) > 100 * slack(at_p.outlay(p)):
                return
    if bench.player.goods:
        yield "the trades are the same at all prices"


def _envelope(bench: Bench) -> Iterator[str]:
    """V(q) ≤ V(p) + trade(p)·(q − p): the plan of p is still there at q, and a promised bound holds for it too."""
    answers = list(bench.answers())
    for _, at_p in answers:
        for q, at_q in answers:
            best, available = at_q.outlay(q), at_p.outlay(q)
            if not best <= available + slack(available):
                yield f"an answer costs {best:.9g}, but another of its own plans would cost {available:.9g}"
                return
            if at_q.bound is not None and not at_q.bound <= available + slack(available):
                yield f"no plan is said to cost less than {at_q.bound:.9g}, but one of its own costs {available:.9g}"
                return


def _slopes_down(bench: Bench) -> Iterator[str]:
    answers = [(price, bench.answer(price)) for price in bench.prices]
    for (p, at_p), (q, at_q) in pairwise(answers):
        product = float((p - q) @ (at_p.trade - at_q.trade))
        if not product <= slack(at_p.outlay(p)):
            yield f"(p − q)·(trade(p) − trade(q)) = {product:.3g} is positive: it takes more where it is dearer"


def _anchor(bench: Bench) -> Iterator[str]:
    """An anchored answer is a plain best response at the price the anchor makes of it."""
    if not bench.anchored:
        return
    for price, anchor in bench.anchors():
        answer = bench.answer(price, anchor)
        seen = price + anchor.price(answer.trade)
        best = bench.answer(seen).outlay(seen)
        if not abs(answer.outlay(seen) - best) <= slack(best):
            yield f"with an anchor its outlay is {answer.outlay(seen):.9g} at its own price; {best:.9g} is possible"


def _sensitivity(bench: Bench) -> Iterator[str]:
    """It is the derivative of the anchored answers, also where the player has answered something else just before."""
    if not (isinstance(bench.player, KnowsItsSensitivity) and bench.anchored):
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


def _stays_in_its_set(bench: Bench) -> Iterator[str]:
    if not isinstance(bench.player, KnowsItsSet):
        return
    for price in bench.prices:
        outside = bench.player.violation(bench.answer(price).plan)
        if not outside <= TOLERANCE:
            yield f"a plan lies outside the player's own set by {outside:.1e}"


def _block_agrees(bench: Bench) -> Iterator[str]:
    """The block's cost, trades and rows at every plan are the response's; no point of the block is better."""
    if not isinstance(bench.player, HasBlock):
        return
    block = bench.player.block()
    for price, answer in bench.answers():
        allowed = slack(answer.outlay(price))
        yield from block_checks.agrees_at(block, answer, allowed)
        yield from block_checks.is_optimal(block, price, answer, 10 * allowed)


def _block_set(bench: Bench) -> Iterator[str]:
    """Far points of the block, in random directions and the opposite ones, are points of the player's set."""
    if not (isinstance(bench.player, HasBlock) and isinstance(bench.player, KnowsItsSet)):
        return
    block, rng = bench.player.block(), np.random.default_rng(bench.seed)
    x = stacked(bench.answer(bench.prices[0]).plan, block.variables)
    ahead = rng.normal(size=(3, block.size))
    yield from block_checks.stays_inside(block, bench.player, x, [*ahead, *-ahead])


def _block_jacobian(bench: Bench) -> Iterator[str]:
    """The block's Jacobian is the derivative of its gradient; smoothed, as the gradient itself may have kinks."""
    if not isinstance(bench.player, HasBlock):
        return
    block, rng = bench.player.block(), np.random.default_rng(bench.seed)
    for _, answer in bench.answers():
        inside = stacked(answer.plan, block.variables) + 0.1 * block.scale
        yield from block_checks.differentiates(block, inside, rng.normal(size=block.size), smoothing=1.0)


def _multipliers(bench: Bench) -> Iterator[str]:
    """Multipliers, where the player states them, prove the answer's outlay through the block's rows."""
    if not isinstance(bench.player, HasBlock):
        return
    block = bench.player.block()
    for price, answer in bench.answers():
        if answer.duals:
            allowed = slack(answer.outlay(price))
            yield from block_checks.has_multipliers(block, price, answer, 10 * allowed)


CHECKS: Mapping[str, Callable[[Bench], Iterator[str]]] = {
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
