"""Safeguarded Anderson acceleration of a fixed-point map."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import lstsq

from bestresponse.errors import FormulationError
from bestresponse.typing import Vector


@dataclass(frozen=True)
class Anderson:
    """Anderson acceleration (type II) with two safeguards; memory 0 gives the plain relaxed iteration.

    The next state is z + α f − (ΔZ + α ΔF) γ with f = T(z) − z and γ minimising ‖f − ΔF γ‖ over the last `memory`
    differences (Walker and Ni 2011). An accelerated step is cut to `cap` plain steps, and a step after which
    the residual exceeds `rollback` times its recent best is taken back. Without them prices can run away while
    every player sits at a bound and no residual notices.
    """

    memory: int = 30
    relaxation: float = 1.0
    cap: float = 30.0
    rollback: float = 2.0

    def __post_init__(self) -> None:
        if not (self.memory >= 0 and 0 < self.relaxation < 2 and self.cap > 0 and self.rollback > 1):
            raise FormulationError(
                f"Anderson needs memory ≥ 0, 0 < relaxation < 2, cap > 0 and rollback > 1, given {self}"
            )


@dataclass
class Accelerator:
    """The memory of one run: states and residuals of the last sweeps, and what the safeguards did."""

    settings: Anderson
    metric: Vector  # (n_state,) differences are measured as ‖metric · difference‖
    clipped: int = 0
    rolled_back: int = 0
    _states: list[Vector] = field(default_factory=list)  # scaled by the metric
    _residuals: list[Vector] = field(default_factory=list)
    _best: tuple[float, Vector, Vector] | None = None  # residual, state and plain residual of the best recent sweep

    def restart(self, metric: Vector) -> None:
        """Forget everything, as after a change of the map."""
        self.metric = metric
        self._forget()

    def next_state(self, state: Vector, image: Vector) -> Vector:
        """Return the state to go on from, given the last state and its plain image."""
        z, f = self.metric * state, self.metric * (image - state)
        size = float(np.linalg.norm(f))
        if self._should_roll_back(size):
            return self._roll_back()
        if self._best is None or size < self._best[0]:
            self._best = (size, z, f)
        self._remember(z, f)
        return (z + self._step(f, size)) / self.metric

    def _should_roll_back(self, size: float) -> bool:
        accelerated = len(self._states) > 1
        return accelerated and self._best is not None and not size <= self.settings.rollback * self._best[0]

    def _roll_back(self) -> Vector:
        if self._best is None:
            raise FormulationError("there is nothing to roll back to")
        _, z, f = self._best
        self.rolled_back += 1
        self._forget()
        return (z + self.settings.relaxation * f) / self.metric

    def _remember(self, z: Vector, f: Vector) -> None:
        keep = self.settings.memory + 1
        self._states, self._residuals = [*self._states, z][-keep:], [*self._residuals, f][-keep:]

    def _forget(self) -> None:
        self._states, self._residuals, self._best = [], [], None

    def _step(self, f: Vector, size: float) -> Vector:
        plain = self.settings.relaxation * f
        if len(self._states) < 2 or self.settings.memory == 0:
            return plain
        dZ = np.diff(np.array(self._states), axis=0).T
        dF = np.diff(np.array(self._residuals), axis=0).T
        gamma = lstsq(dF, f, cond=1e-12, lapack_driver="gelsy", check_finite=False)[0]
        step = plain - (dZ + self.settings.relaxation * dF) @ gamma
        length, limit = float(np.linalg.norm(step)), self.settings.cap * size
        if not np.isfinite(length):
            return plain
        if length > limit:
            self.clipped += 1
            return step * (limit / length)
        return step
