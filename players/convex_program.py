"""A CVXPY problem as a player: state it once, answer every signal in a fraction of a millisecond.

Subclass `ConvexProgram` and write `formulate`: variables, cost, constraints and the trades, as CVXPY
expressions. The problem is compiled once into a quadratic program; a signal only changes its linear term. With
`solver="cvxpy"` every signal is solved by CVXPY itself instead: the readable reference the fast path is tested
against.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import cvxpy as cp
import numpy as np

from bestresponse.errors import DataError, FormulationError, SolverError
from bestresponse.player import ANCHORED, PLAIN, Anchor, Block, Response, Signal
from bestresponse.typing import IntVector, SparseMatrix, Vector
from players.canonical import CanonicalProgram
from players.compilation import compile_program
from players.cone_solver import ConeSolver
from players.linear_solver import LinearSolver
from players.quadratic_solver import Counters, Hint, QuadraticSolver, Solution


@dataclass(frozen=True)
class Formulation:
    """A player's problem in CVXPY: minimise `cost` over `constraints`; `trade` is what the market sees."""

    cost: cp.Expression  # scalar [$/h], convex and at most quadratic, WITHOUT the payment price · trade
    trade: cp.Expression  # (n_goods,) affine, > 0 takes from the market
    constraints: Mapping[str, cp.Constraint]  # by name; duals are reported under these names
    scale: Mapping[str, float] = field(default_factory=dict)  # typical size of a variable, by name; default 100
    labels: Mapping[str, Sequence[object]] = field(default_factory=dict)  # words for the entries of a variable or row


class ConvexProgram:
    """A player whose best response is a convex quadratic program, stated in CVXPY by `formulate`.

    Raises FormulationError, when first asked, if the problem is not a convex quadratic program, has a CVXPY
    parameter (a parameter would be frozen at its first value), or trades something else than `goods`.
    """

    def __init__(self, name: str, goods: Sequence[str], solver: Literal["persistent", "cvxpy"] = "persistent") -> None:
        if solver not in ("persistent", "cvxpy"):
            raise FormulationError(f"{name}: solver {solver!r} is not known; allowed are 'persistent' and 'cvxpy'")
        self.name = name
        self.goods = tuple(goods)
        self.solver = solver
        self.counters = Counters()  # of answers with an anchor, which a coordinator asks for all the time
        self.plain_counters = Counters()  # of answers without: a linear direction takes them to another corner
        self._quadratic: dict[bytes, QuadraticSolver | ConeSolver] = {}  # by the anchor's weight
        self._hints: dict[str, Hint] = {}  # of the last answers, ANCHORED and PLAIN
        self._basis: IntVector | None = None

    def formulate(self) -> Formulation:
        """Return the player's problem. Called once."""
        raise FormulationError(f"{self.name}: a ConvexProgram needs a method `formulate`")

    def prepare(self) -> None:
        """Compile the problem now rather than when first asked. Raises FormulationError as said above."""
        _ = self.program

    def best_response(self, signal: Signal) -> Response:
        """Return the plan with the smallest outlay at the signal.

        Raises SolverError, naming the player, if the problem is infeasible or unbounded at these prices, or a price
        is not finite; DataError if the signal is not as long as `goods`.
        """
        self._check(signal)
        anchor = signal.anchor if signal.kind == ANCHORED else None
        weight = None if anchor is None else anchor.weight
        try:
            if self.solver == "cvxpy":
                return self._reference.answer(signal)
            solution = self._solve(self._linear_term(signal), weight)
        except SolverError as error:
            raise SolverError(f"{self.name}: {error}") from error
        return self._response(solution, signal, weight)

    def sensitivity(self, signal: Signal) -> Vector:
        """Return (n_goods, n_goods) ∂trade/∂price at the signal while the active set is what it is, anchor included.

        With `solver="cvxpy"`, too, it is that of the compiled program, which has the same solution. Raises as
        `best_response`, and FormulationError without an anchor: corners do not move.
        """
        self._check(signal)
        if signal.anchor is None:
            raise FormulationError(f"{self.name}: only answers with an anchor have a sensitivity")
        try:
            return self._with_hint(signal.anchor.weight).sensitivity(self._linear_term(signal))
        except SolverError as error:
            raise SolverError(f"{self.name}: {error}") from error

    def memory(self) -> dict[str, Any]:
        """Return the last active sets and the last basis: what an answer depends on besides the signal."""
        memory: dict[str, Any] = {
            kind: {"side": hint.side.astype(float), "w": hint.w} for kind, hint in self._hints.items()
        }
        return memory if self._basis is None else memory | {"basis": self._basis.astype(float)}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Go on from what `memory` returned."""
        kinds = [kind for kind in (ANCHORED, PLAIN) if kind in memory]
        self._hints = {kind: Hint(memory[kind]["side"].astype(np.int64), memory[kind]["w"]) for kind in kinds}
        self._basis = memory["basis"].astype(np.int64) if "basis" in memory else None

    def __getstate__(self) -> dict[str, Any]:
        """Leave behind what a copy makes again when it needs it: the solvers, and the problem as CVXPY has it."""
        made_again = ("formulation", "_linear", "_reference")
        return {k: v for k, v in vars(self).items() if k not in made_again} | {"_quadratic": {}}

    def violation(self, plan: Mapping[str, Vector]) -> float:
        """Return the largest violation of any row or bound by the plan, relative to the row's scale."""
        if all(name in plan for name in self.program.variables):
            return self.program.violation(self.program.stack(plan))
        return self._reference.violation(plan)

    def block(self) -> Block:
        """Return the same compiled problem for the monolith."""
        program = self.program
        names = {*program.variables, *program.equalities, *program.inequalities}
        return Block(
            variables=_lengths(program.variables),
            equalities=_lengths(program.equalities),
            inequalities=_lengths(program.inequalities),
            lower=program.lower,
            upper=program.upper,
            A=program.A,
            b=program.b,
            G=program.G,
            h=program.h,
            trade=program.trade,
            trade_offset=program.trade_offset,
            cost=program.cost,
            gradient=lambda x, smoothing: program.P @ x + program.q,
            jacobian=lambda x, smoothing: program.P,
            scale=program.scale,
            separable=np.zeros(program.n, dtype=bool),
            labels={k: tuple(str(w) for w in words) for k, words in self.formulation.labels.items() if k in names},
        )

    @cached_property
    def formulation(self) -> Formulation:
        """The problem as it was stated."""
        return self.formulate()

    @cached_property
    def program(self) -> CanonicalProgram:
        """The compiled problem."""
        stated = self.formulation
        return compile_program(self.name, len(self.goods), stated.cost, stated.trade, stated.constraints, stated.scale)

    @cached_property
    def _linear(self) -> LinearSolver:
        return LinearSolver(self.program)

    @cached_property
    def _reference(self) -> _ReferencePath:
        return _ReferencePath(self.formulation, self.program)

    def _check(self, signal: Signal) -> None:
        anchor = signal.anchor
        for vector in (signal.price,) if anchor is None else (signal.price, anchor.weight, anchor.target):
            if np.shape(vector) != (len(self.goods),):
                raise DataError(f"{self.name}: a signal of shape {np.shape(vector)} came for {len(self.goods)} goods")
            if not (finite := np.isfinite(vector)).all():
                raise SolverError(f"{self.name}: the signal of {self.goods[np.argmin(finite)]} is not finite")

    def _linear_term(self, signal: Signal) -> Vector:
        price = signal.price
        if signal.anchor is not None:
            price = price + signal.anchor.price(self.program.trade_offset)
        return self.program.q + self.program.price_to_cost @ price

    def _solve(self, c: Vector, weight: Vector | None) -> Solution:
        if weight is None and self._is_linear:
            self._linear.basis = self._basis
            solution = self._linear.solve(c)
            self._basis = self._linear.basis
            return solution
        solver = self._with_hint(weight)
        solution = solver.solve(c)
        if solver.hint is not None:
            self._hints[PLAIN if weight is None else ANCHORED] = solver.hint
        return solution

    def _with_hint(self, weight: Vector | None) -> QuadraticSolver | ConeSolver:
        """The solver for an anchor's weight, with the active set of the last answer."""
        key = b"" if weight is None else weight.tobytes()
        if key not in self._quadratic:
            # A change of the anchor's weight is rare: keep the present one and the one without an anchor.
            self._quadratic = {k: v for k, v in self._quadratic.items() if k == b"" or key == b""}
            counters = self.plain_counters if weight is None else self.counters
            self._quadratic[key] = self._solver(self.program.curvature(weight), counters)
        solver = self._quadratic[key]
        solver.hint = self._hints.get(PLAIN if weight is None else ANCHORED)
        return solver

    @property
    def _is_linear(self) -> bool:
        """Whether a linear program gives the answers without an anchor."""
        return self.program.is_linear

    def _solver(self, H: SparseMatrix, counters: Counters) -> QuadraticSolver | ConeSolver:
        return QuadraticSolver(self.program, H, counters)

    def _response(self, solution: Solution, signal: Signal, weight: Vector | None) -> Response:
        program = self.program
        x = solution.x
        duals = {name: solution.y[where] for name, where in program.equalities.items()}
        duals |= {name: solution.z[where] for name, where in program.inequalities.items()}
        return Response(
            trade=program.trade @ x + program.trade_offset,
            cost=program.cost(x),
            plan=program.split(x),
            duals=duals,
            bound=self._bound(solution, signal) if weight is None else None,
        )

    def _slope(self, solution: Solution) -> Vector:
        """(n,) the slope of what is no row or bound of the program, times its multipliers; it has to be homogeneous."""
        return np.zeros_like(solution.x)

    def _bound(self, solution: Solution, signal: Signal) -> float:
        program = self.program
        c = self._linear_term(signal) + self._slope(solution)
        best = program.lower_bound(solution.x, solution.y, solution.z, program.P, c)
        return best + program.constant + float(signal.price @ program.trade_offset)


class _ReferencePath:
    """The same problem, solved afresh by CVXPY at every signal."""

    def __init__(self, formulation: Formulation, program: CanonicalProgram) -> None:
        n_goods = formulation.trade.size
        self._formulation = formulation
        self._program = program
        self._price = cp.Parameter(n_goods)
        self._root_weight = cp.Parameter(n_goods, nonneg=True)
        self._scaled_target = cp.Parameter(n_goods)
        pull = cp.multiply(self._root_weight, formulation.trade) - self._scaled_target
        outlay = formulation.cost + self._price @ formulation.trade + 0.5 * cp.sum_squares(pull)
        self._problem = cp.Problem(cp.Minimize(outlay), list(formulation.constraints.values()))

    def answer(self, signal: Signal) -> Response:
        """Return the best response at the signal."""
        anchor = signal.anchor or Anchor(np.zeros_like(signal.price), np.zeros_like(signal.price))
        self._price.value = signal.price
        self._root_weight.value = np.sqrt(anchor.weight)
        self._scaled_target.value = np.sqrt(anchor.weight) * anchor.target
        try:
            self._problem.solve(solver=cp.CLARABEL)
        except cp.error.SolverError as error:
            raise SolverError(f"CVXPY with Clarabel gave up: {error}") from error
        if self._problem.status != cp.OPTIMAL:
            raise SolverError(f"CVXPY with Clarabel ended with status {self._problem.status!r}")
        return Response(
            trade=np.asarray(self._formulation.trade.value, dtype=float),
            cost=float(self._formulation.cost.value),
            plan={v.name(): np.atleast_1d(v.value).ravel(order="F") for v in self._problem.variables()},
            duals={
                name: np.atleast_1d(constraint.dual_value).ravel(order="F")
                for name, constraint in self._formulation.constraints.items()
            },
        )

    def violation(self, plan: Mapping[str, Vector]) -> float:
        """Return what `CanonicalProgram.violation` does for plans without the variables that CVXPY adds by itself."""
        program, parts = self._program, [np.zeros(1)]
        for variable in self._problem.variables():
            where, value = program.variables[variable.name()], plan[variable.name()]
            variable.save_value(np.reshape(value, variable.shape, order="F"))
            outside = np.maximum(program.lower[where] - value, value - program.upper[where])
            parts.append(outside / program.scale[where])
        equality_scale, inequality_scale = program.row_scale
        for name, constraint in self._formulation.constraints.items():
            if name in program.equalities:
                scale = equality_scale[program.equalities[name]]
            else:
                scale = inequality_scale[program.inequalities[name]]
            parts.append(np.ravel(constraint.violation(), order="F") / scale)
        return float(np.max(np.concatenate(parts)))


def _lengths(slices: Mapping[str, slice]) -> dict[str, int]:
    return {name: where.stop - where.start for name, where in slices.items()}
