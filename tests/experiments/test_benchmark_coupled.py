"""The benchmark of coupled markets on whole road networks, on a small one."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.benchmarks import coupled, coupled_growth
from networks.road import load_road, load_trips
from networks.synthetic_road import synthetic_road


@pytest.fixture
def files(tmp_path):
    """The teaching road as a TNTP file with its lengths in metres, and trips between four of its nodes."""
    return written(tmp_path, load_road("teaching"), "Origin 1\n 2 : 60; 5 : 90;\nOrigin 4\n 2 : 50;\n")


def written(folder, road, trips):
    """The road, its lengths in metres, and the trips as TNTP files."""
    links = zip(
        road.tail, road.head, road.capacity_veh_per_h, 1000 * road.length_km, 60 * road.free_flow_h, strict=True
    )
    (folder / "t_net.tntp").write_text("".join(f"{' '.join(map(str, link))}\n" for link in links), encoding="utf-8")
    (folder / "t_trips.tntp").write_text(trips, encoding="utf-8")
    return [str(folder / name) for name in ("t_net.tntp", "t_trips.tntp")]


def arguments(files, *more):
    return [*files, "--stations", "2", "--electric-share", "0.2", "--km-per-length-unit", "0.001", *more]


def test_it_solves_and_counts_every_player(files, capsys):
    assert coupled.main(arguments(files)) == 0
    shown = capsys.readouterr().out
    assert "14 links, 4 OD pairs, 2 stations, 123 buses" in shown and "Certified" in shown
    players = [line.split("|")[1].strip() for line in shown.splitlines() if line.startswith("| ")]
    assert players == ["player", "---", "CNO", "DSO", "Households", "Traffic", "LSE 1", "LSE 2", "LSE 3", "LSE 4"]


def test_all_trips_drive_and_units_are_those_asked_for(files):
    with coupled.coupled_case(coupled._parser().parse_args(arguments(files))) as case:
        model = coupled.build(case, "base", v2g=True)
    trips = load_trips(files[1])
    assert sum(case.demand.ev_by_pair) == pytest.approx(0.2 * sum(trips.values()))
    assert sum(case.demand.ev_by_pair + case.demand.fv_by_pair) == pytest.approx(sum(trips.values()))
    assert model.road.length_km == pytest.approx(load_road("teaching").length_km)


@pytest.mark.parametrize(("change", "message"), [
    (["--feeder", "nowhere"], "nowhere"), (["--consumption", "1000"], "no energy-feasible trip"),
])  # fmt: skip
def test_bad_input_is_named(files, change, message, capsys):
    assert coupled.main(arguments(files, *change)) == 2
    assert message in capsys.readouterr().err


def test_a_city_with_busy_stations_is_certified(tmp_path):
    """Every zone to every other on congested roads: all stations charge, the full ones at prices of their own."""
    road, rng = synthetic_road(64, 0), np.random.default_rng(0)
    zones = rng.choice(road.nodes, 20, replace=False).tolist()
    trips = (f"{b} : {rng.uniform(60.0, 300.0):.2f};" if b != a else "" for a in zones for b in zones)
    rows = "".join(f"Origin {a}\n {' '.join(next(trips) for _ in zones)}\n" for a in zones)
    told = tmp_path / "sample.json"
    market = ["--buses", "30", "--load-kw", "20000", "--stations", "6", "--charging-kw", "6000"]
    drivers = ["--electric-share", "0.05", "--consumption", "1.3", "--km-per-length-unit", "0.001"]
    assert coupled.main([*written(tmp_path, road, rows), *market, *drivers, "--json", str(told)]) == 0
    found = json.loads(told.read_text(encoding="utf-8"))
    assert (found["od_pairs"], found["buses"], found["certified"], found["busy_stations"]) == (380, 30, True, 6)
    assert found["charging_prices"] >= 3 and found["largest_price"] > 1.5 * found["least_price"]
    assert found["imbalance"] <= 1e-4 and found["gain"] <= 1e-4 and found["natural_residual"] < 1e-2
    assert found["players"]["Traffic"]["gain_usd_per_h"] < 1e-5


def test_growth_is_told_by_player_and_by_size(files, tmp_path, capsys, monkeypatch):
    def here(command, **_):
        return SimpleNamespace(returncode=coupled.main(command[3:]), stderr="")

    monkeypatch.setattr(coupled_growth.subprocess, "run", here)
    page, told = tmp_path / "page.md", tmp_path / "samples.json"
    page.write_text("<!-- coupled:begin -->\n<!-- coupled:end -->\n", encoding="utf-8")
    sizes = ["--buses", "12", "--stations", "2", "--load-kw", "4000", "--page", str(page), "--json", str(told)]
    assert coupled_growth.main([*arguments(files)[:2], *sizes, *arguments(files)[4:]]) == 0
    (data,) = json.loads(told.read_text(encoding="utf-8"))
    (first,) = coupled_growth.known_samples(told)
    assert data["buses"] == first.buses
    assert "12 buses, 2 stations: " in capsys.readouterr().out and first.certified
    assert "Milliseconds of the processor an answer" in page.read_text(encoding="utf-8")
    doubled = coupled.Sample(**vars(first) | {"buses": 24, "seconds": 4 * first.seconds})
    exponents = coupled_growth.tables([first, doubled])[-1].rows
    assert exponents[0] == ("sweeps", "0.00", "–") and exponents[1] == ("seconds", "2.00", "–")


def test_a_market_that_cannot_be_built_ends_the_growth(files, tmp_path, capsys):
    assert coupled_growth.main([*files, "--resume", str(tmp_path / "none.json")]) == 2
    assert "no samples to go on from" in capsys.readouterr().err
    assert coupled_growth.main([*files, "--buses", "5", "--stations", "2"]) == 2
    assert "n_buses is 5" in capsys.readouterr().err
