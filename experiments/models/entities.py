"""Models of the load serving entities."""

from __future__ import annotations

from experiments.models.setting import Setting
from players.load_serving_entity import Generator, HouseholdMarket, LoadServingEntity


def conduct(setting: Setting) -> list[LoadServingEntity]:
    """Return every entity of the case with its own market conduct."""
    case = setting.case
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
                setting.intercept / setting.slope,
                case.households.served_portion * entity.share * setting.load_kw,
            ),
            setting.station_capacity_kw,
            case.tso.p_max_kw,
            case.households.value_of_lost_load_usd_per_kwh,
            conduct=entity.conduct,
            v2g=setting.v2g,
        )
        for entity in case.lse
    ]
