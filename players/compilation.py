"""From CVXPY expressions to a canonical quadratic program, once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import cvxpy as cp
import numpy as np
from scipy import sparse

from bestresponse.errors import FormulationError
from bestresponse.typing import IntVector, Vector
from players.canonical import CanonicalProgram

DEFAULT_SCALE = 100.0


def compile_program(
    player: str,
    n_goods: int,
    cost: cp.Expression,
    trade: cp.Expression,
    constraints: Mapping[str, cp.Constraint],
    scale: Mapping[str, float],
) -> CanonicalProgram:
    """Return the canonical program of `cost`, `constraints` and `trade`.

    CVXPY compiles the problem together with an extra variable that equals the trades. The rows of that equation
    are the map from decisions to trades; rows and variable are then taken out again.
    """
    _check(player, n_goods, cost, trade, constraints)
    traded = cp.Variable(n_goods, name="trade of the market")
    link = traded == trade
    problem = cp.Problem(cp.Minimize(cost), [*constraints.values(), link])
    try:
        data, _, inverse = problem.get_problem_data(cp.PIQP)
    except cp.error.SolverError as error:
        raise FormulationError(f"{player}: the problem is no quadratic program ({error})") from error
    compiled = data["param_prob"]
    first = compiled.var_id_to_col[traded.id]
    helper = np.arange(first, first + n_goods)
    kept = np.setdiff1d(np.arange(data["n_var"]), helper)
    variables = _variable_slices(player, problem, compiled.var_id_to_col, data["n_var"], traded)
    equations, inequalities, link_rows = _rows(compiled.constraints, link)
    A, b = sparse.csr_array(data["A"]), np.asarray(data["b"], dtype=float)
    link_matrix, sign = A[link_rows], A[link_rows][:, helper].diagonal()
    rows = np.setdiff1d(np.arange(len(b)), link_rows)
    P = sparse.csr_array(data["P"])[kept][:, kept]
    P.eliminate_zeros()
    return CanonicalProgram(
        variables=variables,
        equalities=_named(equations, constraints),
        inequalities=_named(inequalities, constraints),
        P=P,
        q=np.asarray(data["q"], dtype=float)[kept],
        constant=float(inverse[-1].inverse_data["offset"]),
        A=A[rows][:, kept],
        b=b[rows],
        G=sparse.csr_array(data["F"])[:, kept],
        h=np.asarray(data["G"], dtype=float),
        lower=_bound(data["lower_bounds"], -np.inf, kept),
        upper=_bound(data["upper_bounds"], np.inf, kept),
        trade=sparse.csr_array(sparse.diags_array(-1.0 / sign) @ link_matrix[:, kept]),
        trade_offset=b[link_rows] / sign,
        scale=_sizes(variables, scale),
    )


def _check(
    player: str,
    n_goods: int,
    cost: cp.Expression,
    trade: cp.Expression,
    constraints: Mapping[str, cp.Constraint],
) -> None:
    if not (isinstance(cost, cp.Expression) and cost.is_scalar() and isinstance(trade, cp.Expression)):
        raise FormulationError(
            f"{player}: the cost must be a scalar CVXPY expression and the trade a CVXPY expression; wrap a plain "
            "number in cp.Constant"
        )
    problem = cp.Problem(cp.Minimize(cost), list(constraints.values()))
    if parameters := problem.parameters() + trade.parameters():
        raise FormulationError(
            f"{player}: parameter {parameters[0].name()!r} would be frozen at its first value, as the problem is "
            "compiled once; use a constant, or a new player for a new value"
        )
    if not problem.is_dcp():
        raise FormulationError(f"{player}: the cost must be convex and the constraints convex (CVXPY's DCP rules)")
    if not trade.is_affine() or trade.shape != (n_goods,):
        raise FormulationError(
            f"{player}: the trade must be an affine expression of shape ({n_goods},), one entry per good, but has "
            f"shape {trade.shape}"
        )
    variables = problem.variables() + trade.variables()
    if any(variable.attributes["integer"] or variable.attributes["boolean"] for variable in variables):
        raise FormulationError(f"{player}: integer variables make the best response set non-convex")
    if not sum(variable.size for variable in variables):
        raise FormulationError(f"{player}: there is nothing to decide; state at least one cp.Variable")


def _variable_slices(
    player: str, problem: cp.Problem, first_column: Mapping[int, int], n_columns: int, helper: cp.Variable
) -> dict[str, slice]:
    """Where every variable stands once the helper's columns are gone; CVXPY's own extra variables included."""
    owners = {variable.id: variable.name() for variable in problem.variables()}
    if len(set(owners.values())) < len(owners):
        raise FormulationError(f"{player}: two variables share one name; every cp.Variable needs its own name=")
    order = sorted(first_column, key=lambda key: first_column[key])
    edges = [first_column[key] for key in order] + [n_columns]
    lengths = {key: end - start for key, start, end in zip(order, edges, edges[1:], strict=False) if key != helper.id}
    unusual = [variable.name() for variable in problem.variables() if lengths.get(variable.id, 0) != variable.size]
    if unusual := [name for name in unusual if name != helper.name()]:
        raise FormulationError(f"{player}: variable {unusual[0]!r} has an attribute that the compiled form cannot hold")
    empty = {variable.name(): 0 for variable in problem.variables() if variable.id not in first_column}
    names = _unless_known(owners, lengths)
    return _consecutive({names[key]: length for key, length in lengths.items()} | empty)


def _rows(
    compiled: Sequence[cp.Constraint], link: cp.Constraint
) -> tuple[list[cp.Constraint], list[cp.Constraint], IntVector]:
    """The compiled equations and inequalities in row order, and which rows of A define the trades."""
    equations = [c for c in compiled if isinstance(c, cp.constraints.Zero)]
    before = sum(c.size for c in equations[: [c.id for c in equations].index(link.id)])
    inequalities = [c for c in compiled if not isinstance(c, cp.constraints.Zero)]
    return [c for c in equations if c.id != link.id], inequalities, np.arange(before, before + link.size)


def _named(compiled: Sequence[cp.Constraint], constraints: Mapping[str, cp.Constraint]) -> dict[str, slice]:
    names = _unless_known({constraint.id: name for name, constraint in constraints.items()}, [c.id for c in compiled])
    return _consecutive({names[c.id]: c.size for c in compiled})


def _unless_known(names: Mapping[int, str], keys: Iterable[int]) -> dict[int, str]:
    """Names by CVXPY's ids, which count through a process; what the player has not named is numbered in order."""
    unknown = [key for key in keys if key not in names]
    return {**names, **{key: f"auxiliary {number}" for number, key in enumerate(unknown, start=1)}}


def _consecutive(lengths: Mapping[str, int]) -> dict[str, slice]:
    ends = np.cumsum([0, *lengths.values()])
    return {name: slice(int(a), int(b)) for name, a, b in zip(lengths, ends, ends[1:], strict=False)}


def _bound(given: Vector | None, default: float, kept: IntVector) -> Vector:
    return np.full(len(kept), default) if given is None else np.asarray(given, dtype=float)[kept]


def _sizes(variables: Mapping[str, slice], scale: Mapping[str, float]) -> Vector:
    return np.concatenate([np.full(w.stop - w.start, scale.get(name, DEFAULT_SCALE)) for name, w in variables.items()])
