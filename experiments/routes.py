"""The routes to an equilibrium: coordination of the players, and all of them as one complementarity problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bestresponse.acceleration import Anderson
from bestresponse.certificate import Certificate, certify, complete
from bestresponse.coordinator import GAINS_EVERY, PLAIN, coordinate, default_acceleration, default_scheme
from bestresponse.crossover import polished
from bestresponse.equilibrium import Equilibrium
from bestresponse.errors import DataError
from bestresponse.monolith import MonolithSolution, solve_monolith
from bestresponse.newton import Newton
from bestresponse.oracle import PlayerFailedError
from bestresponse.player import Response
from bestresponse.schemes.protocol import Scheme
from bestresponse.schemes.registry import SCHEMES
from bestresponse.start import Start
from bestresponse.stopping import Limits, StopReason, Tolerances
from bestresponse.system import ComplementaritySystem, no_block
from bestresponse.trace import SweepRecord
from bestresponse.typing import Vector
from experiments.build import Model
from experiments.clock import Clock
from experiments.recording import Recording, digest, load_start

METHODS = (*SCHEMES, "monolith", "both")
ROUNDS = 50  # of the monolith, where players find more variables

OnSweep = Callable[[SweepRecord], None]


@dataclass
class Routes:
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

    @cached_property
    def acceleration(self) -> Anderson | Newton:
        """How the coordinator's steps are found."""
        return default_acceleration(self.scheme, self.model.market)

    @property
    def coordination(self) -> dict[str, str]:
        """The coordinator's scheme and how its steps are found, in words."""
        steps = "plain" if self.acceleration == PLAIN else type(self.acceleration).__name__.lower()
        return {"scheme": self.scheme.name, "steps": steps}

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
            acceleration=self.acceleration,
            tolerances=self.tolerances,
            limits=Limits(max_sweeps=max_sweeps),
            gains_every=1 if record else GAINS_EVERY,  # a trace has everything of every sweep
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
        self.clock.move(self.coordinated.seconds["set-up"], "coordination", "set-up")

    def polish(self) -> None:
        """Take the coordinator's answer to the last digits; an interrupt leaves it as it is."""
        if self.coordinated is None or self.interrupted:
            return
        try:
            self.coordinated = polished(self.coordinated, system=self.system, tolerances=self.tolerances)
        except KeyboardInterrupt:
            self.interrupted = True
        self.clock.lap("crossover")

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
            self.clock.lap("set-up")
            self._solve_monolith_once()
            if holds(self.monolith_certificate):
                return
            del self.system
            if self.system.size == known:
                return

    def _solve_monolith_once(self) -> None:
        self.monolith = solve_monolith(self.model.market, system=self.system, fallback=self.coordinated)
        self.clock.lap("monolith")
        found = self.monolith.equilibrium
        residual = self.system.natural_residual(found.price, found.responses)
        certificate = self.certificate(found.price, found.responses)
        if certificate is not None:
            certificate = complete(certificate, self.model.market, found.price, found.responses, residual)
        self.monolith_certificate = certificate
        self.clock.lap("certificate")

    def certificate(self, price: Vector, responses: Mapping[str, Response]) -> Certificate | None:
        """Return the certificate of prices and plans; None if a player cannot answer at these prices."""
        try:
            return certify(self.model.market, price, responses, self.tolerances)
        except PlayerFailedError:
            return None

    def chosen(self) -> tuple[Equilibrium, Certificate | None]:
        """Return the answer that is reported, the coordinator's where there is one, with its certificate."""
        if self.coordinated is not None:
            return self.coordinated, self.coordinated.certificate
        if self.monolith is None:
            raise DataError("no route was taken")
        return self.monolith.equilibrium, self.monolith_certificate


def _each(listeners: Sequence[OnSweep]) -> OnSweep:
    def tell(record: SweepRecord) -> None:
        for listen in listeners:
            listen(record)

    return tell


def holds(certificate: Certificate | None) -> bool:
    """Return whether there is a certificate, and it holds."""
    return certificate is not None and certificate.holds
