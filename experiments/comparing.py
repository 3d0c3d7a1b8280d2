"""Several schemes on one scenario under one budget: how many sweeps and seconds each takes to every accuracy."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from bestresponse.coordinator import coordinate
from bestresponse.equilibrium import Equilibrium
from bestresponse.errors import DataError, FormulationError
from bestresponse.market import Good, Market
from bestresponse.monolith import solve_monolith
from bestresponse.newton import Newton
from bestresponse.scheme_rates import predicted_rate
from bestresponse.schemes.protocol import Scheme
from bestresponse.start import Start
from bestresponse.stopping import Limits, StopReason, Tolerances
from bestresponse.trace import SweepRecord
from bestresponse.unreliable import longest_delay
from experiments.build import Model, build
from experiments.bystander import Bystander, Reading
from experiments.case_schema import Case
from experiments.case_searches import refuse_generated
from experiments.convergence import RESIDUALS, TARGETS, Tail, first_within, linear_tail
from experiments.defaults import MAX_SWEEPS, TOLERANCE
from experiments.grid import Settings

REFUSED = "refused"  # the stop reason of a run that the scheme or the market does not allow

OnRun = Callable[[str], None]
OnSweep = Callable[[SweepRecord], None]


@dataclass(frozen=True)
class Budget:
    """What every run of a comparison may take, and how it is measured."""

    max_sweeps: int = MAX_SWEEPS
    tolerance: float = TOLERANCE  # at which a run ends
    measure_every: int = 5  # sweeps between measurements of the gains

    def __post_init__(self) -> None:
        if not self.max_sweeps >= 1:
            raise DataError(f"max-sweeps: given {self.max_sweeps}, must be at least 1")
        if not 0 < self.tolerance < 1:
            raise DataError(f"tolerance: given {self.tolerance}, must lie between 0 and 1")
        if not self.measure_every >= 1:
            raise DataError(f"measure-every: given {self.measure_every}, must be at least 1")


@dataclass(frozen=True)
class Entry:
    """What one scheme with one setting did. Its history is empty where it was refused."""

    scheme: str
    label: str  # the scheme and the settings that are not its own defaults
    settings: Mapping[str, float | str]
    stop_reason: str  # in a word
    stop: str  # in a sentence
    final: Mapping[str, float | None]  # every residual, of the best sweep
    goods: Sequence[Good] = field(default=(), repr=False)
    records: Sequence[SweepRecord] = field(default=(), repr=False)
    readings: Sequence[Reading] = field(default=(), repr=False)
    predicted: float | None = None  # factor of one sweep; None where the run is accelerated, or for want of a theory

    @property
    def tail(self) -> Tail | None:
        """The last part of the run, as far as it has one rate."""
        sweeps = np.array([reading.sweep for reading in self.readings])
        return linear_tail(sweeps, np.array([reading.imbalance for reading in self.readings]))

    def sweeps_to(self, residual: str = "imbalance") -> dict[str, int | None]:
        """Return, for every target, the first sweep at which a residual was measured to be within it."""
        return {key: found.sweep if found else None for key, found in self._first(residual).items()}

    def seconds_to(self, residual: str = "imbalance") -> dict[str, float | None]:
        """Return, for every target, the seconds until then."""
        return {key: found.seconds if found else None for key, found in self._first(residual).items()}

    def _first(self, residual: str) -> dict[str, Reading | None]:
        return {key: first_within(self.readings, residual, target) for key, target in TARGETS.items()}

    def data(self) -> dict[str, Any]:
        """Return everything but the history, as plain data."""
        return {
            "scheme": self.scheme,
            "settings": dict(self.settings),
            "sweeps_to": self.sweeps_to(),
            "seconds_to": self.seconds_to(),
            "stop_reason": self.stop_reason,
            "final": dict(self.final),
            "rate": {"fitted": tail.rate if (tail := self.tail) else None, "predicted": self.predicted},
            "label": self.label,
            "stop": self.stop,
            "sweeps": len(self.records),
            "seconds": self.readings[-1].seconds if self.readings else None,
            "residuals": {
                residual: {"sweeps_to": self.sweeps_to(residual), "seconds_to": self.seconds_to(residual)}
                for residual in RESIDUALS
            },
        }

    def rows(self) -> list[dict[str, object]]:
        """Return one row for every sweep, with the bystander's measurements in place of the run's own."""
        return [
            record.row()
            | {"seconds": reading.seconds, "gain": reading.gain, "natural_residual": reading.natural_residual}
            for record, reading in zip(self.records, self.readings, strict=True)
        ]


def compare(
    case: Case,
    scenario: str,
    v2g: bool,
    schemes: Sequence[Scheme],
    points: Sequence[Settings],
    budget: Budget | None = None,
    *,
    predict: bool = False,
    on_run: OnRun | None = None,
    on_sweep: OnSweep | None = None,
) -> Iterator[Entry]:
    """Yield one entry for every scheme and point, as soon as it is there; one that cannot run says why.

    Every run starts from a market built anew, so that no player remembers anything. With `predict`, a run that applies
    one map all the time (no acceleration, no balancing) comes with the rate that the map's derivative promises. An
    interrupt ends the run, whose entry still comes, and then the comparison, by KeyboardInterrupt.
    """
    refuse_generated(case, "compare")
    budget = budget or Budget()
    theory = Theory(case, scenario, v2g) if predict else None
    for scheme, point in itertools.product(schemes, points):
        model = build(case, scenario, v2g)
        market = point.players(model.market)
        if on_run is not None:
            on_run(point.label(scheme, market))
        entry, found = _entry(model, market, scheme, point, budget, on_sweep)
        interrupted = found is not None and found.stop.reason is StopReason.INTERRUPTED
        if theory is not None and found is not None and not interrupted:
            try:
                entry = replace(entry, predicted=theory.rate(scheme, point, found))
            except KeyboardInterrupt:
                interrupted = True
        yield entry
        if interrupted:
            raise KeyboardInterrupt


@dataclass(frozen=True)
class Theory:
    """What can be predicted of runs on one scenario. The equilibrium is looked for when it is first needed."""

    case: Case
    scenario: str
    v2g: bool

    def rate(self, scheme: Scheme, point: Settings, found: Equilibrium) -> float | None:
        """Return the rate at the end of a run, or at the monolith's equilibrium if the run is still moving there.

        None for a run that was no repetition of one map.
        """
        acceleration = point.acceleration(scheme, found.market)
        balances = point.balances(scheme, acceleration, found.market).every
        if isinstance(acceleration, Newton) or acceleration.memory or balances or longest_delay(found.market):
            return None

        def predicted(at: Start) -> float | None:
            at = replace(at, sigma=point.sigma)
            return predicted_rate(self._market, point.scheme(scheme), at, acceleration.relaxation)

        rate = predicted(Start.after(found))
        return predicted(self._equilibrium) if rate is None and self._equilibrium is not None else rate

    @cached_property
    def _market(self) -> Market:
        return build(self.case, self.scenario, self.v2g).market

    @cached_property
    def _equilibrium(self) -> Start | None:
        try:
            return Start.after(solve_monolith(self._market).equilibrium)
        except FormulationError:  # a player states no block
            return None


def _entry(
    model: Model, market: Market, scheme: Scheme, point: Settings, budget: Budget, on_sweep: OnSweep | None
) -> tuple[Entry, Equilibrium | None]:
    mirror = build(model.case, model.scenario_name, model.v2g)
    bystander = Bystander(mirror.market, budget.measure_every)

    def hear(record: SweepRecord) -> None:
        bystander.hear(record)
        if on_sweep is not None:
            on_sweep(record)

    about = (scheme.name, point.label(scheme, market), point.resolved(scheme, market))
    acceleration = point.acceleration(scheme, market)
    try:
        found = coordinate(
            market,
            point.first_price(model.first_price),
            scheme=bystander.beside(point.scheme(scheme)),
            sigma=point.sigma,
            acceleration=acceleration,
            balancing=point.balances(scheme, acceleration, market),
            bridge=point.bridge,
            tolerances=Tolerances.of(budget.tolerance),
            limits=Limits(max_sweeps=budget.max_sweeps),
            natural_residual=bystander.natural_residual,
            on_sweep=hear,
        )
    except FormulationError as error:
        return Entry(*about, REFUSED, str(error), dict.fromkeys(RESIDUALS)), None
    stop = found.stop
    history = (model.market.goods, found.trace.records, bystander.finish())
    return Entry(*about, stop.reason.name.lower(), str(stop), _final(found), *history), found


def _final(found: Equilibrium) -> dict[str, float | None]:
    certificate = found.certificate
    if certificate is None:
        return dict.fromkeys(RESIDUALS)
    off = max(certificate.largest_imbalance, certificate.price_disagreement or 0.0)
    values = (off, certificate.largest_gain, certificate.natural_residual)
    return dict(zip(RESIDUALS, values, strict=True))
