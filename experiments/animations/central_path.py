"""The interior point in two dimensions: the central path that it follows, and its iterates."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from bestresponse.complementarity import ComplementarityProblem
from bestresponse.complementarity.interior_point import MARGIN
from bestresponse.complementarity.linear_system import NewtonMatrix
from bestresponse.complementarity.pairs import Pairs, Point, starting_point
from bestresponse.complementarity.polish import polish
from bestresponse.complementarity.problem import natural_residual
from bestresponse.complementarity.steps import find_step
from bestresponse.errors import DataError, SolverError
from bestresponse.typing import Vector
from experiments.animations.moving import Moving
from experiments.figures_style import BLUE, GREEN, GREY, ORANGE, PURPLE, SMALL, VERMILLION, new_figure, style

END = 1e-8  # μ at which the picture is complete
MOST_STEPS = 40
PATH_POINTS = 160
ABOVE = 20.0  # times the first μ: where the central path is drawn from
NEWTON_STEPS = 60
CLOSE = 1e-6  # to the central path: misfit of F, and of every product relative to μ
GRID = 160


def interior_point_path(
    problem: ComplementarityProblem,
    start: Vector,
    headline: str,
    rows: tuple[Vector, Vector] | None = None,  # G (m, 2) and h (m,) of G x ≤ h, whose multipliers follow x
) -> Moving:
    """Return the central path of a problem in two variables, and the iterates of the interior point from `start` on.

    Raises DataError for another number of variables, for a problem without bounds, and where the method finds nothing.
    """
    G, h = rows or (np.zeros((0, 2)), np.zeros(0))
    n = problem.size - len(h)
    if n != 2:
        raise DataError(f"{headline}: the interior point can be drawn in two variables; this problem has {n}")
    start = np.concatenate([start, np.zeros(len(h))])
    pairs = Pairs.of(problem)
    if not len(pairs.bound):
        raise DataError(f"{headline}: its variables have no bounds, so there is no interior to go through")
    points = iterates(problem, pairs, start)
    solution = polish(problem, points[-1].x).x
    if not natural_residual(problem, solution) <= 1e-6:
        raise DataError(f"{headline}: the interior point found no solution to draw")
    path = central_path(problem, pairs, points[0])
    shown = np.array([point.x[:2] for point in points])
    box = _box((problem.lower[:2], problem.upper[:2]), np.vstack([shown, solution[:2]]))
    with style():
        figure = new_figure(
            headline, "Central path (slack · multiplier = μ in every pair), and the steps of the interior point."
        )
        axes = figure.subplots()
        _background(axes, problem, box, G, h)
        axes.plot(*path.T, color=BLUE, linewidth=2.4, label="central path")
        axes.plot(*solution[:2], "*", color=GREEN, markersize=20, label="solution", zorder=5)
        (line,) = axes.plot([], [], "o-", color=VERMILLION, markersize=8, linewidth=1.4, label="iterates")
        numbers = [
            axes.annotate(str(k), x, xytext=(7, 5), textcoords="offset points", size=SMALL) for k, x in enumerate(shown)
        ]
        told = axes.set_title(" ", size=SMALL)
        axes.set_xlabel(problem.name_of(0))
        axes.set_ylabel(problem.name_of(1))
        axes.set_xlim(*box[:, 0])
        axes.set_ylim(*box[:, 1])
        figure.subplots_adjust(left=0.1, right=0.66, bottom=0.12, top=0.82)
        figure.legend(loc="upper left", bbox_to_anchor=(0.67, 0.83))
    apart = _apart(shown, box)

    def draw(step: int) -> None:
        line.set_data(*shown[: step + 1].T)
        for k, number in enumerate(numbers):
            number.set_visible(k <= step and apart[k])
        told.set_text(f"iterate {step}: μ = {points[step].mu:.1e}")

    found = ", ".join(f"{value:.4g}" for value in solution[:2])
    description = f"{headline}. {len(shown) - 1} steps of the interior point beside the central path to ({found})."
    return Moving(figure, len(shown) - 1, draw, description)


def iterates(problem: ComplementarityProblem, pairs: Pairs, start: Vector) -> list[Point]:
    """Return where the interior point stands before and after every step, until μ is small."""
    matrix = NewtonMatrix(problem.eliminated)
    points = [starting_point(problem, pairs, start, MARGIN)]
    while points[-1].mu > END and len(points) <= MOST_STEPS:
        step = find_step(problem, pairs, points[-1], matrix)
        if step is None or not step.is_useful:
            break
        points.append(points[-1].move(step.direction, step.length))
    return points


def central_path(problem: ComplementarityProblem, pairs: Pairs, first: Point) -> Vector:
    """Return (n, 2) points with F(x) = Σ ±z and s z = μ in every pair, from above the first point's μ down.

    Raises SolverError where Newton's method loses it.
    """
    x, z, found = first.x, first.z, []
    for mu in np.geomspace(ABOVE * first.mu, END, PATH_POINTS):
        x, z = _centre(problem, pairs, x, z, float(mu))
        found.append(x[:2])
    return np.array(found)


def _centre(problem: ComplementarityProblem, pairs: Pairs, x: Vector, z: Vector, mu: float) -> tuple[Vector, Vector]:
    """The point of the central path at μ, by Newton's method from a neighbour."""
    for _ in range(NEWTON_STEPS):
        s = pairs.gather(x) - pairs.sign * pairs.bound
        residual = problem.value(x) - pairs.spread(z)
        if max(np.max(np.abs(residual)), np.max(np.abs(s * z - mu)) / mu) <= CLOSE:
            return x, z
        J = problem.jacobian(x, 0.0).toarray() + np.diag(pairs.total(z / s))
        try:
            dx = np.linalg.solve(J, pairs.spread(mu / s - z) - residual)
        except np.linalg.LinAlgError:
            break
        ds = pairs.gather(dx)
        dz = mu / s - z - z / s * ds
        falling = np.concatenate([-s[ds < 0] / ds[ds < 0], -z[dz < 0] / dz[dz < 0]])
        length = min(1.0, 0.95 * float(np.min(falling, initial=np.inf)))
        x, z = x + length * dx, z + length * dz
    raise SolverError(f"the central path was lost at μ = {mu:.1e}")


def _box(bounds: tuple[Vector, Vector], points: Vector) -> Vector:
    """(2, 2) lower and upper corner of what is shown."""
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.3 * np.maximum(high - low, 0.1 * np.max(high - low) + 1e-6)
    return np.clip([low - margin, high + margin], bounds[0] - 0.3 * margin, bounds[1] + 0.3 * margin)


def _background(axes: Axes, problem: ComplementarityProblem, box: Vector, G: Vector, h: Vector) -> None:
    """What bounds and rows exclude, and without rows where those of F are zero."""
    X, Y = np.meshgrid(*[np.linspace(low, high, GRID) for low, high in box.T])
    points = np.column_stack([X.ravel(), Y.ravel()])
    low, high = problem.lower[:2], problem.upper[:2]
    outside = ((points < low) | (points > high)).any(axis=1) | (points @ G.T > h).any(axis=1)
    axes.contourf(X, Y, outside.reshape(X.shape).astype(float), levels=[0.5, 1.5], colors=[GREY], alpha=0.35)
    axes.fill([], [], color=GREY, alpha=0.35, label="not allowed")
    if len(h):
        return
    F = np.array([problem.value(point) for point in points])
    for k, (colour, kind) in enumerate(((ORANGE, "--"), (PURPLE, "-."))):
        values = F[:, k].reshape(X.shape)
        if values.min() < 0 < values.max():
            axes.contour(X, Y, values, levels=[0.0], colors=[colour], linestyles=[kind], linewidths=2)
            axes.plot([], [], kind, color=colour, linewidth=2, label=f"F = 0, {problem.name_of(k)}")


def _apart(points: Vector, box: Vector) -> list[bool]:
    """Whether the number of every point would stand clear of the ones before it."""
    size = box[1] - box[0]
    clear: list[bool] = []
    shown: list[Vector] = []
    for point in points:
        clear.append(all(np.max(np.abs(point - other) / size) > 0.035 for other in shown))
        if clear[-1]:
            shown.append(point)
    return clear
