"""Jacobians brought into one form cheaply: the same rows and columns, in compressed columns, call after call."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from bestresponse.complementarity.problem import Jacobian
from bestresponse.typing import BoolVector, IntVector, Vector


def coordinates(J: Jacobian) -> tuple[IntVector, IntVector]:
    """Return row and column of every stored entry of J, in the order of J.data."""
    line = np.repeat(np.arange(len(J.indptr) - 1), np.diff(J.indptr))
    inner = J.indices.astype(np.int64)
    return (line, inner) if J.format == "csr" else (inner, line)


class ColumnForm:
    """Cuts the kept rows and columns out of a Jacobian and hands them back in compressed columns.

    Where the entries went is remembered, so that a Jacobian with the pattern of the last one costs one gather.
    """

    def __init__(self, keep: BoolVector) -> None:
        self._keep = keep
        self._indices = self._indptr = np.zeros(0, dtype=np.int32)  # pattern of the last Jacobian seen
        self._format = ""
        self._take = np.zeros(0, dtype=np.int64)  # entries of J.data that stay, in the new order
        self._result = sparse.csc_array((int(keep.sum()), int(keep.sum())))

    def __call__(self, J: Jacobian) -> sparse.csc_array:
        """Return J[keep][:, keep] as a csc_array with sorted, unique entries; its index arrays are shared."""
        if not J.has_canonical_format:
            J = J.copy()
            J.sum_duplicates()
        if not self._is_known(J):
            self._learn(J)
        indices, indptr = self._result.indices, self._result.indptr
        return sparse.csc_array((J.data[self._take], indices, indptr), shape=self._result.shape)

    def _is_known(self, J: Jacobian) -> bool:
        return (
            J.format == self._format
            and np.array_equal(J.indptr, self._indptr)
            and np.array_equal(J.indices, self._indices)
        )

    def _learn(self, J: Jacobian) -> None:
        self._format, self._indices, self._indptr = J.format, J.indices.copy(), J.indptr.copy()
        rows, cols = coordinates(J)
        stays = np.flatnonzero(self._keep[rows] & self._keep[cols])
        place = np.cumsum(self._keep) - 1
        rows, cols = place[rows[stays]], place[cols[stays]]
        order = np.lexsort((rows, cols))
        self._take = stays[order]
        indptr, n = column_starts(cols, len(self._result.indptr) - 1), self._result.shape[0]
        self._result = sparse.csc_array((np.ones(len(order)), rows[order].astype(np.int32), indptr), shape=(n, n))


def column_starts(cols: IntVector, n: int) -> IntVector:
    """Return the (n + 1,) index pointer of a matrix whose entries stand in the columns `cols`."""
    return np.concatenate([[0], np.cumsum(np.bincount(cols, minlength=n))]).astype(np.int32)


def scatter(position: IntVector, value: Vector, n: int) -> Vector:
    """Return (n,) the sum of the values that go to every position."""
    return np.bincount(position, weights=value, minlength=n).astype(np.float64, copy=False)
