"""What is reported of an equilibrium: plain numbers by name, units in the names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bestresponse.player import Response
from bestresponse.typing import Vector
from experiments.build import Model
from experiments.case_schema import od_name
from players import goods
from players.traffic import TrafficReport, UsedPath, traffic_report

Quantities = dict[str, Any]


def quantities(model: Model, price: Vector, responses: Mapping[str, Response]) -> Quantities:
    """Return every reported quantity of prices (n_goods,) and plans, in the order tables show them.

    Shares and times are over all classes of electric vehicles, each at its own value of time; `od_cost_usd` is the
    cheapest path cost of the first class, `od_cost_by_class_usd` that of each.
    """
    prices = dict(zip((good.name for good in model.market.goods), price.tolist(), strict=True))
    own_price = price[model.market.positions[model.traffic.name]]
    traffic = traffic_report(model.traffic.form, responses[model.traffic.name].plan["path_flow"], own_price)
    power = _power(model, prices, responses)
    travel = _travel(model, traffic)
    costs = _costs(model, responses, traffic)
    return costs | power | travel | _prices(model, prices) | {"paths": [_path(used) for used in traffic.used_paths]}


def _costs(model: Model, responses: Mapping[str, Response], traffic: TrafficReport) -> Quantities:
    """The social cost and its parts; transfers between players cancel."""
    generation = sum(_generation_cost(model, responses).values())
    imported = model.case.tso.price_usd_per_kwh * float(responses[model.distribution.name].plan["import"][0])
    lost_load = model.case.households.value_of_lost_load_usd_per_kwh
    shortage = lost_load * sum(float(responses[entity.name].plan["shed"].sum()) for entity in model.entities)
    parts = {
        "generation_cost_usd_per_h": generation,
        "import_cost_usd_per_h": imported,
        "shortage_cost_usd_per_h": shortage,
        "travel_cost_usd_per_h": traffic.travel_cost_usd_per_h,
        "degradation_cost_usd_per_h": traffic.degradation_usd_per_h,
    }
    return {"social_cost_usd_per_h": sum(parts.values())} | parts


def _generation_cost(model: Model, responses: Mapping[str, Response]) -> dict[str, float]:
    found = {}
    for entity in model.entities:
        g = responses[entity.name].plan["generation"]
        c1 = np.array([unit.c1_usd_per_kwh for unit in entity.generators])
        c2 = np.array([unit.c2_usd_per_kw2h for unit in entity.generators])
        found[entity.name] = float(c1 @ g + 0.5 * c2 @ g**2)
    return found


def _power(model: Model, prices: Mapping[str, float], responses: Mapping[str, Response]) -> Quantities:
    operator, feeder = responses[model.distribution.name], model.feeder
    plan = operator.plan
    shed = _by_bus((entity.households.buses, responses[entity.name].plan["shed"]) for entity in model.entities)
    units = _by_bus(
        ([unit.bus for unit in entity.generators], responses[entity.name].plan["generation"])
        for entity in model.entities
    )
    nodal = dict(zip(feeder.buses, model.distribution.nodal_price(operator.duals, prices[goods.IMPORT]), strict=True))
    nodal |= {bus: prices[goods.IMPORT] + prices[goods.delivery(bus)] for bus in model.distribution.delivery_buses}
    voltage = np.sqrt(plan["u"])
    return {
        "load_shed_kw": sum(shed.values()),
        "import_kw": float(plan["import"][0]),
        "generation_kw": {e.name: float(responses[e.name].plan["generation"].sum()) for e in model.entities},
        "household_kw": float(responses[model.households.name].plan["use"].sum()),
        "dlmp_usd_per_kwh": {bus: float(value) for bus, value in nodal.items()},
        "voltage_min_pu": float(voltage.min()),
        "voltage_pu": _named(feeder.buses, voltage),
        "line_flow": {
            name: [float(p), float(q)] for name, p, q in zip(feeder.line_names, plan["P"], plan["Q"], strict=True)
        },
        "load_shed_by_bus_kw": shed,
        "generation_by_bus_kw": units,
        "household_price_usd_per_kwh": {bus: prices[goods.household(bus)] for bus in model.households.buses},
    }


def _travel(model: Model, traffic: TrafficReport) -> Quantities:
    nodes = [str(node) for node in model.traffic.form.stations.nodes]
    pairs = [od_name(pair) for pair in model.case.demand.od_pairs]
    electric = [each.name for each in model.traffic.form.classes if each.electric]
    od_cost = {name: _named(pairs, traffic.od_cost_usd[name]) for name in electric}
    return {
        "station_net_kw": _named(nodes, traffic.charged_kw - traffic.discharged_kw),
        "charged_kw": float(traffic.charged_kw.sum()),
        "discharged_kw": float(traffic.discharged_kw.sum()),
        "stop_share": traffic.stop_share,
        "discharge_share": traffic.discharge_share,
        "station_time_h_per_h": traffic.station_time_h_per_h,
        "discharging_od_pairs": int(traffic.discharging_od_pairs),
        "od_cost_usd": next(iter(od_cost.values())),
        "od_cost_by_class_usd": od_cost,
        "link_flow_veh_per_h": _named(model.road.link_names, traffic.link_flow),
        "wardrop_gap": traffic.wardrop_gap,
    }


def _prices(model: Model, prices: Mapping[str, float]) -> Quantities:
    def both(node: int) -> list[float | None]:
        return [prices[goods.charging(node)], prices.get(goods.discharging(node))]

    return {"station_price_usd_per_kwh": {str(node): both(node) for node in model.traffic.form.stations.nodes}}


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


def _named(names: Sequence[str], values: Vector) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def _by_bus(entries: Any) -> dict[str, float]:
    total: dict[str, float] = {}
    for buses, values in entries:
        for bus, value in zip(buses, values, strict=True):
            total[bus] = total.get(bus, 0.0) + float(value)
    return total
