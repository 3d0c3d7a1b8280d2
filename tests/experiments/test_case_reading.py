"""Is a case file read as written, and a bad one refused with file, key, what was given and what is allowed?"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bestresponse.errors import DataError
from experiments.case import builtin_cases, case_from, case_hash, load_case
from tests.experiments.case_tables import CASES, GONE, network_folder, refusal, tables

NAMES = [path.stem for path in sorted(CASES.glob("*.toml"))]


def test_the_three_cases_are_built_in_with_their_scenarios():
    found = {case["name"]: case["scenarios"] for case in builtin_cases()}
    assert found == {
        "paper_findings": ["base", "stress", "island"],
        "sioux_falls_ieee123": ["base", "stress", "island", "congested"],
        "teaching": ["base", "stress", "island"],
    }
    assert all(case["description"].count(". ") == 0 and len(case["description"]) > 20 for case in builtin_cases())


@pytest.mark.parametrize("name", NAMES)
def test_every_key_of_a_built_in_file_is_in_the_case_with_its_value(name):
    case = load_case(name)
    assert case.name == name
    assert case.file == f"{name}.toml"
    assert_holds(case.model_dump(mode="json"), tomllib.loads((CASES / f"{name}.toml").read_text(encoding="utf-8")))


def assert_holds(case, tables_):
    if isinstance(tables_, dict):
        for key, value in tables_.items():
            assert_holds(case[key], value)
    elif isinstance(tables_, list):
        assert len(case) == len(tables_)
        for entry, value in zip(case, tables_, strict=True):
            assert_holds(entry, value)
    else:
        assert case == tables_


@pytest.mark.parametrize("name", NAMES)
def test_a_dumped_case_reads_back_to_the_same_case(name):
    case = load_case(name)
    again = case_from(case.model_dump(exclude_none=True), case.file)
    assert again == case
    assert case_hash(again) == case_hash(case)


def test_od_pairs_are_origin_major_and_demands_can_be_overridden():
    demand = load_case("paper_findings").demand
    assert demand.od_pairs[2] == (1, 20) and demand.od_pairs[13] == (3, 18) and demand.od_pairs[16] == (3, 22)
    assert demand.ev_by_pair[2] == 19.0
    assert sum(demand.ev_by_pair) == 17 * 25.0 + 19.0
    case = case_from(tables(demand__origins=[1, 2], demand__destinations=[2, 1, 5], demand__fv_by_od={"2-5": 0.0}), "c")
    assert case.demand.od_pairs == ((1, 2), (1, 5), (2, 1), (2, 5))
    assert case.demand.ev_by_pair == (60.0, 12.0, 12.0, 12.0)
    assert case.demand.fv_by_pair == (40.0, 40.0, 40.0, 0.0)


def test_defaults_are_the_documented_ones():
    optional = {
        "road__capacity_factor": 1.0,
        "road__base_routes": 10,
        "demand__fv_veh_per_h": 0.0,
        "vehicles__post_discharge": "level",
        "vehicles__range_anxiety": 0.2,
        "vehicles__degradation_usd_per_kwh": 0.0,
        "waiting__smoothing_veh": 1.0,
        "waiting__period_h": 1.0,
        "station_defaults__inverter_kvar": 0.0,
        "feeder__source_voltage_pu": 1.0,
        "feeder__voltage_min_pu": 0.95,
        "feeder__voltage_max_pu": 1.05,
        "households__served_portion": 1.0,
        "scenarios__stress__load_factor": 1.0,
        "lse__0__generators__0__c2_usd_per_kw2h": 0.0,
        "lse__0__generators__0__q_max_kvar": 0.0,
    }
    assert case_from(tables(**dict.fromkeys(optional, GONE)), "c") == case_from(tables(**optional), "c")
    bare = case_from(tables(scenarios=GONE, stations=GONE, demand__ev_by_od=GONE, lse__1__generators=GONE), "c")
    assert list(bare.scenarios) == ["base"] and bare.scenarios["base"].load_factor == 1.0
    assert bare.scenarios["base"].outages == () and bare.scenarios["base"].line_limits_kva == {}
    assert bare.stations == () and bare.lse[1].generators == () and bare.lse[1].conduct == 1.0


SHARED = [("waiting", key) for key in tables()["waiting"]] + [
    ("station_defaults", key) for key in tables()["station_defaults"]
]


@pytest.mark.parametrize(("table", "key"), SHARED)
def test_a_station_overrides_any_shared_key_for_itself_alone(table, key):
    data = tables()
    data["stations"][1].pop(key, None)
    shared = data[table][key]
    data["stations"][0][key] = own = shared + 0.5 if key != "net_min_kw" else shared - 0.5
    first, second = case_from(data, "c").resolved_stations()
    assert (getattr(first, key), getattr(second, key)) == (own, shared)
    assert (first.node, first.bus, second.node, second.bus) == (2, "6", 3, "4")


def test_an_unknown_scenario_is_refused_with_the_nearest_name():
    case = load_case("teaching")
    assert case.scenario("stress").load_factor == 1.5
    with pytest.raises(DataError) as caught:
        case.scenario("strss")
    assert str(caught.value) == (
        'teaching.toml: no scenario "strss"; did you mean "stress"? Scenarios: base, stress, island'
    )


def test_cases_cannot_be_changed():
    case = load_case("teaching")
    with pytest.raises(ValidationError, match="frozen"):
        case.road.base_routes = 5
    with pytest.raises(ValidationError, match="frozen"):
        case.name = "other"


BAD_KEYS = [
    ({"stations__1__capacity_kw": -5}, "stations[2].capacity_kw (node 3)", "given -5, must be a finite number ≥ 0"),
    ({"station_defaults__pile_kw": 0}, "station_defaults.pile_kw", "given 0, must be a finite number > 0"),
    ({"tso__p_max_kw": float("nan")}, "tso.p_max_kw", "given nan, must be a finite number ≥ 0"),
    ({"tso__price_usd_per_kwh": float("inf")}, "tso.price_usd_per_kwh", "given inf, must be a finite number"),
    ({"demand__ev_by_od": {"1-2": float("nan")}}, "demand.ev_by_od.1-2", "given nan, must be a finite number ≥ 0"),
    ({"road__base_routes": 0}, "road.base_routes", "given 0, must be a whole number ≥ 1"),
    ({"road__base_routes": 2.5}, "road.base_routes", "given 2.5, must be a whole number ≥ 1"),
    ({"road__capacity_factor": True}, "road.capacity_factor", "given true, must be a finite number > 0"),
    ({"road__capacity_factor": "1"}, "road.capacity_factor", 'given "1", must be a finite number > 0'),
    ({"stations__0__bus": 6}, "stations[1].bus (node 2)", "given 6, must be text in quotes, not empty"),
    ({"stations__0__node": "2"}, 'stations[1].node (node "2")', 'given "2", must be a whole number'),
    ({"vehicles__post_discharge": "all"}, "vehicles.post_discharge", 'given "all", must be "level" or "need"'),
    ({"vehicles__range_anxiety": 1.0}, "vehicles.range_anxiety", "given 1.0, must be a finite number ≥ 0 and < 1"),
    ({"lse__1__conduct": 1.5}, 'lse[2].conduct ("South")', "given 1.5, must be a finite number ≥ 0 and ≤ 1"),
    (
        {"lse__0__generators__0__p_max_kw": -1.0},
        'lse[1].generators[1].p_max_kw ("North", bus "3")',
        "given -1.0, must be a finite number ≥ 0",
    ),
    ({"scenarios__stress__load_factor": 0}, "scenarios.stress.load_factor", "given 0, must be a finite number > 0"),
    (
        {"scenarios__stress__line_limits_kva": {"2-3": -1}},
        "scenarios.stress.line_limits_kva.2-3",
        "given -1, must be a finite number > 0",
    ),
    ({"scenarios__stress__outages": "2-3"}, "scenarios.stress.outages", 'given "2-3", must be a list'),
    ({"scenarios": {"a b": {}}}, "scenarios.a b", 'given the name "a b", must be a name of letters'),
    ({"name": "../up"}, "name", 'given "../up", must be a name of letters, digits'),
    ({"road": 7}, "road", "given 7, must be a table"),
    ({"lse": []}, "lse", "given [], must be a list, not empty"),
    ({"demand__origins": []}, "demand.origins", "given [], must be a list, not empty, each entry a whole number"),
    ({"demand__origins": [1, 2.5]}, "demand.origins[2]", "given 2.5, must be a whole number"),
    ({"waiting__base_h": GONE}, "waiting.base_h", "missing, must be a finite number ≥ 0: Waiting time at an empty"),
    ({"tso": GONE}, "tso", "missing, must be a table with the keys price_usd_per_kwh, p_max_kw"),
    ({"stations__1__capcity_kw": 5}, "stations[2].capcity_kw (node 3)", 'unknown key; did you mean "capacity_kw"?'),
    ({"scenarois": {}}, "scenarois", 'unknown key; did you mean "scenarios"? Allowed: name, road'),
    ({"tso__zzz": 1}, "tso.zzz", "unknown key. Allowed: price_usd_per_kwh, p_max_kw, q_min_kvar, q_max_kvar"),
]


@pytest.mark.parametrize(("changes", "key", "text"), BAD_KEYS)
def test_a_bad_value_is_refused_with_file_key_given_and_allowed(changes, key, text):
    assert refusal(tables(**changes)).startswith(f"case.toml: {key}: {text}")


MISFITS = [
    ({"lse__0__share": 0.4}, "lse", "given shares 0.4 + 0.5 = 0.9, must sum to 1"),
    ({"lse__1__share": 0.5 + 3e-9}, "lse", "given shares 0.5 + 0.5 = 1.000000003, must sum to 1"),
    ({"lse__1__name": "North"}, 'lse[2].name ("North")', 'given "North" again, must be given once'),
    ({"lse__1__name": "DSO"}, 'lse[2].name ("DSO")', 'given "DSO", must not be the name of another player: CNO, DSO'),
    ({"lse__1__name": "A | 1"}, 'lse[2].name ("A | 1")', 'given "A | 1"; only names of printable characters without'),
    ({"lse__1__name": "A\r"}, 'lse[2].name ("A\\r")', 'given "A\\r"; only names of printable characters'),
    ({"stations__1__node": 2}, "stations[2].node (node 2)", "given 2 again, must be given once"),
    ({"demand__destinations": [2, 2]}, "demand.destinations[2]", "given 2 again, must be given once"),
    ({"demand__destinations": [1], "demand__ev_by_od": {}}, "demand.destinations", "given only the origin itself"),
    ({"demand__ev_by_od": {"1-22": 1.0}}, "demand.ev_by_od.1-22", 'no OD pair of this case; did you mean "1-2"?'),
    ({"demand__fv_by_od": {"2-1": 1.0}}, "demand.fv_by_od.2-1", "no OD pair of this case"),
    (
        {"stations__0__net_min_kw": 20, "stations__0__net_max_kw": 10},
        "stations[1].net_min_kw (node 2)",
        "given 20, must be ≤ net_max_kw = 10",
    ),
    (
        {"station_defaults__net_min_kw": 100, "stations__0__capacity_kw": 50},
        "stations[1].net_min_kw (node 2)",
        "given 100, must be ≤ capacity_kw = 50",
    ),
    ({"vehicles__post_discharge_kwh": 24.0}, "vehicles.post_discharge_kwh", "given 24, must be ≥ range_anxiety"),
    ({"vehicles__post_discharge_kwh": 4.7}, "vehicles.post_discharge_kwh", "given 4.7, must be ≥ range_anxiety"),
    ({"feeder__voltage_min_pu": 1.05}, "feeder.voltage_min_pu", "given 1.05, must be < voltage_max_pu = 1.05"),
    ({"feeder__source_voltage_pu": 1.06}, "feeder.source_voltage_pu", "given 1.06, must be between voltage_min_pu"),
    ({"tso__q_min_kvar": 601}, "tso.q_min_kvar", "given 601, must be ≤ q_max_kvar = 600"),
]


@pytest.mark.parametrize(("changes", "key", "text"), MISFITS)
def test_keys_that_do_not_fit_together_are_refused(changes, key, text):
    assert refusal(tables(**changes)).startswith(f"case.toml: {key}: {text}")


def test_shares_may_miss_one_by_rounding_only():
    thirds = tables(lse__0__share=1 / 3, lse__1__share=2 / 3 + 5e-10)
    assert case_from(thirds, "c").lse[1].share == 2 / 3 + 5e-10


def test_under_the_policy_need_the_level_may_lie_anywhere():
    case = case_from(tables(vehicles__post_discharge="need", vehicles__post_discharge_kwh=40.0), "c")
    assert case.vehicles.post_discharge_kwh == 40.0


def test_a_list_whose_entries_are_all_wrong_is_not_called_empty():
    lines = refusal(tables(lse__0__conduct=2.0, lse__1__conduct=2.0)).splitlines()
    assert [line.partition(": given")[0] for line in lines] == [
        'case.toml: lse[1].conduct ("North")',
        'case.toml: lse[2].conduct ("South")',
    ]


def test_all_problems_of_a_file_come_in_one_message():
    changes = {"tso__p_max_kw": -1, "lse__0__share": 0.4, "stations__0__node": 3, "vehicles__post_discharge_kwh": 99.0}
    lines = refusal(tables(**changes)).splitlines()
    assert [line.split(": ")[1] for line in lines] == [
        "vehicles.post_discharge_kwh",
        "stations[2].node (node 3)",
        "tso.p_max_kw",
        "lse",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('name = "a"\n[road\n', "no valid TOML: Expected ']' at the end of a table declaration (at line 2, column 6)"),
        ('name = "a"\nx = """', "no valid TOML: Unterminated string (at line 2, column 8, the end of the file)"),
        ("a = 1\na = 2\n", "no valid TOML: Cannot overwrite a value (at line 2, column 6)"),
    ],
)
def test_a_syntax_error_is_reported_with_line_and_column(tmp_path, text, expected):
    path = tmp_path / "broken.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_case(path)
    assert str(caught.value) == f"{path}: {expected}"


def test_files_that_are_no_text_no_file_or_not_there(tmp_path):
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b'name = "a\xff"')
    with pytest.raises(DataError, match=r"binary\.toml: byte 10 is not UTF-8"):
        load_case(binary)
    with pytest.raises(DataError, match=r"given a directory, must be a TOML file or a built-in case"):
        load_case(str(tmp_path))
    with pytest.raises(
        DataError, match=r'teachin: no such file .* did you mean "teaching"\? Built in: paper_findings,'
    ):
        load_case("teachin")
    with pytest.raises(DataError, match=r"xyzzy\.toml: no such file and no built-in case\. Built in: "):
        load_case(tmp_path / "xyzzy.toml")


def test_network_paths_count_from_the_case_file(tmp_path, monkeypatch):
    network_folder(tmp_path)
    text = (CASES / "teaching.toml").read_text(encoding="utf-8").replace('network = "teaching"', 'network = "nets"')
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    assert load_case(tmp_path / "mine.toml").road.network == str(tmp_path / "nets")
    monkeypatch.chdir(tmp_path)
    case = load_case("mine.toml")
    assert (case.file, case.feeder.network) == ("mine.toml", "nets")
    assert load_case("teaching").feeder.network == "teaching"


def test_the_hash_depends_on_what_a_case_states_and_on_nothing_else(tmp_path):
    case = load_case("teaching")
    spelt_out = tables(demand__fv_by_od={"1-2": 40}, stations__0__pile_kw=100, lse__0__conduct=1)
    spelt_out = {key: spelt_out[key] for key in reversed(spelt_out)}
    assert case_hash(case) == case_hash(case_from(spelt_out, "elsewhere.toml"))
    assert len(case_hash(case)) == 64
    changes = [{"stations__1__pile_kw": 151}, {"demand__ev_by_od": {}}, {"scenarios__island__outages": []}]
    hashes = {case_hash(case), *(case_hash(case_from(tables(**change), "c")) for change in changes)}
    assert len(hashes) == 4


def test_the_hash_sees_inside_networks_of_the_users_own(tmp_path):
    folders = [tmp_path / "a", tmp_path / "b", tmp_path / "c"]
    replace = [("", ("", "")), ("", ("", "")), ("lines.csv", ("0.2,", "0.3,"))]
    for folder, (file, change) in zip(folders, replace, strict=True):
        folder.mkdir()
        network_folder(folder, file, change)
    own = tables(feeder__network="nets")
    first, same, other = (case_hash(case_from(own, "c", folder)) for folder in folders)
    assert first == same
    assert other != first
    with pytest.raises(DataError, match=r"c: feeder\.network: .*lines.* cannot be read"):
        case_hash(case_from(tables(feeder__network="lines.csv"), "c", tmp_path))


NUMBERS = [
    ("waiting__base_h", 0.0, None),
    ("station_defaults__capacity_kw", 0.0, None),
    ("vehicles__range_anxiety", 0.0, 1.0),
    ("lse__0__conduct", 0.0, 1.0),
    ("households__served_portion", 0.0, 1.0),
    ("tso__p_max_kw", 0.0, None),
]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(NUMBERS), st.floats(allow_nan=True, allow_infinity=True))
def test_a_number_is_kept_exactly_or_refused(range_, value):
    key, low, high = range_
    data = tables(vehicles__post_discharge="need", station_defaults__net_min_kw=-1.0, **{key: value})
    inside = low <= value < float("inf") and (high is None or value <= high) and (key, value) != (NUMBERS[2][0], 1.0)
    if inside:
        kept = case_from(data, "c").model_dump()
        for step in key.split("__"):
            kept = kept[int(step) if step.isdigit() else step]
        assert kept == value
    else:
        with pytest.raises(DataError, match=key.split("__")[-1]):
            case_from(data, "c")


@settings(max_examples=40, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_nonsense_for_a_section_is_a_data_error(nonsense):
    for table in ("road", "demand", "lse", "stations"):
        if (table, nonsense) != ("stations", []):
            with pytest.raises(DataError, match=r"^case\.toml: "):
                case_from(tables(**{table: nonsense}), "case.toml")


def test_the_path_type_is_accepted():
    assert load_case(Path(CASES / "teaching.toml")) == load_case("teaching")
