"""Projection methods next to a solution of a complementarity problem: predicted rates, and the plays they are held to.

What sits at a bound with force stays there; D keeps the other variables. With J the derivative of F at the solution,

    projected gradient   x ← P(x − t F(x))                         T' = D (I − t J)
    extragradient        y = P(x − t F(x)),  x ← P(x − t F(y))     T' = D (I − t J D (I − t J))

An eigenvalue one belongs to a continuum of solutions, along which nothing moves, and is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bestresponse.complementarity import Limits, ProjectionResult, box_projection, extragradient, projected_gradient
from bestresponse.linear_rate import ROUNDING
from bestresponse.typing import Vector
from experiments.catalogue.map_model import AT_BOUND, MapModel

STEP = 0.5  # times the longest that extragradient allows next to the solution, where a problem states no step
FORCE = 1e-7  # of F, relative to its largest, with which a bound holds
ONE = 1e-7  # distance from one within which an eigenvalue belongs to a continuum
OFFSET = 1e-6  # relative distance at which a play starts
ITERATIONS = 1000  # of a play
FAR = 1e2  # growth of its residual with which it has left the neighbourhood


@dataclass(frozen=True)
class ProjectionRates:
    """The factors of one iteration of projection methods next to a solution, and plays that start there."""

    step: float
    predicted: dict[str, float]  # by method
    residuals: dict[str, Vector]  # by method: (n_iterations,) natural residuals of the play, relative to the solution
    degenerate: tuple[str, ...]  # variables at a bound that holds them without force: the rates are one-sided


def projection_rates(model: MapModel, solution: Vector, seed: int = 0) -> ProjectionRates:
    """Return predicted rates and plays of both methods next to a solution (all unknowns)."""
    J, F = model.jacobian(solution), model.function(solution)
    fixed = model.lower == model.upper
    near = AT_BOUND * np.maximum(1.0, np.abs(solution))
    bound = (solution - model.lower <= near) | (model.upper - solution <= near)
    force = np.abs(F) > FORCE * max(1.0, float(np.max(np.abs(F))))
    D = np.diag((~(bound & force | fixed)).astype(float))
    step = model.step or STEP / max(float(np.linalg.norm(D @ J @ D, 2)), FORCE)
    ahead = D @ (np.eye(len(J)) - step * J)
    maps = {"projection": ahead, "extragradient": D @ (np.eye(len(J)) - step * J @ ahead)}
    size = max(1.0, float(np.max(np.abs(solution))))
    start = solution + OFFSET * size * np.random.default_rng(seed).uniform(-1, 1, len(solution))
    return ProjectionRates(
        step,
        {name: _radius(derivative) for name, derivative in maps.items()},
        {name: _play(model, name, start, step, size) for name in maps},
        tuple(name for name, slack in zip(model.names, bound & ~force & ~fixed, strict=True) if slack),
    )


def _radius(derivative: Vector) -> float:
    """Return the spectral radius on what moves."""
    values = np.linalg.eigvals(derivative)
    return float(np.max(np.abs(values[np.abs(values - 1.0) > ONE]), initial=0.0))


def _play(model: MapModel, method: str, start: Vector, step: float, size: float) -> Vector:
    follow = projected_gradient if method == "projection" else extragradient
    limits = Limits(tolerance=ROUNDING * size, iterations=ITERATIONS)
    run: ProjectionResult = follow(model.function, box_projection(model.lower, model.upper), start, step, limits=limits)
    residuals = run.residuals / size
    gone = residuals > FAR * residuals[0] if len(residuals) else np.zeros(0, dtype=bool)
    return residuals[: int(np.argmax(gone))] if gone.any() else residuals
