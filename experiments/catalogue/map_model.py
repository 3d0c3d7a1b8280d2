"""A complementarity problem of the catalogue, l ≤ x ≤ u ⊥ F(x): solved by the engine or by projections, and judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog

from bestresponse.complementarity import (
    ComplementarityProblem,
    Limits,
    box_projection,
    extragradient,
    natural_residual,
    projected_gradient,
    solve_mcp,
    worst_rows,
)
from bestresponse.games.minimise import full_csr
from bestresponse.typing import Vector
from experiments.catalogue.models import Derived, Found

TOLERANCE = 1e-10  # natural residual
PROJECTION_LIMITS = Limits(tolerance=1e-13, iterations=2000)
AT_BOUND = 1e-9  # relative distance below which a variable or row is at its bound
LISTED = 3  # worst rows that a certificate names


@dataclass(frozen=True)
class MapModel:
    """A complementarity problem, how many of its unknowns are the answer, and what follows from a solution."""

    lower: Vector
    upper: Vector
    function: Callable[[Vector], Vector]
    jacobian: Callable[[Vector], Vector]  # (n, n), dense
    names: tuple[str, ...]  # (n,)
    derive: Callable[[Vector], Derived]  # of all unknowns
    n_answer: int  # the first unknowns, which are x; the others are prices and multipliers
    start: Vector | None = None
    step: float | None = None  # of projection methods, where they are offered

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the answer's entries."""
        return self.names[: self.n_answer]

    @property
    def methods(self) -> tuple[str, ...]:
        """The complementarity engine, and projection methods where the problem states a step."""
        return ("mcp",) if self.step is None else ("mcp", "projection", "extragradient")

    @property
    def problem(self) -> ComplementarityProblem:
        """The problem as the engine takes it."""
        return ComplementarityProblem(
            self.lower,
            self.upper,
            lambda x, smoothing: self.function(x),
            lambda x, smoothing: full_csr(self.jacobian(x)),
            self.names,
        )

    def solve(self, method: str) -> Found:
        """Return what the method finds, judged by the natural residual."""
        moves: tuple[float, ...] = ()
        if method == "mcp":
            result = solve_mcp(self.problem, self.start, TOLERANCE)
            unknowns, status = result.x, result.reason
            moves = tuple(max(record.residual, record.mu) for record in result.trace)
            moves = (*moves, result.residual) if moves else ()
        else:
            follow = projected_gradient if method == "projection" else extragradient
            box = box_projection(self.lower, self.upper)
            run = follow(self.function, box, self._first, self.step or 1.0, limits=PROJECTION_LIMITS)
            unknowns, status, moves = run.x, run.reason, tuple(run.residuals.tolist())
        derived = self.derive(unknowns)
        return Found(
            x=unknowns[: self.n_answer],
            prices=derived.prices,
            multipliers=derived.multipliers,
            quantities=derived.quantities,
            residual=natural_residual(self.problem, unknowns),
            residual_meaning="natural residual",
            certificate=self._certificate(unknowns),
            status=status,
            moves=moves,
        )

    def judge(self, x: Vector) -> Mapping[str, Any]:
        """Return the certificate of an answer, or of all unknowns."""
        return self._certificate(self.complete(x))

    def complete(self, x: Vector) -> Vector:
        """Return all unknowns: the answer, and the prices and multipliers that support it best.

        Those enter the answer's rows linearly, and their own rows not at all: a linear program finds the ones that
        leave the smallest misfit.
        """
        n, m = len(x), len(self.names) - len(x)
        if m == 0:
            return x
        base = np.concatenate([x, np.zeros(m)])
        F, J = self.function(base), self.jacobian(base)[:n, n:]
        near = AT_BOUND * np.maximum(1.0, np.abs(x))
        above, below = x - self.lower[:n] > near, self.upper[:n] - x > near
        rows = np.block([[J[above], -np.ones((above.sum(), 1))], [-J[below], -np.ones((below.sum(), 1))]])
        limits = np.concatenate([-F[:n][above], F[:n][below]])
        slack = (F[n:] > AT_BOUND) & np.isfinite(self.lower[n:])  # rows that are not tight leave no price
        high = np.where(slack, self.lower[n:], self.upper[n:])
        bounds = [*zip(self.lower[n:], high, strict=True), (0.0, np.inf)]
        found = linprog(np.append(np.zeros(m), 1.0), A_ub=rows, b_ub=limits, bounds=bounds)
        return np.concatenate([x, found.x[:m]]) if found.x is not None else base

    @property
    def _first(self) -> Vector:
        return np.clip(np.ones(len(self.names)), self.lower, self.upper) if self.start is None else self.start

    def _certificate(self, unknowns: Vector) -> dict[str, Any]:
        residual = natural_residual(self.problem, unknowns)
        holds = residual <= TOLERANCE * 10
        worst = {name: size for name, size in worst_rows(self.problem, unknowns, LISTED)}
        statement = f"natural residual {residual:.1e}, worst in {', '.join(worst)}"
        return {
            "holds": holds,
            "statement": f"Certified: {statement}." if holds else f"Not certified: {statement}.",
            "natural_residual": residual,
            "worst": worst,
        }
