"""A CVXPY problem as a player: alone, in a market, with rows whose multipliers have a sign one can rely on."""

import cvxpy as cp
import numpy as np
import pytest

from bestresponse.conformance import check_player
from bestresponse.coordinator import coordinate, obstacle_to_newton
from bestresponse.errors import DataError, FormulationError, SolverError
from bestresponse.player import Anchor, HasBlock, KnowsItsSet, Signal
from bestresponse.schemes.sharing import Sharing
from players.convex_program import ConvexProgram, Formulation
from tests.bestresponse.toys import BREAD_PRICE, BREAD_TRADES, bread_market, market_of

BACKENDS = ("persistent", "cvxpy")


class Baker(ConvexProgram):
    """Marginal cost 1 + q."""

    def formulate(self):
        q = cp.Variable(1, name="bread", nonneg=True)
        return Formulation(cost=cp.sum(q) + 0.5 * cp.sum_squares(q), trade=-q, constraints={})


class Stated(ConvexProgram):
    """A player for one test, from a function."""

    def __init__(self, statement, goods=("good",), solver="persistent"):
        super().__init__("Someone", goods, solver)
        self.statement = statement

    def formulate(self):
        return self.statement()


def ask(statement, *price, solver="persistent", anchor=None):
    goods = [f"good {k}" for k in range(len(price))]
    return Stated(statement, goods, solver).best_response(Signal(np.array(price), anchor=anchor))


@pytest.mark.parametrize("solver", BACKENDS)
def test_a_player_in_a_few_lines_answers_alone(solver):
    baker = Baker("first baker", ["bread"], solver)
    answer = baker.best_response(Signal(np.array([4.0])))
    assert answer.trade == pytest.approx([-3.0], abs=1e-6)
    assert answer.plan["bread"] == pytest.approx([3.0], abs=1e-6)
    assert answer.cost == pytest.approx(7.5, abs=1e-5)
    assert baker.best_response(Signal(np.array([0.5]))).trade == pytest.approx([0.0], abs=1e-6)
    pulled = baker.best_response(Signal(np.array([4.0]), anchor=Anchor(np.array([2.0]), np.array([-6.0]))))
    assert pulled.trade == pytest.approx([-5.0], abs=1e-6)  # 1 + q − 4 + 2 (q − 6) = 0
    assert pulled.cost == pytest.approx(17.5, abs=1e-5)  # the anchor is no cost of its own


@pytest.mark.parametrize("solver", BACKENDS)
def test_a_player_in_a_few_lines_finds_its_place_in_a_market(solver):
    others = [player for player in bread_market() if player.name != "first baker"]
    market = market_of([others[0], Baker("first baker", ["bread"], solver), *others[1:]])
    result = coordinate(market, np.zeros(1))
    assert result.price == pytest.approx([BREAD_PRICE], abs=1e-6)
    assert {name: r.trade[0] for name, r in result.responses.items()} == pytest.approx(BREAD_TRADES, abs=1e-5)
    if solver == "persistent":
        assert result.solved, str(result.stop)


@pytest.mark.parametrize("solver", BACKENDS)
def test_a_player_in_a_few_lines_conforms(solver):
    others = [player for player in bread_market() if player.name != "first baker"]
    baker = Baker("first baker", ["bread"], solver)
    assert isinstance(baker, KnowsItsSet) and isinstance(baker, HasBlock)
    assert not check_player(baker, market_of([baker, *others]), np.array([BREAD_PRICE]))


def test_the_persistent_path_knows_the_slope_of_what_cvxpy_answers():
    """1 + q − p + 2 (q − 6) = 0: the trade −q falls by a third of the price; at the bound it stays."""
    market = market_of([Baker("first baker", ["bread"], "cvxpy"), Baker("second baker", ["bread"])])
    assert not obstacle_to_newton(Sharing(), market)
    anchor = Anchor(np.array([2.0]), np.array([-6.0]))
    for player in market:
        assert player.sensitivity(Signal(np.array([4.0]), anchor=anchor)) == pytest.approx(np.array([[-1 / 3]]))
        assert player.sensitivity(Signal(np.array([-40.0]), anchor=anchor)) == pytest.approx(np.zeros((1, 1)))
        with pytest.raises(FormulationError, match="baker: only answers with an anchor have a sensitivity"):
            player.sensitivity(Signal(np.array([4.0])))


def four_rows():
    """½ |x − 3|² + ½ y² where every kind of row and bound is active somewhere."""
    x, y = cp.Variable(4, name="x"), cp.Variable(2, name="y", bounds=[[-1, 0], [np.inf, 5]])
    constraints = {
        "at most": x[0] <= 1,
        "at least": x[1] >= 5,
        "equal": x[2] == 1,
        "turned round": cp.Constant(2) == x[3] + y[0],
    }
    cost = 0.5 * cp.sum_squares(x) - 3 * cp.sum(x) + 0.5 * cp.sum_squares(y)
    return Formulation(cost, cp.hstack([x[0] + y[1], -x[3]]), constraints)


@pytest.mark.parametrize("solver", BACKENDS)
def test_multipliers_by_name_have_the_documented_sign(solver):
    # Worked out by hand at prices 0: x = (1, 5, 1, 2.5), y = (−0.5, 0). With L = cost + Σ multiplier (left − right):
    # x₀ − 3 + z = 0; x₁ − 3 − z = 0; x₂ − 3 + y = 0; "2 == x₃ + y₀" has left − right = 2 − x₃ − y₀.
    duals = ask(four_rows, 0.0, 0.0, solver=solver).duals
    by_hand = {"at most": 2.0, "at least": 2.0, "equal": 2.0, "turned round": -0.5}
    assert {name: duals[name].item() for name in by_hand} == pytest.approx(by_hand, abs=1e-5)


@pytest.mark.parametrize("price", [(0.0, 0.0), (1.5, -2.0), (-4.0, 3.0)])
@pytest.mark.parametrize("anchored", [False, True])
def test_the_lagrangian_is_stationary_in_the_blocks_own_terms(price, anchored):
    player = Stated(four_rows, ("a", "b"))
    anchor = Anchor(np.array([2.0, 0.5]), np.array([1.0, -3.0])) if anchored else None
    answer = player.best_response(Signal(np.array(price), anchor=anchor))
    block = player.block()
    x = np.concatenate([answer.plan[name] for name in block.variables])
    y = np.concatenate([answer.duals[name] for name in block.equalities])
    z = np.concatenate([answer.duals[name] for name in block.inequalities])
    seen = np.array(price) + (anchor.price(answer.trade) if anchor else 0.0)
    slope = block.gradient(x, 0.0) + block.trade.T @ seen + block.A.T @ y + block.G.T @ z
    assert x - np.clip(x - slope, block.lower, block.upper) == pytest.approx(np.zeros(len(x)), abs=1e-8)
    assert (z >= -1e-9).all()
    assert z * (block.h - block.G @ x) == pytest.approx(np.zeros(len(z)), abs=1e-8)


def test_a_multiplier_is_what_an_easier_row_saves():
    def cost_with(most):
        def statement():
            x = cp.Variable(2, name="x", bounds=[0, 9])
            cost = cp.sum_squares(x) - cp.sum(x)
            return Formulation(cost, x[:1], {"sum": cp.sum(x) >= 6, "first": x[0] <= most})

        return ask(statement, 2.0)

    answer, easier = cost_with(1.0), cost_with(1.001)
    saved = answer.outlay(np.array([2.0])) - easier.outlay(np.array([2.0]))
    assert saved == pytest.approx(0.001 * answer.duals["first"][0], rel=1e-3)
    assert answer.duals["first"][0] > 1


def test_the_bound_is_below_every_outlay_and_met_by_the_answer():
    price = np.array([1.5, -2.0])
    answer = ask(four_rows, *price)
    assert answer.bound == pytest.approx(answer.outlay(price), rel=1e-9)
    assert ask(four_rows, *price, anchor=Anchor(np.ones(2), np.zeros(2))).bound is None


def with_trade_offset():
    x = cp.Variable(1, name="x", bounds=[0, 4])
    return Formulation(cp.sum_squares(x) + 7, 5 - x, {})


@pytest.mark.parametrize("solver", BACKENDS)
@pytest.mark.parametrize("anchor", [None, Anchor(np.array([2.0]), np.array([1.0]))])
def test_constants_in_cost_and_trade_are_kept(solver, anchor):
    # x² + 7 + p (5 − x) + (5 − x − 1)²: x = p/2, or 2x − p − 2 (4 − x) = 0 with the anchor
    answer = ask(with_trade_offset, 2.0, solver=solver, anchor=anchor)
    x = 1.0 if anchor is None else 2.5
    assert answer.trade == pytest.approx([5 - x], abs=1e-5)
    assert answer.cost == pytest.approx(x**2 + 7, abs=1e-4)
    if anchor is None and solver == "persistent":
        assert answer.bound == pytest.approx(answer.outlay(np.array([2.0])), rel=1e-9)


def absolute_and_largest():
    """Costs and a row that CVXPY rewrites with variables of its own."""
    x = cp.Variable(3, name="x")
    cost = cp.sum(cp.abs(x - np.array([5.0, -5.0, -4.0]))) + 2 * cp.max(x) + 0.5 * cp.sum_squares(x)
    return Formulation(cost, x[:2], {"size": cp.norm1(x) <= 2.0})


def test_a_plan_without_cvxpys_own_variables_can_be_judged_too():
    price = (-6.0, 1.0)
    fast = Stated(absolute_and_largest, ("a", "b"))
    slow = Stated(absolute_and_largest, ("a", "b"), "cvxpy")
    answers = [player.best_response(Signal(np.array(price))) for player in (fast, slow)]
    assert set(answers[1].plan) == {"x"} < set(answers[0].plan)
    assert answers[0].outlay(np.array(price)) == pytest.approx(answers[1].outlay(np.array(price)), rel=1e-6)
    assert answers[0].duals["size"] == pytest.approx(answers[1].duals["size"], abs=1e-5)
    assert slow.violation(answers[1].plan) <= 1e-6
    assert fast.violation(answers[0].plan) <= 1e-9
    assert slow.violation({"x": np.array([1.0, 1.0, 1.0])}) == pytest.approx(fast.violation({"x": np.ones(3)}))
    assert slow.violation({"x": np.array([1.0, 1.0, 1.0])}) > 1e-3
    assert np.isnan(slow.violation({"x": np.array([1.0, np.nan, 1.0])}))


def test_a_violation_of_each_kind_is_seen_at_its_size():
    def statement():
        x = cp.Variable(2, name="x", bounds=[0, 10])
        return Formulation(cp.sum_squares(x), x[:1], {"sum": cp.sum(x) == 5, "twice": 2 * x[0] <= 6}, scale={"x": 10.0})

    player = Stated(statement)
    assert player.violation({"x": np.array([2.0, 3.0])}) == 0.0
    for plan, size in (([-1.0, 6.0], 0.1), ([0.0, 11.0], 0.6), ([1.0, 3.0], 0.1), ([4.0, 1.0], 0.1)):
        assert player.violation({"x": np.array(plan)}) == pytest.approx(size)
    assert np.isnan(player.violation({"x": np.array([np.nan, 3.0])}))


def no_point():
    x = cp.Variable(1, name="x")
    return Formulation(cp.sum_squares(x), x, {"low": x <= 1, "high": x >= 2})


def no_point_linear():
    return Formulation((x := cp.Variable(1, name="x"))[0], x, {"low": x <= 1, "high": x >= 2})


def no_limit():
    x = cp.Variable(1, name="x")
    return Formulation(cp.Constant(0.0), x, {"high": x <= 2})


def no_limit_quadratic():
    x = cp.Variable(2, name="x")
    return Formulation(cp.square(x[0]), x[1:], {"high": x <= 2})


@pytest.mark.parametrize("solver", BACKENDS)
@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (no_point, "(?i)infeasible"),
        (no_point_linear, "(?i)infeasible"),
        (no_limit, "(?i)unbounded"),
        (no_limit_quadratic, "(?i)unbounded|DUAL_INFEASIBLE"),
    ],
)
def test_a_problem_without_an_answer_raises_and_names_the_player(statement, says, solver):
    with pytest.raises(SolverError, match=says) as caught:
        ask(statement, 1.0, solver=solver)
    assert str(caught.value).startswith("Someone: ")


def test_an_unbounded_problem_answers_where_prices_bound_it():
    player = Stated(no_limit)
    with pytest.raises(SolverError):
        player.best_response(Signal(np.array([1.0])))
    assert player.best_response(Signal(np.array([-1.0]))).trade == pytest.approx([2.0])
    anchor = Anchor(np.array([1.0]), np.array([-4.0]))
    assert player.best_response(Signal(np.array([1.0]), anchor=anchor)).trade == pytest.approx([-5.0])


@pytest.mark.parametrize("solver", BACKENDS)
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_price_that_is_no_number_is_refused_by_good(wrong, solver):
    with pytest.raises(SolverError, match="Someone: the signal of good 1 is not finite"):
        ask(four_rows, 1.0, wrong, solver=solver)
    with pytest.raises(SolverError, match="good 0 is not finite"):
        ask(four_rows, 1.0, 1.0, solver=solver, anchor=Anchor(np.array([wrong, 1.0]), np.zeros(2)))


@pytest.mark.parametrize("solver", BACKENDS)
def test_a_signal_of_the_wrong_length_is_refused(solver):
    player = Stated(four_rows, ("a", "b"), solver)
    with pytest.raises(DataError, match=r"Someone: a signal of shape \(3,\) came for 2 goods"):
        player.best_response(Signal(np.ones(3)))


def test_an_unknown_solver_is_refused():
    with pytest.raises(FormulationError, match="solver 'gurobi' is not known; allowed are 'persistent' and 'cvxpy'"):
        Baker("baker", ["bread"], "gurobi")


def test_a_player_without_a_statement_is_refused():
    with pytest.raises(FormulationError, match="Nobody: a ConvexProgram needs a method `formulate`"):
        ConvexProgram("Nobody", ["bread"]).best_response(Signal(np.zeros(1)))


def test_anchors_of_changing_weight_are_answered_and_forgotten():
    player = Stated(four_rows, ("a", "b"))
    plain = player.best_response(Signal(np.array([1.0, 1.0]))).trade
    for weight in (0.1, 1.0, 10.0, 0.1):
        anchor = Anchor(np.full(2, weight), np.array([0.5, -2.0]))
        kept = player.best_response(Signal(np.array([1.0, 1.0]), anchor=anchor)).trade
        fresh = ask(four_rows, 1.0, 1.0, anchor=anchor).trade
        assert kept == pytest.approx(fresh, abs=1e-9)
    assert player.best_response(Signal(np.array([1.0, 1.0]))).trade == pytest.approx(plain, abs=1e-9)
    zero = Anchor(np.zeros(2), np.array([9.0, 9.0]))
    assert player.best_response(Signal(np.array([1.0, 1.0]), anchor=zero)).trade == pytest.approx(plain, abs=1e-9)
