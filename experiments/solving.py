"""Solve one scenario of a case: the coordinator, the monolith, or both and compare them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bestresponse.certificate import Certificate, certify, complete
from bestresponse.coordinator import coordinate, default_scheme
from bestresponse.equilibrium import Equilibrium
from bestresponse.errors import DataError, FormulationError, SolverError
from bestresponse.monolith import MonolithSolution, solve_monolith
from bestresponse.oracle import PlayerFailedError
from bestresponse.player import Response
from bestresponse.schemes.protocol import Scheme
from bestresponse.schemes.registry import SCHEMES
from bestresponse.start import Start
from bestresponse.stopping import Limits, StopReason, Tolerances
from bestresponse.system import ComplementaritySystem, no_block
from bestresponse.trace import SweepRecord
from bestresponse.typing import Vector
from experiments.build import Model, build
from experiments.case import content, load_case
from experiments.case_problems import nearest
from experiments.case_schema import Case
from experiments.clock import Clock
from experiments.cross_check import as_data, compare, differences, disagreements
from experiments.curved_demand import monotonicity
from experiments.provenance import provenance, versions
from experiments.quantities import quantities
from experiments.ranges import ranges as ranges_of
from experiments.recording import Recording, digest, load_start, recording
from experiments.result import Result, certificate_data

METHODS = (*SCHEMES, "monolith", "both")
DEFAULT_TOLERANCE = 1e-8
ROUNDS = 50  # of the monolith, where players find more variables

OnSweep = Callable[[SweepRecord], None]


def solve(
    case: Case | str,
    scenario: str = "base",
    v2g: bool = True,
    method: str = "both",
    *,
    tolerance: float = DEFAULT_TOLERANCE,
    max_sweeps: int = 600,
    on_sweep: OnSweep | None = None,
    trace: str | Path | None = None,
    resume: bool = False,
    start: str | Path | None = None,
    ranges: bool = False,
) -> Result:
    """Return the solved scenario as plain data, certified, with `method="both"` cross-checked by the monolith.

    With `trace`, every sweep is written to that file when it ends (see `bestresponse.trace_file`), and what the next
    one depends on to a state file beside it; `resume` goes on from there, if there is something to go on from, to the
    same result as an unbroken run. With `start`, the trace file of another run, the coordinator starts where that one
    ended. With `ranges`, the result says what quantities that are not unique may be, see `experiments.ranges`; of a
    market without a potential, or one not solved, it says nothing. Not converging is a result, too: see `Result.solved`
    and `Result.status`. Raises DataError for a case, scenario, method, tolerance or start that does not exist or does
    not fit, or for the state of another run.
    """
    loaded = load_case(case) if isinstance(case, str) else case
    _check_arguments(loaded, scenario, method, tolerance, max_sweeps)
    if method == "monolith" and (trace or resume or start):
        raise DataError("method: the monolith has no sweeps to trace, resume or start; choose 'both' or a scheme")
    clock = Clock()
    model = build(loaded, scenario, v2g)
    clock.lap("build")
    routes = _Routes(model, method, Tolerances.of(tolerance), clock)
    if start is not None:
        routes.start_from(start)
    about = {
        "case": content(loaded),
        "scenario": scenario,
        "v2g": v2g,
        "scheme": routes.scheme.name,
        "tolerance": tolerance,
        "versions": versions(),
        **routes.origin,
    }
    with recording(trace, model.market, about, resume, max_sweeps) if trace else nullcontext() as record:
        routes.coordinate(max_sweeps, on_sweep, record)
    routes.take_monolith()
    result = routes.result()
    return routes.with_ranges(result) if ranges and result.solved else result


def _check_arguments(case: Case, scenario: str, method: str, tolerance: float, max_sweeps: int) -> None:
    case.scenario(scenario)
    if method not in METHODS:
        raise DataError(f"no method {method!r}{nearest(method, list(METHODS))} Methods: {', '.join(METHODS)}")
    if not 0 < tolerance < 1:
        raise DataError(f"tolerance: given {tolerance}, must lie between 0 and 1")
    if not max_sweeps >= 1:
        raise DataError(f"max-sweeps: given {max_sweeps}, must be at least 1")


@dataclass
class _Routes:
    """The routes to the equilibrium that a method asks for, and what they found."""

    model: Model
    method: str
    tolerances: Tolerances
    clock: Clock
    coordinated: Equilibrium | None = None
    monolith: MonolithSolution | None = None
    monolith_certificate: Certificate | None = None
    interrupted: bool = False
    start: Start | None = None
    origin: dict[str, Any] = field(default_factory=dict)  # of the start, if it is another run
    remarks: list[str] = field(default_factory=list)  # sentences on how the run began

    @cached_property
    def system(self) -> ComplementaritySystem:
        """The market as one complementarity problem; where routes are generated, over those found when first asked."""
        return ComplementaritySystem(self.model.market)

    @cached_property
    def no_system(self) -> list[str]:
        """What players lack that the system needs, and what to write; empty if they lack nothing."""
        return [lack for lack in map(no_block, self.model.market) if lack is not None]

    @cached_property
    def scheme(self) -> Scheme:
        """The scheme of the coordinator."""
        return SCHEMES[self.method] if self.method in SCHEMES else default_scheme(self.model.market)

    def start_from(self, path: str | Path) -> None:
        """Let the coordinator start where the run with this trace file ended; refuse one of quite another market."""
        ending = load_start(path)
        try:
            self.start = ending.start(self.model.market, self.model.first_price)
        except DataError as error:
            raise DataError(f"{path}: {error}") from error
        self.origin = {"start": digest(path)}
        self.remarks += ending.differences(self.model.market)

    def coordinate(self, max_sweeps: int, on_sweep: OnSweep | None, record: Recording | None) -> None:
        """Take the coordinator's route, if the method asks for it; an interrupt ends it and keeps what was found."""
        if self.method == "monolith":
            return
        hear = [listen for listen in (record.file.write if record else None, on_sweep) if listen]
        self.coordinated = coordinate(
            self.model.market,
            self.start or self.model.first_price,
            scheme=self.scheme,
            tolerances=self.tolerances,
            limits=Limits(max_sweeps=max_sweeps),
            natural_residual=None if self.no_system else lambda *found: self.system.natural_residual(*found),
            on_sweep=_each(hear),
            on_checkpoint=record.keep if record else None,
            resume=record.resume if record else None,
        )
        if record:
            self.coordinated.trace.records[:0] = record.earlier.records
            self.remarks += record.remarks
        self.interrupted = self.coordinated.stop.reason is StopReason.INTERRUPTED
        self.clock.lap("coordination")

    def take_monolith(self) -> None:
        """Take the monolith's route, if the method asks for it; beside the coordinator's, say why where it cannot."""
        if self.method == "both" and self.no_system:
            self.remarks += [f"The monolith did not run: {lack}." for lack in self.no_system]
            self.remarks.append("The coordinator's certificate speaks alone.")
            return
        if self.method in ("both", "monolith") and not self.interrupted:
            try:
                self._solve_monolith()
            except KeyboardInterrupt:
                if self.coordinated is None:
                    raise
                self.interrupted, self.monolith = True, None

    def _solve_monolith(self) -> None:
        """Solve, and once more while the certificate makes players find more variables, such as cheaper routes."""
        for _ in range(ROUNDS):
            known = self.system.size
            self._solve_monolith_once()
            if _holds(self.monolith_certificate):
                return
            del self.system
            if self.system.size == known:
                return

    def _solve_monolith_once(self) -> None:
        self.monolith = solve_monolith(self.model.market, system=self.system, fallback=self.coordinated)
        self.clock.lap("monolith")
        found = self.monolith.equilibrium
        residual = self.system.natural_residual(found.price, found.responses)
        certificate = self._certificate(found.price, found.responses)
        if certificate is not None:
            certificate = complete(certificate, self.model.market, found.price, found.responses, residual)
        self.monolith_certificate = certificate
        self.clock.lap("certificate")

    def _certificate(self, price: Vector, responses: Mapping[str, Response]) -> Certificate | None:
        """The certificate of prices and plans; None if a player cannot answer at these prices."""
        try:
            return certify(self.model.market, price, responses, self.tolerances)
        except PlayerFailedError:
            return None

    def result(self) -> Result:
        """Return what was found as plain data."""
        chosen, certificate = self._chosen()
        found = quantities(self.model, chosen.price, chosen.responses) if chosen.responses else {}
        cross_check, apart = self._cross_check(found)
        self.clock.lap("report")
        seconds = self.clock.seconds | {k: v for k, v in chosen.seconds.items() if k not in self.clock.seconds}
        converged = chosen.stop.reason.is_success
        return Result(
            case=self.model.case.name,
            scenario=self.model.scenario_name,
            v2g=self.model.v2g,
            method=self.method,
            status=self._status(chosen, certificate, apart),
            stop="interrupted" if self.interrupted else chosen.stop.reason.name.lower(),
            solved=converged and _holds(certificate) and self._monolith_is_sound() and not self.interrupted,
            quantities=found,
            certificate=certificate_data(certificate),
            cross_check=cross_check,
            routes_agree=self._agreement(apart),
            monolith=self._monolith_data(),
            sweeps=len(self.coordinated.trace) if self.coordinated else None,
            seconds=seconds,
            provenance=provenance(self.model.case, self.tolerances) | self.origin,
            trace=tuple(record.row() for record in chosen.trace.records),
        )

    def with_ranges(self, result: Result) -> Result:
        """Return the result with what quantities that are not unique may be, over all equilibria."""
        if self.no_system:
            return result
        chosen, _ = self._chosen()
        try:
            return replace(result, ranges=ranges_of(self.system, chosen.responses))
        except (FormulationError, SolverError) as error:
            return replace(result, status=f"{result.status} What is not unique has no ranges: {error}.")

    def _chosen(self) -> tuple[Equilibrium, Certificate | None]:
        if self.coordinated is not None:
            return self.coordinated, self.coordinated.certificate
        if self.monolith is None:
            raise DataError("no route was taken")
        return self.monolith.equilibrium, self.monolith_certificate

    def _monolith_is_sound(self) -> bool:
        """Whether the monolith, if it ran, converged and is certified."""
        if self.monolith is None:
            return True
        return self.monolith.mcp.converged and _holds(self.monolith_certificate)

    def _cross_check(self, found: Mapping[str, Any]) -> tuple[dict[str, Any], list[str] | None]:
        """Every quantity by both routes, and those in which they differ; None if there are no two routes.

        Of a monotone market these are the unique quantities; of another, those that would be.
        """
        if self.coordinated is None or self.monolith is None or not self.coordinated.responses:
            return {}, None
        other = self.monolith.equilibrium
        theirs, monotone = quantities(self.model, other.price, other.responses), self._is_monotone()
        rows = compare(dict(found), theirs, monotone and self._exchangeable(), monotone)
        return as_data(rows), disagreements(rows) if monotone else differences(rows)

    def _is_monotone(self) -> bool:
        """Whether a theorem says so; with several values of time among electric vehicles it does not."""
        return all(getattr(player, "minimises", True) for player in self.model.market)

    def _exchangeable(self) -> bool:
        """Whether the plans of each route are best responses at the prices of the other."""
        if self.coordinated is None or self.monolith is None:
            return False
        one, other = self.coordinated, self.monolith.equilibrium
        return _holds(self._certificate(one.price, other.responses)) and _holds(
            self._certificate(other.price, one.responses)
        )

    def _status(self, chosen: Equilibrium, certificate: Certificate | None, apart: list[str] | None) -> str:
        parts = [str(chosen.stop), str(certificate) if certificate is not None else "Nothing could be certified."]
        parts += self.remarks
        if self.interrupted and self.coordinated is not None and self.monolith is None and self.method == "both":
            parts.append("The monolith did not run to its end.")
        if self.monolith is not None and not self.monolith.independent:
            parts.append("The monolith started from the coordinator's answer: the two routes were not independent.")
        if remark := monotonicity(self.model, chosen.responses):
            parts.append(remark)
        if not self._is_monotone():
            parts.append("No theorem covers several values of time; the certificate speaks for this answer.")
        if apart is not None:
            parts.append(self._comparison(apart))
        return " ".join(parts)

    def _comparison(self, apart: list[str]) -> str:
        if not apart:
            return "The two routes agree."
        if self._is_monotone():
            return f"The two routes disagree on {', '.join(apart)}."
        return f"The two routes differ in {', '.join(apart)}, which need not be unique here."

    def _agreement(self, apart: list[str] | None) -> bool | None:
        """Whether the routes agree; None where that is not to be known, for want of two routes or of uniqueness."""
        if apart is None or (apart and not self._is_monotone()):
            return None
        return not apart

    def _monolith_data(self) -> dict[str, Any]:
        if self.monolith is None:
            return {}
        mcp = self.monolith.mcp
        return {
            "status": str(self.monolith.equilibrium.stop),
            "converged": mcp.converged,
            "independent": self.monolith.independent,
            "natural_residual": mcp.residual,
            "factorisations": mcp.factorisations,
            "certificate": certificate_data(self.monolith_certificate),
        }


def _each(listeners: Sequence[OnSweep]) -> OnSweep:
    def tell(record: SweepRecord) -> None:
        for listen in listeners:
            listen(record)

    return tell


def _holds(certificate: Certificate | None) -> bool:
    return certificate is not None and certificate.holds
