"""Safeguarded Anderson acceleration of a fixed-point map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lstsq

from bestresponse.errors import FormulationError
from bestresponse.typing import Vector

TURNED = 0.5  # cosine of successive directions below which the second is another one
TINY = 1e-300


@dataclass(frozen=True)
class Anderson:
    """Anderson acceleration (type II) with safeguards; memory 0 gives the plain relaxed iteration.

    The next state is z + α f − (ΔZ + α ΔF) γ with f = T(z) − z and γ minimising ‖f − ΔF γ‖ over the last `memory`
    differences (Walker and Ni 2011). An accelerated step is cut to `cap` plain steps; while cut steps keep lowering
    the residual the cap grows. A step after which the residual exceeds `rollback` times its recent best is taken
    back. Without them prices can run away while every player sits at a bound and no residual notices.

    While a price has far to travel, every player that trades it sits at a bound: f is the same in every sweep, and
    differences of equal residuals say nothing about where to go. What they leave over, u = f − ΔF γ, then is nearly
    all of f and keeps its direction. From there on α u is added `growth` times as often from sweep to sweep, so that
    the way is covered in a number of sweeps that grows like its logarithm. Once f points against u the state has
    gone too far: all points are forgotten and the plain iteration, which comes no further from a fixed point if it is
    nonexpansive, goes on from there. Such a step is not taken back: behind the bound its residual is large, but not
    its distance.
    """

    memory: int = 30
    relaxation: float = 1.3
    cap: float = 30.0
    cap_growth: float = 1.5
    rollback: float = 3.0
    recent: int = 10  # sweeps among which the best one is looked for
    growth: float = 2.0  # of the step along u; 1 never lengthens it
    steady: float = 0.95  # cosine of successive u from which on they have one direction
    unexplained: float = 0.8  # ‖u‖/‖f‖ from which on differences are said to say nothing

    def __post_init__(self) -> None:
        if not (self.memory >= 0 and 0 < self.relaxation < 2 and self.cap > 0 and self.cap_growth >= 1):
            raise FormulationError(
                f"Anderson needs memory ≥ 0, 0 < relaxation < 2, cap > 0 and cap_growth ≥ 1, given {self}"
            )
        if not (self.rollback > 1 and self.recent >= 1):
            raise FormulationError(f"Anderson needs rollback > 1 and recent ≥ 1, given {self}")
        if not (self.growth >= 1 and 0 < self.steady < 1 and 0 < self.unexplained < 1):
            raise FormulationError(
                f"Anderson needs growth ≥ 1, and steady and unexplained between 0 and 1, given {self}"
            )


@dataclass(frozen=True)
class Lessons:
    """How a scheme's map reacts to its state, as the accelerator of one run saw it; for the run of a neighbour.

    Only the differences between points are used: a neighbouring market has nearly the same map, shifted.
    """

    scheme: str
    z: Vector  # (n_points, n_state) states, scaled by the metric
    f: Vector  # (n_points, n_state) their plain residuals, likewise

    def fit(self, scheme: str, state: Vector) -> bool:
        """Whether they are about states of this scheme, of this length."""
        return self.scheme == scheme and self.z.shape[1:] == state.shape


@dataclass(frozen=True)
class _Point:
    """A state and its plain residual, both scaled by the metric."""

    z: Vector
    f: Vector
    size: float  # ‖f‖; infinite for a point that no sweep of this run was at


class Accelerator:
    """The memory of one run: states and residuals of the last sweeps, and what the safeguards did."""

    def __init__(self, settings: Anderson, metric: Vector) -> None:
        self.settings = settings
        self.clipped = 0  # steps cut so far
        self.rolled_back = 0  # steps taken back so far
        self.restart(metric)

    def restart(self, metric: Vector) -> None:
        """Forget everything, as after a change of the map; differences are measured as ‖metric · difference‖."""
        self.metric = metric
        self._points: list[_Point] = []
        self._lessons: Lessons | None = None
        self._cap = self.settings.cap
        self._was_cut = False
        self._heading: Vector = np.zeros(len(metric))  # the last u
        self._stretch = 1.0  # how often α u was taken

    def heed(self, lessons: Lessons) -> None:
        """Take over what the accelerator of a neighbouring run has learned, shifted to this run's first state."""
        if len(lessons.z) > 1:
            self._lessons = lessons

    def lessons(self, scheme: str) -> Lessons:
        """Return what was learned of the map of a scheme."""
        return Lessons(scheme, np.array([point.z for point in self._points]), np.array([p.f for p in self._points]))

    def memory(self) -> dict[str, Vector]:
        """Return everything the next step depends on besides the metric, as arrays."""
        return {
            "z": np.array([point.z for point in self._points]),
            "f": np.array([point.f for point in self._points]),
            "size": np.array([point.size for point in self._points]),
            "counts": np.array([self._cap, self._was_cut, self.clipped, self.rolled_back], dtype=float),
            "heading": self._heading,
            "stretch": np.array(self._stretch),
        }

    def recall(self, memory: Mapping[str, Vector]) -> None:
        """Go on from what `memory` returned."""
        points = zip(memory["z"], memory["f"], memory["size"], strict=True)
        self._points = [_Point(z, f, float(size)) for z, f, size in points]
        self._cap, was_cut, clipped, rolled_back = (float(count) for count in memory["counts"])
        self._was_cut, self.clipped, self.rolled_back = bool(was_cut), int(clipped), int(rolled_back)
        self._heading, self._stretch = memory["heading"], float(memory["stretch"])

    def next_state(self, state: Vector, image: Vector) -> Vector:
        """Return the state to go on from, given the last state and its plain image."""
        f = self.metric * (image - state)
        point = _Point(self.metric * state, f, float(np.linalg.norm(f)))
        if self._lessons is not None:
            self._points, self._lessons = _shifted(self._lessons, point), None
        elif self._points and not point.size < self._points[-1].size:  # lessons that mislead are forgotten
            self._points = [visited for visited in self._points if visited.size < np.inf]
        if self._stretch > 1 and not f @ self._heading >= 0:  # too far
            self.restart(self.metric)
            self._points = [point]
            return image
        if (best := self._to_take_back(point)) is not None:
            self.rolled_back += 1
            self.restart(self.metric)
            return (best.z + self.settings.relaxation * best.f) / self.metric
        if self._was_cut and point.size < self._points[-1].size:
            self._cap *= self.settings.cap_growth
        self._points = [*self._points, point][-self.settings.memory - 1 :]
        step, u = self._step(point)
        return (point.z + self._cut(step, point.size) + self._further(u, point.size)) / self.metric

    def unlearned_step(self, state: Vector, image: Vector) -> Vector:
        """Return the relaxed step, to go on from an image that says nothing of the map."""
        return state + self.settings.relaxation * (image - state)

    def _to_take_back(self, point: _Point) -> _Point | None:
        """The recent point to go back to if the last step has made things much worse; None if it may stand."""
        if len(self._points) < 2 or self._stretch > 1:
            return None
        best = min(self._points[-self.settings.recent :], key=lambda visited: visited.size)
        return None if point.size <= self.settings.rollback * best.size else best

    def _step(self, point: _Point) -> tuple[Vector, Vector]:
        """The step before any cut, and what of the residual no difference explains (zero while there are none)."""
        plain = self.settings.relaxation * point.f
        if len(self._points) < 2 or self.settings.memory == 0:
            return plain, np.zeros(len(plain))
        dZ = np.diff(np.array([p.z for p in self._points]), axis=0).T
        dF = np.diff(np.array([p.f for p in self._points]), axis=0).T
        gamma = lstsq(dF, point.f, cond=1e-12, lapack_driver="gelsy", check_finite=False)[0]
        u = point.f - dF @ gamma
        step = self.settings.relaxation * u - dZ @ gamma
        return (step, u) if np.isfinite(step).all() else (plain, np.zeros(len(plain)))

    def _further(self, u: Vector, plain_size: float) -> Vector:
        """How much further to go along u: more and more while it keeps its direction, less once it gets smaller."""
        settings, size = self.settings, float(np.linalg.norm(u))
        cosine = float(u @ self._heading) / max(size * float(np.linalg.norm(self._heading)), TINY)
        says_nothing = size > settings.unexplained * plain_size
        if cosine > settings.steady:
            self._stretch = max(1.0, self._stretch * (settings.growth if says_nothing else 1 / settings.growth))
        elif cosine < TURNED or not says_nothing:
            self._stretch = 1.0
        self._heading = u
        return (self._stretch - 1) * settings.relaxation * u

    def _cut(self, step: Vector, plain_size: float) -> Vector:
        length, limit = float(np.linalg.norm(step)), self._cap * plain_size
        self._was_cut = length > limit
        if not self._was_cut:
            return step
        self.clipped += 1
        return step * (limit / length)


def _shifted(lessons: Lessons, first: _Point) -> list[_Point]:
    """The points of the lessons but the last, moved as the last would have to be to become `first`."""
    z, f = lessons.z - lessons.z[-1] + first.z, lessons.f - lessons.f[-1] + first.f
    return [_Point(state, residual, np.inf) for state, residual in zip(z[:-1], f[:-1], strict=True)]
