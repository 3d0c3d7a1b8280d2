"""Best-response maps in two dimensions: both players' answers as curves, and how iterations move between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation

from bestresponse.errors import DataError, SolverError
from bestresponse.games import ORDERS, Game, solve_game
from bestresponse.games.dynamics import sweep
from bestresponse.games.game import PLAN
from bestresponse.typing import Vector
from experiments.animations.moving import Moving
from experiments.case_problems import nearest
from experiments.figures_style import BLACK, BLUE, GREEN, LARGE, SMALL, VERMILLION, new_figure, style

SWEEPS = 12
AT_REST = 1e-3  # of the picture's size: moves below it are not seen
WIDEST = 4.0  # times the first distance from the equilibrium: an iteration that leaves this is not followed
CURVE_POINTS = 200


def response_map(game: Game, start: Vector, orders: Sequence[str], headline: str) -> Moving:
    """Return both best-response curves of a game with two variables, and one iteration in a panel for every order.

    Raises DataError for a game with other numbers of variables, and for an unknown order.
    """
    if [*game.layout.sizes.values()] != [1, 1]:
        sizes = ", ".join(f"{name}: {n}" for name, n in game.layout.sizes.items())
        raise DataError(
            f"{headline}: best responses can be drawn of two players with one variable each; this has {sizes}"
        )
    for order in orders:
        if order not in ORDERS:
            raise DataError(f"schemes: no order {order!r}{nearest(order, ORDERS)} Orders: {', '.join(ORDERS)}")
    solution = solve_game(game, start)
    if not solution.solved:
        raise DataError(f"{headline}: there is no equilibrium to draw: {solution.certificate}")
    paths = [_path(game, start, order, solution.x) for order in orders]
    box = _box(game, np.concatenate([*paths, solution.x[None]]))
    curves = [_curve(game, player, box) for player in (0, 1)]
    with style():
        explanation = "What each player answers to the other (curves), and what an iteration does (arrows)."
        figure = new_figure(headline, explanation)
        panels = figure.subplots(1, len(orders), squeeze=False, sharey=True)[0]
        arrows = [
            _panel(axes, game, order, path, curves, box, solution.x)
            for axes, order, path in zip(panels, orders, paths, strict=True)
        ]
        panels[0].set_ylabel(f"{game.labels[1]} plays")
        figure.subplots_adjust(left=0.1, right=0.98, bottom=0.24, top=0.8, wspace=0.08)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="lower center", ncols=3)

    def draw(step: int) -> None:
        for own in arrows:
            for k, arrow in enumerate(own):
                arrow.set_visible(k < step)

    found = ", ".join(f"{value:.4g}" for value in solution.x)
    told = f"Curves of both players' best responses meet at the {_star(game)} ({found}). Shown: {', '.join(orders)}."
    return Moving(figure, max(map(len, arrows)), draw, f"{headline}. {told}")


def _path(game: Game, start: Vector, order: str, solution: Vector) -> Vector:
    """(n, 2) where an iteration goes, one player's move a time where they move one after another."""
    points = [np.array(start, dtype=float)]
    reach = max(float(np.max(np.abs(start - solution))), 1e-9)
    for _ in range(SWEEPS):
        image = sweep(game, points[-1], order)
        if order == "damped":
            image = 0.5 * (points[-1] + image)
        if order == "gauss_seidel":
            points.append(np.array([image[0], points[-1][1]]))
        points.append(image)
        if np.max(np.abs(points[-1] - solution)) > WIDEST * reach or np.max(np.abs(image - solution)) < AT_REST * reach:
            break
    return np.array(points)


def _box(game: Game, points: Vector) -> Vector:
    """(2, 2) lower and upper corner of what is shown."""
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.25 * np.maximum(high - low, 1e-6)
    return np.clip([low - margin, high + margin], game.lower - 0.3 * margin, game.upper + 0.3 * margin)


def _curve(game: Game, player: int, box: Vector) -> Vector:
    """(n, 2) what a player answers to everything its rival may play; NaN where it has no answer."""
    rival = 1 - player
    points = np.full((CURVE_POINTS, 2), np.nan)
    low, high = np.clip(box[:, rival], game.lower[rival], game.upper[rival])
    for point, played in zip(points, np.linspace(low, high, CURVE_POINTS), strict=True):
        joint = np.zeros(2)
        joint[rival] = played
        try:
            point[player] = game.players[player].answer(joint).plan[PLAN][0]
        except SolverError:
            continue
        point[rival] = played
    return points


def _panel(
    axes: Axes, game: Game, order: str, path: Vector, curves: Sequence[Vector], box: Vector, solution: Vector
) -> list[Annotation]:
    for name, curve, colour, kind in zip(game.layout.sizes, curves, (BLUE, VERMILLION), ("-", "--"), strict=True):
        axes.plot(*curve.T, kind, color=colour, linewidth=2.4, label=f"best response of {name}")
    axes.plot(*solution, "*", color=GREEN, markersize=18, label=_star(game), zorder=5)
    axes.plot(*path[0], "o", color=BLACK, markersize=9)
    axes.annotate("start", path[0], xytext=(8, 6), textcoords="offset points", size=SMALL)
    axes.set_title(order, size=LARGE)
    axes.set_xlabel(f"{game.labels[0]} plays")
    axes.set_xlim(*box[:, 0])
    axes.set_ylim(*box[:, 1])
    look = {"arrowstyle": "-|>", "color": BLACK, "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 14}
    return [axes.annotate("", end, xytext=begin, arrowprops=look) for begin, end in pairwise(path)]


def _star(game: Game) -> str:
    """What is marked: where rows are shared there may be other equilibria besides."""
    return "normalised equilibrium" if len(game.shared) else "equilibrium"
