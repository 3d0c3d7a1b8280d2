"""Jacobians brought into one form cheaply: the same rows and columns, in compressed columns, call after call."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bestresponse.complementarity.problem import Jacobian
from bestresponse.typing import BoolVector, IntVector, Vector

Index: TypeAlias = NDArray[np.int32]  # what SciPy's sparse matrices want
Compressed = TypeVar("Compressed", sparse.csc_array, sparse.csr_array)


@dataclass(frozen=True)
class Cut:
    """A block of a sparse matrix: where its entries stand in the data of the whole, and its pattern."""

    take: IntVector  # positions in the data of the whole
    add_at: IntVector | None  # entry of the block that takes each of them, where several meet in one
    pattern: sparse.csc_array

    def of(self, data: Vector) -> sparse.csc_array:
        """Return the block for the data of the whole; its index arrays are shared with every other one."""
        values = data[self.take]
        if self.add_at is not None:
            values = np.bincount(self.add_at, weights=values, minlength=self.pattern.nnz).astype(np.float64, copy=False)
        return with_data(self.pattern, values)


def with_data(pattern: Compressed, data: Vector) -> Compressed:
    """Return a matrix of the same pattern, its index arrays shared: a copy without the checks of a new matrix."""
    matrix = copy(pattern)
    matrix.data = data
    return matrix


def cut(rows: IntVector, cols: IntVector, row_order: IntVector, col_order: IntVector, n: int) -> Cut:
    """Return the block with the given rows and columns, in that order, of an n × n matrix given by its entries.

    Entries at the same place are added.
    """
    row_place, col_place = _places(row_order, n), _places(col_order, n)
    take = np.flatnonzero((row_place[rows] >= 0) & (col_place[cols] >= 0))
    r, c = row_place[rows[take]], col_place[cols[take]]
    place = c.astype(np.int64) * len(row_order) + r
    order = np.argsort(place, kind="stable")  # hardly any work where the entries are in order
    take, r, c = take[order], r[order], c[order]
    is_new = np.ones(len(take), dtype=bool)
    is_new[1:] = (np.diff(r) != 0) | (np.diff(c) != 0)
    pattern = sparse.csc_array(
        (np.ones(int(is_new.sum())), r[is_new], _starts(c[is_new], len(col_order))),
        shape=(len(row_order), len(col_order)),
    )
    return Cut(take, None if is_new.all() else np.cumsum(is_new) - 1, pattern)


def blocks(J: sparse.csc_array, cols: IntVector, groups: Sequence[IntVector]) -> list[sparse.csc_matrix]:
    """Return `J[group][:, cols]` for each group of rows; groups, columns and J's entries are in increasing order."""
    row, col = coordinates(J)
    n = J.shape[0]
    col_place = _places(cols, n)[col]
    found = []
    for group in groups:
        row_place = _places(group, n)[row]
        take = np.flatnonzero((row_place >= 0) & (col_place >= 0))
        starts = _starts(col_place[take], len(cols))
        found.append(sparse.csc_matrix((J.data[take], row_place[take], starts), shape=(len(group), len(cols))))
    return found


def _starts(cols: Index, n: int) -> Index:
    """Return where each of n columns starts among entries in the order of their columns, (n + 1,)."""
    return np.append(0, np.cumsum(np.bincount(cols, minlength=n))).astype(np.int32)


def _places(order: IntVector, n: int) -> Index:
    place = np.full(n, -1, dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return place


def coordinates(J: Jacobian) -> tuple[IntVector, IntVector]:
    """Return row and column of every stored entry of J, in the order of J.data."""
    line = np.repeat(np.arange(len(J.indptr) - 1), np.diff(J.indptr))
    inner = J.indices.astype(np.int64)
    return (line, inner) if J.format == "csr" else (inner, line)


def same_pattern(one: Jacobian, other: Jacobian) -> bool:
    """Return whether two matrices store the same entries in the same order."""
    return (
        one.format == other.format
        and np.array_equal(one.indptr, other.indptr)
        and np.array_equal(one.indices, other.indices)
    )


class ColumnForm:
    """Cuts the kept rows and columns out of a Jacobian and hands them back in compressed columns.

    Where the entries went is remembered, so that a Jacobian with the pattern of the last one costs one gather.
    """

    def __init__(self, keep: BoolVector) -> None:
        self._keep = np.flatnonzero(keep)
        self._everything = bool(keep.all())
        self._last: Jacobian | None = None
        self._cut: Cut

    def __call__(self, J: Jacobian) -> sparse.csc_array:
        """Return `J[keep][:, keep]` as a csc_array with sorted, unique entries; its index arrays are shared."""
        if self._everything and J.format == "csc" and J.has_canonical_format:
            return J
        if self._last is None or not same_pattern(self._last, J):
            self._last = J.copy()
            self._cut = cut(*coordinates(J), self._keep, self._keep, J.shape[0])
        return self._cut.of(J.data)
