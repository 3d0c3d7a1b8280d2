"""The scaling study as data, tables and a figure."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from statistics import median

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from bestresponse.files import replacing
from experiments.benchmarks.exponents import CONFIDENCE, Exponent, fit
from experiments.benchmarks.machine import machine_facts
from experiments.benchmarks.page import write_block
from experiments.benchmarks.report import NONE, Table
from experiments.benchmarks.scaling import ACCURACY, AXES, FILE, TOGETHER, Sample, Study
from experiments.figures_style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, new_figure, style
from experiments.figures_style import write as draw

BLOCK = "scaling"  # marks on the page
TARGET = 0.5  # sweeps shall grow slower than the square root of stations × OD pairs
LOOKS = dict(zip(AXES, zip((BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION), "os^vDP", strict=True), strict=True))
Value = Callable[[Sample], float | None]
COLUMNS: dict[str, Value] = {
    "sweeps": lambda sample: sample.sweeps,
    "seconds": lambda sample: None if sample.sweeps is None else sample.seconds,
    "ms a sweep": lambda sample: sample.ms_per_sweep,
    "set-up": lambda sample: sample.setup_seconds,
}


def dimension(axis: str) -> int:
    """Return how many sizes grow at once."""
    return 2 if axis == TOGETHER else 1


def exponent(study: Study, axis: str, value: Value) -> Exponent | None:
    """Return how a value grows with the multiple on an axis, runs without it left out."""
    known = [(s.multiple, y, s.seed) for s in study.samples if s.axis == axis and (y := value(s)) is not None]
    return fit(*zip(*known, strict=True)) if known else None


def by_player(study: Study) -> dict[str, Value]:
    """Return, for every player, its seconds a sweep of a sample that got there."""

    def of(name: str) -> Value:
        return lambda s: None if s.sweeps is None else s.by_player[name] / s.sweeps

    return {name: of(name) for name in study.samples[0].by_player}


def verdict(study: Study) -> str:
    """Return, in a sentence, whether sweeps grow as slowly as they shall."""
    found = exponent(study, TOGETHER, COLUMNS["sweeps"])
    short = sum(s.sweeps is None for s in study.samples if s.axis == TOGETHER)
    if found is None:
        return f"{study.scenario}: too little was measured of {TOGETHER} to say how sweeps grow."
    per = found.per(dimension(TOGETHER))
    met = "below" if per.value + per.margin < TARGET else "not surely below" if per.value < TARGET else "not below"
    left = f" {short} run(s) of these did not get to {ACCURACY:.0e} and are left out." if short else ""
    return f"{study.scenario}: sweeps grow as (stations × OD pairs)^({per}), {met} the target of {TARGET:g}.{left}"


def tables(study: Study) -> list[Table]:
    """Return what was measured and its exponents."""
    points = sorted({(AXES.index(s.axis), s.multiple) for s in study.samples})
    rows = [_point(study, AXES[axis], multiple) for axis, multiple in points if multiple > 1 or axis == 0]
    columns = ("size", "goods", "paths", "sweeps to 1e-6", "s", "ms a sweep", "set-up s", "got there")
    measured = Table(
        f"{study.scenario}: medians over {study.seeds} markets of every size (range), seconds of the processor",
        columns,
        tuple(rows),
    )
    values = COLUMNS | by_player(study)
    exponents = Table(
        f"{study.scenario}: exponents against the multiple, {CONFIDENCE:.0%} intervals (players: seconds a sweep)",
        ("size", *values),
        tuple((axis, *(_words(exponent(study, axis, value)) for value in values.values())) for axis in AXES),
    )
    return [measured, exponents]


def _point(study: Study, axis: str, multiple: int) -> tuple[str, ...]:
    here = [s for s in study.samples if (s.axis, s.multiple) == (axis, multiple)]
    there = [s for s in here if s.sweeps is not None]
    stops = sorted({s.stop.replace("_", " ") for s in here if s.sweeps is None})
    return (
        f"{axis} ×{multiple}" if multiple > 1 else "reference size",
        f"{median(s.goods for s in here):g}",
        f"{median(s.paths for s in here):g}",
        *(_spread([float(y) for s in there if (y := COLUMNS[key](s)) is not None]) for key in tuple(COLUMNS)[:3]),
        f"{median(s.setup_seconds for s in here):.3g}",
        f"{len(there)} of {len(here)}" + (f" ({', '.join(stops)})" if stops else ""),
    )


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):.3g} ({min(values):.3g}–{max(values):.3g})" if values else NONE


def _words(found: Exponent | None) -> str:
    return NONE if found is None else str(found)


def report(studies: Sequence[Study]) -> str:
    """Return the whole report in Markdown."""
    facts = [f"- {key}: {value}" for key, value in machine_facts().items()]
    parts = ["\n".join(facts), "\n".join(f"- {verdict(study)}" for study in studies)]
    left = [f"- {study.scenario}, {reason}" for study in studies for reason in study.left_out]
    parts.append("Left out:\n\n" + "\n".join(left) if left else "Nothing was left out.")
    parts += [table.markdown() for study in studies for table in tables(study)]
    return "\n\n".join(parts)


def data(studies: Sequence[Study]) -> dict[str, object]:
    """Return every sample and every exponent, ready for JSON."""

    def exponents(study: Study) -> dict[str, dict[str, dict[str, float | None] | None]]:
        values = COLUMNS | by_player(study)
        return {axis: {name: _plain(exponent(study, axis, value)) for name, value in values.items()} for axis in AXES}

    return {
        "machine": machine_facts(),
        "studies": [asdict(study) | {"verdict": verdict(study), "exponents": exponents(study)} for study in studies],
    }


def _plain(found: Exponent | None) -> dict[str, float | None] | None:
    if found is None:
        return None
    return {"value": found.value, "margin": found.margin if np.isfinite(found.margin) else None}


def write(studies: Sequence[Study], out: Path, page: Path | None) -> str:
    """Write scaling.json, scaling.md and a figure of every scenario to a folder; return the report.

    With a page, the report goes between its marks and the figures beside it.
    """
    text = report(studies)
    with replacing(out / FILE) as file:
        json.dump(data(studies), file, indent=1, allow_nan=False)
    with replacing(out / "scaling.md") as file:
        file.write(text + "\n")
    with style():
        for study, folder in product(studies, [out] if page is None else [out, page.parent]):
            draw(figure(study), folder, f"scaling_{study.scenario}")
    if page is not None:
        write_block(page, BLOCK, text)
    return text


def figure(study: Study) -> Figure:
    """Return sweeps and seconds over size, both logarithmic: every run, medians as lines, exponents in the legend."""
    drawn = new_figure(
        f"Scaling from the reference case, {study.scenario} scenario",
        f"Default scheme to {ACCURACY:.0e}; a point a run, lines through medians; products of two sizes "
        "count as one size.",
    )
    panels = drawn.subplots(1, 2, sharex=True)
    units = {"sweeps": "sweeps [–]", "seconds": "processor time [s]"}
    for axes, (key, unit) in zip(panels, units.items(), strict=True):
        for axis in AXES:
            _curve(axes, study, axis, key)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_ylabel(unit)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"×{value:g}"))
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("size over the reference case's")
    _target(panels[0], study)
    for axes, key in zip(panels, units, strict=True):
        axes.legend(loc="upper left", bbox_to_anchor=(0.0, -0.26), title=f"{key}: exponent", alignment="left")
    drawn.subplots_adjust(left=0.08, right=0.97, top=0.85, bottom=0.48, wspace=0.22)
    return drawn


def _curve(axes: Axes, study: Study, axis: str, key: str) -> None:
    colour, marker = LOOKS[axis]
    known = [(s.multiple ** dimension(axis), y) for s in study.samples if s.axis == axis and (y := COLUMNS[key](s))]
    if not known:
        return
    found = exponent(study, axis, COLUMNS[key])
    label = f"{axis.replace('_', ' ')}: {_words(found and found.per(dimension(axis)))}"
    axes.plot(*zip(*known, strict=True), marker, color=colour, markersize=4, alpha=0.45)
    sizes = sorted({size for size, _ in known})
    middle = [median(y for size, y in known if size == here) for here in sizes]
    axes.plot(sizes, middle, marker=marker, color=colour, linewidth=1.8, label=label)


def _target(axes: Axes, study: Study) -> None:
    """The line of the target through the median at the reference's size."""
    first = [s.sweeps for s in study.samples if s.multiple == 1 and s.sweeps is not None]
    if first:
        ends = np.array([1.0, 256.0])
        axes.plot(ends, median(first) * ends**TARGET, color=GREY, linestyle="--", label="square root (target)")
