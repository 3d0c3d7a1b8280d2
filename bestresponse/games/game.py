"""A game on polyhedra: every player minimises a smooth cost of its own variables, given everybody else's.

    player i:  minimise θᵢ(xᵢ, x₋ᵢ)  over  lowerᵢ ≤ xᵢ ≤ upperᵢ,  Gᵢ x ≤ hᵢ (its own rows),  G x ≤ h (shared rows)

Own rows bind player i alone, though they may mention rivals; shared rows bind everybody. Without rows that mention
rivals this is a Nash problem, with them a generalised one (Facchinei and Kanzow 2010).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Protocol

import numpy as np

from bestresponse.errors import FormulationError
from bestresponse.games.minimise import minimise
from bestresponse.player import Response, Signal
from bestresponse.typing import Vector

PLAN = "x"  # the name of a player's variables in Response.plan
OWN, SHARED = "own rows", "shared rows"  # the names of its multipliers in Response.duals
NO_TRADE = np.zeros(0)


class SmoothCost(Protocol):
    """A player's cost as a function of all variables, convex in the player's own."""

    def value(self, x: Vector) -> float:
        """Return θ(x) at the joint vector x (n,)."""
        ...

    def gradient(self, x: Vector) -> Vector:
        """Return (n_own,) the derivative of θ by the player's own variables."""
        ...

    def jacobian(self, x: Vector) -> Vector:
        """Return (n_own, n) the derivative of `gradient` by all variables."""
        ...


@dataclass(frozen=True)
class Layout:
    """Who decides on which entries of the joint vector."""

    sizes: Mapping[str, int]  # player → number of variables, in stacking order

    @cached_property
    def places(self) -> Mapping[str, slice]:
        """The slice of every player."""
        edges = np.cumsum([0, *self.sizes.values()]).tolist()
        return {name: slice(a, b) for name, (a, b) in zip(self.sizes, pairwise(edges), strict=True)}

    @property
    def size(self) -> int:
        """The number of variables of all players."""
        return sum(self.sizes.values())

    def stack(self, plans: Mapping[str, Response], absent: str) -> Vector:
        """Return (n,) the joint vector of the rivals' last plans, zero for the player `absent` itself.

        Raises FormulationError if the plan of a rival is missing or has a wrong length.
        """
        x = np.zeros(self.size)
        for name, place in self.places.items():
            if name == absent:
                continue
            if name not in plans or PLAN not in plans[name].plan:
                raise FormulationError(f"{absent} answers what its rivals play; the signal lacks a plan of {name}")
            plan = plans[name].plan[PLAN]
            if np.shape(plan) != (self.sizes[name],):
                raise FormulationError(f"the plan of {name} has shape {np.shape(plan)}, not ({self.sizes[name]},)")
            x[place] = plan
        return x


@dataclass(frozen=True)
class Rows:
    """Constraints G x ≤ h on the joint vector. Raises FormulationError if the shapes do not fit together."""

    G: Vector  # (n_rows, n)
    h: Vector  # (n_rows,)
    names: tuple[str, ...] = ()  # of the rows; numbered if not given

    def __post_init__(self) -> None:
        if self.G.ndim != 2 or self.h.shape != (len(self.G),):
            raise FormulationError(f"rows need G (n_rows, n) and h (n_rows,), given {self.G.shape} and {self.h.shape}")
        if not self.names:
            object.__setattr__(self, "names", tuple(f"row {k + 1}" for k in range(len(self.h))))
        if len(self.names) != len(self.h):
            raise FormulationError(f"{len(self.names)} names were given for {len(self.h)} rows")

    @classmethod
    def none(cls, n: int) -> Rows:
        """Return no rows on n variables."""
        return cls(np.zeros((0, n)), np.zeros(0))

    def __len__(self) -> int:
        return len(self.h)

    def violation(self, x: Vector) -> float:
        """Return the largest violation, relative to max(1, |h|)."""
        return float(np.max((self.G @ x - self.h) / np.maximum(1.0, np.abs(self.h)), initial=0.0))


@dataclass(frozen=True)
class SmoothPlayer:
    """A player of a game: data and a smooth cost, in the form that every scheme of this project can ask.

    It trades nothing; `best_response` reads the rivals' plans from `signal.others` and has no memory. The plan is
    {"x": own variables}, the duals are the multipliers of its own and of the shared rows.
    """

    name: str
    layout: Layout
    cost: SmoothCost
    lower: Vector  # (n_own,) may be −inf
    upper: Vector  # (n_own,) may be +inf
    rows: Rows  # that bind this player alone
    shared: Rows  # that bind everybody
    goods: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = self.layout.sizes[self.name]
        if self.lower.shape != (n,) or self.upper.shape != (n,):
            raise FormulationError(f"{self.name} has {n} variables but bounds {self.lower.shape}, {self.upper.shape}")
        if not (self.lower <= self.upper).all():
            raise FormulationError(f"{self.name}: every lower bound must be at most the upper one")
        for rows in (self.rows, self.shared):
            if rows.G.shape[1] != self.layout.size:
                raise FormulationError(f"{self.name}: rows need {self.layout.size} columns, not {rows.G.shape[1]}")

    @property
    def place(self) -> slice:
        """Where its variables stand in the joint vector."""
        return self.layout.places[self.name]

    def best_response(self, signal: Signal) -> Response:
        """Return the cheapest plan given the rivals' last ones. Raises SolverError if there is none."""
        return self.answer(self.layout.stack(signal.others, self.name))

    def answer(self, x: Vector) -> Response:
        """Return the best response to the rivals' part of the joint vector x; its own part is not read."""
        at = self.place
        joint = x.copy()
        joint[at] = 0.0
        matrix = np.vstack([self.rows.G, self.shared.G])
        slack = np.concatenate([self.rows.h, self.shared.h]) - matrix @ joint

        def everybody(own: Vector) -> Vector:
            joint[at] = own
            return joint

        own, multipliers = minimise(
            self.name,
            lambda y: self.cost.gradient(everybody(y)),
            lambda y: self.cost.jacobian(everybody(y))[:, at],
            (self.lower, self.upper),
            (matrix[:, at], slack),
        )
        k = len(self.rows)
        duals = {OWN: multipliers[:k], SHARED: multipliers[k:]}
        return Response(NO_TRADE, self.cost.value(everybody(own)), {PLAN: own}, duals)

    def playing(self, x: Vector) -> Response:
        """Return its part of the joint vector x as a response, with the cost it bears there."""
        return Response(NO_TRADE, self.cost.value(x), {PLAN: x[self.place].copy()})

    def violation_at(self, x: Vector) -> float:
        """Return the largest violation of its bounds and rows at the joint vector x, relative to the row's scale."""
        own = x[self.place]
        outside = np.maximum(self.lower - own, own - self.upper)
        bounds = np.max(outside / np.maximum(1.0, np.abs(own)), initial=0.0)
        return float(np.max([bounds, self.rows.violation(x), self.shared.violation(x)]))


@dataclass(frozen=True)
class Game:
    """Players who meet only through what the others play. Raises FormulationError if the parts do not fit together."""

    players: tuple[SmoothPlayer, ...]
    shared: Rows
    labels: tuple[str, ...] = field(default=())  # (n,) a word for every variable; made from names if not given

    def __post_init__(self) -> None:
        if not self.players or any(player.layout != self.players[0].layout for player in self.players):
            raise FormulationError("a game needs at least one player, and all players must share one layout")
        if [player.name for player in self.players] != list(self.layout.sizes):
            raise FormulationError(f"the layout names {list(self.layout.sizes)} but the players are others")
        if not self.labels:
            words = [f"{n}[{k}]" if m > 1 else n for n, m in self.layout.sizes.items() for k in range(m)]
            object.__setattr__(self, "labels", tuple(words))

    @property
    def layout(self) -> Layout:
        """Who decides on which entries of the joint vector."""
        return self.players[0].layout

    @cached_property
    def lower(self) -> Vector:
        """(n,) lower bounds of all variables."""
        return np.concatenate([player.lower for player in self.players])

    @cached_property
    def upper(self) -> Vector:
        """(n,) upper bounds of all variables."""
        return np.concatenate([player.upper for player in self.players])

    def gradient(self, x: Vector) -> Vector:
        """Return (n,) every player's own gradient: the map F of the game's variational inequality."""
        return np.concatenate([player.cost.gradient(x) for player in self.players])

    def jacobian(self, x: Vector) -> Vector:
        """Return (n, n) the derivative of `gradient`."""
        return np.vstack([player.cost.jacobian(x) for player in self.players])

    def responses(self, x: Vector) -> dict[str, Response]:
        """Return what everybody plays at x, with the costs they bear."""
        return {player.name: player.playing(x) for player in self.players}

    def violation(self, x: Vector) -> float:
        """Return the largest violation of any bound or row at x, relative to its scale; NaN if there is one."""
        return float(np.max([player.violation_at(x) for player in self.players]))
