"""The worked examples beside the roles, each chosen by a case file alone: what they do, and that they conform."""

import tomllib

import numpy as np
import pytest

from bestresponse.conformance import check_player
from bestresponse.coordinator import coordinate
from bestresponse.errors import DataError
from bestresponse.player import Signal
from experiments.build import build
from experiments.case import BUILT_IN, case_from
from experiments.models.registry import EXTRAS, names
from experiments.solving import solve
from players.battery import Battery
from players.carbon_generator import CarbonGenerator
from players.flexible_loads import FlexibleLoads
from tests.experiments.case_tables import tables

OPTIONS = {
    "battery": dict(bus="5", power_kw=50.0, energy_kwh=100.0, stored_kwh=60.0, worth_usd_per_kwh=0.12),
    "carbon_generator": dict(bus="5", p_max_kw=60.0, c1_usd_per_kwh=0.05, carbon_usd_per_t=80.0),
    "flexible_loads": dict(most_kw={"5": 20.0, "6": 10.0}, worth_usd_per_kwh={"5": 0.15, "6": 0.02}, least_kw=5.0),
}


def with_extra(model, **options):
    """The small case with a player beside the roles, as a case file says it."""
    data = tomllib.loads((BUILT_IN / "teaching.toml").read_text())
    return case_from(data | {"players": {"extra": [{"model": model, "options": options}]}}, "case.toml")


def test_every_worked_example_is_here():
    assert list(EXTRAS) == names("extra") == list(OPTIONS)


@pytest.mark.parametrize("name", EXTRAS)
def test_it_enters_a_market_by_its_name_and_both_routes_agree(name):
    result = solve(with_extra(name, **OPTIONS[name]), "stress")
    assert result.solved and result.routes_agree, result.status
    assert result.certificate["natural_residual"] <= 1e-6
    assert max(gain["relative"] for gain in result.certificate["gain"].values()) <= 1e-6


@pytest.mark.parametrize("name", EXTRAS)
def test_it_conforms_at_the_prices_of_its_market(name):
    model = build(with_extra(name, **OPTIONS[name]), "base", True)
    found = coordinate(model.market, model.first_price)
    assert found.solved
    assert not check_player(model.extra[0], model.market, found.price, found.responses, draws=12)


def test_it_may_stand_at_a_bus_where_nobody_else_is():
    battery = OPTIONS["battery"] | {"bus": "1"}
    assert "1" not in build(with_extra("battery", **OPTIONS["battery"]), "base", True).setting.delivery_buses
    result = solve(with_extra("battery", **battery), "base")
    assert result.solved and result.routes_agree, result.status


def answer(player, **prices):
    """What a player trades at prices of import and of delivery to every bus [$/kWh]."""
    price = np.array([prices["energy"], *[prices.get("delivery", 0.0)] * (len(player.goods) - 1)])
    return player.best_response(Signal(price)).trade


@pytest.mark.parametrize(("delivered", "expected"), [(0.0629, 0.0), (0.0819, 0.0), (0.0821, -60.0)])
def test_a_generator_runs_where_it_earns_its_carbon_price(delivered, expected):
    plant = CarbonGenerator(**OPTIONS["carbon_generator"])  # 0.05 + 80 · 0.4 / 1000 = 0.082 $/kWh
    clean = CarbonGenerator(**OPTIONS["carbon_generator"] | {"carbon_usd_per_t": 0.0})
    assert answer(clean, energy=delivered) == pytest.approx([-60.0, -60.0])
    assert answer(plant, energy=delivered) == pytest.approx([expected, expected])


def test_a_battery_buys_cheaply_sells_dearly_and_rests_between():
    battery = Battery(**OPTIONS["battery"])
    cheap, dear = 0.12 * 0.95, 0.12 / 0.95  # what a kWh bought is worth later, and what a kWh sold costs then
    full = (100.0 - 60.0) / 0.95
    assert answer(battery, energy=cheap - 0.001) == pytest.approx([full, full])
    assert answer(battery, energy=cheap + 0.001) == pytest.approx([0.0, 0.0], abs=1e-9)
    assert answer(battery, energy=dear - 0.001) == pytest.approx([0.0, 0.0], abs=1e-9)
    assert answer(battery, energy=dear + 0.001, delivery=0.0) == pytest.approx([-50.0, -50.0])
    assert answer(battery, energy=0.1, delivery=dear) == pytest.approx([-50.0, -50.0])
    drained = Battery(**OPTIONS["battery"] | {"stored_kwh": 19.0})
    assert answer(drained, energy=0.5) == pytest.approx([-19.0 * 0.95] * 2)


def test_flexible_loads_use_what_is_worth_it_and_what_was_promised():
    loads = FlexibleLoads(**OPTIONS["flexible_loads"])
    assert answer(loads, energy=0.01) == pytest.approx([30.0, 20.0, 10.0])
    assert answer(loads, energy=0.10) == pytest.approx([20.0, 20.0, 0.0], abs=1e-9)
    assert answer(loads, energy=0.30) == pytest.approx([5.0, 5.0, 0.0], abs=1e-9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Battery("5", 1.0, 2.0, 3.0, 0.1), "stored_kwh: given 3.0, must lie between 0 and energy_kwh = 2.0"),
        (lambda: Battery("5", 1.0, 2.0, 1.0, 0.1, efficiency=0.0), "efficiency: given 0.0"),
        (lambda: Battery("5", float("nan"), 2.0, 1.0, 0.1), "power_kw: given nan"),
        (lambda: CarbonGenerator("5", 1.0, 0.1, -1.0), "carbon_usd_per_t: given -1.0, must be at least 0"),
        (lambda: FlexibleLoads({"5": 1.0}, {"6": 0.1}), "given at buses 5, worth_usd_per_kwh at 6"),
        (lambda: FlexibleLoads({"5": 1.0}, {"5": 0.1}, least_kw=2.0), "least_kw: given 2.0"),
    ],
)
def test_options_that_make_no_sense_are_refused(make, message):
    with pytest.raises(DataError, match=message):
        make()


@pytest.mark.parametrize(("dso", "scenario"), [("linear", "base"), ("copperplate", "stress")])
def test_an_extra_player_may_sell_more_than_can_be_imported(dso, scenario):
    """A generator at bus 3 has enough for all, at 0.05 $/kWh, and nothing can be imported or generated elsewhere."""
    data = tables(tso__p_max_kw=0.0, station_defaults__inverter_kvar=600.0)
    for entity in data["lse"]:
        entity["generators"] = []
    options = {"bus": "3", "p_max_kw": 5000.0, "c1_usd_per_kwh": 0.05, "carbon_usd_per_t": 0.0}
    players = {"dso": dso, "extra": [{"model": "carbon_generator", "options": options}]}
    found = solve(case_from(data | {"players": players}, "c"), scenario)
    assert found.solved and found.routes_agree
    assert found.quantities["load_shed_kw"] == pytest.approx(0.0, abs=1e-6)
    assert max(found.quantities["dlmp_usd_per_kwh"].values()) == pytest.approx(0.05, rel=1e-6)
