"""All equilibria of a market with a potential, as a polyhedron.

The equilibria are the minimisers of the potential Φ over X ∩ {A x = 0}. Of a convex Φ these are the feasible x with
∇Φ(x) = ∇Φ(x̄) and ∇Φ(x̄)·(x − x̄) = 0, x̄ being any of them (Mangasarian, Operations Research Letters 7, 1988). Here Φ
is curved in link flows, in station queues and where a player's program is quadratic. Those parts are fixed; the rest
is linear, so a quantity that is linear in x has a lowest and a highest value, each found by a linear program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from bestresponse.errors import FormulationError, SolverError
from bestresponse.market import Market
from bestresponse.player import Block, Player, Response
from bestresponse.system import ComplementaritySystem
from bestresponse.typing import SparseMatrix, Vector
from players.canonical import CanonicalProgram
from players.convex_program import ConvexProgram
from players.linear_solver import LinearSolver
from players.traffic import Traffic

LEVEL = 1e-5  # [$/h] by which ∇Φ(x̄)·(x − x̄) may exceed zero: rounding in ∇Φ(x̄)


@dataclass(frozen=True)
class EquilibriumSet:
    """The plans of all players in equilibrium: the set of a program without a cost."""

    program: CanonicalProgram  # its variables are named "player: variable"

    def bounds(self, player: str, variable: str, weight: Vector) -> tuple[float, float]:
        """Return the lowest and the highest value of weight · (that variable of that player); raises as `lowest`."""
        if not weight.any():
            return 0.0, 0.0
        where = self.program.variables[f"{player}: {variable}"]
        low, high = (float(weight @ self.lowest(player, variable, sign * weight)[where]) for sign in (1.0, -1.0))
        return min(low, high), max(low, high)

    def lowest(self, player: str, variable: str, weight: Vector) -> Vector:
        """Return (n,) plans of all players with the lowest value of weight · (that variable of that player).

        Raises SolverError if the linear program finds no optimum.
        """
        cost = np.zeros(self.program.n)
        cost[self.program.variables[f"{player}: {variable}"]] = weight
        try:
            return self._solver.solve(cost).x
        except SolverError:  # the simplex method can get stuck on its way from the last basis
            self._solver.basis = None
            return self._solver.solve(cost).x

    @cached_property
    def _solver(self) -> LinearSolver:
        return LinearSolver(self.program)


def is_polyhedron(market: Market) -> bool:
    """Return whether this module can state all equilibria of a market.

    Its players must be convex quadratic programs, and drivers with one value of time among the electric ones whose
    paths are all known beforehand, all of whom drive and do not care which of the cheapest paths they take.
    """
    return all(isinstance(each, ConvexProgram) or _is_known(each) for each in market)


def _is_known(player: Player) -> bool:
    return isinstance(player, Traffic) and player.minimises and player.knows_all_paths and player.has_ranges


def equilibrium_set(system: ComplementaritySystem, responses: Mapping[str, Response]) -> EquilibriumSet:
    """Return all equilibria of a system's market, given the plans of one, x̄.

    Rows and bounds are taken as x̄ meets them, so that rounding does not put x̄ outside. Raises FormulationError for a
    market that is not as `is_polyhedron` says.
    """
    if not is_polyhedron(system.market):
        raise FormulationError(
            "the equilibria are a known polyhedron only with quadratic players, one value of time and all paths"
        )
    players = [(player, system.blocks[player.name]) for player in system.market]
    points = [_stacked(block, responses[player.name]) for player, block in players]
    point = np.concatenate(points)
    curved = [_curved(player, block, x) for (player, block), x in zip(players, points, strict=True)]
    gradient = np.concatenate([block.gradient(x, 0.0) for (_, block), x in zip(players, points, strict=True)])
    rows = [_diagonal([block.A for _, block in players]), _diagonal(curved), _clearing(system)]
    limited = [_diagonal([block.G for _, block in players]), sparse.csr_array(gradient[None, :])]
    A, G = (sparse.csr_array(sparse.vstack(parts)) for parts in (rows, limited))
    limits = np.concatenate([*(block.h for _, block in players), [gradient @ point + LEVEL]])
    upper = np.concatenate([_upper(player, block) for player, block in players])
    return EquilibriumSet(
        CanonicalProgram(
            variables=_places(
                {f"{player.name}: {k}": n for player, block in players for k, n in block.variables.items()}
            ),
            equalities={},
            inequalities={},
            P=sparse.csr_array((len(point), len(point))),
            q=np.zeros(len(point)),
            constant=0.0,
            A=A,
            b=A @ point,
            G=G,
            h=np.maximum(limits, G @ point),
            lower=np.minimum(np.concatenate([block.lower for _, block in players]), point),
            upper=np.maximum(upper, point),
            trade=sparse.csr_array((0, len(point))),
            trade_offset=np.zeros(0),
            scale=np.concatenate([block.scale for _, block in players]),
        )
    )


def _stacked(block: Block, response: Response) -> Vector:
    return np.concatenate([response.plan[name] for name in block.variables])


def _places(lengths: Mapping[str, int]) -> dict[str, slice]:
    ends = np.cumsum(list(lengths.values())).tolist()
    return {name: slice(end - n, end) for (name, n), end in zip(lengths.items(), ends, strict=True)}


def _diagonal(parts: list[SparseMatrix]) -> SparseMatrix:
    return sparse.csr_array(sparse.block_diag(parts))


def _curved(player: object, block: Block, x: Vector) -> SparseMatrix:
    """(n_rows, n) the linear forms in x whose values the player's gradient depends on."""
    if not isinstance(player, Traffic):
        P = sparse.csr_array(block.jacobian(x, 0.0))
        return P[np.diff(P.indptr) > 0]
    time, queue = player.form.link_time, x[_places(block.variables)["visits"]] > _without_queue(player)
    curved = (time.free_flow_h * time.coefficient * time.power > 0.0, queue)
    start = block.variables["path_flow"]
    return sparse.csr_array(sparse.eye_array(block.size))[start + np.flatnonzero(np.concatenate(curved))]


def _upper(player: object, block: Block) -> Vector:
    """(n,) the block's upper bounds; a station without a queue stays without one."""
    upper = block.upper.copy()
    if isinstance(player, Traffic):
        upper[_places(block.variables)["visits"]] = _without_queue(player)
    return upper


def _without_queue(traffic: Traffic) -> Vector:
    """(n_stations,) [veh/h] the most visits that let nobody wait for others."""
    waiting = traffic.form.stations.waiting
    return np.where(waiting.slope_h_per_veh > 0.0, waiting.capacity_veh / waiting.period_h, np.inf)


def _clearing(system: ComplementaritySystem) -> SparseMatrix:
    """(n_goods, n) the sum of all trades in every good."""
    market = system.market
    place = sparse.eye_array(market.n_goods, format="csc")
    own = [place[:, market.positions[player.name]] @ system.blocks[player.name].trade for player in market]
    return sparse.csr_array(sparse.hstack(own))
