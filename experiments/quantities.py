"""What is reported of an equilibrium: plain numbers by name, units in the names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from bestresponse.player import Player, Response
from bestresponse.typing import Vector
from experiments.build import Model
from experiments.case_schema import od_name
from players import goods
from players.reports import ChargingReport, EntityReport, GridReport, ReportsCharging, ReportsEntity, ReportsGrid
from players.traffic import ReportsTraffic, TrafficReport, UsedPath

Quantities = dict[str, Any]

SOCIAL_COST_PARTS: Mapping[str, str] = {
    "generation_cost_usd_per_h": "generation",
    "import_cost_usd_per_h": "import",
    "travel_cost_usd_per_h": "travel",
    "shortage_cost_usd_per_h": "shortage",
    "degradation_cost_usd_per_h": "battery wear",
    "forgone_trips_usd_per_h": "forgone trips",
    "other_cost_usd_per_h": "other players",
}
"""What adds up to the social cost, in words and in the order of tables; parts that nobody states are left out."""


def quantities(model: Model, price: Vector, responses: Mapping[str, Response]) -> Quantities:
    """Return every reported quantity of prices (n_goods,) and plans, in the order tables show them.

    Shares and times are over all classes of electric vehicles, each at its own value of time; `od_cost_usd` is the
    cheapest path cost of the first class, `od_cost_by_class_usd` that of each. Of traffic without a report travel
    costs, and with them the social cost, and whatever its trades do not tell are left out.
    """
    prices = dict(zip((good.name for good in model.market.goods), price.tolist(), strict=True))
    driving = model.player("traffic")
    traffic = _traffic(driving, responses[driving.name], price[model.market.positions[driving.name]])
    grid = _grid(model.player("dso"), prices, responses)
    entities = {e.name: _entity(e, responses[e.name]) for e in model.players["lse"]}
    charging = [_charging(operator, responses[operator.name]) for operator in model.players["cno"]]
    costs = _costs(grid, entities.values(), traffic) | _other_costs(charging, model, responses)
    power = _markup(charging) | _power(model, responses, grid, entities) | _prices_of_households(prices)
    if traffic is None:
        return costs | power | _traded_on_the_road(model, responses[driving.name], prices)
    paths = {"paths": [_path(used) for used in traffic.used_paths]}
    social = {"social_cost_usd_per_h": sum(costs.values())}
    return social | costs | power | _travel(model, traffic, prices) | paths


def _traffic(driving: Player, response: Response, price: Vector) -> TrafficReport | None:
    """The report of traffic; None of one without."""
    return driving.report(response, price) if isinstance(driving, ReportsTraffic) else None


def _grid(operator: Player, prices: Mapping[str, float], responses: Mapping[str, Response]) -> GridReport:
    """The operator's report; of one without, what its trades say."""
    response = responses[operator.name]
    delivery = {goods.place(good): prices[good] for good in operator.goods if goods.family(good) == "delivery"}
    if isinstance(operator, ReportsGrid):
        return operator.report(response, prices[goods.IMPORT], delivery)
    imported = -float(response.trade[operator.goods.index(goods.IMPORT)])
    nodal = {bus: prices[goods.IMPORT] + price for bus, price in delivery.items()}
    return GridReport(import_kw=imported, import_cost_usd_per_h=response.cost, nodal_price=nodal)


def _entity(entity: Player, response: Response) -> EntityReport:
    """The entity's report; of one without, its own cost, for the market does not see what it generates."""
    if isinstance(entity, ReportsEntity):
        return entity.report(response)
    return EntityReport({}, {}, generation_cost_usd_per_h=response.cost, shortage_cost_usd_per_h=0.0)


def _costs(grid: GridReport, entities: Iterable[EntityReport], traffic: TrafficReport | None) -> Quantities:
    """The parts of the social cost; transfers between players cancel."""
    entities = list(entities)
    power = {
        "generation_cost_usd_per_h": sum(entity.generation_cost_usd_per_h for entity in entities),
        "import_cost_usd_per_h": grid.import_cost_usd_per_h,
        "shortage_cost_usd_per_h": sum(entity.shortage_cost_usd_per_h for entity in entities),
    }
    if traffic is None:
        return power
    forgone = {} if traffic.trips_made is None else {"forgone_trips_usd_per_h": traffic.forgone_usd_per_h}
    return power | {
        "travel_cost_usd_per_h": traffic.travel_cost_usd_per_h,
        "degradation_cost_usd_per_h": traffic.degradation_usd_per_h,
        **forgone,
    }


def _other_costs(charging: Iterable[ChargingReport], model: Model, responses: Mapping[str, Response]) -> Quantities:
    """The costs of the charging operators and of the players beside the roles, where there are any."""
    total = sum(each.cost_usd_per_h for each in charging) + sum(responses[p.name].cost for p in model.extra)
    return {"other_cost_usd_per_h": total} if total or model.extra else {}


def _charging(operator: Player, response: Response) -> ChargingReport:
    """The operator's report; of one without, its own cost."""
    if isinstance(operator, ReportsCharging):
        return operator.report(response)
    return ChargingReport(cost_usd_per_h=response.cost, markup_usd_per_h=0.0)


def _markup(charging: Iterable[ChargingReport]) -> Quantities:
    """What mark-ups earn, where there are any: a transfer, which is no part of the social cost."""
    total = sum(each.markup_usd_per_h for each in charging)
    return {"charging_markup_usd_per_h": total} if total else {}


def _power(
    model: Model, responses: Mapping[str, Response], grid: GridReport, entities: Mapping[str, EntityReport]
) -> Quantities:
    shed = _summed(entity.shed_kw for entity in entities.values())
    used = sum(float(responses[player.name].trade.sum()) for player in model.players["households"])
    losses = {"losses_kw": grid.losses_kw} if grid.losses_kw else {}
    if grid.exactness_gap_kva is not None:
        losses["exactness_gap_kva"] = grid.exactness_gap_kva
    parts = {bus: asdict(part) for bus, part in grid.price_parts.items()}
    voltages = (grid.phase_voltage_pu or grid.voltage_pu).values()
    voltage = {"voltage_min_pu": min(voltages)} if voltages else {}
    by_phase = {"phase_voltage_pu": grid.phase_voltage_pu, "phase_dlmp_usd_per_kwh": grid.phase_price}
    return {
        "load_shed_kw": sum(shed.values()),
        "import_kw": grid.import_kw,
        **losses,
        "generation_kw": {name: sum(entity.generation_kw.values()) for name, entity in entities.items()},
        "household_kw": used,
        "dlmp_usd_per_kwh": dict(grid.nodal_price),
        **({"dlmp_parts_usd_per_kwh": parts} if parts else {}),
        **voltage,
        "voltage_pu": dict(grid.voltage_pu),
        **{name: dict(values) for name, values in by_phase.items() if values},
        "line_flow": {line: list(flow) for line, flow in grid.line_flow.items()},
        "injection": {bus: list(each) for bus, each in grid.injection.items()},
        "load_shed_by_bus_kw": shed,
        "generation_by_bus_kw": _summed(entity.generation_kw for entity in entities.values()),
    }


def _prices_of_households(prices: Mapping[str, float]) -> Quantities:
    found = {goods.place(good): price for good, price in prices.items() if goods.family(good) == "household"}
    return {"household_price_usd_per_kwh": found}


def _travel(model: Model, traffic: TrafficReport, prices: Mapping[str, float]) -> Quantities:
    nodes = [site.node for site in model.setting.stations]
    pairs = [od_name(pair) for pair in model.case.demand.od_pairs]
    electric = [each.name for each in model.case.vehicles.electric_classes]
    od_cost = {name: _named(pairs, traffic.od_cost_usd[name]) for name in electric}
    made = {name: _named(pairs, trips) for name, trips in (traffic.trips_made or {}).items()}
    return {
        **_energy_on_the_road(nodes, traffic.charged_kw, traffic.discharged_kw),
        "stop_share": traffic.stop_share,
        "discharge_share": traffic.discharge_share,
        "station_time_h_per_h": traffic.station_time_h_per_h,
        "discharging_od_pairs": int(traffic.discharging_od_pairs),
        "od_cost_usd": next(iter(od_cost.values())),
        "od_cost_by_class_usd": od_cost,
        "link_flow_veh_per_h": _named(model.road.link_names, traffic.link_flow),
        **({"trips_made_veh_per_h": made} if made else {}),
        "wardrop_gap": traffic.wardrop_gap,
        **_station_prices(nodes, prices),
    }


def _traded_on_the_road(model: Model, response: Response, prices: Mapping[str, float]) -> Quantities:
    """What the trades of traffic without a report tell, and its link flows if it tells them."""
    driving = model.player("traffic")
    traded = dict(zip(driving.goods, response.trade.tolist(), strict=True))
    nodes = [site.node for site in model.setting.stations]
    charged = np.array([traded.get(goods.charging(node), 0.0) for node in nodes])
    discharged = -np.array([traded.get(goods.discharging(node), 0.0) for node in nodes])
    flow = response.plan.get("link_flow", np.zeros(0))
    known = len(flow) == len(model.road.link_names)
    flows = {"link_flow_veh_per_h": _named(model.road.link_names, flow)} if known else {}
    return _energy_on_the_road(nodes, charged, discharged) | flows | _station_prices(nodes, prices)


def _energy_on_the_road(nodes: Iterable[int], charged: Vector, discharged: Vector) -> Quantities:
    return {
        "station_net_kw": _named(map(str, nodes), charged - discharged),
        "charged_kw": float(charged.sum()),
        "discharged_kw": float(discharged.sum()),
    }


def _station_prices(nodes: Iterable[int], prices: Mapping[str, float]) -> Quantities:
    found = {str(node): [prices[goods.charging(node)], prices.get(goods.discharging(node))] for node in nodes}
    return {"station_price_usd_per_kwh": found}


def _path(used: UsedPath) -> dict[str, Any]:
    return {
        "od": f"{used.od[0]}-{used.od[1]}",
        "class": used.vehicles,
        "route": [int(node) for node in used.route],
        "stops": [
            {
                "node": int(stop.node),
                "action": "charge" if stop.charges else "discharge",
                "energy_kwh": float(stop.energy_kwh),
            }
            for stop in used.stops
        ],
        "flow_veh_per_h": used.flow_veh_per_h,
        "time_usd": used.time_usd,
        "station_usd": used.station_usd,
        "energy_usd": used.energy_usd,
    }


def _named(names: Iterable[str], values: Vector) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def _summed(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for part in parts:
        for bus, value in part.items():
            total[bus] = total.get(bus, 0.0) + value
    return total
