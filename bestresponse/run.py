"""One run of one scheme on one market: the loop, what it measures, and what it must remember to be resumed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import cast

import numpy as np

from bestresponse.acceleration import Accelerator, Anderson
from bestresponse.balancing import Balancer, Balancing
from bestresponse.best import Best
from bestresponse.certificate import Certificate, certify, complete
from bestresponse.checkpoint import Checkpoint, Tree
from bestresponse.equilibrium import Equilibrium
from bestresponse.errors import FormulationError, SolverError
from bestresponse.market import Market
from bestresponse.newton import Newton, NewtonSteps, Slopes
from bestresponse.oracle import Oracle
from bestresponse.player import Response, Signal
from bestresponse.schemes.protocol import HasTangent, Iteration, Scheme, Sweep, Tangent
from bestresponse.start import Start
from bestresponse.stopping import Limits, Measures, Stop, StopReason, Tolerances
from bestresponse.trace import SweepRecord, Trace
from bestresponse.typing import Vector
from bestresponse.unreliable import exact_market
from bestresponse.watchdog import Watchdog

logger = logging.getLogger(__name__)

NaturalResidual = Callable[[Vector, Mapping[str, Response]], float]


@dataclass(frozen=True)
class Settings:
    """What does not change during a run."""

    scheme: Scheme
    acceleration: Anderson | Newton
    balancing: Balancing
    tolerances: Tolerances
    limits: Limits
    gains_every: int  # sweeps from one look at the gains to the next


class Run:
    """One run of one scheme on one market."""

    def __init__(
        self,
        market: Market,
        settings: Settings,
        oracle: Oracle,
        on_sweep: Callable[[SweepRecord], None] | None = None,
        on_checkpoint: Callable[[Checkpoint], None] | None = None,
    ) -> None:
        self.market, self.settings, self.oracle = market, settings, oracle
        self.exact = exact_market(market)
        faithful = self.exact is market and not oracle.bridge.limit
        self.judge = oracle if faithful else Oracle(self.exact, oracle.executor, oracle.answers, oracle.seconds)
        self.on_sweep, self.on_checkpoint = on_sweep, on_checkpoint
        self.trace = Trace()
        self.watchdog = Watchdog(market, settings.limits)
        self.accelerator = self._accelerator(settings.acceleration)
        self.balancer = Balancer(settings.balancing, market)
        self._signals: Mapping[str, Signal] = {}  # of the last sweep
        self.best: Best | None = None
        self.certificate: Certificate | None = None
        self.number = self.done = 0  # the sweep at work, and the last one that ended
        self.setting_up = 0.0  # [s]
        self.started = time.perf_counter()

    def _accelerator(self, settings: Anderson | Newton) -> Accelerator | NewtonSteps:
        if isinstance(settings, Newton):
            return NewtonSteps(settings, self._slopes, self._tangent)
        return Accelerator(settings, np.ones(0))

    def to_the_end(self, start: Start, resume: Checkpoint | None = None) -> Stop:
        """Sweep until something says stop, from a start or from where another run was."""
        try:
            self._prepare()
            if resume is None:
                self._begin(start)
            else:
                self._recall(resume)
            while True:
                stop = self._sweep()
                if stop is not None:
                    return stop
        except SolverError as error:
            when = f"At sweep {self.number}" if self.number else "Before the first sweep"
            return Stop(StopReason.PLAYER_FAILED, f"{when}: {error}")
        except KeyboardInterrupt:
            return Stop(StopReason.INTERRUPTED, f"It ended after {self.done} sweeps.")

    def _prepare(self) -> None:
        """Have the players ready, and start the clock."""
        self.judge.prepare()
        now = time.perf_counter()
        self.setting_up, self.started = now - self.started, now

    def _begin(self, start: Start) -> None:
        self.sigma = start.sigma
        self.iteration = self._bind()
        self.accelerator.restart(self.iteration.metric())
        self.state = self.iteration.state(start.price, {**self.market.no_trade, **start.trades})
        if isinstance(self.accelerator, NewtonSteps):
            if start.trades:
                self.accelerator.start_near()
        elif start.lessons is not None and start.lessons.fit(self.settings.scheme.name, self.state):
            self.accelerator.heed(start.lessons)

    def _sweep(self) -> Stop | None:
        self.number += 1
        before = dict(self.oracle.seconds)
        sweep = self.iteration.sweep(self.number, self.state, self.oracle.ask)
        self._signals = sweep.signals
        bridged = self._tell_failures()
        excess = self.market.excess_demand(sweep.responses)
        measures = self._measures(sweep)
        if self.best is None or measures.worst < self.best.measures.worst:
            self.best = Best(self.number, measures, sweep.price, sweep.responses)
        stop = self._judge(sweep, measures, excess, before)
        if stop is None:
            if bridged:  # nobody may learn from old answers what the map is like
                self.state = self.accelerator.unlearned_step(self.state, sweep.image)
            else:
                self._step(sweep, measures, excess)
            if self.on_checkpoint is not None:
                self.on_checkpoint(self._checkpoint())
        return stop

    def _tell_failures(self) -> bool:
        """Log the failures for which old answers stood in this sweep, and return whether there were any."""
        news = list(self.oracle.bridge.news)
        for sentence in news:
            logger.info("sweep %d: %s", self.number, sentence)
        self.oracle.bridge.news.clear()
        return bool(news)

    def _step(self, sweep: Sweep, measures: Measures, excess: Vector) -> None:
        factor = self.balancer.factor(self.number, sweep, measures, excess)
        if factor == 1.0:
            taken_back = self.accelerator.rolled_back
            self.state = self.accelerator.next_state(self.state, sweep.image)
            if self.accelerator.rolled_back > taken_back:
                self.watchdog.disregard()
        else:
            self.sigma *= factor
            self.iteration = self._bind()
            trades = {name: response.trade for name, response in sweep.responses.items()}
            self.state = self.iteration.state(sweep.price, trades)
            self.accelerator.restart(self.iteration.metric())

    def _slopes(self) -> Slopes:
        """How the trades of the last sweep answer to prices, by player."""
        return self.oracle.sensitivities(self._signals)

    def _tangent(self, slopes: Slopes) -> Tangent:
        """T' where trades answer like that. Only asked for where the coordinator found no obstacle to it."""
        return cast(HasTangent, self.iteration).tangent(slopes)

    def _bind(self) -> Iteration:
        return self.settings.scheme.bind(self.market, self.sigma * self.market.price_scale / self.market.quantity_scale)

    def _measures(self, sweep: Sweep) -> Measures:
        prices = np.maximum(self.market.price_scale, np.abs(sweep.price))
        return Measures(self.market.imbalance(sweep.responses), sweep.disagreement(self.market) / prices)

    def _judge(
        self, sweep: Sweep, measures: Measures, excess: Vector, seconds_before: Mapping[str, float]
    ) -> Stop | None:
        clears = measures.clears(self.settings.tolerances.market)
        certificate = None
        if clears or self.number % self.settings.gains_every == 0:
            certificate = self._certify(sweep.price, sweep.responses, measures)
        self._record(sweep, measures, certificate, seconds_before)
        if clears and certificate is not None and certificate.holds:
            self.best = Best(self.number, measures, sweep.price, sweep.responses)
            self.certificate = certificate
            return Stop(StopReason.CONVERGED, f"It took {self.number} sweeps.")
        seconds = time.perf_counter() - self.started
        stop = self.watchdog.judge(self.number, seconds, measures, excess, sweep.price)
        if stop is not None and clears and certificate is not None:
            objections = "; ".join(certificate.objections())
            return Stop(stop.reason, f"{stop.evidence} The markets clear, but {objections}.")
        return stop

    def _certify(self, price: Vector, responses: Mapping[str, Response], measures: Measures) -> Certificate:
        disagreement = float(np.max(measures.disagreement, initial=0.0))
        return certify(self.exact, price, responses, self.settings.tolerances, self.judge, disagreement)

    def _record(
        self, sweep: Sweep, measures: Measures, certificate: Certificate | None, seconds_before: Mapping[str, float]
    ) -> None:
        goods = self.market.goods
        record = SweepRecord(
            sweep=self.number,
            imbalance=float(np.max(measures.imbalance, initial=0.0)),
            imbalance_good=goods[int(np.argmax(measures.imbalance))].name if goods else "",
            disagreement=float(np.max(measures.disagreement, initial=0.0)),
            disagreement_good=goods[int(np.argmax(measures.disagreement))].name if goods else "",
            gain=certificate.largest_gain if certificate else None,
            gain_player=certificate.worst_player if certificate else "",
            sigma=self.sigma,
            clipped=self.accelerator.clipped,
            rolled_back=self.accelerator.rolled_back,
            seconds=time.perf_counter() - self.started,
            imbalance_by_family={
                family: float(np.max(measures.imbalance[at])) for family, at in self.market.families.items()
            },
            price=sweep.price,
            imbalance_by_good=measures.imbalance,
            trades={name: response.trade for name, response in sweep.responses.items()},
            gains={name: gain.relative for name, gain in certificate.gains.items()} if certificate else {},
            player_seconds={name: total - seconds_before[name] for name, total in self.oracle.seconds.items()},
        )
        self.trace.append(record)
        self.done = self.number
        if self.on_sweep is not None:
            self.on_sweep(record)

    def _checkpoint(self) -> Checkpoint:
        """Everything that the next sweep depends on, and what the result will be made of."""
        arrays: dict[str, Tree] = {
            "scheme": {"state": self.state, "sigma": np.array(self.sigma)},
            "accelerator": self.accelerator.memory(),
            "balancer": self.balancer.memory(),
            "watchdog": self.watchdog.memory(),
            "oracle": {
                name: np.array([self.oracle.answers[name], self.oracle.seconds[name]]) for name in self.oracle.answers
            },
            "players": self.oracle.memories(),
            "bridge": self.oracle.bridge.memory(),
            "clock": {"seconds": np.array(time.perf_counter() - self.started)},
        }
        if self.best is not None:
            arrays["best"] = self.best.arrays()
        return Checkpoint(self.number, self._of, arrays)

    @cached_property
    def _of(self) -> Mapping[str, str]:
        """What only a run of the same kind goes on from."""
        traded = [(player.name, player.goods) for player in self.market]
        return {
            "scheme": self.settings.scheme.name,
            "acceleration": type(self.settings.acceleration).__name__,
            "market": sha256(repr((self.market.goods, traded)).encode()).hexdigest(),
        }

    def _recall(self, checkpoint: Checkpoint) -> None:
        if apart := [what for what, which in self._of.items() if checkpoint.of.get(what) != which]:
            raise FormulationError(f"the run to resume had another {' and another '.join(apart)} than this one")
        arrays = checkpoint.arrays
        self.number = self.done = checkpoint.sweep
        self.sigma, self.state = float(arrays["scheme"]["sigma"]), arrays["scheme"]["state"]
        self.iteration = self._bind()
        self.best = Best.of(arrays["best"]) if "best" in arrays else None
        self.accelerator.restart(self.iteration.metric())
        self.accelerator.recall(arrays["accelerator"])
        self.balancer.recall(arrays["balancer"])
        self.watchdog.recall(arrays["watchdog"])
        for name, (answers, seconds) in arrays["oracle"].items():
            self.oracle.answers[name], self.oracle.seconds[name] = int(answers), float(seconds)
        self.oracle.recall(arrays.get("players", {}))
        self.oracle.bridge.recall(arrays.get("bridge", {}))
        self.started -= float(arrays["clock"]["seconds"])

    def equilibrium(self, stop: Stop, natural_residual: NaturalResidual | None) -> Equilibrium:
        """Return the best sweep as the result, judged once more with the natural residual."""
        name, price, responses = self.settings.scheme.name, np.zeros(self.market.n_goods), {}
        coordination = time.perf_counter() - self.started
        by_player = dict(self.oracle.seconds)
        if self.best is not None:
            price, responses = self.best.price, dict(self.best.responses)
            if self.best.sweep < self.number:
                nearest = f"The answer is that of sweep {self.best.sweep}, the nearest to clearing."
                stop = Stop(stop.reason, f"{stop.evidence} {nearest}".strip())
            residual = natural_residual(price, responses) if natural_residual else None
            try:
                if self.certificate is None:
                    self.certificate = self._certify(price, responses, self.best.measures)
                self.certificate = complete(self.certificate, self.exact, price, responses, residual)
            except SolverError as error:
                stop = Stop(stop.reason, f"{stop.evidence.rstrip('.')}. No certificate: {error}")
        return Equilibrium(
            market=self.market,
            method=name,
            price=price,
            responses=responses,
            stop=stop,
            certificate=self.certificate,
            trace=self.trace,
            seconds={"set-up": self.setting_up, "coordination": coordination} | by_player,
            answers=dict(self.oracle.answers),
            bridged=dict(+self.oracle.bridge.bridged),
            lessons=self.accelerator.lessons(name) if isinstance(self.accelerator, Accelerator) else None,
        )
