"""Study files: which runs they stand for, and how they are refused."""

from __future__ import annotations

import numpy as np
import pytest

from bestresponse.errors import DataError
from experiments.case import load_case
from experiments.sweeps.design import points
from experiments.sweeps.keys import changed, pattern_of, places, value_at
from experiments.sweeps.runs import run_of
from experiments.sweeps.siting import batches
from experiments.sweeps.study import builtin_studies, load_study

HEAD = 'name = "s"\ncase = "teaching"\n'
TABLES = load_case("teaching").model_dump()


def study_of(folder, text, head=HEAD):
    (folder / "s.toml").write_text(head + text, encoding="utf-8")
    return load_study(folder / "s.toml")


def columns(folder, text):
    return [{k: v for s in point for k, v in s.columns.items()} for point in points(study_of(folder, text))]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("vehicles.battery_kwh", ["vehicles.battery_kwh"]),
        ("lse[*].conduct", ["lse[1].conduct", "lse[2].conduct"]),
        ("lse[name=South].generators[*].p_max_kw", ["lse[2].generators[1].p_max_kw"]),
        ("stations[node=3].pile_kw", ["stations[2].pile_kw"]),
        ("scenarios.*.load_factor", [f"scenarios.{name}.load_factor" for name in ("base", "stress", "island")]),
        ("demand.ev_by_od.1-5", ["demand.ev_by_od.1-5"]),
        ("demand.destinations[3]", ["demand.destinations[3]"]),
        ("stations", ["stations"]),
    ],
)
def test_a_key_stands_for_its_places(pattern, found):
    assert [pattern_of(where) for where in places(pattern, TABLES)] == found


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("vehicles.batery_kwh", 'did you mean "vehicles.battery_kwh"?'),
        ("battery_kwh", 'did you mean "vehicles.battery_kwh"?'),
        ("lse[1].condct", 'did you mean "lse[1].conduct"?'),
        ("lse.conduct", 'did you mean "lse[*].conduct"?'),
        ("scenarios.stres.load_factor", 'did you mean "scenarios.stress.load_factor"? Allowed in scenarios: base'),
        ("road.network.x", "Allowed in road.network: nothing"),
        ("stations[3].bus", 'stations has no entry [3] (in "stations[3].bus"). Allowed: 1 to 2'),
        ("stations[node=9].bus", "has no entry [node=9]"),
        ("vehicles[1].battery_kwh", "vehicles is no list"),
        ("lse[", 'given "lse[", must be a case key'),
        ("", "must be a case key"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(pattern, text):
    with pytest.raises(DataError) as caught:
        places(pattern, TABLES)
    assert text in str(caught.value)


def test_a_change_leaves_the_tables_as_they_were():
    where = places("lse[2].generators[1].p_max_kw", TABLES)[0]
    other = changed(TABLES, where, 7.0)
    assert value_at(other, where) == 7.0 and value_at(TABLES, where) == 140.0
    assert changed(other, where, 140.0)["lse"][1] == TABLES["lse"][1]


def test_a_grid_is_every_combination_and_points_are_one_run_each(tmp_path):
    text = """
grid.v2g = [true, false]
grid.vehicles.battery_kwh = { from = 20, to = 24, steps = 3 }
[[points]]
scenario = "base"
[[points]]
scenario = "stress"
lse."[*]" = 1
""".replace('lse."[*]" = 1\n', '"lse[*].conduct" = 0.5\n')
    found = columns(tmp_path, text)
    assert len(found) == 2 * 3 * 2
    assert found[0] == {"v2g": True, "vehicles.battery_kwh": 20, "scenario": "base"}
    assert found[-1] == {"v2g": False, "vehicles.battery_kwh": 24, "scenario": "stress", "lse[*].conduct": 0.5}


def test_values_on_a_line_or_a_logarithmic_scale_and_factors(tmp_path):
    text = """
grid."scenarios.*.load_factor" = { from = 1.0, to = 2.0, steps = 11 }
grid.households.elasticity = { from = 0.01, to = 1, steps = 3, scale = "log" }
grid.vehicles.battery_kwh = { times = [0.9, 1.1] }
"""
    study = study_of(tmp_path, text)
    found = points(study)
    assert sorted({setting.value for point in found for setting in point[:1]}) == [
        round(1 + k / 10, 1) for k in range(11)
    ]
    assert {point[1].value for point in found} == {0.01, 0.1, 1.0}
    run = run_of(study, 1, found[0])
    assert run.columns["factor of vehicles.battery_kwh"] == 0.9 and run.task is not None
    assert run.task.case.vehicles.battery_kwh == pytest.approx(0.9 * 24.0)


DRAWS = """
[random]
samples = {samples}
seed = {seed}
[random.draw]
scenarios.stress.load_factor = {{ normal = [1.0, 0.1], times = true }}
"lse[*].generators[*].p_max_kw" = {{ triangular = [50.0, 100.0, 120.0] }}
"lse[*].conduct" = {{ uniform = [0.0, 1.0], together = true }}
"""


def test_samples_are_seeded_and_more_of_them_change_none(tmp_path):
    few, more, other = (columns(tmp_path, DRAWS.format(samples=n, seed=s)) for n, s in ((5, 1), (400, 1), (5, 2)))
    assert few == more[:5] and few != other
    assert list(few[0]) == [
        "sample",
        "factor of scenarios.stress.load_factor",
        "lse[1].generators[1].p_max_kw",
        "lse[2].generators[1].p_max_kw",
        "lse[*].conduct",
    ]
    factor, one, two = (np.array([row[name] for row in more]) for name in list(few[0])[1:4])
    assert factor.mean() == pytest.approx(1.0, abs=0.02) and factor.std() == pytest.approx(0.1, rel=0.1)
    assert one.min() >= 50.0 and one.max() <= 120.0 and abs(np.corrcoef(one, two)[0, 1]) < 0.15


def test_single_changes_and_the_case_as_it_is(tmp_path):
    text = '[one_at_a_time]\nkeys = ["vehicles.battery_kwh", "lse[*].generators[*].p_max_kw"]\ntimes = [0.95, 1.05]\n'
    study = study_of(tmp_path, text)
    runs = [run_of(study, k, point) for k, point in enumerate(points(study), start=1)]
    assert [tuple(run.columns.values()) for run in runs][:3] == [
        ("nothing", 1.0),
        ("vehicles.battery_kwh", 0.95),
        ("vehicles.battery_kwh", 1.05),
    ]
    assert [[unit.p_max_kw for entity in run.task.case.lse for unit in entity.generators] for run in runs[2:4]] == [
        [300.0, 140.0],
        pytest.approx([285.0, 133.0]),
    ]


def test_a_run_is_known_by_what_it_solves_and_by_nothing_else(tmp_path):
    one, same, other, method = (
        run_of(study, 1, points(study)[0])
        for study in (
            study_of(tmp_path, "grid.vehicles.battery_kwh = [25.0]"),
            study_of(tmp_path, "grid.vehicles.battery_kwh = [25]\ngrid.scenarios.stress.load_factor = [9.0]"),
            study_of(tmp_path, "grid.vehicles.battery_kwh = [25.5]"),
            study_of(tmp_path, 'method = "sharing"\ngrid.vehicles.battery_kwh = [25.0]'),
        )
    )
    assert one.key == same.key  # another scenario's load is no part of this run
    assert len({one.key, other.key, method.key}) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "grid.vehicles.batery_kwh = [1.0]",
            's.toml: grid.vehicles.batery_kwh: unknown key "vehicles.batery_kwh"; did',
        ),
        ("grid.vehicles.battery_kwh = []", "grid.vehicles.battery_kwh: given an empty list, must hold at least one"),
        ("grid.vehicles.battery_kwh = 3.0", "given 3.0, must be a list of values or { from, to, steps }"),
        ("grid.vehicles.battery_kwh = { from = 1, to = 2 }", "must be { from = number, to = number, steps ≥ 1 }"),
        ("grid.vehicles.battery_kwh = { from = 0, to = 2, steps = 3, scale = 'log' }", "between numbers > 0"),
        ("grid.vehicles.battery_kwh = { from = 1, too = 2, steps = 3 }", 'unknown key "too"; did you mean "to"?'),
        ("grid.vehicles.classes = { times = [] }", "given an empty list"),
        ('grid.scenario = ["strss"]', 'scenario: given "strss", must be one of base, stress, island; did you mean'),
        ('method = "monolit"', 'method: given "monolit"'),
        ("grid.tolerance = { times = [0.1] }", "tolerance: an option of the run is given values, not factors"),
        ("grid.v2g = [1]", "v2g: given 1, must be one of true or false"),
        ("grd.x = [1]", 'grd: unknown key; did you mean "grid"?'),
        ('[figure]\ntitle = "x"', "figure.y: missing"),
        ("[random]\nsamples = 0\ndraw.vehicles.battery_kwh = { normal = [1.0, 2.0] }", "random.samples: given 0"),
        ("[random]\nsamples = 2\n[random.draw]", "random.draw: given no key"),
        ("[random]\nsamples = 2\ndraw.vehicles.battery_kwh = { normal = [1.0] }", "normal: given [1.0], must be [mean"),
        ("[random]\nsamples = 2\ndraw.vehicles.battery_kwh = { gauss = [1.0] }", "must be a table with one of uniform"),
        ("[random]\nsamples = 2\ndraw.vehicles.battery_kwh = { normal = [1.0, -1.0] }", "scale < 0"),
        ("[[points]]", "points[1]: given no key"),
        ('[siting]\nsearch = ["best"]\nsizes = [1]', 'siting.search[1]: given "best", must be "exhaustive" or'),
    ],
)
def test_a_study_that_makes_no_sense_is_refused(tmp_path, text, message):
    with pytest.raises(DataError) as caught:
        points(study_of(tmp_path, text))
    assert message in str(caught.value)


def test_a_case_of_ones_own_lies_beside_the_study(tmp_path):
    with pytest.raises(DataError, match=r"mine\.toml: no such file"):
        study_of(tmp_path, "", head='name = "s"\ncase = "mine.toml"\n')


@pytest.mark.parametrize("name", builtin_studies())
def test_a_built_in_study_makes_sense(name):
    study = load_study(name)
    found = points(study)
    assert study.name == name and study.figure is not None
    assert len(found) >= 20 or study.siting
    assert run_of(study, 1, found[-1]).task is not None


def searched(tmp_path, search, sizes, score):
    """The choices that siting goes through, batch by batch, where a choice is worth `score` of its nodes."""
    text = f'[siting]\nsearch = {search}\nsizes = {sizes}\nminimise = "x"\n'
    study = study_of(tmp_path, text, head='name = "s"\ncase = "sioux_falls_ieee123"\n')

    def nodes(point):
        return tuple(int(node) for node in point[-1].columns["stations"].split("+"))

    return [[nodes(point) for point in batch] for batch in batches(study, points(study), lambda p: score(nodes(p)))]


def test_siting_tries_every_choice_once(tmp_path):
    (every, adding), first = searched(tmp_path, '["exhaustive", "add"]', [1, 2], lambda nodes: -sum(nodes))[:2], 9
    assert len(every) == len(set(every)) == first + 36 and adding == []


def test_greedy_siting_adds_and_drops_the_station_that_is_best(tmp_path):
    worth = {6: 1.0, 8: 2.0, 11: 3.0, 12: 4.0, 13: 5.0, 15: 6.0, 16: 7.0, 18: 8.0, 21: 9.0}
    adding = searched(tmp_path, '["add"]', [3], lambda nodes: -sum(worth[node] for node in nodes))
    assert [len(batch) for batch in adding] == [9, 8, 7]
    assert all(21 in choice for choice in adding[1]) and all({18, 21} <= set(choice) for choice in adding[2])
    dropping = searched(tmp_path, '["drop"]', [7], lambda nodes: -sum(worth[node] for node in nodes))
    assert [len(batch) for batch in dropping] == [1, 9, 8] and all(6 not in choice for choice in dropping[2])


def test_greedy_siting_passes_over_choices_that_failed_and_ends_where_all_did(tmp_path):
    nan = float("nan")
    found = searched(tmp_path, '["add"]', [9], lambda nodes: nan if len(nodes) > 2 or 21 in nodes else -max(nodes))
    assert [len(batch) for batch in found] == [9, 8, 7] and all(18 in choice for choice in found[1])


def test_siting_refuses_more_stations_than_there_are(tmp_path):
    with pytest.raises(DataError, match=r"siting\.sizes: given 10, must be at most the case's 9 stations"):
        searched(tmp_path, '["add"]', [10], len)
