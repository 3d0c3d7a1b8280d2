"""What solve_mcp returns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bestresponse.complementarity.interior_point import IterationRecord
from bestresponse.typing import Vector


class Status(Enum):
    """How a solve ended."""

    SOLVED = "the natural residual meets the tolerance"
    INFEASIBLE = "there seems to be no solution: rows stay violated while multipliers grow without limit"
    TIME_LIMIT = "the time limit was reached first"
    NOT_SOLVED = "no method met the tolerance"


@dataclass(frozen=True)
class Attempt:
    """One method of the ladder and how far it got."""

    method: str
    outcome: str
    residual: float  # natural residual of its best point
    factorisations: int


@dataclass(frozen=True)
class MCPResult:
    """The best point found, how good it is, and how it came about."""

    x: Vector  # (n,) within its bounds
    residual: float  # natural residual, recomputed at x
    status: Status
    reason: str  # a sentence with the evidence
    method: str  # that found x
    attempts: tuple[Attempt, ...]  # in the order tried
    trace: tuple[IterationRecord, ...]  # of the (last) interior point
    factorisations: int  # of all attempts
    seconds: float
    worst: tuple[tuple[str, float], ...]  # the rows with the largest natural residual, by name
    suspects: tuple[tuple[str, float], ...] = ()  # if infeasible: the rows with the largest multipliers

    @property
    def converged(self) -> bool:
        """Whether x is a solution to the tolerance asked for."""
        return self.status is Status.SOLVED

    def trace_table(self) -> str:
        """Return the interior point's trace as text, a line per iteration, in which a stall can be read.

        It stalls where products s · z spread far from their mean μ (the two middle columns), where the affine step is
        short while they do not (the direction is at fault), or where only a proximal weight τ gives any step.
        """
        head = (
            f"{'':>4} {'μ':>8} {'residual':>8} {'affine':>7} {'step':>7} {'max sz/μ':>9} {'min sz/μ':>9} {'τ':>6} LUs"
        )
        return "\n".join([head, *(_line(record) for record in self.trace)])


def _line(r: IterationRecord) -> str:
    return (
        f"{r.iteration:>4} {r.mu:8.1e} {r.residual:8.1e} {r.affine_step:7.4f} {r.step:7.4f} "
        f"{r.largest_product:9.2g} {r.smallest_product:9.2g} {r.proximal:6.0e} {r.factorisations:>3}"
    )
