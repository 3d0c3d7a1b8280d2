"""The keys of a catalogue file. Vectors and matrices are lists; `inf` and `-inf` are TOML's own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from bestresponse.typing import Vector

Numbers = tuple[float, ...]
Matrix = tuple[Numbers, ...]


class Section(BaseModel):
    """A table of a catalogue file: no unknown keys, no changes after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Citation(Section):
    """Where a problem is from."""

    reference: str
    also: tuple[str, ...] = ()  # where else it is found
    note: str = ""  # what to know about the numbers


class Answer(Section):
    """One known answer. Whatever is given must be met within `accuracy`, relative to max(1, |value|)."""

    meaning: str
    accuracy: float = Field(gt=0)
    kind: Literal["solution", "normalised", "generalised"] = "solution"
    x: Numbers | None = None
    prices: dict[str, Numbers] = {}
    multipliers: dict[str, Numbers] = {}
    quantities: dict[str, Numbers] = {}


class Rate(Section):
    """A theoretical or published linear rate: the factor by which a sweep shrinks the error."""

    value: float
    accuracy: float = Field(gt=0)


class RowsData(Section):
    """Rows G x ≤ h on the joint vector."""

    G: Matrix
    h: Numbers
    names: tuple[str, ...] = ()


class LinearDemandData(Section):
    """p(Q) = intercept − slope Q."""

    form: Literal["linear"]
    intercept: float
    slope: float = Field(ge=0)


class IsoelasticDemandData(Section):
    """p(Q) = (scale / Q)^(1 / elasticity)."""

    form: Literal["isoelastic"]
    scale: float = Field(gt=0)
    elasticity: float = Field(gt=0)


class CournotData(Section):
    """Firms with plants of cost linear q + quadratic q² + (term with marginal (q / size)^(1/exponent)) + fixed."""

    kind: Literal["cournot"]
    demand: Annotated[LinearDemandData | IsoelasticDemandData, Field(discriminator="form")]
    linear: Numbers
    quadratic: Numbers | None = None
    exponent: Numbers | None = None
    size: Numbers | None = None
    fixed: Numbers | None = None
    plants: tuple[int, ...] | None = None  # of every firm, one each if not given
    lower: Numbers | None = None  # 0 if not given
    upper: Numbers | None = None  # ∞ if not given
    shared: RowsData | None = None


class QuadraticPlayerData(Section):
    """θ = ½ xᵢ'A xᵢ + xᵢ'(B x₋ᵢ + b) + constant."""

    A: Matrix
    B: Matrix
    b: Numbers
    constant: float = 0.0
    lower: Numbers | None = None  # −∞ if not given
    upper: Numbers | None = None  # ∞ if not given
    rows: RowsData | None = None


class QuadraticGameData(Section):
    """Players with quadratic costs, own rows and shared rows."""

    kind: Literal["quadratic_game"]
    players: tuple[QuadraticPlayerData, ...]
    shared: RowsData | None = None


class LinearComplementarityData(Section):
    """lower ≤ x ≤ upper ⊥ M x + q; 0 and ∞ if not given."""

    kind: Literal["linear_complementarity"]
    M: Matrix
    q: Numbers
    lower: Numbers | None = None
    upper: Numbers | None = None
    step: float | None = None  # of projection methods


class PolynomialData(Section):
    """lower ≤ x ≤ upper ⊥ F(x); row i of F is the sum of coefficient · Π xⱼ^powerⱼ over its [coefficient, powers…]."""

    kind: Literal["polynomial_complementarity"]
    F: tuple[Matrix, ...]
    lower: Numbers | None = None
    upper: Numbers | None = None
    start: Numbers | None = None


class ExchangeEconomyData(Section):
    """Consumers with Leontief utilities: each wants goods in fixed proportions and owns an endowment."""

    kind: Literal["leontief_economy"]
    wants: Matrix  # (consumers, goods)
    endowments: Matrix  # (consumers, goods)
    numeraire: int  # good, counted from 1, whose price is 1


class SpatialData(Section):
    """Supply and demand prices affine in quantities, transport costs affine in shipments (row by row)."""

    kind: Literal["spatial_price"]
    supply_intercept: Numbers
    supply_slope: Matrix
    demand_intercept: Numbers
    demand_slope: Matrix  # p = intercept − slope d
    transport_intercept: Matrix
    transport_slope: Matrix | None = None  # (shipments, shipments)


class TransportData(Section):
    """Cheapest shipments from given supplies to given demands."""

    kind: Literal["transport"]
    supply: Numbers
    demand: Numbers
    cost: Matrix


class PathTrafficData(Section):
    """Drivers on given paths; the time on a link is constant + slope · flow^power."""

    kind: Literal["path_traffic"]
    constant: Numbers
    slope: Numbers
    power: Numbers | None = None  # 1 if not given
    paths: tuple[tuple[int, ...], ...]  # links, counted from 1
    pair: tuple[int, ...]  # origin-destination pair of every path, counted from 1
    demand: Numbers


class RoadData(Section):
    """Drivers on all routes of a network that ships with this project."""

    kind: Literal["road_network"]
    network: str


class BimatrixData(Section):
    """Two players with finitely many strategies each, who maximise x'A y and x'B y over mixed strategies."""

    kind: Literal["bimatrix"]
    A: Matrix
    B: Matrix


class LinearMarketData(Section):
    """One player a column, of one variable and no cost: find x with Σ columnᵢ xᵢ = 0 by prices of the rows."""

    kind: Literal["linear_market"]
    columns: Matrix  # (goods, players)


Problem = Annotated[
    CournotData
    | QuadraticGameData
    | LinearComplementarityData
    | PolynomialData
    | ExchangeEconomyData
    | SpatialData
    | TransportData
    | PathTrafficData
    | RoadData
    | BimatrixData
    | LinearMarketData,
    Field(discriminator="kind"),
]


class Entry(Section):
    """One problem of the catalogue."""

    slug: str
    title: str
    unique: bool  # whether the (normalised) answer is known to be the only one
    citation: Citation
    problem: Problem
    answers: tuple[Answer, ...] = Field(min_length=1)  # the first is the one to be found
    rates: dict[str, Rate] = {}
    start: Numbers | None = None  # where dynamics begin

    @property
    def family(self) -> str:
        """The first half of the slug."""
        return self.slug.partition("/")[0]


def vector(values: Any, size: int, default: float) -> Vector:
    """Return a vector of `size` numbers, all equal to `default` where nothing is given."""
    return np.full(size, default) if values is None else np.array(values, dtype=float)
