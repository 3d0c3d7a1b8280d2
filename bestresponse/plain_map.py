"""The map of a coordination scheme around a fixed point, and the spectrum of its derivative.

A plain run (no acceleration, no balancing, fixed penalties) applies one map T to the scheme's state again and again.
Near a fixed point z* that is z* + T'(z*) (z − z*), and the run gains one factor a sweep: the spectral radius of T'. The
derivative is made of differences of sweeps, forwards and backwards. Players answer exactly, so both agree to nine
digits, unless an active set of a player changes at z* itself: then the two sides are two maps, each with a rate.

Fixed points need not be isolated. Along a continuum of them nothing moves and T' has the eigenvalue one; what is off
the continuum shrinks by the largest modulus of all *other* eigenvalues, and that is the rate. It presumes that one has
as many eigenvectors as it counts among the eigenvalues, as it has for every nonexpansive map.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bestresponse.errors import FormulationError
from bestresponse.market import Market
from bestresponse.oracle import Oracle
from bestresponse.schemes.protocol import Scheme
from bestresponse.start import Start
from bestresponse.typing import Vector

FIXED = 1e-6  # move of a fixed point, relative to its size, that counts as none
STEPS = (1e-3, 1e-4, 1e-5)  # of differences, in usual states; a shorter one where the longer meets another active set
KINK = 1e-6  # by how much the derivatives of the two sides differ at a kink, whatever the step
ONE = 1e-7  # distance from one within which an eigenvalue belongs to a continuum of fixed points
KRYLOV, SETTLED, ACCURACY = 250, 8, 1e-8  # most directions; so many in a row must find an eigenvalue, that well


class NoRateError(FormulationError):
    """A scheme has no rate at this point; the message says why."""


class PlainMap:
    """T of one scheme around one point, in the scheme's metric; relaxed if asked for: z + α (T(z) − z).

    Raises NoRateError for a scheme that applies no single map or does not stay at the point, and FormulationError for
    one that does not fit the market.
    """

    def __init__(
        self,
        market: Market,
        scheme: Scheme,
        at: Start,  # the point: an equilibrium, and sigma
        relaxation: float = 1.0,
    ) -> None:
        if not scheme.stationary:
            raise NoRateError(f"{scheme.name} applies another map in every sweep")
        iteration = scheme.bind(market, at.sigma * market.price_scale / market.quantity_scale)
        self._sweep, self._metric, self._ask = iteration.sweep, iteration.metric(), Oracle(market).ask
        self._relaxation = relaxation
        self.unit = float(np.sqrt(np.median(market.price_scale * market.quantity_scale)))  # a usual state
        self.point = self._metric * iteration.state(at.price, {**market.no_trade, **at.trades})
        self.size = max(self.unit, float(np.linalg.norm(self.point)))
        self.image = self(self.point)
        move = float(np.linalg.norm(self.image - self.point)) / self.size
        if not move <= FIXED:
            raise NoRateError(
                f"{scheme.name} does not stay at the equilibrium: its first sweep moves the state by {move:.0e} of its "
                "size, because at these prices players have several best responses"
            )

    def __call__(self, state: Vector) -> Vector:
        """Return the (relaxed) image of a state."""
        image = self._metric * self._sweep(1, state / self._metric, self._ask).image
        return state + self._relaxation * (image - state)

    def derivatives(self, direction: Vector) -> tuple[Vector, Vector]:
        """Return how the image changes along a direction, forwards and backwards: the same unless there is a kink."""
        forwards, backwards = self._differences(direction, STEPS[0])
        for step in STEPS[1:]:
            if not _is_kink(forwards, backwards):
                centre = 0.5 * (forwards + backwards)
                return centre, centre
            closer = self._differences(direction, step)
            if not _distance(*closer) < 0.5 * _distance(forwards, backwards):
                break  # the kink is at the point itself
            forwards, backwards = closer
        return forwards, backwards

    def _differences(self, direction: Vector, step: float) -> tuple[Vector, Vector]:
        reach = step * self.unit / float(np.linalg.norm(direction))
        ahead, behind = self(self.point + reach * direction), self(self.point - reach * direction)
        return (ahead - self.image) / reach, (self.image - behind) / reach


def _distance(forwards: Vector, backwards: Vector) -> float:
    return float(np.max(np.abs(forwards - backwards), initial=0.0))


def _is_kink(forwards: Vector, backwards: Vector) -> bool:
    return not _distance(forwards, backwards) <= KINK


@dataclass(frozen=True)
class Spectrum:
    """What all eigenvalues of a scheme's linearised map say."""

    radius: float  # largest modulus of those that are not one: the factor of one sweep
    fixed_directions: int  # how many are one: the dimension of the continuum of fixed points
    kinks: int  # directions in which an active set changes at the point
    states: int  # all directions


def spectrum(plain: PlainMap) -> Spectrum:
    """Return the spectrum from one column for every state; of the slower of the two sides where they differ."""
    columns = [plain.derivatives(unit) for unit in np.eye(len(plain.point))]
    sides = [np.linalg.eigvals(np.array(side).T) for side in zip(*columns, strict=True)]
    others = [values[np.abs(values - 1.0) > ONE] for values in sides]
    return Spectrum(
        radius=max(float(np.max(np.abs(values), initial=0.0)) for values in others),
        fixed_directions=len(columns) - max(map(len, others)),
        kinks=sum(_is_kink(*column) for column in columns),
        states=len(columns),
    )


def leading_modulus(plain: PlainMap, seed: int = 0) -> float | None:
    """Return the radius alone, by Arnoldi's method: a hundred sweeps or two. None if it does not settle.

    It starts from a move, (T' − 1) d, which has nothing along the fixed points, however many there are; rounding brings
    them back later, as eigenvalues one. At a kink the two sides are averaged.
    """
    start = np.random.default_rng(seed).standard_normal(len(plain.point))
    found = 0
    for radius, residual in _ritz(plain, start):
        found = found + 1 if residual <= ACCURACY else 0
        if found == SETTLED or residual == 0.0:
            return radius
    return None


def _ritz(plain: PlainMap, start: Vector) -> Iterator[tuple[float, float]]:
    """Yield, with every new direction, the largest modulus of a Ritz value that is not one, and its residual."""
    move = _derivative(plain, start) - start
    rest = float(np.linalg.norm(move))
    if rest <= ACCURACY * float(np.linalg.norm(start)):  # nothing moves
        yield 0.0, 0.0
        return
    basis, H = np.array([move / rest]), np.zeros((KRYLOV + 1, KRYLOV))
    for k in range(KRYLOV):
        move = _derivative(plain, basis[k])
        for _ in range(2):  # once more, or rounding spoils the orthogonality
            along = basis @ move
            H[: k + 1, k] += along
            move = move - along @ basis
        rest = float(np.linalg.norm(move))
        values, vectors = np.linalg.eig(H[: k + 1, : k + 1])
        modulus = np.where(np.abs(values - 1.0) > ONE, np.abs(values), 0.0)
        lead = int(np.argmax(modulus))
        yield float(modulus[lead]), rest * float(np.abs(vectors[k, lead])) if rest > ACCURACY else 0.0
        if rest <= ACCURACY:  # no new direction: all has been seen
            return
        H[k + 1, k], basis = rest, np.vstack([basis, move / rest])


def _derivative(plain: PlainMap, direction: Vector) -> Vector:
    forwards, backwards = plain.derivatives(direction)
    return 0.5 * (forwards + backwards)
