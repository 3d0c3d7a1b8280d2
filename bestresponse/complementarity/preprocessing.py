"""Before solving: fixed variables leave the problem, and the Jacobian is brought into compressed columns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from bestresponse.complementarity.problem import ComplementarityProblem
from bestresponse.complementarity.sparsity import ColumnForm
from bestresponse.typing import BoolVector, Vector


@dataclass(frozen=True)
class Reduced:
    """A problem without its fixed variables, and the way back."""

    problem: ComplementarityProblem
    keep: BoolVector  # (n,) variables of the full problem that are left
    fixed: Vector  # (n,) the values of the others

    def shorten(self, x: Vector) -> Vector:
        """Return the variables that are left of a point of the full problem."""
        return x[self.keep]

    def lengthen(self, x: Vector) -> Vector:
        """Return the point of the full problem, each fixed variable at its value."""
        full = self.fixed.copy()
        full[self.keep] = x
        return full


def reduce(problem: ComplementarityProblem) -> Reduced:
    """Return the problem without variables whose bounds are equal; their rows of F may have any value."""
    keep = problem.lower < problem.upper
    columns = ColumnForm(keep)
    if keep.all():
        as_columns = replace(problem, jacobian=lambda x, smoothing: columns(problem.jacobian(x, smoothing)))
        return Reduced(as_columns, keep, problem.lower)
    fixed = np.where(keep, 0.0, problem.lower)
    position = np.flatnonzero(keep)

    def whole(x: Vector) -> Vector:
        full = fixed.copy()
        full[keep] = x
        return full

    def function(x: Vector, smoothing: float) -> Vector:
        return np.asarray(problem.function(whole(x), smoothing))[keep]

    def jacobian(x: Vector, smoothing: float) -> sparse.csc_array:
        return columns(problem.jacobian(whole(x), smoothing))

    smaller = ComplementarityProblem(
        lower=problem.lower[keep],
        upper=problem.upper[keep],
        function=function,
        jacobian=jacobian,
        names=lambda i: problem.name_of(int(position[i])),
        separable=problem.eliminated[keep],
    )
    return Reduced(smaller, keep, fixed)
