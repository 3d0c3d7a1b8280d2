"""The monolith: all players at once as one complementarity problem. It never asks for a best response."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from bestresponse.clearing import explained
from bestresponse.complementarity.result import MCPResult
from bestresponse.complementarity.solve import solve_mcp
from bestresponse.equilibrium import Equilibrium
from bestresponse.market import Market
from bestresponse.stopping import Stop, StopReason
from bestresponse.system import ComplementaritySystem
from bestresponse.trace import Trace

TOLERANCE = 1e-10  # natural residual, in scaled units
COLD_SECONDS = 30.0  # after which a cold start gives way where another method's answer is at hand


@dataclass(frozen=True)
class MonolithSolution:
    """An equilibrium by the monolith, not yet certified, and how it was found."""

    equilibrium: Equilibrium
    mcp: MCPResult
    independent: bool  # False if the solution of another method was the starting point


def solve_monolith(
    market: Market,
    *,
    system: ComplementaritySystem | None = None,
    fallback: Equilibrium | None = None,
    tolerance: float = TOLERANCE,
) -> MonolithSolution:
    """Return the solution of the market's complementarity system.

    The interior point starts cold. Only where that fails, or takes longer than COLD_SECONDS, does the answer of
    another method, the `fallback`, become the start if there is one, and the solution says that it is no independent
    confirmation. Raises FormulationError if a player states no block.
    """
    started = time.perf_counter()
    system = system or ComplementaritySystem(market)
    mcp = solve_mcp(system.problem, tolerance=tolerance, time_limit=COLD_SECONDS if fallback else np.inf)
    independent = True
    if not mcp.converged and fallback is not None and fallback.responses:
        crossed = solve_mcp(system.problem, start=system.stack(fallback.price, fallback.responses), tolerance=tolerance)
        if crossed.residual < mcp.residual:
            mcp, independent = crossed, False
    price, responses = system.unstack(mcp.x)
    equilibrium = Equilibrium(
        market=market,
        method="monolith",
        price=price,
        responses=responses,
        stop=explained(_stop(mcp), market),
        certificate=None,
        trace=Trace(),
        seconds={"monolith": time.perf_counter() - started},
    )
    return MonolithSolution(equilibrium, mcp, independent)


def _stop(mcp: MCPResult) -> Stop:
    how = f"It took {mcp.factorisations} factorisations, natural residual {mcp.residual:.1e}, by {mcp.method}."
    if mcp.converged:
        return Stop(StopReason.SOLVED, how)
    if mcp.suspects:  # the reason names them
        return Stop(StopReason.NOT_SOLVED, f"{_sentence(mcp.reason)} {how}")
    rows = ", ".join(f"{name} ({size:.1e})" for name, size in mcp.worst[:3])
    return Stop(StopReason.NOT_SOLVED, f"{_sentence(mcp.reason)} {how} The worst rows are {rows}.")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
