"""The tables of schemes: every claim beside a measurement, cases that are near, and a page that only a script fills."""

from __future__ import annotations

import json

import pytest

from bestresponse.errors import DataError
from experiments.benchmarks import schemes
from experiments.benchmarks.neighbours import SPREAD, perturbed
from experiments.benchmarks.page import write_block
from experiments.benchmarks.schemes import ALONE, PROTOTYPE, main
from experiments.build import build
from experiments.case import load_case
from experiments.comparing import Budget
from experiments.grid import chosen, grid

PAGE = "Before.\n<!-- schemes:begin -->\noutdated\n<!-- schemes:end -->\nAfter.\n"
OTHER = "<!-- neighbours:begin -->\n<!-- neighbours:end -->"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What the command writes of the teaching case and one case near it."""
    folder = tmp_path_factory.mktemp("schemes")
    (folder / "page.md").write_text(PAGE + OTHER, encoding="utf-8")
    words = ["teaching", "--neighbours", "1", "--max-sweeps", "25", "--max-sweeps-near", "25"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schemes, "ALONE", (("sharing,tatonnement", ()), ("sharing", ("anderson=10", "relaxation=1"))))
        patch.setattr(schemes, "TOGETHER", (("sharing", ()),))
        assert main([*words, "--json", str(folder / "s.json"), "--page", str(folder / "page.md")]) == 0
    return folder


def test_the_default_scheme_gets_there_and_the_baseline_does_not(written):
    data = json.loads((written / "s.json").read_text(encoding="utf-8"))
    alone = {entry["label"]: entry for entry in data["alone"]}
    assert alone["sharing"]["sweeps_to"]["1e-8"] <= 25 and alone["sharing"]["stop_reason"] == "converged"
    assert alone["tatonnement"]["sweeps_to"]["1e-2"] is None
    near = data["together"][0][0]
    assert near["label"] == "sharing" and near["sweeps_to"]["1e-6"] <= 25


def test_the_page_has_the_tables_between_its_marks_and_nothing_else_changed(written):
    text = (written / "page.md").read_text(encoding="utf-8")
    head, _, rest = text.partition("<!-- schemes:begin -->")
    block, _, tail = rest.partition("<!-- schemes:end -->")
    tail, _, near = tail.partition("<!-- neighbours:begin -->")
    assert (head, tail) == ("Before.\n", "\nAfter.\n") and "outdated" not in block
    assert "| sharing | 1 of 1 |" in near
    data = json.loads((written / "s.json").read_text(encoding="utf-8"))
    rows = [line for line in block.splitlines() if line.startswith("| ")]
    assert all(any(line.startswith(f"| {entry['label']} |") for line in rows) for entry in data["alone"])
    sharing = next(line for line in rows if line.startswith("| sharing |"))
    assert f"| {data['alone'][0]['sweeps_to']['1e-6']} |" in sharing


def test_several_runs_at_a_time_find_the_same(written, monkeypatch):
    monkeypatch.setattr(schemes, "ALONE", (("sharing", ()), ("tatonnement", ())))
    plan = schemes.Plan(load_case("teaching"), neighbours=0, alone=Budget(max_sweeps=25, measure_every=20))
    found = schemes.measure_alone(plan, jobs=2)
    data = json.loads((written / "s.json").read_text(encoding="utf-8"))
    assert [entry.label for entry in found] == ["sharing", "tatonnement"] and schemes.measure_near(plan) == []
    assert found[0].sweeps_to() == data["alone"][0]["sweeps_to"]


def test_every_claim_of_the_prototype_stands_beside_a_run():
    market = build(load_case("teaching"), "base", True).market
    labels = [point.label(scheme, market) for names, axes in ALONE for scheme in chosen(names) for point in grid(axes)]
    assert set(PROTOTYPE) <= set(labels) and len(set(labels)) == len(labels)
    assert {"sharing", "sharing, anderson 30", "exchange", "exchange, anderson 30"} <= set(labels)


def test_a_case_near_another_differs_a_little_everywhere():
    case = load_case("teaching")
    near, again, other = (perturbed(case, "base", seed) for seed in (1, 1, 2))
    assert near == again and near != other
    pairs = [
        *zip(near.demand.ev_by_pair, case.demand.ev_by_pair, strict=True),
        *zip(near.demand.fv_by_pair, case.demand.fv_by_pair, strict=True),
        (near.tso.price_usd_per_kwh, case.tso.price_usd_per_kwh),
        (near.scenarios["base"].load_factor, case.scenarios["base"].load_factor),
        *(
            (a.generators[0].c1_usd_per_kwh, b.generators[0].c1_usd_per_kwh)
            for a, b in zip(near.lse, case.lse, strict=True)
        ),
    ]
    assert all(0 < abs(a / b - 1) <= SPREAD for a, b in pairs)
    assert build(near, "base", True).market.n_goods == build(case, "base", True).market.n_goods


@pytest.mark.parametrize("text", ["no marks", PAGE + PAGE, "<!-- schemes:end --><!-- schemes:begin -->"])
def test_a_page_without_its_marks_is_refused(text, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="must have the marks"):
        write_block(page, "schemes", "new")
    assert page.read_text(encoding="utf-8") == text


def test_bad_words_end_with_one_message(tmp_path, capsys):
    assert main(["teachin"]) == 2
    assert 'did you mean "teaching"' in capsys.readouterr().err
    assert main(["teaching", "--scenario", "stres"]) == 2
    assert 'did you mean "stress"' in capsys.readouterr().err
    assert main(["teaching", "--page", str(tmp_path / "missing.md"), "--neighbours", "0", "--max-sweeps", "0"]) == 2
    assert "max-sweeps: given 0" in capsys.readouterr().err
