"""Crossover: the last digits of a coordinator's answer, by Newton steps on all players and markets at once.

Where it ended tells which constraints bind; with those known, the equilibrium is one linear system away. This looks at
all players' blocks together: it is not decentralised, and no independent confirmation of the answer it starts from.
"""

from __future__ import annotations

import time
from dataclasses import replace

from bestresponse.certificate import certify, complete
from bestresponse.complementarity.solve import solve_mcp
from bestresponse.equilibrium import Equilibrium
from bestresponse.errors import SolverError
from bestresponse.stopping import Stop, Tolerances
from bestresponse.system import ComplementaritySystem

TOLERANCE = 1e-12  # natural residual, in scaled units


def polished(
    found: Equilibrium,
    *,
    system: ComplementaritySystem | None = None,
    tolerances: Tolerances | None = None,
    tolerance: float = TOLERANCE,
) -> Equilibrium:
    """Return a solved run's answer with a natural residual of `tolerance`, certified anew; its stop says how.

    Where that cannot be had, or the run found no equilibrium, the answer stays as it is, and the stop says so. Raises
    FormulationError if a player states no block.
    """
    if not found.solved:
        return _as_it_is(found, "It was not polished, for it is no equilibrium.")
    started = time.perf_counter()
    system = system or ComplementaritySystem(found.market)
    before = system.natural_residual(found.price, found.responses)
    mcp = solve_mcp(system.problem, start=system.stack(found.price, found.responses), tolerance=tolerance)
    price, responses = system.unstack(mcp.x)
    try:
        certificate = certify(found.market, price, responses, tolerances or Tolerances())
    except SolverError as error:
        return _as_it_is(found, f"It could not be polished: {error}")
    if not (mcp.converged and certificate.holds):
        why = "; ".join(certificate.objections()) if mcp.converged else mcp.reason
        return _as_it_is(found, f"It could not be polished: {why}.")
    after = system.natural_residual(price, responses)
    how = f"{mcp.factorisations} factorisation{'' if mcp.factorisations == 1 else 's'}, {mcp.method}"
    return replace(
        found,
        price=price,
        responses=responses,
        stop=_with(found.stop, f"Polished from a natural residual of {before:.1e} to {after:.1e} by {how}."),
        certificate=complete(certificate, found.market, price, responses, after),
        seconds={**found.seconds, "crossover": time.perf_counter() - started},
    )


def _as_it_is(found: Equilibrium, why: str) -> Equilibrium:
    return replace(found, stop=_with(found.stop, why))


def _with(stop: Stop, sentence: str) -> Stop:
    return Stop(stop.reason, f"{stop.evidence} {sentence}".strip())
