"""The models of the distribution operator: each keeps the contract, and is what it says it is."""

import numpy as np
import pytest

from bestresponse.conformance import check_player
from bestresponse.errors import DataError
from bestresponse.player import Signal
from experiments.case import load_case
from experiments.models.registry import MODELS
from experiments.quantities import quantities
from experiments.solving import solve
from networks.feeder import load_feeder
from players.copper_plate import CopperPlate
from players.grid_terms import ImportContract
from tests.players.solved import solved

SWAPPED = [model for model in MODELS["dso"] if model != "linear"]  # the default is tested with all shipped players
RUNS = [("teaching", "stress", True), ("teaching", "island", True)]
FULL = ("sioux_falls_ieee123", "base", True)
CONGESTED = ("sioux_falls_ieee123", "congested", True)
CONTRACT = ImportContract(0.06, 500.0, -500.0, 500.0)


def run_name(run):
    return "-".join(map(str, run[:2])) + ("-v2g" if run[2] else "")


@pytest.mark.parametrize("dso", SWAPPED)
@pytest.mark.parametrize("run", RUNS, ids=run_name)
def test_a_swapped_operator_conforms(run, dso):
    model, found = solved(*run, dso)
    assert not check_player(model.player("dso"), model.market, found.price, found.responses)


@pytest.mark.parametrize("dso", SWAPPED)
@pytest.mark.parametrize(("case", "scenario"), [("teaching", "island"), FULL[:2]], ids=["teaching", "full"])
def test_both_routes_certify_one_equilibrium_of_a_swapped_operator(case, scenario, dso):
    stated = load_case(case)
    chosen = stated.model_copy(update={"players": stated.players.model_copy(update={"dso": dso})})
    result = solve(chosen, scenario)
    assert result.solved and result.routes_agree and result.monolith["independent"], result.status
    assert max(gain["relative"] for gain in result.certificate["gain"].values()) <= 1e-6


@pytest.mark.parametrize("dso", MODELS["dso"])
@pytest.mark.parametrize("run", [*RUNS, FULL], ids=run_name)
def test_the_parts_of_every_nodal_price_sum_to_it(run, dso):
    model, found = solved(*run, dso)
    shown = quantities(model, found.price, found.responses)
    price, parts = shown["dlmp_usd_per_kwh"], shown["dlmp_parts_usd_per_kwh"]
    assert list(parts) == list(price) == list(model.feeder.buses)
    assert [sum(each.values()) for each in parts.values()] == pytest.approx(list(price.values()), abs=1e-6)
    energy = {}
    for bus, each in parts.items():
        energy.setdefault(model.feeder.component[model.feeder.bus_index(bus)], set()).add(each["energy"])
    assert all(np.ptp(list(prices)) <= 1e-9 for prices in energy.values())


def test_congestion_of_the_full_feeder_is_told_apart():
    model, found = solved(*CONGESTED)
    parts = quantities(model, found.price, found.responses)["dlmp_parts_usd_per_kwh"].values()
    assert max(abs(each["line"]) for each in parts) > 0.01
    assert all(each["loss"] == 0.0 for each in parts)


def test_on_a_copper_plate_a_part_has_one_price():
    model, found = solved("teaching", "island", True, "copperplate")
    feeder = model.feeder
    price = quantities(model, found.price, found.responses)["dlmp_usd_per_kwh"]
    by_part = [
        [price[bus] for bus, part in zip(feeder.buses, feeder.component, strict=True) if part == k] for k in (0, 1)
    ]
    assert all(np.ptp(prices) <= 1e-7 for prices in by_part)
    assert abs(by_part[0][0] - by_part[1][0]) > 0.01


def test_a_copper_plate_brings_energy_from_where_it_is_cheap_to_where_it_is_dear():
    plate = CopperPlate(load_feeder("teaching"), ["3", "5"], CONTRACT, reach_kw=1000.0)
    answer = plate.best_response(Signal(np.array([0.3, 0.1, 0.0])))  # λ₃, λ₅, τ
    assert -answer.trade == pytest.approx([1000.0, -500.0, 500.0])  # bus 5 pays more than the wholesale price of 0.06
    answer = plate.best_response(Signal(np.array([0.3, 0.1, 0.0]) - [0.2, 0.2, 0.0]))
    assert -answer.trade == pytest.approx([1000.0, -1000.0, 0.0])


def test_the_operators_of_two_models_differ_by_their_networks_alone():
    (linear, found), (plate, other) = solved(*RUNS[0]), solved(*RUNS[0], "copperplate")
    assert [good.name for good in linear.market.goods] == [good.name for good in plate.market.goods]
    imported = [quantities(m, e.price, e.responses)["import_kw"] for m, e in ((linear, found), (plate, other))]
    assert imported[0] == pytest.approx(imported[1], rel=1e-5)  # nothing binds there


@pytest.mark.parametrize("reach", [0.0, -1.0, np.inf, np.nan])
def test_a_reach_must_be_a_positive_number(reach):
    with pytest.raises(DataError, match="reach_kw"):
        CopperPlate(load_feeder("teaching"), ["3"], CONTRACT, reach)
