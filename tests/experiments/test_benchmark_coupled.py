"""The benchmark of coupled markets on whole road networks, on a small one."""

import pytest

from experiments.benchmarks import coupled
from networks.road import load_road, load_trips


@pytest.fixture
def files(tmp_path):
    """The teaching road as a TNTP file with its lengths in metres, and trips between four of its nodes."""
    road = load_road("teaching")
    links = zip(
        road.tail, road.head, road.capacity_veh_per_h, 1000 * road.length_km, 60 * road.free_flow_h, strict=True
    )
    (tmp_path / "t_net.tntp").write_text("".join(f"{' '.join(map(str, link))}\n" for link in links), encoding="utf-8")
    (tmp_path / "t_trips.tntp").write_text("Origin 1\n 2 : 60; 5 : 90;\nOrigin 4\n 2 : 50;\n", encoding="utf-8")
    return [str(tmp_path / name) for name in ("t_net.tntp", "t_trips.tntp")]


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
