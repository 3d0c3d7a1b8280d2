"""Does `reproduce` keep every run, draw everything from the files alone, and leave other people's files alone?"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

import experiments.reproduction.running as running
from experiments.case import load_case
from experiments.figures_map import scenario_map
from experiments.reproduction import drawing
from experiments.reproduction.drawing import FIGURES
from experiments.reproduction.folder import load_reproduction, tasks_of
from experiments.reproduction.maps import maps_data, maps_from, maps_of
from experiments.reproduction.notes import notes_on
from experiments.reproduction.running import solve_all
from experiments.reproduction.svg import inline_svg
from experiments.store import MANIFEST, Store
from tests.experiments.browser import in_a_frame, needs_browser
from tests.experiments.killed import killed
from tests.experiments.runs import PAPER, TEACHING, case_file, solved

SCARCITY, ROADS = "figure_06_scarcity", "figure_09_roads"
RUNS = [(scenario, v2g) for scenario in ("base", "stress", "island") for v2g in (False, True)]


def solved_before(task):
    """What `solve` answers, from what these tests have solved already."""
    return solved((TEACHING, task.scenario, task.v2g)).result


@pytest.fixture
def reproduce(call, monkeypatch):
    monkeypatch.setattr(running, "_outcome", solved_before)

    def run(*arguments):
        return call("reproduce", *arguments, *(() if "--from" in arguments else ("--workers", "1")))

    return run


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder that `reproduce` has filled, of a case file that is gone since."""
    folder = tmp_path_factory.mktemp("reproduce")
    case = case_file(folder, load_case(TEACHING).model_dump(mode="json", exclude_none=True))
    out = folder / "out"
    with pytest.MonkeyPatch.context() as patch:
        from experiments import cli

        patch.setattr(running, "_outcome", solved_before)
        patch.setattr("sys.argv", ["bestresponse", "reproduce", str(case), "--out", str(out), "--workers", "1"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert ended.value.code == 0
    case.unlink()
    return out


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_holds_every_run_and_what_was_drawn(kept):
    store = Store.open(kept)
    found = {(run.task["scenario"]["name"], run.task["v2g"]): run.result for run in store.runs()}
    assert found == {run: solved((TEACHING, *run)).result for run in RUNS}
    figures = {path.stem for path in (kept / FIGURES).glob("*.svg")}
    assert figures == {path.stem for path in (kept / FIGURES).glob("*.png")}
    paper = {"figure_05_supply", "figure_06_scarcity", "figure_07_stations", "figure_08_trips", "figure_10_cost"}
    assert paper <= figures and {f"feeder_{s}_{'v2g' if v2g else 'no-v2g'}" for s, v2g in RUNS} <= figures
    findings = json.loads((kept / "findings.json").read_text())["findings"]
    assert [entry["name"] for entry in findings] == [f"F{k}" for k in range(1, 14)]


@pytest.fixture
def no_figures(monkeypatch):
    monkeypatch.setattr(drawing, "_plans", lambda found: [])


def test_drawing_again_solves_nothing_needs_no_case_and_gives_the_same_bytes(kept, call, monkeypatch):
    before = contents(kept)
    monkeypatch.setattr(running, "solve_all", lambda *arguments: pytest.fail("solved again"))
    shown = call("reproduce", "--from", str(kept))
    assert shown.code == 0 and contents(kept) == before


def test_what_is_drawn_is_what_the_files_say(kept, call, tmp_path, monkeypatch):
    """A number that is changed in one results file changes in the figure, the findings and the report."""
    mine, plans = tmp_path / "mine", drawing._plans
    shutil.copytree(kept, mine)
    monkeypatch.setattr(drawing, "_plans", lambda found: [p for p in plans(found) if p.name in (SCARCITY, ROADS)])
    run = next((mine / "runs").glob("base-v2g-*"))
    data = json.loads((run / MANIFEST).read_text())
    data["result"]["quantities"]["load_shed_kw"] = 77.7
    (run / MANIFEST).write_text(json.dumps(data))
    assert call("reproduce", "--from", str(mine)).code == 0
    findings = json.loads((mine / "findings.json").read_text())["findings"]
    assert findings[0]["holds"] is False and "shed 0.0 / 77.7 kW" in findings[0]["ours"]
    assert "77.7" in (mine / "report.html").read_text()
    changed = {path for path, data in contents(mine).items() if data != contents(kept)[path]}
    assert Path(FIGURES, f"{SCARCITY}.svg") in changed and Path(FIGURES, f"{ROADS}.svg") not in changed


def test_runs_that_are_there_are_not_solved_again_unless_forced(kept, reproduce, no_figures, tmp_path):
    mine = tmp_path / "mine"
    shutil.copytree(kept, mine)
    shutil.rmtree(next((mine / "runs").glob("stress-v2g-*")))
    case = case_file(tmp_path, load_case(TEACHING).model_dump(mode="json", exclude_none=True))
    shown = reproduce(str(case), "--out", str(mine))
    assert shown.code == 0 and "5 of 6 runs are there already" in shown.out and "1/1  stress with V2G" in shown.out
    assert "6/6  island with V2G" in reproduce(str(case), "--out", str(mine), "--force").out


def test_a_folder_of_something_else_is_left_alone(kept, reproduce, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "report.html").write_text("mine")
    shown = reproduce(TEACHING, "--out", str(tmp_path / "thesis"))
    assert shown.code == 2 and "holds something else" in shown.err and "--force" in shown.err
    assert contents(tmp_path / "thesis") == {Path("report.html"): b"mine"}
    before = contents(kept)
    shown = reproduce(PAPER, "--out", str(kept))
    assert shown.code == 2 and "another case" in shown.err and contents(kept) == before
    shown = reproduce(TEACHING, "--out", str(tmp_path / "thesis" / "report.html"))
    assert shown.code == 2 and "report.html" in shown.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--out DIR"),
        (("--from", "here", "--out", "there"), "--from draws what is in its folder"),
        (("--from", "nowhere"), "is no folder of `bestresponse reproduce`"),
        (("teachin", "--out", "out"), "teaching"),
    ],
)
def test_bad_input_is_refused_by_a_sentence(call, arguments, message):
    shown = call("reproduce", *arguments)
    assert shown.code == 2 and message in " ".join(shown.err.replace("│", " ").split())


def test_a_full_disk_keeps_what_was_stored_and_names_it(reproduce, tmp_path, monkeypatch):
    add = Store.add

    def fills_up(store, task, result):
        if task.scenario != "base":
            raise OSError(28, "No space left on device")
        return add(store, task, result)

    monkeypatch.setattr(Store, "add", fills_up)
    shown = reproduce(TEACHING, "--out", str(tmp_path / "out"))
    kept = [run.name for run in Store.open(tmp_path / "out").runs()]
    assert shown.code == 2 and "No space left on device" in shown.err
    assert len(kept) == 2 and all(name in shown.err for name in kept)


def test_a_run_that_fails_is_a_row_with_a_reason_and_no_success(reproduce, no_figures, tmp_path, monkeypatch):
    def fails(task):
        return "out of luck" if (task.scenario, task.v2g) == ("island", True) else solved_before(task)

    monkeypatch.setattr(running, "_outcome", fails)
    shown = reproduce(TEACHING, "--out", str(tmp_path / "out"))
    assert shown.code == 3 and "island with V2G: out of luck" in shown.out
    page = (tmp_path / "out" / "report.html").read_text()
    assert "out of luck" in page and "not judged" in page
    assert len(load_reproduction(tmp_path / "out").runs) == 6


def test_an_interrupt_keeps_what_was_stored(reproduce, tmp_path, monkeypatch):
    def interrupted(task):
        if task.scenario != "base":
            raise KeyboardInterrupt
        return solved_before(task)

    monkeypatch.setattr(running, "_outcome", interrupted)
    shown = reproduce(TEACHING, "--out", str(tmp_path / "out"))
    assert shown.code == 130 and "base-v2g-" in shown.err
    assert len(list(Store.open(tmp_path / "out").runs())) == 2


def test_two_processes_answer_as_one_does(tmp_path):
    tasks = tasks_of(load_case(TEACHING))[:2]
    runs = solve_all(tasks, Store.make(tmp_path), workers=2)
    for task in tasks:
        run = next(run for run in runs if run.hash == task.hash)
        assert run.result.quantities == solved_before(task).quantities and run.result.ranges


def test_runs_whose_process_is_killed_are_failures_with_a_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "_outcome", killed)
    runs = solve_all(tasks_of(load_case(TEACHING)), Store.make(tmp_path), workers=2)
    assert len(runs) == 6 == len({run.hash for run in runs})
    assert all(run.result is None and "was killed" in run.failure for run in runs)


def test_maps_come_back_as_they_were():
    case = load_case(TEACHING)
    maps = maps_of(case)
    again = maps_from(json.loads(json.dumps(maps_data(maps))))
    assert maps_data(again) == maps_data(maps)
    island = again.feeders["island"]
    assert [{island.buses[n] for n in part} for part in island.islands] == [{"3", "4"}]
    assert dict(scenario_map(case, "island").out) == dict(island.out) and list(island.out) == ["2-3"]


def test_the_known_limits_are_those_of_the_case_as_it_was_shipped():
    from experiments.case import case_hash

    shipped = notes_on(PAPER, case_hash(load_case(PAPER)))
    assert any("3 kWh/km" in limit for limit in shipped.limits) and any("±2 %" in limit for limit in shipped.limits)
    assert notes_on(PAPER, "changed").limits == () == notes_on("mine", "any").limits


def test_parts_of_one_figure_are_not_taken_for_those_of_another(kept):
    svgs = sorted((kept / FIGURES).glob("*.svg"))
    ids = [set(re.findall(r'\bid="([^"]+)"', inline_svg(path, path.stem, "x"))) for path in svgs]
    assert sum(map(len, ids)) == len(set().union(*ids)) > 100
    for path, known in zip(svgs, ids, strict=True):
        element = inline_svg(path, path.stem, "x")
        assert (
            set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', element)) and ElementTree.fromstring(element) is not None
        )
        used = {a or b for a, b in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', element)}
        assert used and used <= known


def test_the_report_stands_on_its_own_and_leads_to_every_file(kept):
    page = (kept / "report.html").read_text(encoding="utf-8")
    assert not re.search(r'(src|href|url\()\s*=?\s*["\'(]?(https?:)?//', page)
    assert "<script" not in page and "<link" not in page and "@import" not in page
    links = set(re.findall(r'<a href="([^"#]+)"', page))
    assert links and all((kept / link).is_file() for link in links)
    anchors = set(re.findall(r'<a href="#([^"]+)"', page))
    assert all(f'id="{anchor}"' in page for anchor in anchors)
    assert page.count("<svg") == len(list((kept / FIGURES).glob("*.svg")))
    for name in ("Findings", "Known limits", "Runs and certificates", "Provenance"):
        assert f">{name}</h2>" in page
    hashes = [run.hash for run in Store.open(kept).runs()]
    assert all(each in page for each in hashes)


WIDER = """(d) => {
  const outside = [...d.querySelectorAll("body *")].filter(
    (e) => e.getBoundingClientRect().right > d.documentElement.clientWidth + 1 && !e.closest(".wide"));
  const shown = [...d.querySelectorAll("figure svg")].filter((e) => e.getBoundingClientRect().height > 100);
  return [d.documentElement.clientWidth, d.documentElement.scrollWidth, outside.length, shown.length].join(" ");
}"""


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_the_report_without_scrolling_sideways(kept, tmp_path, width):
    page = kept / "report.html"
    figures = len(list((kept / FIGURES).glob("*.svg")))
    assert in_a_frame(page, width, WIDER, tmp_path) == f"{width} {width} 0 {figures}"
