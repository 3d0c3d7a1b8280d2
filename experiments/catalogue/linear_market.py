"""A market of players without costs: Σᵢ columnᵢ xᵢ = 0 is all there is, and a scheme is a matrix.

The counterexample of Chen, He, Ye and Yuan (2016) to multi-block ADMM is such a market of three players.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from bestresponse.certificate import certify
from bestresponse.errors import SolverError
from bestresponse.market import Good, Market
from bestresponse.monolith import solve_monolith
from bestresponse.oracle import Oracle
from bestresponse.player import Block, Response, Signal
from bestresponse.scheme_rates import SchemeRate, scheme_rate
from bestresponse.schemes.exchange import Exchange
from bestresponse.schemes.gauss_seidel import GaussSeidel
from bestresponse.start import Start
from bestresponse.stopping import Tolerances
from bestresponse.system import ComplementaritySystem
from bestresponse.typing import Vector
from experiments.catalogue.models import Found, named

ROUNDING = 1e-12
MOST, SMALLEST, FAR = 1000, 1e-12, 1e6  # sweeps; moves between which they go on


@dataclass(frozen=True)
class CostlessPlayer:
    """One variable, no cost, no bound: it trades column · x."""

    name: str
    goods: tuple[str, ...]
    column: Vector  # (n_goods,)

    def best_response(self, signal: Signal) -> Response:
        """Return x = 0 at prices that leave no gain, the anchored optimum where there is an anchor.

        Raises SolverError where prices leave a gain without limit.
        """
        slope = float(signal.price @ self.column)
        if signal.anchor is not None:
            weight = signal.anchor.weight
            pull = float(self.column @ (weight * signal.anchor.target))
            x = (pull - slope) / float(self.column @ (weight * self.column))
        elif abs(slope) > ROUNDING:
            raise SolverError(
                f"{self.name} has no cost and no bound: at a price of {slope:.1e} it trades without limit"
            )
        else:
            x = 0.0
        return Response(self.column * x, 0.0, {"x": np.array([x])})

    def sensitivity(self, signal: Signal) -> Vector:
        """Return (n_goods, n_goods) ∂trade/∂price under an anchor. Raises SolverError without one: nothing holds x."""
        if signal.anchor is None:
            raise SolverError(f"{self.name} has no cost and no bound: only an anchor holds its trades")
        return -np.outer(self.column, self.column) / float(self.column @ (signal.anchor.weight * self.column))

    def block(self) -> Block:
        """Return the player's problem for the monolith."""
        nothing = sparse.csr_array((0, 1))
        return Block(
            variables={"x": 1},
            equalities={},
            inequalities={},
            lower=np.array([-np.inf]),
            upper=np.array([np.inf]),
            A=nothing,
            b=np.zeros(0),
            G=nothing,
            h=np.zeros(0),
            trade=sparse.csr_array(self.column[:, None]),
            trade_offset=np.zeros(len(self.column)),
            cost=lambda x: 0.0,
            gradient=lambda x, smoothing: np.zeros(1),
            jacobian=lambda x, smoothing: sparse.csr_array(np.zeros((1, 1))),
            scale=np.ones(1),
            separable=np.zeros(1, dtype=bool),
        )


@dataclass(frozen=True)
class LinearMarketModel:
    """The market and its schemes."""

    columns: Vector  # (n_goods, n_players)

    @cached_property
    def market(self) -> Market:
        """The market, with scales of one."""
        names = [f"row {g + 1}" for g in range(len(self.columns))]
        goods = tuple(Good(name, "rows", "unit", "price", 1.0, 1.0) for name in names)
        players = [CostlessPlayer(f"player {i + 1}", tuple(names), c) for i, c in enumerate(self.columns.T)]
        return Market(goods, tuple(players))

    @property
    def labels(self) -> tuple[str, ...]:
        """The players."""
        return tuple(player.name for player in self.market)

    @property
    def methods(self) -> tuple[str, ...]:
        """All at once, or the direct extension of ADMM."""
        return ("monolith", "gauss_seidel")

    def solve(self, method: str) -> Found:
        """Return what the method finds, certified by best responses."""
        price, x, status, moves = self._at_once() if method == "monolith" else self._by_sweeps()
        responses = self._responses(x)
        residual = ComplementaritySystem(self.market).natural_residual(price, responses)
        return Found(
            x=x,
            prices=named(rows=price),
            multipliers={},
            quantities={},
            residual=residual,
            residual_meaning="natural residual of the market's complementarity system",
            certificate=self._certificate(price, responses),
            status=status,
            moves=tuple(moves),
        )

    def judge(self, x: Vector) -> Mapping[str, Any]:
        """Return the certificate of x at zero prices."""
        responses = self._responses(x)
        return self._certificate(np.zeros(self.market.n_goods), responses)

    def rates(self) -> list[SchemeRate]:
        """Return the rates of the direct extension of ADMM next to zero, and beside it those of exchange."""
        zero = Start(np.zeros(self.market.n_goods))
        return [scheme_rate(self.market, scheme, zero) for scheme in (GaussSeidel(), Exchange())]

    def _at_once(self) -> tuple[Vector, Vector, str, list[float]]:
        found = solve_monolith(self.market).equilibrium
        x = np.concatenate([found.responses[player.name].plan["x"] for player in self.market])
        return found.price, x, str(found.stop), []

    def _by_sweeps(self) -> tuple[Vector, Vector, str, list[float]]:
        """Sweep without acceleration or any safeguard, as the counterexample is meant."""
        iteration, ask = GaussSeidel().bind(self.market, np.ones(self.market.n_goods)), Oracle(self.market).ask
        price = np.array([(-2.0) ** g for g in range(self.market.n_goods)])  # no special position
        state = iteration.state(price, self.market.no_trade)
        moves: list[float] = []
        while len(moves) < MOST and (not moves or SMALLEST < moves[-1] < FAR):
            last = iteration.sweep(len(moves) + 1, state, ask)
            moves.append(float(np.linalg.norm(last.image - state)))
            state = last.image
        x = np.concatenate([last.responses[player.name].plan["x"] for player in self.market])
        return last.price, x, f"{len(moves)} plain sweeps, the last move was {moves[-1]:.1e}", moves

    def _responses(self, x: Vector) -> dict[str, Response]:
        return {
            player.name: Response(column * value, 0.0, {"x": np.array([value])})
            for player, column, value in zip(self.market, self.columns.T, x, strict=True)
        }

    def _certificate(self, price: Vector, responses: Mapping[str, Response]) -> dict[str, Any]:
        try:
            verdict = certify(self.market, price, responses, Tolerances())
        except SolverError as error:
            return {"holds": False, "statement": f"Not certified: {error}."}
        return {"holds": verdict.holds, "statement": str(verdict), "imbalance": verdict.largest_imbalance}
