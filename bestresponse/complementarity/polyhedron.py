"""Polyhedra A x = b, G x ≤ h, lower ≤ x ≤ upper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from bestresponse.complementarity.problem import SparseArray, compressed
from bestresponse.errors import DataError
from bestresponse.typing import SparseMatrix, Vector


@dataclass(frozen=True)
class Polyhedron:
    """All x with A x = b, G x ≤ h, lower ≤ x ≤ upper. Make one with `Polyhedron.of`, which checks the parts."""

    A: SparseMatrix  # (n_equalities, n)
    b: Vector
    G: SparseMatrix  # (n_inequalities, n)
    h: Vector
    lower: Vector  # (n,) −inf where there is none
    upper: Vector  # (n,) +inf where there is none

    @classmethod
    def of(
        cls,
        A: ArrayLike | SparseArray | None = None,
        b: ArrayLike | None = None,
        G: ArrayLike | SparseArray | None = None,
        h: ArrayLike | None = None,
        lower: ArrayLike | None = None,
        upper: ArrayLike | None = None,
    ) -> Polyhedron:
        """Return the polyhedron of the parts that are given; the number of variables follows from any of them.

        Raises DataError, naming the part, where shapes do not fit or an entry is no number.
        """
        n = _size(A, G, lower, upper)
        return cls(
            *_rows("A", A, "b", b, n),
            *_rows("G", G, "h", h, n),
            _bound("lower", lower, -np.inf, n),
            _bound("upper", upper, np.inf, n),
        )

    @property
    def size(self) -> int:
        """The number of variables."""
        return len(self.lower)

    def violation(self, x: Vector) -> float:
        """Return the largest violation of any row or bound at x, NaN if there is one."""
        parts = [np.abs(self.A @ x - self.b), self.G @ x - self.h, self.lower - x, x - self.upper]
        return float(np.max(np.concatenate(parts), initial=0.0))


def _size(*parts: ArrayLike | SparseArray | None) -> int:
    for part in parts:
        shape = () if part is None else np.shape(part)  # type: ignore[arg-type]
        if shape:
            return int(shape[-1])
    raise DataError("a polyhedron needs rows A or G, or a vector of bounds: the number of variables follows from it")


def _rows(
    name: str, matrix: ArrayLike | SparseArray | None, side: str, values: ArrayLike | None, n: int
) -> tuple[SparseMatrix, Vector]:
    if (matrix is None) != (values is None):
        raise DataError(f"{name} and {side} come together, but only {side if matrix is None else name} was given")
    if matrix is None:
        return sparse.csr_array((0, n)), np.zeros(0)
    rows = sparse.csr_array(compressed(matrix, name))
    right = np.atleast_1d(np.asarray(values, dtype=float))
    if rows.shape != (len(right), n) or right.ndim != 1:
        raise DataError(
            f"{name} must have {n} columns and a row for every entry of {side}: shapes {rows.shape}, {right.shape}"
        )
    for what, entries in ((name, rows.data), (side, right)):
        if not np.isfinite(entries).all():
            raise DataError(f"{what} has an entry that is not finite: {entries[~np.isfinite(entries)][0]}")
    return rows, right


def _bound(name: str, values: ArrayLike | None, default: float, n: int) -> Vector:
    if values is None:
        return np.full(n, default)
    bound = np.asarray(values, dtype=float)
    if bound.shape != (n,):
        raise DataError(f"{name} must have shape ({n},), not {bound.shape}")
    return bound
