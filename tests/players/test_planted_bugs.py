"""Every fault planted in every shipped player, and the check made for it catches it.

Prices are those of the teaching case under stress, where lines and stations are scarce and all players react.
"""

import dataclasses

import pytest

from bestresponse.checks.contract import CHECKS
from bestresponse.conformance import checks
from players.branch_flow_operator import BranchFlowOperator
from players.charging_operator import ChargingOperator
from players.storage_operator import OnSiteEnergy, StorageOperator
from tests.players import faults
from tests.players.solved import player_of, solved

PLAYERS = {
    "CNO": ("CNO", None),
    "CNO with storage": ("CNO", None),
    "DSO": ("DSO", None),
    "DSO as copper plate": ("DSO", None),
    "DSO by phase": ("DSO", None),
    "DSO with losses": ("DSO", None),
    "Households": ("Households", None),
    "LSE as Cournot": ("North", 1.0),
    "LSE as price taker": ("North", 0.0),
    "Traffic": ("Traffic", None),
}

MODELS = {  # where not the default
    "DSO as copper plate": "copperplate",
    "DSO by phase": "three_phase",
    "DSO with losses": "socp",
}

CAUGHT_BY = {
    faults.PriceSignFlipped: "envelope",
    faults.TradeSignFlipped: "slopes down",
    faults.CostIncludesPayment: "envelope",
    faults.AnswersTheSignalBefore: "no memory",
    faults.DriftsWithEveryAnswer: "no memory",
    faults.KeepsAnAnchor: "no memory",
    faults.MutatesPrice: "leaves the signal alone",
    faults.MutatesWeight: "leaves the signal alone",
    faults.MutatesTarget: "leaves the signal alone",
    faults.MutatesOthers: "leaves the signal alone",
    faults.AnchorIgnored: "anchor",
    faults.AnchorHalved: "anchor",
    faults.AnchorUnsquared: "anchor",
    faults.AnchorTargetFlipped: "anchor",
    faults.SensitivityFlipped: "sensitivity",
    faults.SensitivityDoubled: "sensitivity",
    faults.SensitivityOfAnotherAnchor: "sensitivity",
    faults.SensitivityOfTheSignalBefore: "sensitivity",
    faults.SensitivityOfTheLastAnswer: "sensitivity",
    faults.SensitivityForgotten: "sensitivity",
    faults.SensitivityLopsided: "sensitivity",
    faults.SensitivityOfOneGood: "sensitivity",
    faults.SensitivityNaN: "sensitivity",
    faults.IgnoresPrice: "reacts to price",
    faults.LeavesItsSet: "stays in its set",
    faults.NaNTrade: "finite",
    faults.NaNCost: "finite",
    faults.NaNPlan: "finite",
    faults.NaNBound: "finite",
    faults.NaNMultiplier: "finite",
    faults.PromisesTooMuch: "envelope",
    faults.MultipliersFlipped: "multipliers",
    faults.TradeOfTheWrongLength: "shape",
    faults.PlanOfTheWrongLength: "shape",
    faults.BlockTradesFlipped: "block agrees",
    faults.BlockCostOff: "block agrees",
    faults.BlockGradientOff: "block agrees",
    faults.BlockRowsOff: "block agrees",
    faults.BlockJacobianOff: "block's Jacobian",
    faults.BlockWithoutLowerBounds: "block's set",
    faults.BlockWithoutUpperBounds: "block's set",
    faults.BlockWithoutOneBound: "block's set",
    faults.BlockWithoutInequalities: "block's set",
}

# Where the check made for a fault cannot see it, another one does.
ELSEWHERE = {
    # With the sign flipped every price in range looks like a gift: they always take all they can, consistently.
    (faults.PriceSignFlipped, "Households"): "reacts to price",
}

NO_ROWS, NO_CEILING = (
    "it has no rows, so nothing there can be wrong",
    "it has no such rows or bounds that could be missing",
)
INVISIBLE = {
    (faults.SensitivityLopsided, "Households"): "what they use at one bus has nothing to do with the price at another",
    (faults.NaNMultiplier, "Households"): NO_ROWS,
    (faults.MultipliersFlipped, "Households"): NO_ROWS,
    (faults.BlockRowsOff, "Households"): NO_ROWS,
    (faults.BlockWithoutInequalities, "Households"): NO_ROWS,
    (faults.BlockWithoutInequalities, "DSO as copper plate"): NO_CEILING,
    (faults.BlockWithoutInequalities, "Traffic"): NO_CEILING,
    (faults.BlockWithoutUpperBounds, "Traffic"): NO_CEILING,
}
CURVED = ("block's set", "DSO with losses", BranchFlowOperator.conformance_exceptions["block's set"])
INVISIBLE |= {(fault, CURVED[1]): CURVED[2] for fault, check in CAUGHT_BY.items() if check == CURVED[0]}


def shipped(model, label):
    name, conduct = PLAYERS[label]
    player = player_of(model, name, conduct=conduct)
    if name != "CNO":
        return player
    # The case leaves its net limits as wide as its capacities: rows that never bind, whose faults nobody could see.
    narrow = [
        dataclasses.replace(s, net_min_kw=-s.capacity_kw / 2, net_max_kw=s.capacity_kw / 3) for s in player.stations
    ]
    if label == "CNO with storage":
        return StorageOperator(narrow, [OnSiteEnergy(20.0, 40.0, 30.0, 0.9, 0.12)] * len(narrow), player.v2g)
    return ChargingOperator(narrow, player.v2g)


def planted(fault, label):
    model, found = solved("teaching", "stress", True, MODELS.get(label, "linear"))
    player = fault(shipped(model, label))
    return {c.name: c for c in checks(player, model.market, found.price, found.responses)}


def cases():
    for fault, check in CAUGHT_BY.items():
        for label in PLAYERS:
            reason = INVISIBLE.get((fault, label))
            marks = [pytest.mark.skip(reason=reason)] if reason else []
            seen_by = ELSEWHERE.get((fault, label), check)
            yield pytest.param(fault, label, seen_by, marks=marks, id=f"{label}-{fault.__name__}")


@pytest.mark.parametrize(("fault", "label", "check"), list(cases()))
def test_the_check_made_for_a_fault_catches_it(fault, label, check):
    assert planted(fault, label)[check].failures()


@pytest.mark.parametrize(
    ("check", "label"), [(check, label) for check in CHECKS for label in PLAYERS if (check, label) != CURVED[:2]]
)
def test_without_a_fault_every_check_passes(check, label):
    planted(faults.Sound, label)[check]()


def test_every_check_has_a_fault_made_for_it():
    assert set(CAUGHT_BY.values()) == set(CHECKS)
