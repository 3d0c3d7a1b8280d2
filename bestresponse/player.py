"""What a player is: it answers a signal with a response, and may state its problem as a block."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from bestresponse.typing import BoolVector, SparseMatrix, Vector

ANCHORED, PLAIN = "anchored", "plain"


@dataclass(frozen=True)
class Anchor:
    """A quadratic pull of the trades towards a target: adds ½ Σ weight (trade − target)² to the outlay."""

    weight: Vector  # (n_goods,) ≥ 0 [$/h per unit²]
    target: Vector  # (n_goods,) [unit]

    def cost(self, trade: Vector) -> float:
        """Return ½ Σ weight (trade − target)² [$/h]."""
        return float(0.5 * self.weight @ (trade - self.target) ** 2)

    def price(self, trade: Vector) -> Vector:
        """Return the anchor's marginal cost (n_goods,) at `trade` [$/unit]: what it adds to every price."""
        return self.weight * (trade - self.target)


@dataclass(frozen=True)
class Signal:
    """What a player is told. Every vector is in the order of that player's own `goods`."""

    price: Vector  # (n_goods,) [$/unit]
    others: Mapping[str, Response] = field(default_factory=dict)  # answers it may know, by player; often none
    anchor: Anchor | None = None

    @property
    def kind(self) -> str:
        """ANCHORED or PLAIN.

        Answers of one kind are near one another. A player that starts from its last answer keeps one of each, so that
        nobody who looks at its plain answers, as a certificate does, moves its anchored ones.
        """
        return ANCHORED if self.anchor is not None and self.anchor.weight.any() else PLAIN


@dataclass(frozen=True)
class Response:
    """What a player answers. `trade` is in the order of the player's own `goods`."""

    trade: Vector  # (n_goods,) [unit] > 0 takes from the market, < 0 gives to it
    cost: float  # [$/h] the player's own cost WITHOUT the payment price · trade
    plan: Mapping[str, Vector]  # the player's own decisions, by name
    duals: Mapping[str, Vector] = field(default_factory=dict)  # multipliers of the player's rows, by name
    bound: float | None = None  # [$/h] no plan of this player has a smaller outlay (anchor included) at the signal

    def outlay(self, price: Vector) -> float:
        """Return own cost + price · trade [$/h], what the player minimises."""
        return self.cost + float(price @ self.trade)

    def arrays(self) -> dict[str, Any]:
        """Return the response as arrays only, by name: what `Response.of` takes."""
        cost = np.array([self.cost, np.nan if self.bound is None else self.bound])
        return {"trade": self.trade, "cost": cost, "plan": self.plan, "duals": self.duals}

    @classmethod
    def of(cls, arrays: Mapping[str, Any]) -> Response:
        """Return the response that `arrays` describes; parts without any entry may be missing."""
        cost, bound = (float(value) for value in arrays["cost"])
        known = None if np.isnan(bound) else bound
        return cls(arrays["trade"], cost, arrays.get("plan", {}), arrays.get("duals", {}), known)


class Player(Protocol):
    """A decision maker. Optional further members are looked up by name; see the other protocols here."""

    @property
    def name(self) -> str:
        """The player's name, unique in its market."""
        ...

    @property
    def goods(self) -> tuple[str, ...]:
        """Names of the goods it can trade, in the order of its signals and responses."""
        ...

    def best_response(self, signal: Signal) -> Response:
        """Return the plan with the smallest outlay (plus anchor). Pure: no memory changes the answer."""
        ...


@runtime_checkable
class KnowsItsSet(Protocol):
    """A player that can measure how far a plan lies outside its own set."""

    def violation(self, plan: Mapping[str, Vector]) -> float:
        """Return the largest violation of any row or bound, relative to the row's scale."""
        ...


@runtime_checkable
class MeasuresItsGain(Protocol):
    """A player that may be an equilibrium within itself, of many who decide, and then minimises nothing as a whole.

    What its plan exceeds its smallest outlay by then says nothing. Where `minimises` is false, a certificate asks the
    player itself what its members could gain.
    """

    @property
    def minimises(self) -> bool:
        """Whether the best response has the smallest outlay of all plans."""
        ...

    def gain(self, plan: Mapping[str, Vector], price: Vector) -> float:
        """Return [$/h] what its members could gain, each by itself, by leaving the plan at prices (n_goods,)."""
        ...


@runtime_checkable
class KnowsItsSensitivity(Protocol):
    """A player that can say how its trades answer to prices: what a coordinator needs for Newton's method."""

    def sensitivity(self, signal: Signal) -> Vector:
        """Return (n_goods, n_goods) ∂trade/∂price of the best response to a signal with an anchor [unit² per $/h].

        With an active set it is that of the set as it is; where the set changes at the very signal, of one side. It is
        symmetric and negative semidefinite for a player that minimises. It is usually asked right after the answer.
        """
        ...


@runtime_checkable
class Prepares(Protocol):
    """A player with work to do once, whatever it is asked, such as bringing its problem into canonical form.

    A coordinator has it done before its clock starts. Without a coordinator the player does it at its first answer.
    """

    def prepare(self) -> None:
        """Do that work now, if it is not done yet."""
        ...


@runtime_checkable
class Remembers(Protocol):
    """A player that keeps hints for its next answer, such as its last active set.

    They may move an answer within its tolerance, by rounding. A run that is resumed, or sent to another process, is the
    same bit for bit only if the hints go along.
    """

    def memory(self) -> Mapping[str, Any]:
        """Return everything that the next answer depends on besides the signal, as arrays by name, or maps of such."""
        ...

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Go on from what `memory` returned, of this player or of its copy."""
        ...


@runtime_checkable
class HasBlock(Protocol):
    """A player that can state its whole problem, as the monolith needs it."""

    def block(self) -> Block:
        """Return the player's problem as data and functions."""
        ...


@dataclass(frozen=True)
class Block:
    """A player's problem as the monolith sees it: variables, bounds, rows, gradient, Jacobian, trades.

    The player looks for x with `lower ≤ x ≤ upper`, `A x = b`, `G x ≤ h`. With y the free multipliers of
    A x = b and z ≥ 0 those of G x ≤ h, its stationarity is
    `gradient(x) + trade' price + A' y + G' z ⊥ lower ≤ x ≤ upper`.

    `gradient` and `jacobian` take the point and a smoothing parameter μ ≥ 0: μ = 0 is the problem itself, and
    an interior point may ask for a smoother one on the way (ignore μ if there is nothing to smooth).
    """

    variables: Mapping[str, int]  # name → length, in stacking order; names of Response.plan, which may be shorter: 0s
    equalities: Mapping[str, int]  # name → rows of A, in stacking order; the names of Response.duals
    inequalities: Mapping[str, int]  # name → rows of G, likewise
    lower: Vector  # (n,)
    upper: Vector  # (n,)
    A: SparseMatrix  # (n_equalities, n)
    b: Vector
    G: SparseMatrix  # (n_inequalities, n)
    h: Vector
    trade: SparseMatrix  # (n_goods, n): trades are trade @ x + trade_offset, in the order of player.goods
    trade_offset: Vector
    cost: Callable[[Vector], float]  # [$/h] own cost at a point, as in Response.cost
    gradient: Callable[[Vector, float], Vector]  # of the cost; of an equilibrium block, what takes its place
    jacobian: Callable[[Vector, float], SparseMatrix]
    scale: Vector  # (n,) typical size of every variable
    separable: BoolVector  # (n,) variables that meet one another nowhere in the Jacobian but on its diagonal
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name → a word for every entry
    is_whole: bool = True  # False where the player could also choose what is not in it, as routes that nobody has found

    @property
    def size(self) -> int:
        """The number of variables."""
        return len(self.lower)


def stacked(parts: Mapping[str, Vector], lengths: Mapping[str, int]) -> Vector:
    """Return what has these names and lengths, of a plan or of multipliers, as one vector; parts may be shorter: 0s."""
    found = [np.append(parts[name], np.zeros(max(0, n - len(parts[name])))) for name, n in lengths.items()]
    return np.concatenate([np.zeros(0), *found])


def unstacked(values: Vector, lengths: Mapping[str, int]) -> dict[str, Vector]:
    """Return the parts of a vector by name, each a copy."""
    edges = np.cumsum([0, *lengths.values()])
    return {name: values[a:b].copy() for name, a, b in zip(lengths, edges, edges[1:], strict=False)}
