"""Rates of coordination schemes next to an equilibrium: predicted by the linearised map, measured by a plain run."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bestresponse.errors import FormulationError, SolverError
from bestresponse.linear_rate import linear_rate
from bestresponse.market import Market
from bestresponse.plain_map import PlainMap, leading_modulus, spectrum
from bestresponse.schemes.protocol import Scheme
from bestresponse.start import Start
from bestresponse.typing import Vector

MOST_STATES = 2000  # up to which all eigenvalues are looked at
NEARBY = 1e-4  # distance at which a run starts next to the fixed point, in usual states
FAR = 1e2  # growth of its moves with which it has left the neighbourhood
ROUNDING = 1e-12  # relative moves that say nothing
MOST_RUNS, SAME = 8, 1e-3  # runs that measure; relative difference of the speeds of two that count as one


@dataclass(frozen=True)
class SchemeRate:
    """The factor of one sweep of a plain run of one scheme next to an equilibrium: above one it runs away."""

    scheme: str
    predicted: float | None  # None where there is none to predict, as `note` says
    measured: float | None  # None where the run was over too soon to tell
    note: str = ""  # why there is no rate, or what limits it
    fixed_directions: int | None = None  # dimension of the continuum of fixed points; None where it was not looked at
    moves: Vector = field(default_factory=lambda: np.zeros(0), repr=False)  # of the run, relative to the state


def scheme_rate(
    market: Market,
    scheme: Scheme,
    at: Start,  # an equilibrium, and sigma, as `Start.after` gives them
    *,
    sweeps: int = 500,  # most sweeps of every run that measures
    seed: int = 0,  # of its start
) -> SchemeRate:
    """Return the predicted and the measured rate of a scheme at an equilibrium.

    It takes 2 n_state sweeps, and at most eight runs. A scheme that has no rate, or cannot run on this market, is a
    result that says why.
    """
    try:
        plain = PlainMap(market, scheme, at)
        moves = moves_nearby(plain, sweeps, seed)
        measured = linear_rate(moves, ROUNDING)
        if len(plain.point) > MOST_STATES:
            return SchemeRate(scheme.name, leading_modulus(plain, seed), measured, moves=moves)
        found = spectrum(plain)
    except (FormulationError, SolverError) as error:
        return SchemeRate(scheme.name, None, None, str(error))
    note = ""
    if found.kinks:
        where = f"in {found.kinks} of {found.states} directions an active set changes at the equilibrium"
        note = f"one-sided: {where}, and a run may go by another rate"
    return SchemeRate(scheme.name, found.radius, measured, note, found.fixed_directions, moves)


def predicted_rate(market: Market, scheme: Scheme, at: Start, relaxation: float = 1.0) -> float | None:
    """Return the predicted rate alone, for a hundred sweeps or two; None where there is none."""
    try:
        return leading_modulus(PlainMap(market, scheme, at, relaxation))
    except (FormulationError, SolverError):
        return None


def moves_nearby(plain: PlainMap, sweeps: int, seed: int = 0) -> Vector:
    """Return (n_sweeps,) the moves, relative to the state, of a run that starts next to the fixed point.

    The first run starts in a random direction, the next one on the side where the last came from in the end, when most
    of its fast modes were gone, and so on until two show the same rate. The moves are those of the last one.
    """
    direction = np.random.default_rng(seed).standard_normal(len(plain.point))
    rate: float | None = None
    for _ in range(MOST_RUNS):
        moves, last = _run(plain, direction, sweeps)
        direction, before, rate = -last, rate, linear_rate(moves, ROUNDING)
        if rate is None or (before is not None and abs(rate - before) <= SAME * abs(1.0 - rate)):
            break
    return moves


def _run(plain: PlainMap, direction: Vector, sweeps: int) -> tuple[Vector, Vector]:
    """Return the relative moves and the last move of a run from next to the point, until rounding or far away."""
    length = max(float(np.linalg.norm(direction)), np.finfo(float).tiny)
    state = plain.point + NEARBY * plain.unit * np.sqrt(len(direction)) / length * direction
    moves: list[float] = []
    while len(moves) < sweeps:
        image = plain(state)
        move = image - state
        moves.append(float(np.linalg.norm(move)) / plain.size)
        if not ROUNDING < moves[-1] < FAR * moves[0]:
            break
        state = image
    return np.array(moves), move
