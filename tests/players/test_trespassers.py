"""A market in which one shipped player's plan leaves its own set may well clear, but nobody certifies it."""

import pytest

from bestresponse.coordinator import coordinate
from bestresponse.market import Market
from bestresponse.player import stacked
from bestresponse.stopping import Limits, StopReason, Tolerances
from experiments.build import build
from experiments.case import load_case
from tests.players import faults


class StepsOutside(faults.Sound):
    """Always a little beside its best plan, with trades and costs to match, so that markets can clear around it."""

    def best_response(self, signal):
        answer = super().best_response(signal)
        block = self.inside.block()
        return self.with_plan(answer, stacked(answer.plan, block.variables) - 1e-3 * block.scale)


def coordinated(name):
    model = build(load_case("teaching"), "stress", True)
    players = tuple(StepsOutside(player) if player.name == name else player for player in model.market)
    return coordinate(
        Market(model.market.goods, players),
        model.first_price,
        tolerances=Tolerances.of(1e-6),
        limits=Limits(max_sweeps=60, patience=60),
    )


# Households that use a little less than they would are within their set, and a certificate asks them themselves.
@pytest.mark.parametrize("name", ["CNO", "DSO", "North"])
def test_a_run_with_a_trespasser_ends_without_a_certificate(name):
    result = coordinated(name)
    assert result.stop.reason is not StopReason.CONVERGED and not result.solved
    assert not result.certificate.holds


def test_a_market_that_clears_around_a_trespasser_is_refused_for_its_plan():
    result = coordinated("Traffic")
    assert result.trace.records[-1].imbalance < 1e-6 and result.trace.records[-1].disagreement < 1e-6
    assert result.stop.reason is not StopReason.CONVERGED and not result.solved
    assert any("the plan of Traffic lies outside its own set" in text for text in result.certificate.objections())
