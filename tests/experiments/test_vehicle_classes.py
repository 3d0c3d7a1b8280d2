"""Are several classes of electric vehicles read, refused, solved and judged as they should be?"""

from __future__ import annotations

import pytest

from bestresponse.certificate import certify
from bestresponse.player import Signal
from bestresponse.stopping import Tolerances
from experiments.build import build
from experiments.case import case_from, case_hash
from experiments.case_report import describe
from experiments.cli import Exit, exit_code
from experiments.diagnosing import diagnose
from experiments.solving import solve
from players.traffic import traffic_report
from tests.experiments.case_tables import GONE, refusal, tables
from tests.experiments.runs import ROBUST, TEACHING, solved


def one_class(name="slow", share=0.5, value=12.0, **keys):
    return {"name": name, "share": share, "value_of_time_usd_per_h": value} | keys


HALVES = [one_class("a", 0.5, 20.0), one_class("b", 0.5, 20.0)]
SLOW, FAST = one_class(), one_class("fast", 0.5, 60.0)


def case_of(*classes, case=TEACHING):
    return case_from(tables(case, vehicles__classes=list(classes)), "classes")


def test_without_classes_there_is_one_named_ev():
    (only,) = case_from(tables(), "c").vehicles.electric_classes
    assert (only.name, only.share, only.value_of_time_usd_per_h, only.battery_kwh) == ("EV", 1.0, 20.0, 24.0)


def test_a_class_overrides_keys_and_takes_its_share_of_every_pair():
    long_range = one_class("long", 0.25, 30.0, battery_kwh=48.0, degradation_usd_per_kwh=0.1)
    traffic = build(case_of(one_class(share=0.75), long_range), "base", True).player("traffic")
    slow, long, fuel = traffic.form.classes
    assert [each.name for each in (slow, long, fuel)] == ["slow", "long", "FV"]
    assert slow.demand == pytest.approx([45.0, 9.0, 9.0]) and long.demand == pytest.approx([15.0, 3.0, 3.0])
    assert (slow.degradation, long.degradation) == (0.05, 0.1)
    to_the_end = {each.name: {len(path.stops) for path in each.paths.paths if path.od == 2} for each in (slow, long)}
    assert 0 in to_the_end["long"] and 0 not in to_the_end["slow"]  # 24 km of range 19.2 km and 38.4 km
    assert fuel.paths.n_paths > 0


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([one_class(share=0.5), one_class("fast", 0.4)], "vehicles.classes: given shares 0.5 + 0.4 = 0.9, must sum to"),
        ([SLOW, SLOW], 'vehicles.classes[2].name ("slow"): given "slow" again, must be given once'),
        ([SLOW, one_class("FV")], 'vehicles.classes[2].name ("FV"): given "FV", the name of the fuel vehicles'),
        ([SLOW, one_class("a b")], "must be a name of letters, digits"),
        ([SLOW, one_class("fast", battery_kwh=9.0)], 'classes[2].post_discharge_kwh ("fast"): given 10, must be ≥'),
        ([SLOW, one_class("fast", speed=9.0)], 'vehicles.classes[2].speed ("fast"): unknown key'),
        (
            [SLOW, one_class("short", battery_kwh=12.0)],
            'vehicles.classes[2] ("short"): OD pair 1-5: no energy-feasible path',
        ),
        (
            [one_class(v2g_share=0.5), one_class("slow-charge-only")],
            'classes[2].name ("slow-charge-only"): given "slow-charge-only", the name of a part of another class',
        ),
        ([SLOW, one_class("short", 0.5, consumption_kwh_per_km=9.0)], 'classes[2] ("short"): OD pair 1-2: no energy'),
    ],
)
def test_classes_that_do_not_fit_are_refused_by_name(classes, message):
    assert message in refusal(tables(vehicles__classes=classes))


def test_the_one_value_of_time_is_needed_only_where_there_are_no_classes():
    data = tables(vehicles__ev_value_of_time_usd_per_h=GONE)
    assert refusal(data).startswith("case.toml: vehicles.ev_value_of_time_usd_per_h: missing, must be a finite number")
    data["vehicles"]["classes"] = [one_class(share=1.0)]
    assert [each.value_of_time_usd_per_h for each in case_from(data, "").vehicles.electric_classes] == [12.0]


def test_what_overridden_keys_say_does_not_change_the_hash():
    keys = {"battery_kwh": 30.0}
    one = case_of(one_class(share=1.0, **keys))
    other = case_from(tables(vehicles__classes=[one_class(share=1.0, **keys)], vehicles__battery_kwh=25.0), "c")
    assert case_hash(one) == case_hash(other) != case_hash(case_of(one_class(share=1.0)))
    assert describe(one)["ev_paths_with_v2g"] > 0


def test_one_class_split_in_two_is_the_same_market():
    result = solve(case_of(*HALVES), "stress", method="monolith")
    whole = solved((TEACHING, "stress", True)).result.quantities
    for name in ("social_cost_usd_per_h", "discharged_kw", "travel_cost_usd_per_h", "degradation_cost_usd_per_h"):
        assert result.quantities[name] == pytest.approx(whole[name], rel=1e-6)
    by_class = result.quantities["od_cost_by_class_usd"]
    assert list(by_class) == ["a", "b"]
    for costs in (by_class["a"], by_class["b"], result.quantities["od_cost_usd"]):
        assert costs == pytest.approx(whole["od_cost_usd"], rel=1e-5)
    assert "No theorem" not in result.status


def with_adoption(share, *classes, **keys):
    return case_from(tables(vehicles__v2g_share=share, vehicles__classes=list(classes), **keys), "adoption")


def test_a_class_of_which_a_share_may_discharge_drives_as_two():
    half = with_adoption(0.25, one_class("a", 0.4, 20.0), one_class("b", 0.6, 20.0, v2g_share=0.0))
    parts = [(each.name, each.share, each.discharges) for each in half.vehicles.electric_classes]
    assert parts == [("a", 0.1, True), ("a-charge-only", pytest.approx(0.3), False), ("b", 0.6, False)]
    assert len({case_hash(with_adoption(share)) for share in (0.0, 0.5, 1.0)}) == 3
    first, second, _ = build(with_adoption(0.5), "stress", True).player("traffic").form.classes
    assert first.paths.discharged.count_nonzero() > 0 == second.paths.discharged.count_nonzero()


def test_v2g_from_nobody_to_everybody():
    """Nobody: what is sold is as without V2G. Everybody: as without the key. Between: both routes agree, costs fall."""
    names = (
        "social_cost_usd_per_h",
        "load_shed_kw",
        "charged_kw",
        "discharged_kw",
        "import_kw",
        "travel_cost_usd_per_h",
    )
    between = solve(with_adoption(0.1), "stress")
    nobody, more, all_of_them = (
        solve(with_adoption(x), "stress", method="monolith").quantities for x in (0.0, 0.2, 1.0)
    )
    found = [nobody, between.quantities, more, all_of_them]
    for quantities, v2g in ((found[0], False), (found[-1], True)):
        whole = solved((TEACHING, "stress", v2g)).result.quantities
        assert [quantities[name] for name in names] == pytest.approx(
            [whole[name] for name in names], rel=1e-6, abs=1e-6
        )
    assert between.solved and between.routes_agree and "No theorem" not in between.status
    costs = [each["social_cost_usd_per_h"] for each in found]
    assert costs == sorted(costs, reverse=True) and costs[0] > costs[1] > costs[2]
    assert 0 < found[1]["discharge_share"] <= 0.1 + 1e-9


def valued(*values):
    return [one_class(f"at-{value:g}", 1.0 / len(values), value) for value in values]


@pytest.mark.parametrize(
    ("case", "scenario", "values"),
    [
        (TEACHING, "base", (12.0, 60.0)),
        (TEACHING, "stress", (12.0, 60.0)),
        (ROBUST, "base", (24.0, 48.0)),
        (ROBUST, "stress", (24.0, 48.0)),
        (ROBUST, "base", (12.0, 60.0)),
        (ROBUST, "stress", (12.0, 60.0)),
        (ROBUST, "stress", (12.0, 24.0, 60.0)),
        (ROBUST, "stress", (10.0, 90.0)),  # here the routes may find two different equilibria
    ],
)
def test_several_values_of_time_are_solved_by_both_routes_and_certified(case, scenario, values):
    result = solve(case_of(*valued(*values), case=case), scenario)
    assert result.solved and exit_code(result) is Exit.SOLVED
    assert result.monolith["converged"] and result.monolith["independent"]
    assert result.monolith["factorisations"] <= 45 and result.monolith["natural_residual"] <= 1e-10
    for certificate in (result.certificate, result.monolith["certificate"]):
        assert max(certificate["imbalance"].values()) <= 1e-8
        assert max(gain["relative"] for gain in certificate["gain"].values()) <= 1e-6
    assert "No theorem covers several values of time; the certificate speaks for this answer." in result.status
    assert not any(row["unique"] for row in result.cross_check.values())
    assert (
        result.routes_agree is not False
    )  # equilibria need not be unique: a difference is said, not held against them
    assert ("The two routes differ in " in result.status) is (result.routes_agree is None)
    costs = list(result.quantities["od_cost_by_class_usd"].values())
    assert result.quantities["od_cost_usd"] == costs[0]
    assert all(costs[-1][pair] > costs[0][pair] for pair in costs[0])


def test_the_gain_of_several_classes_is_what_their_drivers_lose():
    """Best responses to one price, judged at another: the excess cost of all drivers, by plain sums."""
    model = build(case_of(SLOW, FAST), "base", True)
    market, traffic, price = model.market, model.player("traffic"), model.first_price
    answers = {player.name: player.best_response(Signal(price[market.positions[player.name]])) for player in market}
    held = certify(market, price, answers, Tolerances()).gains["Traffic"]
    assert 0.0 <= held.relative <= 1e-6
    assert not traffic.minimises
    wrong = certify(market, 5.0 * price, answers, Tolerances()).gains["Traffic"]
    report = traffic_report(
        traffic.form, answers["Traffic"].plan["path_flow"], 5.0 * price[market.positions["Traffic"]]
    )
    paid = sum(used.flow_veh_per_h * (used.time_usd + used.station_usd + used.energy_usd) for used in report.used_paths)
    least = sum(report.od_cost_usd[each.name] @ each.demand for each in traffic.form.classes)
    assert paid - least > 1.0
    assert wrong.absolute == pytest.approx(paid - least, rel=1e-3)
    assert wrong.outlay == pytest.approx(paid, rel=1e-5)


@pytest.mark.parametrize(
    ("values", "monotone"), [((20.0,), True), ((20.0, 20.0), True), ((24.0, 48.0), False), ((12.0, 60.0), False)]
)
def test_the_diagnosis_tells_one_value_of_time_from_several(values, monotone):
    diagnosis = diagnose(case_of(*valued(*values)) if len(set(values)) == len(values) else case_of(*HALVES), "stress")
    assert diagnosis.solution.mcp.converged
    assert diagnosis.map.is_monotone is monotone and diagnosis.map.has_potential is monotone
    assert monotone or diagnosis.map.smallest_eigenvalue < -1e-4
    assert any("monotone at its equilibrium" in text for text in diagnosis.sentences()) is monotone
    assert any("differ in their value of time" in text for text in diagnosis.sentences()) is not monotone
