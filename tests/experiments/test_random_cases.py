"""Markets that nobody chose: stations, drivers, entities and prices drawn at random, solved by both routes."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from experiments.case import case_from
from experiments.result import Result
from experiments.solving import solve
from networks.feeder import load_feeder
from tests.experiments.case_tables import tables

SEEDS = (1, 5, 13, 16)  # where vehicles have to charge


def random_tables(seed: int) -> dict[str, Any]:
    """The reference case with another feeder, other stations and drivers, and one to six entities."""
    rng = np.random.default_rng(seed)
    feeder = load_feeder(("ieee33", "ieee123")[seed % 2])
    loaded = [bus for bus, load in zip(feeder.buses, feeder.p_kw, strict=True) if load > 0]
    total = float(feeder.p_kw.sum())

    def some(of: Any, least: int, most: int) -> list[Any]:
        return rng.choice(of, int(rng.integers(least, most + 1)), replace=False).tolist()

    data = tables(
        "sioux_falls_ieee123",
        name=f"random-{seed}",
        road__capacity_factor=rng.uniform(0.008, 0.05),
        road__base_routes=int(rng.integers(3, 15)),
        demand__origins=some([1, 2, 3], 1, 2),
        demand__destinations=some(np.arange(13, 25), 1, 5),
        demand__ev_veh_per_h=rng.uniform(3, 15),
        demand__fv_veh_per_h=rng.uniform(0, 60),
        vehicles__consumption_kwh_per_km=rng.uniform(1.5, 2.5),
        vehicles__ev_value_of_time_usd_per_h=rng.uniform(8, 40),
        waiting__capacity_veh=rng.uniform(5, 40),
        feeder__network=("ieee33", "ieee123")[seed % 2],
        feeder__voltage_min_pu=0.9,
        tso__price_usd_per_kwh=rng.uniform(0.03, 0.15),
        tso__p_max_kw=rng.uniform(0.4, 1.2) * total,
        households__elasticity=rng.uniform(0.1, 0.8),
        households__served_portion=rng.uniform(0.5, 1),
        scenarios={"only": {"load_factor": rng.uniform(0.8, 1.5)}},
    )
    nodes = some(np.arange(4, 25), 3, 7)
    buses = rng.choice(loaded, len(nodes), replace=False).tolist()
    data["stations"] = [{"node": node, "bus": bus} for node, bus in zip(nodes, buses, strict=True)]
    shares = rng.dirichlet(np.full(int(rng.integers(1, 7)), 5.0))
    data["lse"] = [
        {
            "name": f"entity {i}",
            "share": share,
            "generators": [
                {
                    "bus": bus,
                    "p_max_kw": rng.uniform(0.05, 0.3) * total,
                    "c1_usd_per_kwh": rng.uniform(0.05, 0.12),
                    "c2_usd_per_kw2h": 10 ** rng.uniform(-5.5, -4),
                    "q_max_kvar": 0.2 * total,
                }
                for bus in some(loaded, 1, 3)
            ],
        }
        for i, share in enumerate(shares.tolist())
    ]
    return data


@cache
def solved(seed: int, v2g: bool) -> Result:
    return solve(case_from(random_tables(seed), "random"), "only", v2g=v2g)


@pytest.mark.parametrize("v2g", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_both_routes_solve_a_random_market_and_agree(seed, v2g):
    result = solved(seed, v2g)
    assert result.solved, result.status
    assert result.routes_agree, result.status
    assert result.sweeps <= 200


def test_a_run_whose_steps_are_often_taken_back_is_not_stopped_as_swinging():
    """Every other step of it ends on the other side of a kink, while the residual falls."""
    result = solved(176, v2g=False)
    assert result.solved and result.routes_agree, result.status
    assert max(record["rolled_back"] for record in result.trace) > 5


def test_the_markets_differ_in_all_that_is_drawn_and_stations_are_busy():
    found = [solved(seed, True).quantities for seed in SEEDS]
    assert len({len(one["generation_kw"]) for one in found}) > 1
    assert len({len(one["station_net_kw"]) for one in found}) > 1
    assert all(one["charged_kw"] > 50.0 for one in found)
    assert any(one["discharged_kw"] > 50.0 for one in found)
