"""What the routes to an equilibrium came to: one result, and whether they agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bestresponse.certificate import Certificate
from bestresponse.equilibrium import Equilibrium
from bestresponse.errors import FormulationError, SolverError
from experiments.cross_check import as_data, compare, differences, disagreements
from experiments.curved_demand import monotonicity
from experiments.provenance import provenance
from experiments.quantities import quantities
from experiments.ranges import ranges as ranges_of
from experiments.result import Result, certificate_data
from experiments.routes import Routes, holds


def result_of(routes: Routes) -> Result:
    """Return what was found as plain data."""
    chosen, certificate = routes.chosen()
    found = quantities(routes.model, chosen.price, chosen.responses) if chosen.responses else {}
    cross_check, apart = _cross_check(routes, found)
    routes.clock.lap("report")
    seconds = routes.clock.seconds | {k: v for k, v in chosen.seconds.items() if k not in routes.clock.seconds}
    converged = chosen.stop.reason.is_success
    return Result(
        case=routes.model.case.name,
        scenario=routes.model.scenario_name,
        v2g=routes.model.v2g,
        method=routes.method,
        status=_status(routes, chosen, certificate, apart),
        stop="interrupted" if routes.interrupted else chosen.stop.reason.name.lower(),
        solved=converged and holds(certificate) and _monolith_is_sound(routes) and not routes.interrupted,
        quantities=found,
        certificate=certificate_data(certificate),
        cross_check=cross_check,
        routes_agree=_agreement(routes, apart),
        monolith=_monolith_data(routes),
        sweeps=len(routes.coordinated.trace) if routes.coordinated else None,
        seconds=seconds,
        provenance=provenance(routes.model.case, routes.tolerances)
        | (routes.coordination if routes.coordinated else {})
        | routes.origin,
        trace=tuple(record.row() for record in chosen.trace.records),
    )


def with_ranges(result: Result, routes: Routes) -> Result:
    """Return the result with what quantities that are not unique may be, over all equilibria."""
    if routes.no_system:
        return result
    chosen, _ = routes.chosen()
    try:
        return replace(result, ranges=ranges_of(routes.system, chosen.responses))
    except (FormulationError, SolverError) as error:
        return replace(result, status=f"{result.status} What is not unique has no ranges: {error}.")


def _monolith_is_sound(routes: Routes) -> bool:
    """Whether the monolith, if it ran, converged and is certified."""
    if routes.monolith is None:
        return True
    return routes.monolith.mcp.converged and holds(routes.monolith_certificate)


def _cross_check(routes: Routes, found: Mapping[str, Any]) -> tuple[dict[str, Any], list[str] | None]:
    """Every quantity by both routes, and those in which they differ; None if there are no two routes.

    Of a monotone market these are the unique quantities; of another, those that would be.
    """
    if routes.coordinated is None or routes.monolith is None or not routes.coordinated.responses:
        return {}, None
    other = routes.monolith.equilibrium
    theirs, monotone = quantities(routes.model, other.price, other.responses), _is_monotone(routes)
    free = () if routes.model.case.households.value_of_lost_load_usd_per_kwh > 0 else ("load_shed_kw",)
    rows = compare(dict(found), theirs, monotone and _exchangeable(routes), monotone, free)
    return as_data(rows), disagreements(rows) if monotone else differences(rows)


def _is_monotone(routes: Routes) -> bool:
    """Whether a theorem says so; with several values of time among electric vehicles it does not."""
    return all(getattr(player, "minimises", True) for player in routes.model.market)


def _exchangeable(routes: Routes) -> bool:
    """Whether the plans of each route are best responses at the prices of the other."""
    if routes.coordinated is None or routes.monolith is None:
        return False
    one, other = routes.coordinated, routes.monolith.equilibrium
    return holds(routes.certificate(one.price, other.responses)) and holds(
        routes.certificate(other.price, one.responses)
    )


def _status(routes: Routes, chosen: Equilibrium, certificate: Certificate | None, apart: list[str] | None) -> str:
    parts = [str(chosen.stop), str(certificate) if certificate is not None else "Nothing could be certified."]
    parts += routes.remarks
    if routes.interrupted and routes.coordinated is not None and routes.monolith is None and routes.method == "both":
        parts.append("The monolith did not run to its end.")
    if routes.monolith is not None and not routes.monolith.independent:
        parts.append("The monolith started from the coordinator's answer: the two routes were not independent.")
    if routes.coordinated is not None and routes.monolith is not None and not _monolith_is_sound(routes):
        parts.append(f"The monolith confirms nothing. {routes.monolith.equilibrium.stop}")
        parts.append(str(routes.monolith_certificate or "Its answer could not be certified."))
    if remark := monotonicity(routes.model, chosen.responses):
        parts.append(remark)
    if not _is_monotone(routes):
        parts.append("No theorem covers several values of time; the certificate speaks for this answer.")
    if apart is not None:
        parts.append(_comparison(routes, apart))
    return " ".join(parts)


def _comparison(routes: Routes, apart: list[str]) -> str:
    if not apart:
        return "The two routes agree."
    if _is_monotone(routes):
        return f"The two routes disagree on {', '.join(apart)}."
    return f"The two routes differ in {', '.join(apart)}, which need not be unique here."


def _agreement(routes: Routes, apart: list[str] | None) -> bool | None:
    """Whether the routes agree; None where that is not to be known, for want of two routes or of uniqueness."""
    if apart is None or (apart and not _is_monotone(routes)):
        return None
    return not apart


def _monolith_data(routes: Routes) -> dict[str, Any]:
    if routes.monolith is None:
        return {}
    mcp = routes.monolith.mcp
    return {
        "status": str(routes.monolith.equilibrium.stop),
        "converged": mcp.converged,
        "independent": routes.monolith.independent,
        "natural_residual": mcp.residual,
        "factorisations": mcp.factorisations,
        "certificate": certificate_data(routes.monolith_certificate),
    }
