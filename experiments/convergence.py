"""What the history of a run says: when it came how close, at which rate, which goods travelled and which were last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bestresponse.market import Good
from bestresponse.trace import SweepRecord
from bestresponse.typing import Vector
from experiments.bystander import Reading

TARGETS = {f"1e-{k}": 10.0**-k for k in range(2, 9)}
RESIDUALS = ("imbalance", "gain", "natural_residual")
ROUNDING = 1e-12  # residuals at or below it say nothing about rates
FEWEST = 8  # readings of a tail
LINE, SCATTER = 0.05, 0.4  # decades off a line, as a root mean square: what counts as on it, and as no line at all


@dataclass(frozen=True)
class Tail:
    """The last part of a run, as far as its residual shrinks by one factor a sweep."""

    first: int  # sweep
    last: int  # sweep
    rate: float  # factor of one sweep
    level: float  # of the fitted line at `first`

    def line(self, sweeps: Vector) -> Vector:
        """Return the fitted residual at the sweeps given."""
        found: Vector = self.level * self.rate ** (sweeps - self.first)
        return found


def linear_tail(sweeps: Vector, residuals: Vector) -> Tail | None:
    """Return the longest tail that scatters about a line, on a logarithmic axis, hardly more than its last fifth does.

    None where that fifth, at least `FEWEST` readings, is no line itself. What is not above rounding is left out.
    """
    with np.errstate(invalid="ignore"):
        useful = np.isfinite(residuals) & (residuals > ROUNDING)
    at, heights = np.asarray(sweeps, dtype=float)[useful], np.log10(residuals[useful])
    latest = min(4 * len(at) // 5, len(at) - FEWEST)
    if latest < 0 or not (least := _fit(at[latest:], heights[latest:])[2]) <= SCATTER:
        return None
    for start in range(latest + 1):
        slope, level, scatter = _fit(at[start:], heights[start:])
        if scatter <= max(LINE, 1.2 * least):
            break
    return Tail(int(at[start]), int(at[-1]), 10**slope, 10**level)


def _fit(at: Vector, heights: Vector) -> tuple[float, float, float]:
    """Return slope and first height of the least-squares line, and the root mean square of what is off it."""
    slope, level = np.polyfit(at - at[0], heights, 1)
    off = heights - level - slope * (at - at[0])
    return float(slope), float(level), float(np.sqrt(np.mean(off**2)))


def first_within(readings: Sequence[Reading], residual: str, target: float) -> Reading | None:
    """Return the first reading at which a residual does not exceed the target, or None."""
    for reading in readings:
        value = getattr(reading, residual)
        if value is not None and value <= target:
            return reading
    return None


def cleared_for_good(records: Sequence[SweepRecord], target: float) -> Vector:
    """Return (n_goods,) the sweep from which every good stays in balance within the target; infinite if none does."""
    sweeps = np.array([record.sweep for record in records], dtype=float)
    off = np.array([~(record.imbalance_by_good <= target) for record in records])
    following = np.append(sweeps[1:], np.inf)
    return np.max(np.where(off, following[:, None], sweeps[0]), axis=0)


def farthest(
    records: Sequence[SweepRecord], goods: Sequence[Good], families: int, members: int
) -> dict[str, list[int]]:
    """Return, by family, where the goods stand whose prices travel farthest, in usual prices, farthest first.

    Of every family so many members; of the families those that they travel farthest in.
    """
    prices = np.array([record.price for record in records])
    travelled = np.abs(np.diff(prices, axis=0)).sum(axis=0) / [good.price_scale for good in goods]
    found: dict[str, list[int]] = {}
    for good in np.argsort(-travelled, kind="stable").tolist():
        found.setdefault(goods[good].family, []).append(good)
    return {family: members_of[:members] for family, members_of in list(found.items())[:families]}
