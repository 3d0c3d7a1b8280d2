"""Routes and Algorithm 1 once more, by plain enumeration and one link at a time."""

from __future__ import annotations

from itertools import pairwise, permutations, product


def all_simple_routes(links, origin, destination, first_through=1):
    """Every route as (time, nodes), found by walking; `links` maps (i, j) -> (time, km)."""
    found = []

    def walk(nodes, time):
        if nodes[-1] == destination:
            found.append((time, tuple(nodes)))
            return
        if nodes[-1] < first_through and len(nodes) > 1:
            return
        for (i, j), (link_time, _) in links.items():
            if i == nodes[-1] and j not in nodes:
                walk([*nodes, j], time + link_time)

    walk([origin], 0.0)
    return sorted(found)


def k_fastest_with_ties(routes, k):
    limit = routes[min(k, len(routes)) - 1][0] * (1 + 1e-9)
    return {nodes for time, nodes in routes if time <= limit}


def feasible_trips(links, routes, stations, vehicle, v2g):
    """All (nodes, ((node, charges, kWh), ...)) that A1-A4 and (2) allow."""
    trips = {}
    for nodes in routes:
        for n_stops in (0, 1, 2):
            for places in permutations(nodes[1:-1], n_stops):
                in_order = list(places) == sorted(places, key=nodes.index)
                if not in_order or not set(places) <= set(stations):
                    continue
                for acts in product(["charge", "discharge"], repeat=n_stops):
                    if acts.count("discharge") > (1 if v2g else 0):
                        continue
                    stops = simulate(links, nodes, dict(zip(places, acts, strict=True)), vehicle)
                    if stops is not None:
                        trips[(nodes, tuple((node, charges) for node, charges, _ in stops))] = [q for *_, q in stops]
    return trips


def all_trips(links, origin, destination, stations, vehicle, v2g, first_through=1):
    """Every feasible trip of at most three simple legs, as (links by leg, stops)."""
    legs = {}

    def between(start, end):
        if (start, end) not in legs:
            legs[start, end] = [nodes for _, nodes in all_simple_routes(links, start, end, first_through)]
        return legs[start, end]

    possible = [node for node in stations if node not in (origin, destination) and node >= first_through]
    for n_stops in (0, 1, 2):
        for places in permutations(possible, n_stops):
            for acts in product([True, False], repeat=n_stops):
                if acts.count(False) > (1 if v2g else 0):
                    continue
                ends = pairwise((origin, *places, destination))
                for chosen in product(*(between(*pair) for pair in ends)):
                    stops = simulate_legs(links, chosen, acts, vehicle)
                    if stops is not None:
                        yield chosen, stops


def simulate_legs(links, legs, acts, vehicle):
    """What is traded at the end of every leg but the last, as (node, charges, kWh), or None."""
    full, least, stops = vehicle.battery_kwh, vehicle.range_anxiety * vehicle.battery_kwh, []
    battery = full
    for k, nodes in enumerate(legs):
        for pair in pairwise(nodes):
            battery -= vehicle.consumption_kwh_per_km * links[pair][1]
        if battery < least - 1e-9:
            return None
        if k < len(acts):
            after = full if acts[k] else vehicle.post_discharge_kwh
            traded = after - battery if acts[k] else battery - after
            if traded <= 1e-9:
                return None
            stops.append((nodes[-1], acts[k], traded))
            battery = after
    return stops


def simulate(links, nodes, plan, vehicle):
    full, least = vehicle.battery_kwh, vehicle.range_anxiety * vehicle.battery_kwh
    battery, stops = full, []
    for step, here in enumerate(nodes):
        if step > 0:
            battery -= vehicle.consumption_kwh_per_km * links[nodes[step - 1], here][1]
        if here not in plan and here != nodes[-1]:
            continue
        if here == nodes[-1]:
            return None if battery < least - 1e-9 else stops
        if plan[here] == "charge":
            traded = full - battery
            if battery < least - 1e-9:
                return None
            battery = full
        else:
            target = vehicle.post_discharge_kwh if vehicle.post_discharge == "level" else least
            if vehicle.post_discharge == "need":
                for i, j in zip(nodes[step:], nodes[step + 1 :], strict=False):
                    target += vehicle.consumption_kwh_per_km * links[i, j][1]
                    if j in plan:
                        break
            traded = battery - target
            battery = target
        if traded <= 1e-9:
            return None
        stops.append((here, plan[here] == "charge", traded))
    raise RuntimeError("the route has no end")


def as_links(road):
    ends = zip(road.tail.tolist(), road.head.tolist(), strict=True)
    return dict(zip(ends, zip(road.free_flow_h.tolist(), road.length_km.tolist(), strict=True), strict=True))
