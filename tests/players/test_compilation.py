"""The compiled program is the stated problem, and what cannot be compiled is refused with the reason."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest

from bestresponse.errors import FormulationError
from bestresponse.player import Signal
from players.compilation import compile_program
from players.convex_program import ConvexProgram, Formulation
from players.quadratic_solver import QuadraticSolver
from tests.players.solved import player_of, solved


def compiled(stated):
    return compile_program("Someone", stated.trade.size, stated.cost, stated.trade, stated.constraints, stated.scale)


def set_variables(stated, program, x):
    """Give the CVXPY variables the values of a canonical point."""
    parts = [stated.cost, stated.trade, *(c for row in stated.constraints.values() for c in row.args)]
    for variable in {v.id: v for part in parts for v in part.variables()}.values():
        variable.save_value(np.reshape(x[program.variables[variable.name()]], variable.shape, order="F"))


def vectors_and_a_matrix():
    x = cp.Variable((2, 3), name="matrix", bounds=[-1, np.arange(6.0).reshape(2, 3)])
    y = cp.Variable(2, name="vector")
    z = cp.Variable(name="number", nonneg=True)
    empty = cp.Variable(0, name="empty")
    weights = np.array([[1.0, 2.0, 0.0], [0.5, 1.0, 3.0]])
    return Formulation(
        cost=cp.sum(cp.multiply(weights, cp.square(x)))
        + cp.quad_form(y, np.array([[2.0, 1.0], [1.0, 2.0]]))
        + 3 * z
        + 4,
        trade=cp.sum(x, axis=0) + cp.hstack([y, z]) + np.array([0.0, 1.0, -2.0]) + cp.sum(empty),
        constraints={
            "columns": cp.sum(x, axis=0) <= np.array([3.0, 4.0, 5.0]),
            "whole": weights @ x.T == np.array([[1.0, 0.0], [0.0, 2.0]]) + z,
            "least": y >= x[:, 0] - 1,
        },
        scale={"matrix": 5.0, "empty": 2.0},
    )


STATED = {"vectors and a matrix": vectors_and_a_matrix} | {
    name: lambda name=name: player_of(solved("teaching", "stress", True)[0], name).formulation
    for name in ("CNO", "DSO", "Households", "North")
}


@pytest.mark.parametrize("name", STATED)
def test_cost_rows_bounds_and_trades_are_those_stated(name):
    stated = STATED[name]()
    program = compiled(stated)
    assert sum(where.stop - where.start for where in program.variables.values()) == program.n
    for seed in range(3):
        x = np.random.default_rng(seed).normal(size=program.n) * program.scale
        set_variables(stated, program, x)
        assert program.cost(x) == pytest.approx(float(stated.cost.value), rel=1e-12)
        assert program.trade @ x + program.trade_offset == pytest.approx(stated.trade.value, rel=1e-12, abs=1e-9)
        for row, constraint in stated.constraints.items():
            left_less_right = np.ravel(constraint.expr.value, order="F")
            if row in program.equalities:
                compiled_rows = (program.A @ x - program.b)[program.equalities[row]]
            else:
                compiled_rows = (program.G @ x - program.h)[program.inequalities[row]]
            assert compiled_rows == pytest.approx(left_less_right, rel=1e-12, abs=1e-9), row


def test_bounds_come_from_attributes_and_keep_cvxpys_order():
    program = compiled(vectors_and_a_matrix())
    assert program.upper[program.variables["matrix"]] == pytest.approx([0, 3, 1, 4, 2, 5])
    assert program.lower[program.variables["matrix"]] == pytest.approx(np.full(6, -1))
    assert (program.lower[program.variables["number"]], program.upper[program.variables["number"]]) == (0, np.inf)
    assert not np.isfinite(program.lower[program.variables["vector"]]).any()
    assert program.variables["empty"].start == program.variables["empty"].stop
    assert program.scale[program.variables["matrix"]] == pytest.approx(np.full(6, 5.0))
    assert program.scale[program.variables["vector"]] == pytest.approx(np.full(2, 100.0))


def with_auxiliaries():
    x = cp.Variable(3, name="x", bounds=[-3, 3])
    cost = 2 * cp.norm1(x) + cp.max(x - np.array([0.0, 1.0, -1.0])) + cp.sum_squares(x[:2] - x[1:]) + cp.pos(x[0] - 1)
    return Formulation(cost, x[1:], {"spread": cp.max(x) - cp.min(x) <= 4, "size": cp.norm_inf(x) <= 2.5})


def test_with_x_held_the_least_cost_over_auxiliary_variables_is_the_stated_cost():
    stated = with_auxiliaries()
    program = compiled(stated)
    x_at = program.variables["x"]
    assert program.n > 3
    for seed in range(5):
        x = np.random.default_rng(seed).uniform(-1.9, 1.9, 3)
        set_variables(stated, program, np.concatenate([np.zeros(x_at.start), x, np.zeros(program.n - x_at.stop)]))
        lower, upper = program.lower.copy(), program.upper.copy()
        lower[x_at] = upper[x_at] = x
        held = replace(program, lower=lower, upper=upper)
        found = QuadraticSolver(held, held.P).solve(held.q)
        assert held.cost(found.x) == pytest.approx(float(stated.cost.value), rel=1e-8)


def test_the_auxiliary_variables_leave_the_users_names_alone():
    program = compiled(with_auxiliaries())
    own = [name for name in program.variables if not name.startswith("auxiliary")]
    assert own == ["x"]
    assert {"spread", "size"} <= set(program.inequalities)


def test_the_auxiliary_variables_have_the_same_names_in_every_copy_of_a_player():
    """CVXPY counts through the process; a plan of one copy must be a plan of another."""
    one, other = compiled(with_auxiliaries()), compiled(with_auxiliaries())
    for part in ("variables", "equalities", "inequalities"):
        assert list(getattr(one, part)) == list(getattr(other, part))


def x_of(size=1, **attributes):
    return cp.Variable(size, name="x", **attributes)


def stated(cost=None, trade=None, constraints=None, x=None):
    x = x_of() if x is None else x
    make = lambda part, default: default if part is None else part(x)  # noqa: E731
    return Formulation(make(cost, cp.sum_squares(x)), make(trade, x), make(constraints, {}))


def parameter():
    return cp.Parameter(name="tariff", value=2.0)


REFUSED = {
    "a cost that is not convex": (lambda: stated(cost=lambda x: -cp.sum_squares(x)), "must be convex"),
    "a row that is not convex": (lambda: stated(constraints=lambda x: {"far": cp.abs(x) >= 1}), "must be convex"),
    "a cost that is no quadratic": (lambda: stated(cost=lambda x: cp.exp(x[0])), "no quadratic program"),
    "a cone": (
        lambda: stated(x=x_of(2), trade=lambda x: x[:1], constraints=lambda x: {"ball": cp.norm(x) <= 1}),
        "no quadratic program",
    ),
    "a matrix cone": (lambda: stated(x=x_of((2, 2), PSD=True), trade=lambda x: x[0, :1]), "no quadratic program"),
    "a parameter in the cost": (lambda: stated(cost=lambda x: parameter() * cp.sum(x)), "parameter 'tariff' would be"),
    "a parameter in the trade": (lambda: stated(trade=lambda x: parameter() * x), "parameter 'tariff' would be frozen"),
    "a trade of another length": (lambda: stated(x=x_of(2)), r"shape \(1,\).* but has shape \(2,\)"),
    "a trade that is a number": (lambda: stated(trade=lambda x: x[0]), r"shape \(1,\).* but has shape \(\)"),
    "a trade that bends": (lambda: stated(trade=cp.square), "must be an affine expression"),
    "a trade that is no expression": (lambda: stated(trade=lambda x: [1.0]), "wrap a plain number in cp.Constant"),
    "a cost that is a plain number": (lambda: stated(cost=lambda x: 0.0), "wrap a plain number in cp.Constant"),
    "a cost that is a vector": (lambda: stated(x=x_of(2), cost=cp.square, trade=lambda x: x[:1]), "scalar CVXPY"),
    "whole numbers": (lambda: stated(x=x_of(integer=True)), "integer variables"),
    "yes or no, in the trade alone": (lambda: stated(x=x_of(boolean=True), cost=lambda x: cp.Constant(0)), "integer"),
    "a symmetric matrix": (
        lambda: stated(x=x_of((2, 2), symmetric=True), trade=lambda x: x[0, :1]),
        "'x' has an attribute",
    ),
    "two variables of one name": (lambda: stated(trade=lambda x: x + x_of()), "share one name"),
    "nothing to decide": (
        lambda: stated(cost=lambda x: cp.Constant(0), trade=lambda x: cp.Constant([1.0])),
        "nothing to decide",
    ),
}


@pytest.mark.parametrize("solver", ["persistent", "cvxpy"])
@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_compiled_is_refused_by_every_backend(what, solver):
    statement, says = REFUSED[what]

    class Someone(ConvexProgram):
        def formulate(self):
            return statement()

    with pytest.raises(FormulationError, match=f"Someone: .*{says}"):
        Someone("Someone", ["good"], solver).best_response(Signal(np.zeros(1)))
