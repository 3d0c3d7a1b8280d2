"""All players and the clearing rows as one mixed complementarity problem, in scaled units.

For every player with block (A, b, G, h, trade map T) the unknowns are its variables x, the free multipliers y of
A x = b and the multipliers z ≥ 0 of G x ≤ h; the prices p of all goods are free unknowns too:

    gradient(x) + T'p + A'y + G'z  ⊥  lower ≤ x ≤ upper
    b − A x  =  0                     y free
    h − G x  ≥  0                  ⊥  z ≥ 0
    −Σ trades  =  0                   p free

Unknowns and rows are scaled symmetrically: x = s x̃ and F̃ = s F / (10 $/h), where s is the size of a variable, or
for a multiplier 10 $/h over the size of its row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from bestresponse.complementarity.problem import ComplementarityProblem, natural_residual
from bestresponse.errors import FormulationError
from bestresponse.market import MONEY_SCALE, Market
from bestresponse.player import Block, HasBlock, Player, Response, stacked, unstacked
from bestresponse.typing import IntVector, SparseMatrix, Vector


@dataclass(frozen=True)
class _Place:
    """Where one player's unknowns stand in the stacked vector."""

    x: slice
    y: slice
    z: slice


class ComplementaritySystem:
    """The market as one complementarity problem. Raises FormulationError if a player states no block."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.blocks = {player.name: _block(player) for player in market}
        self._places: dict[str, _Place] = {}
        end = 0
        for name, block in self.blocks.items():
            n, me, mi = block.size, len(block.b), len(block.h)
            self._places[name] = _Place(
                slice(end, end + n), slice(end + n, end + n + me), slice(end + n + me, end + n + me + mi)
            )
            end += n + me + mi
        self._price = slice(end, end + market.n_goods)
        self.size = end + market.n_goods
        self._linear, self._constant = self._linear_part()

    @cached_property
    def scale(self) -> Vector:
        """(size,) s: what one scaled unit of every unknown is."""
        s = np.empty(self.size)
        for name, block in self.blocks.items():
            place = self._places[name]
            s[place.x] = block.scale
            s[place.y] = MONEY_SCALE / _row_size(block.A, block.scale)
            s[place.z] = MONEY_SCALE / _row_size(block.G, block.scale)
        s[self._price] = self.market.price_scale
        return s

    @cached_property
    def problem(self) -> ComplementarityProblem:
        """The scaled problem."""
        lower, upper = np.full(self.size, -np.inf), np.full(self.size, np.inf)
        separable = np.zeros(self.size, dtype=bool)
        for name, block in self.blocks.items():
            place = self._places[name]
            lower[place.x], upper[place.x] = block.lower, block.upper
            lower[place.z] = 0.0
            separable[place.x] = block.separable
        return ComplementarityProblem(
            lower / self.scale, upper / self.scale, self._function, self._jacobian, self._name, separable
        )

    def stack(self, price: Vector, responses: Mapping[str, Response]) -> Vector:
        """Return (size,) the scaled point that prices, plans and the players' multipliers stand for.

        Raises FormulationError if an answer lacks a variable or multiplier that its block names.
        """
        point = np.empty(self.size)
        for name, block in self.blocks.items():
            place, answer = self._places[name], responses[name]
            point[place.x] = _gather(name, "plan", answer.plan, block.variables)
            point[place.y] = _gather(name, "duals", answer.duals, block.equalities)
            point[place.z] = _gather(name, "duals", answer.duals, block.inequalities)
        point[self._price] = price
        return point / self.scale

    def unstack(self, point: Vector) -> tuple[Vector, dict[str, Response]]:
        """Return prices and responses that a scaled point stands for."""
        w = self.scale * point
        responses = {}
        for name, block in self.blocks.items():
            place = self._places[name]
            x = np.clip(w[place.x], block.lower, block.upper)
            duals = unstacked(w[place.y], block.equalities) | unstacked(w[place.z], block.inequalities)
            trade = block.trade @ x + block.trade_offset
            responses[name] = Response(trade, block.cost(x), unstacked(x, block.variables), duals)
        return w[self._price].copy(), responses

    def natural_residual(self, price: Vector, responses: Mapping[str, Response]) -> float:
        """Return max |mid(x − l, x − u, F(x))| of prices, plans and multipliers, in scaled units."""
        return natural_residual(self.problem, self.stack(price, responses))

    def _function(self, point: Vector, smoothing: float) -> Vector:
        w = self.scale * point
        F = self._linear @ w + self._constant
        for name, block in self.blocks.items():
            at = self._places[name].x
            F[at] += block.gradient(w[at], smoothing)
        return F * (self.scale / MONEY_SCALE)

    def _jacobian(self, point: Vector, smoothing: float) -> sparse.csc_array:
        w = self.scale * point
        own = [block.jacobian(w[self._places[name].x], smoothing) for name, block in self.blocks.items()]
        return self._assembly.matrix(own)

    @cached_property
    def _assembly(self) -> _Assembly:
        own = [
            block.jacobian(np.clip(np.zeros(block.size), block.lower, block.upper), 0.0)
            for block in self.blocks.values()
        ]
        offsets = [self._places[name].x.start for name in self.blocks]
        return _Assembly(self._linear, own, offsets, self.scale)

    def _linear_part(self) -> tuple[SparseMatrix, Vector]:
        """Everything in F but the gradients: a skew-symmetric matrix and a constant."""
        stacked = _Triplets()
        constant = np.zeros(self.size)
        for player in self.market:
            block, place = self.blocks[player.name], self._places[player.name]
            goods = self._price.start + self.market.positions[player.name]
            columns = np.arange(place.x.start, place.x.stop)
            stacked.put(block.A, np.arange(place.y.start, place.y.stop), columns)
            stacked.put(block.G, np.arange(place.z.start, place.z.stop), columns)
            stacked.put(block.trade, goods, columns)
            constant[place.y], constant[place.z] = block.b, block.h
            constant[goods] -= block.trade_offset
        return stacked.matrix(self.size), constant

    def _name(self, index: int) -> str:
        if index >= self._price.start:
            return f"clearing of {self.market.goods[index - self._price.start].name}"
        for name, block in self.blocks.items():
            place = self._places[name]
            for part, lengths in (
                (place.x, block.variables),
                (place.y, block.equalities),
                (place.z, block.inequalities),
            ):
                if part.start <= index < part.stop:
                    return f"{name}: {_entry(block, lengths, index - part.start)}"
        raise IndexError(index)


class _Triplets:
    """Collects the multipliers' rows, −M x, and their transposes, +M'y."""

    def __init__(self) -> None:
        self._rows: list[IntVector] = []
        self._columns: list[IntVector] = []
        self._values: list[Vector] = []

    def put(self, matrix: SparseMatrix, rows: IntVector, columns: IntVector) -> None:
        """Place −matrix at (rows, columns) and its transpose, positive, at (columns, rows)."""
        entries = matrix.tocoo()
        r, c = rows[entries.coords[0]], columns[entries.coords[1]]
        self._rows += [r, c]
        self._columns += [c, r]
        self._values += [-entries.data, entries.data]

    def matrix(self, size: int) -> SparseMatrix:
        """Return everything that was put, (size, size)."""
        where = (np.concatenate(self._rows), np.concatenate(self._columns))
        return sparse.csr_array((np.concatenate(self._values), where), shape=(size, size))


class _Assembly:
    """Puts the changing Jacobians of the blocks and the fixed linear part into one matrix of fixed pattern."""

    def __init__(self, linear: SparseMatrix, own: list[SparseMatrix], offsets: list[int], scale: Vector) -> None:
        fixed = linear.tocoo()
        parts = [matrix.tocoo() for matrix in own]
        rows = np.concatenate([fixed.coords[0], *[p.coords[0] + o for p, o in zip(parts, offsets, strict=True)]])
        columns = np.concatenate([fixed.coords[1], *[p.coords[1] + o for p, o in zip(parts, offsets, strict=True)]])
        self._order = np.lexsort((rows, columns))
        self._indices = rows[self._order].astype(np.int32)
        counts = np.bincount(columns, minlength=len(scale))
        self._indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        self._factor = (scale[rows] * scale[columns] / MONEY_SCALE)[self._order]
        self._fixed, self._lengths, self._n = fixed.data, [matrix.nnz for matrix in own], len(scale)

    def matrix(self, own: list[SparseMatrix]) -> sparse.csc_array:
        """Return the scaled Jacobian for the blocks' present Jacobians."""
        if [matrix.nnz for matrix in own] != self._lengths:
            raise FormulationError("a block's Jacobian must store the same entries at every point, zeros included")
        data = np.concatenate([self._fixed, *[matrix.tocoo().data for matrix in own]])[self._order]
        return sparse.csc_array((data * self._factor, self._indices, self._indptr), shape=(self._n, self._n))


def no_block(player: Player) -> str | None:
    """Return what a player without a block lacks and what to write; None for one that states its block."""
    if isinstance(player, HasBlock):
        return None
    return (
        f"{player.name} states no block, which the monolith needs: write a method `block` that returns a "
        "bestresponse.player.Block"
    )


def _block(player: Player) -> Block:
    if isinstance(player, HasBlock):
        return player.block()
    raise FormulationError(no_block(player))


def _row_size(matrix: SparseMatrix, scale: Vector) -> Vector:
    if matrix.shape[0] == 0:
        return np.ones(0)
    size = np.asarray(abs(matrix @ sparse.diags_array(scale)).max(axis=1).todense()).ravel()
    return np.where(size > 0, size, 1.0)


def _gather(player: str, what: str, values: Mapping[str, Vector], lengths: Mapping[str, int]) -> Vector:
    if missing := [name for name in lengths if name not in values]:
        raise FormulationError(f"{player}: the answer's {what} lack {missing[0]!r}, which its block names")
    return stacked(values, lengths)


def _entry(block: Block, lengths: Mapping[str, int], index: int) -> str:
    for name, length in lengths.items():
        if index < length:
            words = block.labels.get(name)
            return f"{name}[{words[index] if words else index}]"
        index -= length
    raise IndexError(index)
