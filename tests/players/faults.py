"""Faults to plant in any player: each answers through the sound player inside, wrongly in one way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from bestresponse.player import Anchor, Signal, stacked, unstacked


class Sound:
    """Passes everything on; the base of all faults and the control of the experiment."""

    def __init__(self, inside):
        self.inside = inside
        self.name, self.goods = inside.name, inside.goods

    def best_response(self, signal):
        return self.inside.best_response(signal)

    def sensitivity(self, signal):
        return self.inside.sensitivity(signal)

    def violation(self, plan):
        return self.inside.violation(plan)

    def block(self):
        return self.inside.block()

    def with_plan(self, answer, x):
        """The answer that the block makes of a plan, right or wrong."""
        block = self.inside.block()
        return replace(
            answer,
            trade=block.trade @ x + block.trade_offset,
            cost=block.cost(x),
            plan=unstacked(x, block.variables),
            bound=None,
        )


class PriceSignFlipped(Sound):
    def best_response(self, signal):
        return super().best_response(Signal(-signal.price, signal.others, signal.anchor))


class TradeSignFlipped(Sound):
    def best_response(self, signal):
        answer = super().best_response(signal)
        return replace(answer, trade=-answer.trade)


class CostIncludesPayment(Sound):
    def best_response(self, signal):
        answer = super().best_response(signal)
        return replace(answer, cost=answer.outlay(signal.price))


class AnswersTheSignalBefore(Sound):
    before = None

    def best_response(self, signal):
        now, self.before = self.before or signal, Signal(signal.price.copy(), signal.others, signal.anchor)
        return super().best_response(now)


class DriftsWithEveryAnswer(Sound):
    asked = 0

    def best_response(self, signal):
        self.asked += 1
        answer = super().best_response(signal)
        return replace(answer, cost=answer.cost + 0.01 * self.asked)


class KeepsAnAnchor(Sound):
    last = None

    def best_response(self, signal):
        self.last = signal.anchor or self.last
        return super().best_response(Signal(signal.price, signal.others, self.last))


class MutatesPrice(Sound):
    def best_response(self, signal):
        answer = super().best_response(signal)
        signal.price[0] += 1.0
        return answer


class MutatesWeight(Sound):
    def best_response(self, signal):
        answer = super().best_response(signal)
        if signal.anchor is not None:
            signal.anchor.weight[:] = np.sqrt(signal.anchor.weight)
        return answer


class MutatesTarget(Sound):
    def best_response(self, signal):
        answer = super().best_response(signal)
        if signal.anchor is not None:
            signal.anchor.target[:] = answer.trade
        return answer


class MutatesOthers(Sound):
    def best_response(self, signal):
        signal.others.clear()
        return super().best_response(signal)


class OtherAnchor(Sound):
    """Sees another anchor than the one it is given."""

    def best_response(self, signal):
        if signal.anchor is None:
            return super().best_response(signal)
        return super().best_response(Signal(signal.price, signal.others, self.seen(signal)))

    def seen(self, signal):
        return None


class AnchorIgnored(OtherAnchor):
    pass


class AnchorHalved(OtherAnchor):
    def seen(self, signal):
        return Anchor(0.5 * signal.anchor.weight, signal.anchor.target)


class AnchorUnsquared(OtherAnchor):
    """Pays √weight |trade − target| instead, by the weights that have the same slope where it would answer."""

    def seen(self, signal):
        anchor = signal.anchor
        away = np.abs(self.inside.best_response(signal).trade - anchor.target)
        return Anchor(np.sqrt(anchor.weight) / np.maximum(away, 1.0), anchor.target)


class AnchorTargetFlipped(OtherAnchor):
    def seen(self, signal):
        return Anchor(signal.anchor.weight, -signal.anchor.target)


class IgnoresPrice(Sound):
    first = None

    def best_response(self, signal):
        self.first = signal.price.copy() if self.first is None else self.first
        return super().best_response(Signal(self.first, signal.others, signal.anchor))


class SensitivityFlipped(Sound):
    def sensitivity(self, signal):
        return -super().sensitivity(signal)


class SensitivityDoubled(Sound):
    def sensitivity(self, signal):
        return 2 * super().sensitivity(signal)


class SensitivityOfAnotherAnchor(Sound):
    def sensitivity(self, signal):
        return super().sensitivity(replace(signal, anchor=replace(signal.anchor, weight=0.1 * signal.anchor.weight)))


class SensitivityOfTheSignalBefore(Sound):
    before = None

    def sensitivity(self, signal):
        now, self.before = self.before or signal, signal
        return super().sensitivity(now)


class SensitivityOfTheLastAnswer(Sound):
    last = None

    def best_response(self, signal):
        self.last = Signal(signal.price.copy(), signal.others, signal.anchor) if signal.anchor else self.last
        return super().best_response(signal)

    def sensitivity(self, signal):
        return super().sensitivity(self.last or signal)


class SensitivityForgotten(Sound):
    def sensitivity(self, signal):
        return np.zeros((len(self.goods), len(self.goods)))


class SensitivityLopsided(Sound):
    """The effects of prices on the trades of other goods stand in one half only."""

    def sensitivity(self, signal):
        return np.tril(super().sensitivity(signal))


class SensitivityOfOneGood(Sound):
    def sensitivity(self, signal):
        return super().sensitivity(signal)[:1]


class SensitivityNaN(Sound):
    def sensitivity(self, signal):
        return super().sensitivity(signal) * np.nan


class LeavesItsSet(Sound):
    """Far outside, with the trades and the cost of where it is."""

    def best_response(self, signal):
        answer = super().best_response(signal)
        block = self.inside.block()
        return self.with_plan(answer, stacked(answer.plan, block.variables) - 100.0 * block.scale)


class SaysNaN(Sound):
    def best_response(self, signal):
        answer = super().best_response(signal)
        return replace(answer, **{self.what: self.spoil(getattr(answer, self.what))})

    @staticmethod
    def spoil(value):
        return np.nan


class NaNCost(SaysNaN):
    what = "cost"


class NaNBound(SaysNaN):
    what = "bound"


class NaNTrade(SaysNaN):
    what = "trade"

    @staticmethod
    def spoil(value):
        return np.concatenate([value[:-1], [np.nan]])


class NaNPlan(SaysNaN):
    what = "plan"

    @staticmethod
    def spoil(value):
        return {name: np.full_like(part, np.nan) for name, part in value.items()}


class NaNMultiplier(NaNPlan):
    what = "duals"


class PromisesTooMuch(Sound):
    def best_response(self, signal):
        answer = super().best_response(signal)
        return replace(answer, bound=answer.outlay(signal.price) + 0.1)


class MultipliersFlipped(Sound):
    def best_response(self, signal):
        answer = super().best_response(signal)
        return replace(answer, duals={name: -value for name, value in answer.duals.items()})


class TradeOfTheWrongLength(Sound):
    def best_response(self, signal):
        answer = super().best_response(signal)
        return replace(answer, trade=answer.trade[:-1])


class PlanOfTheWrongLength(Sound):
    def best_response(self, signal):
        answer = super().best_response(signal)
        return replace(answer, plan={name: part[:-1] for name, part in answer.plan.items()})


class BlockTradesFlipped(Sound):
    def block(self):
        block = super().block()
        return replace(block, trade=-block.trade, trade_offset=-block.trade_offset)


class BlockCostOff(Sound):
    def block(self):
        block = super().block()
        return replace(block, cost=lambda x: block.cost(x) + 0.01)


class BlockGradientOff(Sound):
    """Every variable is said to cost more: only a block in which nothing can be chosen would not notice."""

    def block(self):
        block = super().block()
        return replace(block, gradient=lambda x, mu: block.gradient(x, mu) + 100.0 * np.sign(np.arange(block.size) % 3))


class BlockJacobianOff(Sound):
    def block(self):
        block = super().block()
        return replace(block, jacobian=lambda x, mu: block.jacobian(x, mu) + sparse.eye_array(block.size))


class BlockRowsOff(Sound):
    def block(self):
        block = super().block()
        return replace(block, b=block.b + 1.0, h=block.h - 1e4)


class BlockWithoutLowerBounds(Sound):
    def block(self):
        block = super().block()
        return replace(block, lower=np.full(block.size, -np.inf))


class BlockWithoutUpperBounds(Sound):
    def block(self):
        block = super().block()
        return replace(block, upper=np.full(block.size, np.inf))


class BlockWithoutOneBound(Sound):
    """The first lower bound is missing."""

    def block(self):
        block = super().block()
        lower = block.lower.copy()
        lower[np.flatnonzero(np.isfinite(lower))[0]] = -np.inf
        return replace(block, lower=lower)


class BlockWithoutInequalities(Sound):
    def block(self):
        block = super().block()
        return replace(block, h=np.full(len(block.h), 1e6))
