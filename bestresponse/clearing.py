"""Whether any prices at all could clear a market: one linear program over the sets of all players.

    minimise Σ |s_g| / usual quantity of g   over all plans of the players' sets   such that   Σ trades + s = 0

Where the least is not zero there is no equilibrium, whatever anything costs. Of a set that has more than linear rows
those alone count: what they make impossible is impossible.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from bestresponse.market import Market
from bestresponse.player import HasBlock
from bestresponse.stopping import Stop, StopReason
from bestresponse.typing import Vector

logger = logging.getLogger(__name__)

UNEXPLAINED = (StopReason.DIVERGED, StopReason.OSCILLATING, StopReason.STALLED, StopReason.NOT_SOLVED)
LEFT = 1e-5  # usual quantities of a good; less is rounding
SECONDS = 20.0  # that the program may take
SHOWN = 3  # goods in one sentence


def explained(stop: Stop, market: Market) -> Stop:
    """Return the stop of a run, with the proof that there was nothing to find if it found nothing and there is one."""
    if stop.reason not in UNEXPLAINED:
        return stop
    try:
        proof = why_nothing_clears(market)
    except Exception as error:  # it decides nothing, so it must not cost what has been computed
        logger.warning("whether any prices clear the market is not known: %s", error)
        return stop
    return replace(stop, evidence=f"{stop.evidence} {proof}".strip())


def why_nothing_clears(market: Market) -> str:
    """Return a sentence that says that no prices clear the market and what it lacks; empty if there may be some."""
    excess = least_excess(market)
    if excess is None or not (left := np.abs(excess) > LEFT * market.quantity_scale).any():
        return ""
    worst = np.flatnonzero(left)[np.argsort(-np.abs(excess / market.quantity_scale)[left], kind="stable")]
    said = []
    for g in worst[:SHOWN]:
        good, side = market.goods[g], "short" if excess[g] > 0 else "over"
        said.append(f"{good.name} {abs(excess[g]):.3g} {good.unit} {side}")
    if len(worst) > SHOWN:
        said.append(f"and {len(worst) - SHOWN} more")
    return f"No prices clear this market: the plans that come nearest to it leave {', '.join(said)}."


def least_excess(market: Market) -> Vector | None:
    """Return (n_goods,) the excess demand of the plans that come nearest to clearing the market.

    None where that cannot be told: a player states no block, or one without a part of its set, or the program is not
    solved.
    """
    blocks = {player.name: player.block() for player in market if isinstance(player, HasBlock)}
    if len(blocks) < len(market.players) or not all(block.is_whole for block in blocks.values()):
        return None
    places, n, usual = market.positions, market.n_goods, market.quantity_scale
    size, lower, upper, b, h = (
        np.concatenate([getattr(block, part) for block in blocks.values()])
        for part in ("scale", "lower", "upper", "b", "h")
    )
    unit, scale = sparse.eye_array(n, format="csc"), sparse.diags_array(size)
    trades = sparse.hstack([unit[:, places[name]] @ block.trade for name, block in blocks.items()]) @ scale
    A = sparse.block_diag([block.A for block in blocks.values()]) @ scale
    G = sparse.block_diag([block.G for block in blocks.values()]) @ scale
    traded = np.zeros(n)  # by plans of zeros
    for name, block in blocks.items():
        traded[places[name]] += block.trade_offset
    none, no_limit = np.zeros(2 * n), np.full(2 * n, np.inf)
    clearing = sparse.hstack([sparse.diags_array(1.0 / usual) @ trades, unit, -unit])
    program: dict[str, Any] = {
        "c": np.repeat([0.0, 1.0], [len(size), 2 * n]),
        "A_ub": sparse.hstack([G, sparse.csr_array((len(h), 2 * n))]),
        "b_ub": h,
        "A_eq": sparse.vstack([sparse.hstack([A, sparse.csr_array((len(b), 2 * n))]), clearing]),
        "b_eq": np.concatenate([b, -traded / usual]),
        "bounds": np.column_stack([np.append(lower / size, none), np.append(upper / size, no_limit)]),
    }
    found = linprog(**program, options={"time_limit": SECONDS})
    if found.status != 0 or found.x is None:
        return None
    added, taken = np.split(found.x[len(size) :], 2)
    return np.asarray(usual * (taken - added))
