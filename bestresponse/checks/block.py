"""Whether a player's block states the same problem as its best response: what the contract asks of a block.

A block agrees at an answer if cost, trades and rows are the answer's, and if no point of the block is better to
first order; a linear program over the block finds the best point. It agrees as a set if its own extreme points
lie in the player's set.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult, linprog

from bestresponse.player import Block, KnowsItsSet, Response, stacked, unstacked
from bestresponse.typing import Vector

ROW_TOLERANCE = 1e-4  # of rows and bounds; a linear program's own points are no better than 1e-7 over the row's scale
REACH = 100.0  # sizes beyond which a variable without a bound is not followed
DIFFERENCE = 1e-5  # step of finite differences, in sizes of the variables


def agrees_at(block: Block, answer: Response, slack: float) -> Iterator[str]:
    """Yield what tells the block from the answer in cost, trades and rows."""
    x = stacked(answer.plan, block.variables)
    trade = block.trade @ x + block.trade_offset
    if not np.allclose(trade, answer.trade, rtol=1e-6, atol=1e-6):
        yield f"the block's trades differ from the answer's by {np.abs(trade - answer.trade).max():.1e}"
    if not abs(block.cost(x) - answer.cost) <= slack:
        yield f"the block's cost is {block.cost(x):.9g}, the answer's {answer.cost:.9g}"
    rows = np.concatenate([np.abs(block.A @ x - block.b), block.G @ x - block.h, block.lower - x, x - block.upper])
    if not np.max(rows, initial=0.0) <= ROW_TOLERANCE:
        yield f"the answer breaks a row or bound of the block by {np.max(rows):.1e}"


def is_optimal(block: Block, price: Vector, answer: Response, slack: float) -> Iterator[str]:
    """Yield by how much another point of the block is better to first order."""
    x = stacked(answer.plan, block.variables)
    slope = block.gradient(x, 0.0) + block.trade.T @ price
    best = _extreme_point(block, slope, x)
    if not best.success:
        yield f"no point of the block is best: {best.message}"
    elif not slope @ (x - best.x) <= slack:
        yield f"by the block's gradient another of its points is better by {slope @ (x - best.x):.1e} $/h"


def has_multipliers(block: Block, price: Vector, answer: Response, slack: float) -> Iterator[str]:
    """Yield what the answer's multipliers leave open: the outlay less the lower bound they prove."""
    x = stacked(answer.plan, block.variables)
    y, z = (stacked(answer.duals, names) for names in (block.equalities, block.inequalities))
    if not np.min(z, initial=0.0) >= -ROW_TOLERANCE:
        yield f"a multiplier of an inequality is {np.min(z):.1e}"
    reduced = block.gradient(x, 0.0) + block.trade.T @ price + block.A.T @ y + block.G.T @ z
    reach = np.abs(x) + block.scale  # how far a variable without a bound may go
    down = np.where(np.isfinite(block.lower), x - block.lower, reach)
    up = np.where(np.isfinite(block.upper), block.upper - x, reach)
    left = float(np.sum(np.maximum(reduced * down, -reduced * up)) + z @ (block.h - block.G @ x))
    if not left <= slack:
        yield f"the multipliers leave {left:.1e} $/h unexplained"


def stays_inside(block: Block, player: KnowsItsSet, x: Vector, directions: list[Vector]) -> Iterator[str]:
    """Yield how far the block's extreme points lie outside the player's own set; x is any point of the block."""
    for direction in directions:
        found = _extreme_point(block, direction / block.scale, x, REACH)
        if not found.success:
            yield f"the block's set cannot be searched: {found.message}"
            return
        outside = player.violation(unstacked(found.x, block.variables))
        if not outside <= ROW_TOLERANCE:
            yield f"a point of the block lies outside the player's own set by {outside:.1e}"
            return


def differentiates(block: Block, x: Vector, direction: Vector, smoothing: float) -> Iterator[str]:
    """Yield by how much the Jacobian along a direction misses the change of the gradient."""
    step = DIFFERENCE * block.scale * direction
    change = block.gradient(x + step, smoothing) - block.gradient(x - step, smoothing)
    told = 2.0 * (block.jacobian(x, smoothing) @ step)
    error = np.max(np.abs(change - told) * block.scale, initial=0.0)
    size = np.max(np.abs(change) * block.scale, initial=0.0)
    noise = 1e-13 * np.max(np.abs(block.gradient(x, smoothing)) * block.scale, initial=0.0)
    if not error <= 1e-3 * size + noise:
        yield f"the Jacobian misses the change of the gradient by {error / size if size else np.inf:.1e} of it"


def _extreme_point(block: Block, slope: Vector, x: Vector, reach: float = np.inf) -> OptimizeResult:
    """Minimise slope · x over the block, in a box around x that only variables without a bound can feel."""
    size = np.full(block.size, reach) * (block.scale + np.abs(x))
    low = np.where(np.isfinite(block.lower), block.lower, -size)
    high = np.where(np.isfinite(block.upper), block.upper, size)
    rows: dict[str, Any] = {"A_eq": block.A, "b_eq": block.b} if len(block.b) else {}
    rows |= {"A_ub": block.G, "b_ub": block.h} if len(block.h) else {}
    return linprog(slope, bounds=list(zip(low, high, strict=True)), method="highs", **rows)
