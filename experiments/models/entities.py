"""Models of the load serving entities: who competes with whom, how, and at what costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from bestresponse.errors import DataError
from bestresponse.typing import Vector
from experiments.case_schema import Generator as Unit
from experiments.case_schema import LoadServingEntity as Stated
from experiments.models.setting import ELASTIC, Setting
from players.elastic_entity import ElasticEntity
from players.load_serving_entity import Generator, HouseholdMarket, LoadServingEntity

HOUSEHOLDS = "Households"  # the name of that player
Conduct = Annotated[float, Field(ge=0, le=1)]
Blocks = Annotated[int, Field(ge=1, le=1000)]


def conduct(setting: Setting) -> list[LoadServingEntity]:
    """Return every entity of the case with its own market conduct."""
    return _made(setting, setting.case.lse)


def conjectural(setting: Setting, theta: Conduct = 0.5) -> list[LoadServingEntity]:
    """Return every entity with one conduct θ: each expects the household price to fall by θ b per kW it sells."""
    return _made(setting, [entity.model_copy(update={"conduct": theta}) for entity in setting.case.lse])


def cournot(setting: Setting) -> list[LoadServingEntity]:
    """Return every entity as a Cournot competitor, θ = 1."""
    return conjectural(setting, 1.0)


def competitive(setting: Setting) -> list[LoadServingEntity]:
    """Return every entity as a price taker, θ = 0."""
    return conjectural(setting, 0.0)


def monopoly(setting: Setting) -> list[LoadServingEntity]:
    """Return one entity with all obligations and all generators, which knows that the demand curve is its own."""
    entities = setting.case.lse
    merged = {
        "name": "Monopoly",
        "share": sum(entity.share for entity in entities),
        "conduct": 1.0,
        "generators": tuple(unit for entity in entities for unit in entity.generators),
    }
    return _made(setting, [entities[0].model_copy(update=merged)], members=len(entities))


def block_bid(setting: Setting, blocks: Blocks = 10) -> list[LoadServingEntity]:
    """Return every entity with its own conduct and the cost of each generator piecewise linear, in equal blocks.

    The marginal cost of a block is its mean over it, so a generator that runs full blocks costs what it truly does;
    between, the chord lies above the cost by at most c₂ (ḡ / blocks)² / 8.
    """
    return _made(
        setting,
        [
            entity.model_copy(update={"generators": tuple(b for u in entity.generators for b in _blocks(u, blocks))})
            for entity in setting.case.lse
        ],
    )


def _blocks(unit: Unit, n: int) -> list[Unit]:
    """The unit as n units of constant marginal cost."""
    size = unit.p_max_kw / n
    costs = (unit.c1_usd_per_kwh + unit.c2_usd_per_kw2h * size * (k + 0.5) for k in range(n))
    return [
        unit.model_copy(update={"p_max_kw": size, "c1_usd_per_kwh": cost, "c2_usd_per_kw2h": 0.0}) for cost in costs
    ]


def constant_elasticity(
    setting: Setting, theta: Conduct | None = None
) -> list[ElasticEntity] | list[LoadServingEntity]:
    """Return every entity on demand of constant elasticity, with its own conduct or one conduct θ for all.

    Where all are price takers (θ = 0) they are plain entities, the market is monotone and the monolith can solve it.
    """
    if setting.case.players.households != ELASTIC:
        raise DataError(f'needs demand of constant elasticity: choose players.households = "{ELASTIC}", too')
    demand, stated = setting.elastic_demand, setting.case.lse
    takers = _players(setting, [each.model_copy(update={"conduct": 0.0}) for each in stated], demand.largest_kw)
    conducts = [each.conduct if theta is None else theta for each in stated]
    if not any(conducts):
        return takers
    return [ElasticEntity(taker, demand, own, HOUSEHOLDS) for taker, own in zip(takers, conducts, strict=True)]


def _made(setting: Setting, entities: Sequence[Stated], members: int = 1) -> list[LoadServingEntity]:
    """The players for entities as a case states them, each of so many members.

    What members can import and trade at stations adds up. As every member alone can handle all there is, the limits of
    the operators bind first, and who is paid for scarcity does not change with a merger.
    """
    if setting.case.players.households == ELASTIC:
        raise DataError(f'knows affine demand curves only: choose players.lse = "{ELASTIC}"')
    return _players(setting, entities, setting.largest_use_kw, members)


def _players(
    setting: Setting, entities: Sequence[Stated], largest_use_kw: Vector, members: int = 1
) -> list[LoadServingEntity]:
    case = setting.case
    station_capacity_kw = {place: members * kw for place, kw in setting.station_capacity_kw.items()}
    bought_kw = members * case.tso.p_max_kw
    if case.players.extra:  # who may sell more than that; by (10d) no entity buys more than it can use
        bought_kw = max(bought_kw, float(largest_use_kw.sum()) + sum(station_capacity_kw.values()))
    return [
        LoadServingEntity(
            entity.name,
            [
                Generator(unit.bus, unit.p_max_kw, unit.c1_usd_per_kwh, unit.c2_usd_per_kw2h)
                for unit in entity.generators
            ],
            HouseholdMarket(
                setting.load_buses,
                setting.slope,
                largest_use_kw,
                case.households.served_portion * entity.share * setting.load_kw,
            ),
            station_capacity_kw,
            bought_kw,
            case.households.value_of_lost_load_usd_per_kwh,
            conduct=entity.conduct,
            v2g=setting.v2g,
            station_bus=setting.retail_bus,
        )
        for entity in entities
    ]
