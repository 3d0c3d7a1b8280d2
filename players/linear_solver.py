"""Exact answers of a linear program that is asked again and again with another cost vector: a persistent HiGHS."""

from __future__ import annotations

import highspy
import numpy as np
from scipy import sparse

from bestresponse.errors import SolverError
from bestresponse.market import MONEY_SCALE
from bestresponse.typing import IntVector, Vector
from players.canonical import CanonicalProgram
from players.quadratic_solver import Solution


class LinearSolver:
    """Solves min c'x over one program's set by the simplex method, started from the last basis.

    Of several optimal vertices it answers with the one that its path from the basis leads to: `basis` is all that an
    answer depends on besides c.
    """

    def __init__(self, program: CanonicalProgram) -> None:
        self._program = program
        set_ = program.scaled
        matrix = sparse.csc_array(set_.rows)
        unbounded = np.full(len(program.h), -np.inf)
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = program.n, len(set_.right)
        model.col_cost_ = np.zeros(program.n)
        model.col_lower_, model.col_upper_ = set_.lower, set_.upper
        model.row_lower_ = np.concatenate([set_.right[: set_.n_equalities], unbounded])
        model.row_upper_ = set_.right
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_, model.a_matrix_.index_ = matrix.indptr, matrix.indices
        model.a_matrix_.value_ = matrix.data
        self._highs = highspy.Highs()
        self._highs.setOptionValue("output_flag", False)
        self._highs.setOptionValue("primal_feasibility_tolerance", 1e-9)
        self._highs.setOptionValue("dual_feasibility_tolerance", 1e-9)
        self._highs.passModel(model)
        self._columns = np.arange(program.n, dtype=np.int32)
        self.basis: IntVector | None = None  # (n + m,) HiGHS's status of every column and row

    def solve(self, c: Vector) -> Solution:
        """Return an optimal vertex for the cost c [$/h per unit]. Raises SolverError if there is none."""
        self._highs.changeColsCost(self._program.n, self._columns, self._program.scale * c / MONEY_SCALE)
        self._set_basis()
        self._highs.run()
        status = self._highs.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            raise SolverError(f"HiGHS ended with {self._highs.modelStatusToString(status)!r} instead of an optimum")
        basis, solution = self._highs.getBasis(), self._highs.getSolution()
        self.basis = np.array([int(status) for status in (*basis.col_status, *basis.row_status)])
        duals = -MONEY_SCALE * np.array(solution.row_dual) / self._program.scaled.row_size
        n_equalities = len(self._program.b)
        return Solution(self._program.scale * np.array(solution.col_value), duals[:n_equalities], duals[n_equalities:])

    def _set_basis(self) -> None:
        self._highs.clearSolver()
        if self.basis is None:
            return
        statuses = [highspy.HighsBasisStatus(int(status)) for status in self.basis]
        basis = highspy.HighsBasis()
        basis.col_status, basis.row_status = statuses[: self._program.n], statuses[self._program.n :]
        self._highs.setBasis(basis)
