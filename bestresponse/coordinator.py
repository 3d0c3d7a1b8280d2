"""The coordinator: it lets a scheme turn answers into prices until the market clears."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

from bestresponse.acceleration import Anderson
from bestresponse.balancing import Balancing
from bestresponse.bridging import Bridge
from bestresponse.checkpoint import Checkpoint
from bestresponse.clearing import explained
from bestresponse.equilibrium import Equilibrium
from bestresponse.errors import FormulationError
from bestresponse.groups import two_groups
from bestresponse.market import Market
from bestresponse.newton import Newton
from bestresponse.oracle import Oracle
from bestresponse.player import KnowsItsSensitivity
from bestresponse.run import NaturalResidual, Run, Settings
from bestresponse.schemes.exchange import Exchange
from bestresponse.schemes.protocol import HasTangent, Scheme
from bestresponse.schemes.sharing import Sharing
from bestresponse.start import Start
from bestresponse.stopping import Limits, Tolerances
from bestresponse.trace import SweepRecord
from bestresponse.typing import Vector
from bestresponse.unreliable import longest_delay

logger = logging.getLogger(__name__)

PLAIN = Anderson(memory=0, relaxation=1.0)  # no acceleration
UNBALANCED = Balancing(every=0)  # penalties stay as they are
GAINS_EVERY = 20  # sweeps
LARGE = 500  # goods of one player, beyond which a Newton step (dense, cubic) takes longer than the sweeps it saves


def coordinate(
    market: Market,
    start: Vector | Start,  # (n_goods,) prices to start from, or more than prices
    *,
    scheme: Scheme | None = None,
    sigma: float | None = None,
    acceleration: Anderson | Newton | None = None,
    balancing: Balancing | None = None,
    tolerances: Tolerances | None = None,
    limits: Limits | None = None,
    gains_every: int = GAINS_EVERY,
    natural_residual: NaturalResidual | None = None,
    executor: Executor | None = None,
    bridge: int = 0,
    on_sweep: Callable[[SweepRecord], None] | None = None,
    on_checkpoint: Callable[[Checkpoint], None] | None = None,
    resume: Checkpoint | None = None,
) -> Equilibrium:
    """Return the fixed point of a scheme, certified, or the best sweep found and why it is no fixed point.

    The scheme is `default_scheme(market)` if none is given, which may fall back on exchange, as `Equilibrium.method`
    then says; a scheme that is given is used or refused. The penalty of every good is
    `sigma · price_scale / quantity_scale`, with sigma from `start` if none is given. Where `acceleration` and
    `balancing` are not given they are `default_acceleration` and `default_balancing`: Newton's method if scheme and
    players allow it, Anderson's if not, both with balanced penalties; a scheme that wants neither runs plainly (PLAIN,
    UNBALANCED), and where answers may be `Late` all do, the others with shorter steps. Players asked together answer in
    parallel if an `executor` is given. Gains are looked at when the market clears, and every `gains_every` sweeps for
    the trace: that takes as long as a sweep or two.

    A player that fails ends the run, which says who, at which sweep and why; with `bridge` its last answer stands for
    up to so many failures in a row, each of which is logged and counted, and the next step is not accelerated.
    Certificates never are bridged, and ask the players inside the wrappers of `unreliable`. `on_sweep` hears of every
    sweep; `on_checkpoint` gets, after every sweep but the last, what `resume` needs to go on from there exactly as an
    unbroken run would; `start` then does not matter. An interrupt (Ctrl-C) ends the run with the best sweep so far.

    Raises FormulationError if the scheme does not fit the market or cannot be accelerated as asked, or if the run to
    resume had another scheme, acceleration or market.
    """
    start = start if isinstance(start, Start) else Start(np.asarray(start, dtype=float))
    if sigma is not None:
        start = replace(start, sigma=sigma)
    if not start.sigma > 0:
        raise FormulationError(f"sigma {start.sigma} must be positive")
    if not bridge >= 0:
        raise FormulationError(f"bridge {bridge} must be at least 0")
    if not gains_every >= 1:
        raise FormulationError(f"gains_every {gains_every} must be at least 1")
    start.check(market)
    scheme = scheme or default_scheme(market)
    acceleration = acceleration or default_acceleration(scheme, market)
    settings = Settings(
        scheme,
        acceleration,
        balancing or default_balancing(scheme, acceleration, market),
        tolerances or Tolerances(),
        limits or Limits(),
        gains_every,
    )
    if not scheme.stationary and acceleration != PLAIN:
        raise FormulationError(f"{scheme.name} applies another map in every sweep, which cannot be accelerated")
    if isinstance(acceleration, Newton) and (obstacle := obstacle_to_newton(scheme, market)):
        raise FormulationError(f"Newton's method needs the derivative of the scheme's map: {obstacle}")
    oracle = Oracle(market, executor, bridge=Bridge(bridge))
    run = Run(market, settings, oracle, on_sweep, on_checkpoint)
    stop = explained(run.to_the_end(start, resume), run.exact)
    return run.equilibrium(stop, natural_residual)


def default_acceleration(scheme: Scheme, market: Market) -> Anderson | Newton:
    """Return Newton's method where scheme, players and size allow it, else Anderson's; PLAIN if a scheme wants it.

    Where answers may be late, nobody learns from them: the others' steps are plain then, shorter the later they may be.
    """
    if not scheme.accelerates:
        return PLAIN
    if delay := longest_delay(market):
        return replace(PLAIN, relaxation=1 / (1 + delay))
    if max(map(len, market.positions.values()), default=0) > LARGE or obstacle_to_newton(scheme, market):
        return Anderson()
    return Newton()


def default_balancing(scheme: Scheme, acceleration: Anderson | Newton, market: Market) -> Balancing:
    """Return how penalties are balanced: with Newton's method more often, as it has no memory that they would spoil.

    Where answers may be late they are not: trades and prices of one sweep do not belong together.
    """
    if not scheme.balances or longest_delay(market):
        return UNBALANCED
    return Balancing(every=5) if isinstance(acceleration, Newton) else Balancing()


def obstacle_to_newton(scheme: Scheme, market: Market) -> str:
    """Return why the scheme's map on this market has no derivative that could be had; empty if it has one."""
    try:
        iteration = scheme.bind(market, market.price_scale / market.quantity_scale)
    except FormulationError as error:  # the scheme does not even fit the market
        return str(error)
    if not isinstance(iteration, HasTangent):
        return f"{scheme.name} states none"
    if delay := longest_delay(market):
        return f"answers may come {delay} question{'s' * (delay > 1)} late, and have none in the present"
    ignorant = [player.name for player in market if not isinstance(player, KnowsItsSensitivity)]
    return f"{', '.join(ignorant)} cannot say how their trades answer to prices" if ignorant else ""


def default_scheme(market: Market) -> Scheme:
    """Return sharing or, saying why, exchange for a market that cannot be split into the two groups sharing needs."""
    try:
        two_groups(market)
    except FormulationError as error:
        logger.warning("coordinating by exchange in place of sharing: %s", error)
        return Exchange()
    return Sharing()
