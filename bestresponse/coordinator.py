"""The coordinator: the one loop that turns answers into prices until the market clears."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from bestresponse.acceleration import Accelerator, Anderson
from bestresponse.balancing import Balancing
from bestresponse.certificate import Certificate, certify, complete
from bestresponse.equilibrium import Equilibrium
from bestresponse.errors import FormulationError
from bestresponse.groups import two_groups
from bestresponse.market import Market
from bestresponse.oracle import Oracle, PlayerFailedError
from bestresponse.player import Response
from bestresponse.schemes.exchange import Exchange
from bestresponse.schemes.protocol import Iteration, Scheme, Sweep
from bestresponse.schemes.sharing import Sharing
from bestresponse.stopping import Limits, Measures, Stop, StopReason, Tolerances, Watchdog
from bestresponse.trace import SweepRecord, Trace
from bestresponse.typing import Vector

GAIN_CHECK_EVERY = 10  # sweeps
PLAIN = Anderson(memory=0, relaxation=1.0)  # no acceleration
UNBALANCED = Balancing(every=0)  # penalties stay as they are

NaturalResidual = Callable[[Vector, Mapping[str, Response]], float]


def coordinate(
    market: Market,
    price: Vector,  # (n_goods,) to start from
    *,
    scheme: Scheme | None = None,
    sigma: float = 1.0,
    acceleration: Anderson | None = None,
    balancing: Balancing | None = None,
    tolerances: Tolerances | None = None,
    limits: Limits | None = None,
    natural_residual: NaturalResidual | None = None,
    on_sweep: Callable[[SweepRecord], None] | None = None,
) -> Equilibrium:
    """Return the fixed point of a scheme, certified, or the best sweep found and why it is no fixed point.

    The scheme is `default_scheme(market)` if none is given, the penalty of every good
    `sigma · price_scale / quantity_scale`. Where `acceleration` and `balancing` are not
    given, a scheme that allows them gets both with their defaults; any other runs plainly (PLAIN, UNBALANCED). An
    interrupt (Ctrl-C) ends the run with the best sweep so far. Raises FormulationError if the scheme does not fit the
    market.
    """
    if not sigma > 0:
        raise FormulationError(f"sigma {sigma} must be positive")
    scheme = scheme or default_scheme(market)
    run = _Run(
        market,
        scheme,
        sigma,
        acceleration or (Anderson() if scheme.accelerates else PLAIN),
        balancing or (Balancing() if scheme.accelerates else UNBALANCED),
        tolerances or Tolerances(),
        limits or Limits(),
        on_sweep,
    )
    stop = run.to_the_end(np.asarray(price, dtype=float))
    return run.equilibrium(stop, natural_residual)


def default_scheme(market: Market) -> Scheme:
    """Return sharing, or exchange for a market that cannot be split into the two groups that sharing needs."""
    try:
        two_groups(market)
    except FormulationError:
        return Exchange()
    return Sharing()


@dataclass
class _Best:
    """The sweep nearest to clearing so far."""

    measures: Measures
    sweep: Sweep


@dataclass
class _Run:
    """One run of one scheme on one market."""

    market: Market
    scheme: Scheme
    sigma: float
    acceleration: Anderson
    balancing: Balancing
    tolerances: Tolerances
    limits: Limits
    on_sweep: Callable[[SweepRecord], None] | None
    trace: Trace = field(default_factory=Trace)
    best: _Best | None = None
    certificate: Certificate | None = None

    def __post_init__(self) -> None:
        self.oracle = Oracle(self.market)
        self.watchdog = Watchdog(self.market, self.limits)
        self.started = time.perf_counter()

    def to_the_end(self, price: Vector) -> Stop:
        """Sweep until something says stop."""
        try:
            return self._sweep_on(price)
        except PlayerFailedError as error:
            return Stop(StopReason.PLAYER_FAILED, f"At sweep {len(self.trace) + 1}: {error}")
        except KeyboardInterrupt:
            return Stop(StopReason.INTERRUPTED, f"It ended after {len(self.trace)} sweeps.")

    def _sweep_on(self, price: Vector) -> Stop:
        iteration = self._bind()
        accelerator = Accelerator(self.acceleration, iteration.metric())
        state = iteration.initial(price)
        number = 0
        while True:
            number += 1
            sweep = iteration.sweep(state, self.oracle.ask)
            excess = self.market.excess_demand(sweep.responses)
            measures = self._measures(sweep, excess)
            stop = self._judge(number, sweep, measures, excess, accelerator)
            if stop is not None:
                return stop
            factor = self.balancing.factor(self.market, number, sweep, measures, excess)
            if factor == 1.0:
                state = accelerator.next_state(state, sweep.image)
            else:
                self.sigma *= factor
                iteration = self._bind()
                state = iteration.restate(sweep)
                accelerator.restart(iteration.metric())

    def _bind(self) -> Iteration:
        return self.scheme.bind(self.market, self.sigma * self.market.price_scale / self.market.quantity_scale)

    def _judge(
        self, number: int, sweep: Sweep, measures: Measures, excess: Vector, accelerator: Accelerator
    ) -> Stop | None:
        if self.best is None or measures.worst < self.best.measures.worst:
            self.best = _Best(measures, sweep)
        clears = measures.clears(self.tolerances.market)
        certificate = None
        if clears or number % GAIN_CHECK_EVERY == 0:
            certificate = self._certify(sweep, measures)
        self._record(number, measures, certificate, accelerator)
        if clears and certificate is not None and certificate.holds:
            self.best, self.certificate = _Best(measures, sweep), certificate
            return Stop(StopReason.CONVERGED, f"It took {number} sweeps.")
        seconds = time.perf_counter() - self.started
        return self.watchdog.judge(number, seconds, measures, excess, sweep.price)

    def _measures(self, sweep: Sweep, excess: Vector) -> Measures:
        trades = np.maximum(1.0, self.market.largest_trade(sweep.responses))
        prices = np.maximum(self.market.price_scale, np.abs(sweep.price))
        return Measures(np.abs(excess) / trades, sweep.disagreement(self.market) / prices)

    def _certify(self, sweep: Sweep, measures: Measures) -> Certificate:
        disagreement = float(np.max(measures.disagreement, initial=0.0))
        return certify(self.market, sweep.price, sweep.responses, self.tolerances, self.oracle, disagreement)

    def _record(
        self, number: int, measures: Measures, certificate: Certificate | None, accelerator: Accelerator
    ) -> None:
        goods = self.market.goods
        record = SweepRecord(
            sweep=number,
            imbalance=float(np.max(measures.imbalance, initial=0.0)),
            imbalance_good=goods[int(np.argmax(measures.imbalance))].name if goods else "",
            disagreement=float(np.max(measures.disagreement, initial=0.0)),
            disagreement_good=goods[int(np.argmax(measures.disagreement))].name if goods else "",
            gain=certificate.largest_gain if certificate else None,
            gain_player=certificate.worst_player if certificate else "",
            sigma=self.sigma,
            clipped=accelerator.clipped,
            rolled_back=accelerator.rolled_back,
            seconds=time.perf_counter() - self.started,
            imbalance_by_family={
                family: float(np.max(measures.imbalance[at])) for family, at in self.market.families.items()
            },
        )
        self.trace.append(record)
        if self.on_sweep is not None:
            self.on_sweep(record)

    def equilibrium(self, stop: Stop, natural_residual: NaturalResidual | None) -> Equilibrium:
        """Return the best sweep as the result, judged once more with the natural residual."""
        price, responses = np.zeros(self.market.n_goods), {}
        coordination = time.perf_counter() - self.started
        by_player = dict(self.oracle.seconds)
        if self.best is not None:
            price, responses = self.best.sweep.price, dict(self.best.sweep.responses)
            residual = natural_residual(price, responses) if natural_residual else None
            try:
                if self.certificate is None:
                    self.certificate = self._certify(self.best.sweep, self.best.measures)
                self.certificate = complete(self.certificate, self.market, price, responses, residual)
            except PlayerFailedError as error:
                stop = Stop(stop.reason, f"{stop.evidence} No certificate: {error}")
        return Equilibrium(
            market=self.market,
            method=self.scheme.name,
            price=price,
            responses=responses,
            stop=stop,
            certificate=self.certificate,
            trace=self.trace,
            seconds={"coordination": coordination} | by_player,
            answers=dict(self.oracle.answers),
        )
