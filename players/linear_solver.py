"""Exact answers of a linear program that is asked again and again with another cost vector: a persistent HiGHS."""

from __future__ import annotations

import logging

import highspy
import numpy as np
from scipy import sparse

from bestresponse.errors import SolverError
from bestresponse.market import MONEY_SCALE
from bestresponse.typing import IntVector, Vector
from players.canonical import CanonicalProgram
from players.quadratic_solver import Solution

logger = logging.getLogger(__name__)

DECIDED = (
    highspy.HighsModelStatus.kOptimal,
    highspy.HighsModelStatus.kInfeasible,
    highspy.HighsModelStatus.kUnbounded,
    highspy.HighsModelStatus.kUnboundedOrInfeasible,
)
BASIS_STATUS = {int(status): status for status in highspy.HighsBasisStatus.__members__.values()}


class LinearSolver:
    """Solves min c'x over one program's set by the simplex method, started from the last basis.

    Of several optimal vertices it answers with the one that its path from the basis leads to: `basis` is all that an
    answer depends on besides c.

    Near an equilibrium prices nearly cancel, and costs of 1e-6 beside 1e-2 can make HiGHS 1.15 take the return to an
    earlier basis for a cycle, forbid the pivot and end, honestly, as "Unknown" (once in some 3000 answers of a charging
    operator [measured]; scaling the costs does not help). It is then asked again, from scratch with its presolve, and
    at last by its interior point with crossover; both leave a basis. Every such second try is logged.
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
        self._highs.setOptionValue("simplex_scale_strategy", 0)  # it would keep one that the first costs led to
        self._highs.setOptionValue("primal_feasibility_tolerance", 1e-9)
        self._highs.setOptionValue("dual_feasibility_tolerance", 1e-9)
        self._highs.passModel(model)
        self._columns = np.arange(program.n, dtype=np.int32)
        self.basis: IntVector | None = None  # (n + m,) HiGHS's status of every column and row

    def solve(self, c: Vector) -> Solution:
        """Return an optimal vertex for the cost c [$/h per unit]. Raises SolverError if there is none."""
        self._highs.changeColsCost(self._program.n, self._columns, self._program.scale * c / MONEY_SCALE)
        status = self._run_until_decided()
        if status != highspy.HighsModelStatus.kOptimal:
            raise SolverError(f"HiGHS ended with {self._word(status)} instead of an optimum")
        basis, solution = self._highs.getBasis(), self._highs.getSolution()
        self.basis = np.array([status.value for status in (*basis.col_status, *basis.row_status)])
        duals = -MONEY_SCALE * np.array(solution.row_dual) / self._program.scaled.row_size
        n_equalities = len(self._program.b)
        return Solution(self._program.scale * np.array(solution.col_value), duals[:n_equalities], duals[n_equalities:])

    def _run_until_decided(self) -> highspy.HighsModelStatus:
        status = self._run(self.basis)
        for way, solver in (("from scratch", "choose"), ("by its interior point", "ipm")):
            if status in DECIDED:
                break
            logger.warning("HiGHS ended with %s; the program is solved again %s", self._word(status), way)
            status = self._run(None, solver)
        return status

    def _run(self, basis: IntVector | None, solver: str = "choose") -> highspy.HighsModelStatus:
        self._highs.clearSolver()
        self._highs.setOptionValue("solver", solver)
        if basis is not None:
            self._highs.setBasis(self._as_highs_has_it(basis))
        self._highs.run()
        return self._highs.getModelStatus()

    def _as_highs_has_it(self, basis: IntVector) -> highspy.HighsBasis:
        statuses = [BASIS_STATUS[status] for status in basis.tolist()]
        made = highspy.HighsBasis()
        made.col_status, made.row_status = statuses[: self._program.n], statuses[self._program.n :]
        return made

    def _word(self, status: highspy.HighsModelStatus) -> str:
        return repr(self._highs.modelStatusToString(status))
