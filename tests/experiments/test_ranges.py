"""Are the ranges of quantities that are not unique those over all equilibria: none too wide, none too narrow?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bestresponse.certificate import certify
from bestresponse.errors import FormulationError
from bestresponse.monolith import solve_monolith
from bestresponse.player import Response
from bestresponse.stopping import Tolerances
from bestresponse.system import ComplementaritySystem
from experiments.build import build
from experiments.case import case_from, load_case
from experiments.equilibrium_set import equilibrium_set
from experiments.ranges import ranges
from experiments.solving import solve
from players.traffic import Traffic, stopping
from tests.experiments.case_tables import tables
from tests.experiments.runs import ROBUST, TEACHING
from tests.experiments.test_vehicle_classes import one_class


def traffic_of(model):
    return next(player for player in model.market if isinstance(player, Traffic))


@pytest.fixture(scope="module")
def island():
    """The model, the system, an equilibrium, and its set of equilibria: here stops are known not to be unique."""
    model = build(load_case(ROBUST), "island", v2g=True)
    system = ComplementaritySystem(model.market)
    found = solve_monolith(model.market, system=system).equilibrium
    return model, system, found


@pytest.fixture(scope="module")
def island_ranges(island):
    _, system, found = island
    return ranges(system, found.responses)


def test_the_share_of_stops_is_as_wide_as_known(island_ranges):
    low, high = island_ranges["stop_share"]
    assert (round(low, 3), round(high, 3)) == (0.247, 0.303)  # findings.md, by the one-program route


def test_both_ends_are_equilibria_at_the_same_prices(island):
    """None too wide: the plans at either end are certified."""
    model, system, found = island
    everything = equilibrium_set(system, found.responses)
    electric, stops, _ = stopping(traffic_of(model).form)
    for sign in (1.0, -1.0):
        x = everything.lowest("Traffic", "path_flow", sign * (electric & stops))
        responses = {}
        for name, block in system.blocks.items():
            plan = {k: x[everything.program.variables[f"{name}: {k}"]] for k in block.variables}
            own = np.concatenate(list(plan.values()))
            responses[name] = Response(block.trade @ own + block.trade_offset, block.cost(own), plan)
        assert certify(model.market, found.price, responses, Tolerances.of(1e-6)).holds


@pytest.mark.parametrize(("toll", "end"), [(1e-3, 0), (-1e-3, 1)])
def test_a_market_that_all_but_equals_this_one_sits_at_an_end(island_ranges, toll, end):
    """None too narrow: where stopping costs a little more (less) [$], as few (many) vehicles stop as may."""
    model = build(load_case(ROBUST), "island", v2g=True)
    traffic = traffic_of(model)
    form = traffic.form
    electric, stops, _ = stopping(form)
    traffic._columns.form = replace(form, wear=form.wear + toll * (electric & stops))
    flow = solve_monolith(model.market).equilibrium.responses["Traffic"].plan["path_flow"]
    assert flow[electric & stops].sum() / flow[electric].sum() == pytest.approx(
        island_ranges["stop_share"][end], abs=1e-4
    )


def test_an_equilibrium_lies_within_its_ranges():
    result = solve(TEACHING, "stress", True, ranges=True)
    flat = {"": result.ranges} | {k: v for k, v in result.ranges.items() if isinstance(v, dict)}
    for name, values in {"": result.quantities, "station_net_kw": result.quantities["station_net_kw"]}.items():
        bounds = {key: ends for key, ends in flat[name].items() if isinstance(ends, list)}
        assert bounds and all(low - 1e-4 <= values[key] <= high + 1e-4 for key, (low, high) in bounds.items())
    assert set(result.ranges["dominant_path_share"]) == set(result.quantities["od_cost_usd"])


def test_nothing_is_said_unasked_or_where_vehicles_differ_in_their_value_of_time():
    assert solve(TEACHING, "stress", True, "monolith").ranges == {}
    case = case_from(tables(TEACHING, vehicles__classes=[one_class(), one_class("fast", 0.5, 60.0)]), "mixed")
    system = ComplementaritySystem(build(case, "base", True).market)
    assert ranges(system, {}) == {}
    with pytest.raises(FormulationError, match="one value of time"):
        equilibrium_set(system, {})


def test_nothing_is_said_where_paths_are_found_on_the_way_and_none_else_is_known():
    case = case_from(tables(TEACHING, players={"traffic": "generated"}), "searched")
    result = solve(case, "stress", True, "sharing", ranges=True)
    assert result.solved and result.ranges == {}


def test_without_stations_there_is_nothing_to_say_of_them():
    near = {"stations": [], "demand__destinations": [2], "demand__ev_by_od": {}}
    result = solve(case_from(tables(TEACHING, **near), "near"), "stress", True, "monolith", ranges=True)
    assert result.solved and result.ranges["station_net_kw"] == {} and result.ranges["stop_share"] == [0.0, 0.0]
    assert result.ranges["dominant_path_share"]["1-2"] == pytest.approx([1.0, 1.0])
