"""The scaling study: exponents that are known, a budget that is kept, and a report that says what was left out."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pytest

from bestresponse.errors import DataError
from experiments.benchmarks import scaling
from experiments.benchmarks.exponents import fit
from experiments.benchmarks.scaling import AXES, TOGETHER, Budget, Sample, Study, growth, known_samples, measure, sample
from experiments.benchmarks.scaling_report import report, tables, verdict, write
from experiments.growing import Growth


def made_up(axis: str, multiple: int, seed: int, scenario: str, budget: Budget) -> Sample:
    """A market whose sweeps grow as multiple^0.3 and whose seconds grow as multiple^1.5."""
    return Sample(
        axis, multiple, seed, 100 * multiple, 7, round(1e6 * seed * multiple**0.3), "converged", 0.5 * multiple,
        seconds=2.0 * multiple**1.5, by_player={"CNO": 1.0 * multiple**1.5, "coordinator": 1.0},
    )  # fmt: skip


@pytest.fixture
def study(monkeypatch) -> Study:
    monkeypatch.setattr(scaling, "sample", made_up)
    return measure("base", 2, Budget(run_seconds=1e6))


def test_an_exponent_is_found_whatever_the_level_of_its_seed():
    sizes, seeds = np.array([1, 2, 4, 1, 2, 4.0]), [1, 1, 1, 2, 2, 2]
    found = fit(sizes, np.array([1, 1, 1, 50, 50, 50]) * sizes**0.7, seeds)
    assert found.value == pytest.approx(0.7) and found.margin == pytest.approx(0.0, abs=1e-9)
    assert found.per(2).value == pytest.approx(0.35)
    assert fit([1.0, 1.0], [2.0, 3.0], [1, 2]) is None
    assert fit([1.0, 2.0], [1.0, 4.0], [1, 1]).margin == np.inf


def test_the_interval_covers_the_exponent_as_often_as_it_says():
    rng, sizes, seeds = np.random.default_rng(1), np.tile([1, 2, 4, 8, 16.0], 3), np.repeat([1, 2, 3], 5)
    covered = []
    for _ in range(400):
        found = fit(sizes, sizes**0.5 * np.exp(rng.normal(0, 0.2, 15)), seeds)
        covered.append(abs(found.value - 0.5) <= found.margin)
    assert 0.92 <= np.mean(covered) <= 0.98


def test_every_size_grows_by_itself_and_two_together():
    assert growth("buses", 4, 2) == Growth(buses=4, seed=2)
    assert growth(TOGETHER, 4, 2) == Growth(stations=4, od_pairs=4, seed=2)


def test_a_study_measures_every_axis_and_fits_it(study):
    assert {(s.axis, s.multiple, s.seed) for s in study.samples} == {
        (axis, multiple, seed) for axis in AXES for multiple in (1, 2, 4, 8, 16) for seed in (1, 2)
    }
    _, exponents = tables(study)
    rows = {row[0]: dict(zip(exponents.columns, row, strict=True)) for row in exponents.rows}
    assert {row["sweeps"] for row in rows.values()} == {"0.30 ± 0.00"}
    assert {row["seconds"] for row in rows.values()} == {"1.50 ± 0.00"}
    assert {row["CNO"] for row in rows.values()} == {"1.20 ± 0.00"}
    assert "(stations × OD pairs)^(0.15 ± 0.00), below the target of 0.5." in verdict(study)


def test_what_fails_is_counted_and_not_fitted(study):
    failed = [
        replace(s, sweeps=None, stop="stalled") if (s.axis, s.multiple, s.seed) == (TOGETHER, 16, 1) else s
        for s in study.samples
    ]
    said = report([replace(study, samples=failed)])
    assert "1 run(s) of these did not get to 1e-06" in said and "1 of 2 (stalled)" in said
    assert "(0.15 ± 0.00)" in said


def test_faster_growth_misses_the_target(study):
    worse = [replace(s, sweeps=round(s.sweeps * s.multiple**1.2)) for s in study.samples]
    assert "(0.75 ± 0.00), not below the target" in verdict(replace(study, samples=worse))


def test_a_size_is_given_up_where_its_next_run_would_take_too_long(monkeypatch):
    monkeypatch.setattr(scaling, "sample", made_up)
    found = measure("base", 2, Budget(run_seconds=60.0))  # ×4 takes 18 s, ×8 would take 41 s, ×16 148 s
    assert max(s.multiple for s in found.samples) == 8
    assert sorted(reason.split(":")[0] for reason in found.left_out) == sorted(f"{axis} from ×16" for axis in AXES)
    assert all("a run would take about" in reason for reason in found.left_out)


def test_the_study_ends_when_its_time_is_over(monkeypatch):
    monkeypatch.setattr(scaling, "sample", made_up)
    clock = iter(range(10_000))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)))
    found = measure("base", 2, Budget(minutes=10 / 60, run_seconds=1e6))
    assert 0 < len(found.samples) < 60 and "minutes were over" in report([found])


def test_a_study_goes_on_from_what_is_known(study, tmp_path, monkeypatch):
    part = replace(study, samples=[s for s in study.samples if s.multiple <= 4])
    write([part], tmp_path, None)
    known = known_samples(tmp_path / "scaling.json")["base"]
    assert known == part.samples
    asked = []
    monkeypatch.setattr(scaling, "sample", lambda *point: asked.append(point[:3]) or made_up(*point))
    whole = measure("base", 2, Budget(run_seconds=1e6), known=known)
    assert {multiple for _, multiple, _ in asked[1:]} == {8, 16}
    assert sorted(whole.samples, key=str) == sorted(study.samples, key=str)
    (tmp_path / "scaling.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="no scaling study to go on from"):
        known_samples(tmp_path / "scaling.json")


def test_one_market_is_solved_and_timed_by_player():
    found = sample("lses", 2, 1, "base", Budget())
    assert 10 < found.sweeps < 400 and found.stop == "converged" and found.goods > 150 and found.paths > 500
    assert set(found.by_player) == {"CNO", "DSO", "Households", "Traffic", "LSEs", "coordinator"}
    assert sum(found.by_player.values()) == pytest.approx(found.seconds) and min(found.by_player.values()) > 0


def test_the_report_is_written_whole(study, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- scaling:begin -->\n<!-- scaling:end -->\n", encoding="utf-8")
    text = write([study], tmp_path, page)
    data = json.loads((tmp_path / "scaling.json").read_text(encoding="utf-8"))
    assert len(data["studies"][0]["samples"]) == len(study.samples)
    assert data["studies"][0]["exponents"]["buses"]["seconds"]["value"] == pytest.approx(1.5)
    assert text in page.read_text(encoding="utf-8") and (tmp_path / "scaling.md").read_text(encoding="utf-8").strip()
    assert (tmp_path / "scaling_base.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("change", "message"),
    [({"seeds": 1}, "seeds and most"), ({"most": 1}, "seeds and most"), ({"budget": (0.0, 1.0)}, "minutes: given 0")],
)
def test_bad_arguments_are_named(change, message):
    with pytest.raises(DataError, match=message):
        measure("base", change.get("seeds", 2), Budget(*change.get("budget", (1.0, 1.0))), change.get("most", 2))
