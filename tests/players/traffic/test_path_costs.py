"""Path costs and incidences, one path at a time, against a plain-Python recomputation."""

import numpy as np
import pytest

from bestresponse.player import Anchor
from players.traffic.problem import Problem
from players.traffic.resources import Marginal
from tests.players.traffic.instances import (
    plain_levels,
    plain_path_cost,
    sioux_falls,
    some_flows,
    stacked_paths,
)


@pytest.mark.parametrize("values_of_time", [(24.0,), (24.0, 48.0)])
@pytest.mark.parametrize("v2g", [True, False])
def test_every_path_costs_what_its_stops_and_links_say(values_of_time, v2g):
    player = sioux_falls(values_of_time, v2g=v2g)
    rng = np.random.default_rng(1)
    form, price = player.form, rng.uniform(-0.5, 1.0, len(player.goods))
    flow = some_flows(player, rng)
    anchor = Anchor(rng.uniform(0, 1e-3, len(price)), rng.uniform(-100, 100, len(price)))
    state = Problem(form, Marginal(form, price, anchor)).state(flow)

    links, visits, trades = plain_levels(player, flow)
    link_flow, station_visits, trade = form.split(state.levels)
    assert dict(zip(player.goods, trade, strict=True)) == pytest.approx(trades, rel=1e-10)
    assert dict(zip(form.stations.nodes, station_visits, strict=True)) == pytest.approx(visits, rel=1e-10)
    by_pair = dict(zip(zip(player.road.tail.tolist(), player.road.head.tolist(), strict=True), link_flow, strict=True))
    assert {pair: value for pair, value in by_pair.items() if pair in links} == pytest.approx(links, rel=1e-10)

    paid = price + anchor.weight * (np.array([trades[good] for good in player.goods]) - anchor.target)
    named = dict(zip(player.goods, paid, strict=True))
    assert max(visits.values()) > 21  # some station has a queue, else this would not test waiting
    expected = [sum(plain_path_cost(player, *each, links, visits, named)) for each in stacked_paths(player)]
    assert state.cost / form.scale == pytest.approx(np.array(expected), rel=1e-9, abs=1e-9)


def test_paths_of_several_classes_do_not_share_index_arrays():
    player = sioux_falls((24.0, 48.0))
    before = player.form.use.toarray()
    for matrix in (
        player.form.charge,
        player.form.links,
        player.form.visits,
        player.form.trades,
        player.form.use_by_resource,
    ):
        matrix.sort_indices()
        matrix.data[:] = 0.0
    assert np.array_equal(player.form.use.toarray(), before)
