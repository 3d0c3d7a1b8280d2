"""The figure of a sweep, as its study describes it: drawn from the table of results alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from bestresponse.errors import DataError
from experiments.case_keys import meaning_at
from experiments.case_problems import listed, nearest, shown
from experiments.figures_goods import MARKS
from experiments.figures_style import COLOURS, GREY, LEFT, new_figure, style, write
from experiments.sweeps.figure_changes import draw_changes
from experiments.sweeps.figure_siting import draw_siting
from experiments.sweeps.keys import places
from experiments.sweeps.labels import label
from experiments.sweeps.panels import panels_of
from experiments.sweeps.study import Study

if TYPE_CHECKING:
    import pandas as pd

NORMAL_95 = 1.96  # standard errors on either side of a mean that cover it in 95 of 100 cases
SPREAD = (0.05, 0.95)  # quantiles of the samples between which is shaded


def save_figure(study: Study, table: pd.DataFrame, folder: Path) -> list[Path]:
    """Write the figure of a study as PNG and SVG and return their paths. Raises DataError for a column that is none."""
    with style():
        return write(sweep_figure(study, table), folder, "figure")


def sweep_figure(study: Study, table: pd.DataFrame) -> Figure:
    """Return the figure that a study asks for, of the table of its results."""
    keys = study.figure
    if keys is None:
        raise DataError(f"{study.file}: there is no table [figure]")
    quantities = [column for name in keys.y for column in _columns(study, table, name)]
    _check_columns(study, table, [name for name in (keys.x, keys.by) if name])
    solved = table[table["status"] == "solved"]
    figure = new_figure(keys.title, _explanation(study, table))
    if keys.kind == "changes":
        draw_changes(figure, solved, quantities)
    elif keys.kind == "siting":
        draw_siting(figure, solved, quantities, study.siting.minimise if study.siting else quantities[0])
    else:
        _draw_lines(figure, study, table, solved)
    return figure


def _draw_lines(figure: Figure, study: Study, table: pd.DataFrame, solved: pd.DataFrame) -> None:
    """A panel for every quantity, a colour for every value of `by`, or for every entry of a quantity of several."""
    keys = study.figure
    if keys is None or not keys.x:
        raise DataError(f"{study.file}: figure.x: missing, must be a column of the table")
    groups = (
        [(_value(value), part) for value, part in solved.groupby(keys.by, sort=False)] if keys.by else [("", solved)]
    )
    panels = panels_of(figure, len(keys.y))
    for axes, name in zip(panels, keys.y, strict=True):
        columns = _columns(study, table, name)
        if name in columns:
            for k, (_, part) in enumerate(groups):
                _draw_line(axes, part, keys.x, name, k)
            _mark_failures(axes, table, keys.x)
        else:
            of, part = groups[-1]
            for k, column in enumerate(column for column in columns if part[column].abs().max() > 0):
                _draw_line(axes, part, keys.x, column, k, column.partition(".")[2])
            title = f"{label(keys.by)}: {of}" if of else None
            axes.legend(title=title, ncols=2, handlelength=1.4, columnspacing=0.8, frameon=True, framealpha=0.8)
        if keys.x_scale == "log":
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.set_title(label(name), loc="left")
        axes.set_axisbelow(True)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    for axes in panels[-2:]:
        axes.set_xlabel(keys.x_label or _meaning(study, keys.x))
    if keys.by:
        _legend(figure, f"{label(keys.by)}:", [name for name, _ in groups])


def _draw_line(axes: Axes, part: pd.DataFrame, x: str, y: str, k: int, name: str = "") -> None:
    """A line through the values; where there are several at one place, through their means, with both bands."""
    look: dict[str, Any] = {"color": COLOURS[k % len(COLOURS)], "marker": MARKS[k % len(MARKS)], "markersize": 4.5}
    if k >= len(COLOURS):
        look |= {"linestyle": "--", "fillstyle": "none"}
    at = part[[x, y]].dropna().groupby(x)[y]
    mean = at.mean()
    if at.size().max() > 1:
        low, high = at.quantile(SPREAD[0]), at.quantile(SPREAD[1])
        error = NORMAL_95 * at.std(ddof=1) / at.size() ** 0.5
        axes.fill_between(mean.index, low, high, color=look["color"], alpha=0.15, linewidth=0)
        axes.fill_between(mean.index, mean - error, mean + error, color=look["color"], alpha=0.4, linewidth=0)
    axes.plot(mean.index, mean, linewidth=1.8, label=name or None, gid=f"{y} {k}", **look)


def _mark_failures(axes: Axes, table: pd.DataFrame, x: str) -> None:
    """A cross on the axis wherever a run is not solved."""
    failed = table[table["status"] != "solved"][x].dropna().unique()
    transform = axes.get_xaxis_transform()
    axes.plot(failed, [0.0] * len(failed), "x", color=GREY, transform=transform, clip_on=False, gid="failed")


def _legend(figure: Figure, title: str, names: list[str]) -> None:
    handles = [Line2D([], [], linestyle="none", label=title)]
    for k, name in enumerate(names):
        handles.append(
            Line2D([], [], color=COLOURS[k % len(COLOURS)], marker=MARKS[k % len(MARKS)], linewidth=1.8, label=name)
        )
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(LEFT - 0.05, 0.885), ncols=len(handles))


def _explanation(study: Study, table: pd.DataFrame) -> str:
    """What the runs are, and what bands and crosses mean."""
    failed = int((table["status"] != "solved").sum())
    crosses = ": ×" if study.figure and study.figure.kind == "lines" else ""
    parts = [f"{study.base_case.name}, {len(table)} runs" + (f" ({failed} failed{crosses})" if failed else "")]
    if study.random:
        parts.append(f"mean, its 95 % interval (dark), 5 to 95 % of {study.random.samples} samples (light)")
    return "; ".join(parts) + "."


def _columns(study: Study, table: pd.DataFrame, name: str) -> list[str]:
    """The columns that a quantity stands for. Raises DataError, with the nearest, if there is none."""
    found = [c for c in map(str, table) if c == name or (name.endswith(".*") and c.startswith(name[:-1]))]
    if not found:
        _check_columns(study, table, [name])
    return found


def _check_columns(study: Study, table: pd.DataFrame, names: list[str]) -> None:
    for name in names:
        if name not in table:
            known = [column for column in map(str, table) if "." not in column or column in study.grid]
            text = f"{study.file}: figure: no column {shown(name)}{nearest(name, list(table))}"
            raise DataError(f"{text} Columns: {listed(known, most=60)}")


def _meaning(study: Study, column: str) -> str:
    """What the case format says of a varied key; its own name for another column."""
    try:
        where = places(column, study.base_case.model_dump())[0]
    except DataError:
        return label(column)  # of a factor, for one
    return meaning_at(where) or label(column)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
