"""Textbook costs: quadratic ones, and firms that meet in one market for one good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bestresponse.errors import FormulationError
from bestresponse.typing import Vector


@dataclass(frozen=True)
class QuadraticCost:
    """θ(x) = ½ xᵢ'A xᵢ + xᵢ'(B x₋ᵢ + b) + constant, with xᵢ the player's own variables and x₋ᵢ all others in order."""

    place: slice  # of xᵢ in the joint vector
    A: Vector  # (n_own, n_own) symmetric
    B: Vector  # (n_own, n − n_own)
    b: Vector  # (n_own,)
    constant: float = 0.0

    def __post_init__(self) -> None:
        n = self.place.stop - self.place.start
        if self.A.shape != (n, n) or self.b.shape != (n,) or self.B.shape[:1] != (n,) or self.B.ndim != 2:
            raise FormulationError(f"{n} variables need A ({n}, {n}), B ({n}, others) and b ({n},)")
        if not np.array_equal(self.A, self.A.T):
            raise FormulationError("the matrix A of a quadratic cost must be symmetric")

    def value(self, x: Vector) -> float:
        """Return θ(x)."""
        own = x[self.place]
        return float(0.5 * own @ self.A @ own + own @ (self.B @ self._others(x) + self.b) + self.constant)

    def gradient(self, x: Vector) -> Vector:
        """Return A xᵢ + B x₋ᵢ + b, (n_own,)."""
        return self.A @ x[self.place] + self.B @ self._others(x) + self.b

    def jacobian(self, x: Vector) -> Vector:
        """Return (n_own, n) the derivative of the gradient: A and B side by side, in the order of x."""
        return np.hstack([self.B[:, : self.place.start], self.A, self.B[:, self.place.start :]])

    def _others(self, x: Vector) -> Vector:
        return np.delete(x, np.arange(self.place.start, self.place.stop))


class Demand(Protocol):
    """Inverse demand: the price at which a quantity Q is bought."""

    def price(self, total: float) -> tuple[float, float, float]:
        """Return p(Q), p'(Q) and p''(Q)."""
        ...


@dataclass(frozen=True)
class LinearDemand:
    """p(Q) = intercept − slope Q."""

    intercept: float
    slope: float

    def price(self, total: float) -> tuple[float, float, float]:
        """Return p(Q), p'(Q) and p''(Q)."""
        return self.intercept - self.slope * total, -self.slope, 0.0


@dataclass(frozen=True)
class IsoelasticDemand:
    """p(Q) = (scale / Q)^(1 / elasticity): infinite where nobody sells."""

    scale: float
    elasticity: float

    def price(self, total: float) -> tuple[float, float, float]:
        """Return p(Q), p'(Q) and p''(Q)."""
        with np.errstate(all="ignore"):
            inverse = 1.0 / np.float64(total)
            p = (self.scale * inverse) ** (1.0 / self.elasticity)
            first = -p * inverse / self.elasticity
            return float(p), float(first), float(-first * inverse * (1.0 + 1.0 / self.elasticity))


@dataclass(frozen=True)
class ProductionCost:
    """c(q) = linear q + quadratic q² + b/(1+b) size^(−1/b) q^((1+b)/b) + fixed of every plant, vectorised.

    The last term but one has the marginal cost (q / size)^(1/b); where `exponent` b is NaN there is none.
    """

    linear: Vector  # (n_plants,)
    quadratic: Vector  # (n_plants,)
    exponent: Vector  # (n_plants,) b > 0, or NaN
    size: Vector  # (n_plants,) > 0
    fixed: Vector  # (n_plants,)

    def value(self, q: Vector) -> float:
        """Return the sum over the plants."""
        power = np.where(np.isnan(self.exponent), 0.0, q * self._power(q) * self.exponent / (1.0 + self.exponent))
        return float(np.sum(self.linear * q + self.quadratic * q**2 + power + self.fixed))

    def marginal(self, q: Vector) -> Vector:
        """Return c'(q), (n_plants,)."""
        return self.linear + 2.0 * self.quadratic * q + self._power(q)

    def curvature(self, q: Vector) -> Vector:
        """Return c''(q), (n_plants,)."""
        with np.errstate(all="ignore"):
            powers = (q / self.size) ** (1.0 / self.exponent - 1.0) / (self.exponent * self.size)
        return 2.0 * self.quadratic + np.where(np.isnan(self.exponent), 0.0, powers)

    def _power(self, q: Vector) -> Vector:
        with np.errstate(all="ignore"):
            return np.where(np.isnan(self.exponent), 0.0, (q / self.size) ** (1.0 / self.exponent))


@dataclass(frozen=True)
class CournotCost:
    """Minus the profit of a firm: cost of its plants − p(Q) · its sales, Q the sales of all firms."""

    place: slice  # of the firm's plants in the joint vector
    demand: Demand
    production: ProductionCost

    def value(self, x: Vector) -> float:
        """Return production cost − revenue."""
        own = x[self.place]
        sold = float(own.sum())
        revenue = sold * self.demand.price(float(x.sum()))[0] if sold else 0.0
        return self.production.value(own) - revenue

    def gradient(self, x: Vector) -> Vector:
        """Return marginal cost − price − p'(Q) · own sales, (n_plants,)."""
        own = x[self.place]
        p, dp, _ = self.demand.price(float(x.sum()))
        return self.production.marginal(own) - p - dp * own.sum()

    def jacobian(self, x: Vector) -> Vector:
        """Return (n_plants, n) the derivative of the gradient."""
        own = x[self.place]
        _, dp, ddp = self.demand.price(float(x.sum()))
        matrix = np.full((len(own), len(x)), -dp - ddp * own.sum())
        matrix[:, self.place] += np.diag(self.production.curvature(own)) - dp
        return matrix
