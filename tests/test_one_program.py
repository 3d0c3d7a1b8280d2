"""The one-program route itself: its building blocks by hand, its answers against an earlier prototype's figures."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from tests.one_program import OneProgramResult, solve_one_program
from tests.one_program.paths import drive
from tests.one_program.routes import shortest_routes
from tests.one_program.solve import all_paths
from tests.one_program.tables import CASES, Vehicle, demand_of, read_grid, read_rows, read_study

REFERENCE = Path(__file__).parent / "reference"
ROBUST, PAPER = "sioux_falls_ieee123", "paper_findings"


@cache
def solved(case: str, scenario: str, v2g: bool) -> OneProgramResult:
    return solve_one_program(case, scenario, v2g)


def printed(figures: dict[str, str]) -> dict[str, object]:
    """The figures of a table row, each as good as its last printed digit."""
    return {
        key: pytest.approx(float(text), rel=0, abs=0.5000001 * 10.0 ** -len(text.partition(".")[2]))
        for key, text in figures.items()
        if text
    }


def summary(result: OneProgramResult) -> dict[str, object]:
    """The quantities of the reference tables, under their column names."""
    dlmp = result.unique["dlmp_usd_per_kwh"].values()
    return {
        **result.unique,
        **result.not_unique,
        "generation_kw": sum(result.unique["generation_kw"].values()),
        "dlmp_min_usd_per_kwh": min(dlmp),
        "dlmp_max_usd_per_kwh": max(dlmp),
        "od_cost_1_20_usd": result.unique["od_cost_usd"]["1-20"],
        "stop_share": 100 * result.not_unique["stop_share"],
        "discharge_share": 100 * result.not_unique["discharge_share"],
    }


def runs_of(file: str) -> list[dict[str, str]]:
    return read_rows(REFERENCE / file)


def run_name(row: dict[str, str]) -> str:
    return f"{row['scenario']}/{'v2g' if row['v2g'] == 'yes' else 'no-v2g'}"


@pytest.mark.parametrize("row", runs_of("findings_robust.csv"), ids=run_name)
def test_robust_case_gives_the_prototypes_unique_quantities(row):
    result = solved(ROBUST, row["scenario"], row["v2g"] == "yes")
    expected = printed({key: text for key, text in row.items() if key not in ("scenario", "v2g")})
    assert {key: summary(result)[key] for key in expected} == expected
    assert result.run.status == "optimal"
    assert result.wardrop_gap < 1e-9


@pytest.mark.parametrize("row", runs_of("findings_paper.csv"), ids=run_name)
def test_paper_case_gives_the_prototypes_figures(row):
    result = solved(PAPER, row["scenario"], row["v2g"] == "yes")
    expected = printed({key: text for key, text in row.items() if key not in ("scenario", "v2g", "saving")})
    assert {key: summary(result)[key] for key in expected} == expected
    assert result.run.status == "optimal"
    if row["saving"]:
        before = solved(PAPER, row["scenario"], False).unique["social_cost_usd_per_h"]
        saving = 100 * (1 - result.unique["social_cost_usd_per_h"] / before)
        assert {"saving": saving} == printed({"saving": row["saving"]})


@pytest.mark.parametrize("scenario", ["stress", "island"])
def test_paper_case_reroutes_the_pair_1_20_and_harms_no_other_the_paper_names(scenario):
    without, with_v2g = solved(PAPER, scenario, False), solved(PAPER, scenario, True)
    path = without.not_unique["dominant_path"]["1-20"]
    assert path == {"route": (1, 2, 6, 8, 7, 18, 20), "stops": [(2, "+")]}
    path = with_v2g.not_unique["dominant_path"]["1-20"]
    assert path == {"route": (1, 3, 12, 13, 24, 21, 20), "stops": [(3, "+"), (12, "-")]}
    for pair in ("3-18", "3-22"):
        cost_with, cost_without = (r.unique["od_cost_usd"][pair] for r in (with_v2g, without))
        assert cost_with <= cost_without * (1 + 1e-9)


@pytest.mark.parametrize("v2g", [False, True])
def test_number_of_routes_and_paths_of_the_robust_case(v2g):
    ev, fv = all_paths(read_study(ROBUST, "base"), v2g)
    assert len(fv) == 213
    assert len(ev) == (1498 if v2g else 1018)


def test_shortest_routes_are_the_shortest_of_all_simple_routes():
    rng = np.random.default_rng(20)
    for _ in range(20):
        time = {(i, j): float(rng.integers(1, 5)) for i in range(7) for j in range(7) if i != j and rng.random() < 0.5}
        graph = nx.DiGraph(list(time))
        graph.add_nodes_from(range(7))
        length = {tuple(r): sum(time[link] for link in pairwise(r)) for r in nx.all_simple_paths(graph, 0, 6)}
        limit = sorted(length.values())[:4][-1] if length else 0.0
        routes = shortest_routes(0, 6, time, k=4)
        assert len(routes) == len(set(routes))
        assert set(routes) == {route for route, t in length.items() if t <= limit}


VEHICLE = {"battery_kwh": 40.0, "post_discharge_kwh": 20.0, "range_anxiety": 0.2, "consumption_kwh_per_km": 1.5}
MONEY = {"degradation_usd_per_kwh": 0.05, "ev_value_of_time_usd_per_h": 24.0, "fv_value_of_time_usd_per_h": 18.0}


@pytest.mark.parametrize(
    ("policy", "meter", "places", "actions", "energies"),
    [
        ("level", [0, 10, 25, 40], (), "", None),  # 40 kWh used on the way, 32 above the reserve of 8
        ("level", [0, 10, 25, 40], (1,), "+", [10]),  # charges what it used; 30 more are possible
        ("level", [0, 10, 25, 40], (1, 2), "++", [10, 15]),
        ("level", [0, 10, 25, 36], (1, 2), "+-", [10, 5]),  # 25 on arrival at the second; 20 last for 11
        ("level", [0, 10, 25, 40], (1, 2), "+-", None),  # 20 do not last for 15 and the reserve
        ("level", [0, 10, 20, 36], (1, 2), "-+", [10, 30]),  # 10 left at the charge
        ("level", [0, 10, 25, 36], (1, 2), "-+", None),  # 5 left at the charge
        ("level", [0, 20, 25, 30], (1,), "-", None),  # nothing above the 20 to give
        ("need", [0, 10, 25, 40], (1, 2), "-+", [7, 32]),  # keeps 8 + 15 of 30, arrives with the reserve
        ("need", [0, 10, 25, 40], (1, 2), "+-", [10, 2]),  # keeps 8 + 15 of 25
        ("need", [0, 10, 25, 40], (1,), "-", None),  # would have to keep 38 of 30
    ],
)
def test_energies_along_a_trip_by_hand(policy, meter, places, actions, energies):
    assert drive(meter, places, actions, Vehicle(post_discharge=policy, **VEHICLE, **MONEY)) == energies


def test_demand_by_od_pair_replaces_the_common_one():
    assert demand_of([(1, 20), (1, 13)], 12.0, {"1-20": 19.0}).tolist() == [19.0, 12.0]


def edited_case(folder: Path, *edits: tuple[str, str]) -> Path:
    text = (CASES / f"{ROBUST}.toml").read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path = folder / "edited.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("conduct", [0.0, 0.4, 1.0])
def test_household_sales_follow_from_the_nodal_price_and_the_conduct(tmp_path, conduct):
    # Four like sellers: a - b S - conduct b S/4 = DLMP at every bus, the obligation being below the sale in base.
    case = edited_case(tmp_path, ("share = 0.25\n", f"share = 0.25\nconduct = {conduct}\n"))
    result = solve_one_program(case, "base", False)
    study = read_study(case, "base")
    for bus, sold in result.unique["household_by_bus_kw"].items():
        reference = study.grid.p_kw[study.grid.buses.index(bus)]
        a, b = 0.18 * (1 + 1 / 0.25), 0.18 / (0.25 * reference)
        dlmp = result.unique["dlmp_usd_per_kwh"][bus]
        assert sold == pytest.approx((a - dlmp) / (b * (1 + conduct / 4)), rel=1e-6)


def test_stations_may_share_a_bus(tmp_path):
    # With one price in the whole feeder and no queue it does not matter at which bus the vehicles trade.
    case = edited_case(tmp_path, ('bus = "44"', 'bus = "25"'))
    moved, original = (solve_one_program(c, "stress", True).unique for c in (case, ROBUST))
    for key in ("social_cost_usd_per_h", "charged_kw", "discharged_kw", "household_kw"):
        assert moved[key] == pytest.approx(original[key], rel=1e-6)


def test_a_station_may_override_the_defaults(tmp_path):
    case = edited_case(tmp_path, ('bus = "93"', 'bus = "93"\npile_kw = 60.0\nbase_h = 0.5'))
    first, last = (read_study(case, "base").stations[i] for i in (0, -1))
    assert (last.node, last.pile_kw, last.base_h, last.capacity_kw) == (21, 60.0, 0.5, 1200.0)
    assert (first.pile_kw, first.base_h) == (120.0, pytest.approx(1 / 30))


def test_a_scenario_that_names_no_line_is_refused():
    with pytest.raises(ValueError, match="no line between"):
        read_grid(CASES.parents[1] / "networks" / "data" / "ieee123", {"outages": ["1-999"]})
