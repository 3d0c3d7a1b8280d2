"""A convex quadratic program, its first-order conditions, and what is left where some variables are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from bestresponse.complementarity import ComplementarityProblem, Polyhedron
from bestresponse.complementarity.kkt import kkt_problem
from bestresponse.typing import SparseMatrix, Vector


@dataclass(frozen=True)
class Quadratic:
    """min ½ x'Px + c'x over a polyhedron, variables and rows scaled to sizes near one."""

    P: SparseMatrix
    c: Vector
    polyhedron: Polyhedron

    @property
    def rows(self) -> int:
        """The number of rows of its complementarity system: variables and multipliers."""
        return len(self.c) + len(self.polyhedron.b) + len(self.polyhedron.h)

    def conditions(self) -> ComplementarityProblem:
        """Return its first-order conditions."""
        return kkt_problem(lambda x: self.P @ x + self.c, lambda x: self.P, self.polyhedron)

    def without_known_variables(self) -> Quadratic:
        """Return the program without variables that are fixed, or alone in an equation, and the rows of those alone.

        One pass: an equation that then has one variable left stays.
        """
        K = self.polyhedron
        A, G = sparse.csr_array(K.A), sparse.csr_array(K.G)
        known = K.lower == K.upper
        value = np.where(known, K.lower, 0.0)
        is_single = np.diff(A.indptr) == 1
        entries = A.indptr[:-1][is_single]
        known[A.indices[entries]] = True
        value[A.indices[entries]] = K.b[is_single] / A.data[entries]
        left, rows = np.flatnonzero(~known), np.flatnonzero(~is_single)
        limits = np.flatnonzero(np.diff(G[:, left].indptr) > 0)
        P = sparse.csr_array(self.P)
        return Quadratic(
            P=P[left][:, left],
            c=(self.c + P @ value)[left],
            polyhedron=Polyhedron.of(
                A=A[rows][:, left],
                b=(K.b - A @ value)[rows],
                G=G[limits][:, left],
                h=(K.h - G @ value)[limits],
                lower=K.lower[left],
                upper=K.upper[left],
            ),
        )
