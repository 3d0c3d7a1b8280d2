"""Notices, sweep by sweep, that a run will not converge, and says why; with the numbers of `stopping.Detection`.

A run that would converge must never be cut off, so a residual that does not fall is not enough: while a scarcity price
travels to where it has to go, the worst imbalance stays what it is for a hundred sweeps and more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bestresponse.market import Market
from bestresponse.stopping import Detection, Limits, Measures, Stop, StopReason
from bestresponse.typing import BoolVector, IntVector, Vector

ROUNDING = 1e-12  # relative to a trade or to a usual quantity; what is smaller neither swings nor grows


@dataclass(frozen=True)
class _Windows:
    """The imbalances of the window before and of the last one, good by good."""

    turns: IntVector  # (2, n_goods) changes of sign
    sizes: Vector  # (2, n_goods) mean of |imbalance|, relative

    @classmethod
    def of(cls, history: Vector) -> _Windows:
        """Return those of signed imbalances (1 + two windows, n_goods)."""
        turns = np.array_split(history[1:] * history[:-1] < 0, 2)
        sizes = np.array_split(np.abs(history[1:]), 2)
        return cls(np.sum(turns, axis=1), np.mean(sizes, axis=1))

    def swings(self, detection: Detection) -> BoolVector:
        """(n_goods,) whether the imbalance keeps changing its sign, does not shrink, and is not small beside others."""
        before, now = self.sizes
        large = now >= max(detection.counts * float(np.max(now, initial=0.0)), ROUNDING)
        return np.all(self.turns >= detection.flips, axis=0) & (now >= detection.shrinks * before) & large


@dataclass
class Watchdog:
    """Watches one run."""

    market: Market
    limits: Limits
    progress: int = 0  # the last sweep that broke a record
    _records: Vector = field(default_factory=lambda: np.full(3, np.inf))  # see `_marks`; the smaller the better
    _first_price: Vector = field(default_factory=lambda: np.zeros(0))
    _imbalances: deque[Vector] = field(init=False)  # of the last two windows, and one; > 0 where a good is short
    _sizes: deque[float] = field(init=False)  # of all excess demands together, in usual quantities

    def __post_init__(self) -> None:
        window = self.limits.detection.window
        self._imbalances, self._sizes = deque(maxlen=2 * window + 1), deque(maxlen=2 * window)

    def judge(self, sweep: int, seconds: float, measures: Measures, excess: Vector, price: Vector) -> Stop | None:
        """Return why the run must end after this sweep, or None if it may go on."""
        self._imbalances.append(np.copysign(measures.imbalance, excess))
        self._sizes.append(float(np.linalg.norm(excess / self.market.quantity_scale)))
        return (
            self._out_of_range(sweep, excess, price)
            or self._without_progress(sweep, measures, price)
            or self._at_a_limit(sweep, seconds, measures)
        )

    def disregard(self) -> None:
        """Leave the last sweep out: the step that led there was taken back, so that nothing swung there and back."""
        self._imbalances.pop()
        self._sizes.pop()

    def memory(self) -> dict[str, Vector]:
        """Return what it has noticed so far, as arrays."""
        return {
            "progress": np.array([self.progress]),
            "records": self._records.copy(),
            "first_price": self._first_price,
            "imbalances": np.array(self._imbalances),
            "sizes": np.array(self._sizes),
        }

    def recall(self, memory: Mapping[str, Vector]) -> None:
        """Go on from what `memory` returned."""
        self.progress = int(memory["progress"][0])
        self._records, self._first_price = memory["records"].copy(), memory["first_price"]
        self._imbalances.extend(memory["imbalances"])
        self._sizes.extend(memory["sizes"].tolist())

    def _out_of_range(self, sweep: int, excess: Vector, price: Vector) -> Stop | None:
        detection, market = self.limits.detection, self.market
        price_limit = detection.price_range * market.price_scale
        excess_limit = detection.quantity_range * market.quantity_scale
        for what, value, limit in (("price", price, price_limit), ("excess demand", excess, excess_limit)):
            inside = np.abs(value) <= limit
            if not inside.all():
                at = int(np.argmin(inside))
                good = market.goods[at]
                unit = good.price_unit if what == "price" else good.unit
                return Stop(
                    StopReason.DIVERGED,
                    f"The {what} of {good.name} left the range of ±{limit[at]:.1e} {unit} at sweep {sweep}: "
                    f"it is {value[at]:.1e} {unit}.",
                )
        return None

    def _without_progress(self, sweep: int, measures: Measures, price: Vector) -> Stop | None:
        detection = self.limits.detection
        windows = _Windows.of(np.array(self._imbalances)) if self._has_two_windows() else None
        swings = np.zeros(len(price), dtype=bool) if windows is None else windows.swings(detection)
        if self._breaks_a_record(self._marks(measures, price, swings)):
            self.progress = sweep
        waited, patience = sweep - self.progress, max(self.limits.patience, detection.share * sweep)
        if windows is not None and swings.any() and waited >= detection.haste * patience:
            return self._swinging(windows, swings)
        if waited >= patience:
            return self._standing_still(measures)
        return None

    def _has_two_windows(self) -> bool:
        return len(self._imbalances) == self._imbalances.maxlen

    def _marks(self, measures: Measures, price: Vector, swings: BoolVector) -> Vector:
        """(3,) the worst residual, their root mean square, and the inverse of how far any price has travelled.

        In usual prices, from the first price; the price of a good that swings does not travel.
        """
        if not len(self._first_price):
            self._first_price = price
        travelled = np.abs(price - self._first_price) / self.market.price_scale
        farthest = float(np.max(travelled[~swings], initial=0.0))
        mean = float(np.mean(measures.by_good**2)) if self.market.n_goods else 0.0
        return np.array([measures.worst, np.sqrt(mean), 1 / farthest if farthest > 0 else np.inf])

    def _breaks_a_record(self, marks: Vector) -> bool:
        broken = marks < (1 - self.limits.detection.progress) * self._records
        self._records[broken] = marks[broken]
        return bool(broken.any())

    def _swinging(self, windows: _Windows, swings: BoolVector) -> Stop:
        (_, turns), (before, now) = windows.turns, windows.sizes
        at = int(np.argmax(np.where(swings, turns + now / np.max(now), -1.0)))  # the largest of those with most turns
        span = self.limits.detection.window
        evidence = (
            f"The imbalance of {self.market.goods[at].name} changed sign {turns[at]} times in {span} sweeps and was "
            f"{now[at]:.1e} of its largest trade in the mean, after {before[at]:.1e} in the {span} sweeps before"
        )
        return Stop(self._or_diverging(StopReason.OSCILLATING), f"{evidence}. {self._since()}")

    def _standing_still(self, measures: Measures) -> Stop:
        good = self.market.goods[int(np.argmax(measures.by_good))].name
        now = f"{good} is the worst good now, off by {measures.worst:.1e}."
        return Stop(self._or_diverging(StopReason.STALLED), f"{self._since()} {now}")

    def _since(self) -> str:
        return (
            f"Since sweep {self.progress} the worst good has not come below {self._records[0]:.1e}, nor all goods "
            f"together below {self._records[1]:.1e} in the root mean square, and no price travels."
        )

    def _or_diverging(self, reason: StopReason) -> StopReason:
        """The reason, unless excess demands have grown from the first half of the last two windows to the other."""
        sizes, half = np.array(self._sizes), len(self._sizes) // 2
        if not half:
            return reason
        before, now = float(np.mean(sizes[:half])), float(np.mean(sizes[half:]))
        grown = now > max(self.limits.detection.wider * before, ROUNDING)
        return StopReason.DIVERGED if grown else reason

    def _at_a_limit(self, sweep: int, seconds: float, measures: Measures) -> Stop | None:
        if sweep >= self.limits.max_sweeps:
            return Stop(StopReason.SWEEP_LIMIT, self._state(measures, f"after {sweep} sweeps"))
        if seconds >= self.limits.max_seconds:
            return Stop(StopReason.TIME_LIMIT, self._state(measures, f"after {seconds:.1f} s and {sweep} sweeps"))
        return None

    def _state(self, measures: Measures, when: str) -> str:
        name = self.market.goods[int(np.argmax(measures.imbalance))].name
        return f"The worst imbalance {when} is {np.max(measures.imbalance):.1e}, in {name}."
