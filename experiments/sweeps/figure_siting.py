"""The figure of siting: every choice of stations, the best of every size, and what greedy searches find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from experiments.figures_style import BLUE, GREEN, GREY, LEFT, SMALL, VERMILLION
from experiments.sweeps.labels import label
from experiments.sweeps.panels import panels_of
from experiments.sweeps.siting import chosen_nodes

if TYPE_CHECKING:
    import pandas as pd

NAMED = 4  # of the best choices


def draw_siting(figure: Figure, solved: pd.DataFrame, quantities: list[str], minimise: str) -> None:
    """Draw a panel for every quantity: choices by number of stations, the best and the greedy ones by `minimise`."""
    best = solved.loc[solved.groupby("n_stations")[minimise].idxmin()]
    paths = {
        "best of all choices": (best, BLUE, "o", "-"),
        "adding one at a time": (_path(solved, minimise, adding=True), VERMILLION, "^", "--"),
        "dropping one at a time": (_path(solved, minimise, adding=False), GREEN, "v", ":"),
    }
    panels = panels_of(figure, len(quantities))
    for axes, quantity in zip(panels, quantities, strict=True):
        axes.plot(solved["n_stations"], solved[quantity], ".", color=GREY, alpha=0.35, label="a choice of stations")
        for name, (path, colour, mark, line) in paths.items():
            if len(path):
                axes.plot(
                    path["n_stations"], path[quantity], color=colour, marker=mark, linestyle=line, label=name, gid=name
                )
        axes.set_title(label(quantity), loc="left")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in panels[-2:]:
        axes.set_xlabel("number of stations")
    _name_choices(panels[0], best, quantities[0])
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="upper left", bbox_to_anchor=(LEFT - 0.01, 0.885), ncols=4, columnspacing=1.2)


def _path(solved: pd.DataFrame, minimise: str, adding: bool) -> pd.DataFrame:
    """The choices that a greedy search goes through, as far as the table holds them."""
    rows = solved.assign(chosen=solved["stations"].astype(str).map(chosen_nodes))
    ends = rows["n_stations"].min() if adding else rows["n_stations"].max()
    following = rows[rows["n_stations"] == ends]
    taken = []
    while len(following):
        taken.append(following[minimise].idxmin())
        chosen = following.loc[taken[-1], "chosen"]
        steps = [_is_one_step(chosen, other) if adding else _is_one_step(other, chosen) for other in rows["chosen"]]
        following = rows[steps]
    return solved.loc[taken]


def _is_one_step(less: frozenset[str], more: frozenset[str]) -> bool:
    return less < more and len(more) == len(less) + 1


def _name_choices(axes: Axes, best: pd.DataFrame, quantity: str) -> None:
    """The nodes of the best small choices."""
    look: dict[str, Any] = {"textcoords": "offset points", "color": BLUE, "size": SMALL, "zorder": 5}
    look["bbox"] = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.0}
    for k, (_, row) in enumerate(best.sort_values("n_stations").head(NAMED).iterrows()):
        axes.annotate(str(row["stations"]), (row["n_stations"], row[quantity]), (8, 8 + 22 * (k % 2)), **look)
