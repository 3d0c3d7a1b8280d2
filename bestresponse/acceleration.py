"""Safeguarded Anderson acceleration of a fixed-point map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lstsq

from bestresponse.errors import FormulationError
from bestresponse.typing import Vector


@dataclass(frozen=True)
class Anderson:
    """Anderson acceleration (type II) with two safeguards; memory 0 gives the plain relaxed iteration.

    The next state is z + α f − (ΔZ + α ΔF) γ with f = T(z) − z and γ minimising ‖f − ΔF γ‖ over the last `memory`
    differences (Walker and Ni 2011). An accelerated step is cut to `cap` plain steps; while cut steps keep lowering
    the residual the cap grows. A step after which the residual exceeds `rollback` times its recent best is taken
    back. Without them prices can run away while every player sits at a bound and no residual notices.
    """

    memory: int = 30
    relaxation: float = 1.3
    cap: float = 30.0
    cap_growth: float = 1.5
    rollback: float = 3.0
    recent: int = 10  # sweeps among which the best one is looked for

    def __post_init__(self) -> None:
        if not (self.memory >= 0 and 0 < self.relaxation < 2 and self.cap > 0 and self.cap_growth >= 1):
            raise FormulationError(
                f"Anderson needs memory ≥ 0, 0 < relaxation < 2, cap > 0 and cap_growth ≥ 1, given {self}"
            )
        if not (self.rollback > 1 and self.recent >= 1):
            raise FormulationError(f"Anderson needs rollback > 1 and recent ≥ 1, given {self}")


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
        }

    def recall(self, memory: Mapping[str, Vector]) -> None:
        """Go on from what `memory` returned."""
        points = zip(memory["z"], memory["f"], memory["size"], strict=True)
        self._points = [_Point(z, f, float(size)) for z, f, size in points]
        self._cap, was_cut, clipped, rolled_back = (float(count) for count in memory["counts"])
        self._was_cut, self.clipped, self.rolled_back = bool(was_cut), int(clipped), int(rolled_back)

    def next_state(self, state: Vector, image: Vector) -> Vector:
        """Return the state to go on from, given the last state and its plain image."""
        f = self.metric * (image - state)
        point = _Point(self.metric * state, f, float(np.linalg.norm(f)))
        if self._lessons is not None:
            self._points, self._lessons = _shifted(self._lessons, point), None
        elif self._points and not point.size < self._points[-1].size:  # lessons that mislead are forgotten
            self._points = [visited for visited in self._points if visited.size < np.inf]
        best = min(self._points[-self.settings.recent :], key=lambda p: p.size, default=None)
        if best is not None and len(self._points) > 1 and not point.size <= self.settings.rollback * best.size:
            self.rolled_back += 1
            self.restart(self.metric)
            return (best.z + self.settings.relaxation * best.f) / self.metric
        if self._was_cut and point.size < self._points[-1].size:
            self._cap *= self.settings.cap_growth
        self._points = [*self._points, point][-self.settings.memory - 1 :]
        return (point.z + self._cut(self._step(point), point.size)) / self.metric

    def _step(self, point: _Point) -> Vector:
        plain = self.settings.relaxation * point.f
        if len(self._points) < 2 or self.settings.memory == 0:
            return plain
        dZ = np.diff(np.array([p.z for p in self._points]), axis=0).T
        dF = np.diff(np.array([p.f for p in self._points]), axis=0).T
        gamma = lstsq(dF, point.f, cond=1e-12, lapack_driver="gelsy", check_finite=False)[0]
        step = plain - (dZ + self.settings.relaxation * dF) @ gamma
        return step if np.isfinite(step).all() else plain

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
