"""One step of the interior point: factorise, aim, correct, and find a length.

1. factorise K = J + diag(z / s);
2. affine direction (aim at s z = 0); its length tells how much centring this step needs;
3. Newton direction with that centring, lengthened by correctors;
4. one length for x, s and z that keeps the products s z balanced and the residual falling;
5. if there is none: the same with more centring, then again with K + τ I, a step of the proximal point method.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bestresponse.complementarity.correctors import Linearisation, corrected, safe_length
from bestresponse.complementarity.linear_system import NewtonMatrix, SingularError
from bestresponse.complementarity.pairs import Direction, Pairs, Point, to_boundary
from bestresponse.complementarity.problem import ComplementarityProblem, largest

logger = logging.getLogger(__name__)

THETA_LIMIT = 1e16
CENTRING = (1e-3, 0.05)  # least and most, as a share of μ; correctors then lengthen the step
BALANCE = 1e-3  # the smallest product s z may fall to this share of the mean
HALTING = 0.1  # below this length of step ...
CAUTIOUS = 0.3  # ... this share of μ is aimed at, too, and the longer step taken
SHORTEST = 1e-9  # a step below this is none
SHORT = 1e-2  # a step below this is taken only if no proximal weight gives a longer one
PROXIMAL = (0.0, 1e-8, 1e-6, 1e-4, 1e-2, 1.0)  # τ, in the order tried


@dataclass(frozen=True)
class Step:
    """A direction and how far to go along it; a length below SHORTEST means that no length was acceptable."""

    model: Linearisation
    direction: Direction
    affine_length: float
    length: float
    proximal: float  # τ

    @property
    def is_useful(self) -> bool:
        """Whether the step moves the point at all."""
        return self.length > SHORTEST


def find_step(problem: ComplementarityProblem, pairs: Pairs, point: Point, matrix: NewtonMatrix) -> Step | None:
    """Return the first step that is not short, else the longest, None if no matrix could be factorised."""
    longest = None
    for step in _steps(problem, pairs, point, matrix):
        if longest is None or step.length > longest.length:
            longest = step
        if step.length >= SHORT:
            break
    return longest


def _steps(problem: ComplementarityProblem, pairs: Pairs, point: Point, matrix: NewtonMatrix) -> Iterator[Step]:
    """Yield a step for every proximal weight τ whose matrix can be factorised."""
    mu = point.mu
    F, J = problem.value(point.x, mu), problem.jacobian(point.x, mu).tocsc()
    theta = np.minimum(point.z / point.s, THETA_LIMIT)
    for tau in PROXIMAL:
        try:
            factors = matrix.factorise(J, pairs.total(theta) + tau)
            model = Linearisation(problem, pairs, point, mu, F, J, theta, factors)
            affine = model.newton(0.0)
            affine_length = min(1.0, to_boundary(point, affine))
            step = _aimed(model, affine_length, _centring(point, affine, affine_length), tau)
            if step.length < HALTING:
                step = max(step, _aimed(model, affine_length, CAUTIOUS, tau), key=lambda each: each.length)
        except SingularError as reason:
            logger.debug("τ = %g: %s", tau, reason)
            continue
        yield step


def _aimed(model: Linearisation, affine_length: float, share: float, tau: float) -> Step:
    target = share * model.point.mu
    direction = corrected(model, model.newton(target), target)
    return Step(model, direction, affine_length, _length(model, direction), tau)


def _centring(point: Point, affine: Direction, length: float) -> float:
    """Return the share of μ to aim at: little where the affine direction alone gets far."""
    if not len(point.s):
        return 0.0
    least, most = CENTRING
    return min(most, max(least, (point.move(affine, length).mu / point.mu) ** 3))


def _length(model: Linearisation, direction: Direction) -> float:
    point, mu, residual = model.point, model.point.mu, largest(model.residual)
    balance = min(BALANCE, 0.5 * point.smallest_product / mu) if mu else 0.0
    length = safe_length(point, direction)
    while length > SHORTEST:
        new = point.move(direction, length)
        if new.smallest_product >= balance * new.mu:
            F = model.problem.value(new.x, model.smoothing)
            if largest(F - model.pairs.spread(new.z)) <= (1.0 - 1e-4 * length) * residual + 10.0 * mu:
                break
        length *= 0.8
    return length
