"""The complementarity conditions of a variational inequality over a polyhedron.

F(x) + A'y + G'z  ⊥  lower ≤ x ≤ upper
b − A x = 0            y free
h − G x ≥ 0         ⊥  z ≥ 0
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from bestresponse.complementarity.polyhedron import Polyhedron
from bestresponse.complementarity.problem import ComplementarityProblem, Jacobian, Names, SparseArray, compressed
from bestresponse.complementarity.sparsity import Cut, coordinates, cut, same_pattern
from bestresponse.typing import Vector


def kkt_problem(
    F: Callable[[Vector], ArrayLike],  # x → (n,)
    J: Callable[[Vector], ArrayLike | SparseArray],  # x → (n, n)
    polyhedron: Polyhedron,
    names: Names | None = None,  # of the variables; rows are called A[0], ..., G[0], ...
) -> ComplementarityProblem:
    """Return the conditions above as one problem in (x, y, z)."""
    n, n_eq, n_in = len(polyhedron.lower), len(polyhedron.b), len(polyhedron.h)
    skew = sparse.block_array(
        [
            [sparse.csr_array((n, n)), polyhedron.A.T, polyhedron.G.T],
            [-polyhedron.A, sparse.csr_array((n_eq, n_eq)), None],
            [-polyhedron.G, None, sparse.csr_array((n_in, n_in))],
        ],
        format="csr",
    )
    constant = np.concatenate([np.zeros(n), polyhedron.b, polyhedron.h])

    def function(w: Vector, smoothing: float) -> Vector:
        value = skew @ w + constant
        value[:n] += F(w[:n])
        return value

    whole = _Bordered(skew)

    def jacobian(w: Vector, smoothing: float) -> Jacobian:
        return whole(compressed(J(w[:n])))

    def name(i: int) -> str:
        if i >= n:
            return f"A[{i - n}]" if i < n + n_eq else f"G[{i - n - n_eq}]"
        return f"x[{i}]" if names is None else names(i) if callable(names) else names[i]

    return ComplementarityProblem(
        lower=np.concatenate([polyhedron.lower, np.full(n_eq, -np.inf), np.zeros(n_in)]),
        upper=np.concatenate([polyhedron.upper, np.full(n_eq + n_in, np.inf)]),
        function=function,
        jacobian=jacobian,
        names=name,
    )


class _Bordered:
    """Adds a matrix to the upper left corner of a larger, constant one; it plans anew only where a pattern changes."""

    def __init__(self, constant: sparse.csr_array) -> None:
        self._constant = constant
        self._last: Jacobian | None = None
        self._cut: Cut

    def __call__(self, corner: Jacobian) -> sparse.csc_array:
        if self._last is None or not same_pattern(self._last, corner):
            self._last = corner.copy()
            places = zip(coordinates(corner), coordinates(self._constant), strict=True)
            rows, columns = (np.concatenate(pair) for pair in places)
            everything = np.arange(self._constant.shape[0])
            self._cut = cut(rows, columns, everything, everything, len(everything))
        return self._cut.of(np.concatenate([corner.data, self._constant.data]))
