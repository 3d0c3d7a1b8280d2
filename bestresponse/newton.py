"""Newton's method on a scheme's fixed-point residual f(z) = T(z) − z, damped and safeguarded.

    (1 + λ − T'(z)) d = (1 + λ) f(z)                 z ← z + d

With λ = 0 the step d is Newton's, for λ → ∞ the plain one, f. Between them it is, with T taken as linear, a proximal
step of the operator 1 − T and a plain step after it; of an error e it leaves T' λ (1 + λ − T')⁻¹ e. The operator is
monotone where the theorem of the scheme holds, so that neither makes the error longer.

T' comes from how every player's trades answer to prices (`KnowsItsSensitivity`). Answers have kinks, where an active
set changes: there T' is that of one side, and the method is semismooth (Qi and Sun 1993; for fixed points of splitting
methods Xiao, Li, Wen and Zhang 2018).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from bestresponse.errors import FormulationError
from bestresponse.schemes.protocol import Tangent
from bestresponse.typing import Vector

LEAST_DAMPING, MOST_DAMPING = 1e-8, 1e3
RECORD = 0.9999  # of the smallest residual so far; what is not below is no progress


@dataclass(frozen=True)
class Newton:
    """Settings of the damping λ and of the safeguards.

    Where the residual after a step is near the one expected, λ is divided by `easing`; where it is far from it, λ is
    doubled. A residual above `rollback` times the largest of the last `recent` ones takes the step back: it is tried
    again, shorter by the factor `retreat`, and λ grows by that factor. Residuals may rise a little, so that steps could
    go round in a circle: where `patience` of them bring no smallest residual, λ grows by `retreat` and does not fall
    below that until one comes. At its upper end steps are plain. Where the theorem of the scheme holds, plain steps
    never raise the residual and bring it to zero from anywhere, so that a smallest one always comes.
    """

    damping: float = 0.1  # λ to start with
    near: float = 1e-3  # λ to start with from where another run or method ended
    easing: float = 4.0
    trusted: float = 0.5  # distance from the expected residual, relative to the one before, up to which λ falls
    doubted: float = 0.75  # and from which on it rises
    rollback: float = 2.0
    recent: int = 3
    retreat: float = 8.0
    patience: int = 8

    def __post_init__(self) -> None:
        if not (
            0 < self.damping < np.inf
            and 0 < self.near < np.inf
            and self.easing >= 1
            and 0 <= self.trusted <= self.doubted
        ):
            raise FormulationError(
                f"Newton needs damping > 0, near > 0, easing ≥ 1 and 0 ≤ trusted ≤ doubted, given {self}"
            )
        if not (self.rollback >= 1 and self.recent >= 1 and self.retreat > 1 and self.patience >= 1):
            raise FormulationError(f"Newton needs rollback ≥ 1, recent ≥ 1, retreat > 1 and patience ≥ 1, given {self}")


class NewtonSteps:
    """The steps of one run; the size of a residual is ‖metric · f‖."""

    clipped = 0  # no step is cut

    def __init__(self, settings: Newton, tangent: Callable[[], Tangent]) -> None:
        """Begin with the settings; `tangent` gives T' at the state whose image was found last."""
        self.settings = settings
        self.rolled_back = 0  # steps taken back so far
        self._tangent = tangent
        self._damping = settings.damping
        self.restart(np.ones(0))

    def restart(self, metric: Vector) -> None:
        """Forget the last step and all residuals, as after a change of the map; λ stays."""
        self.metric = metric
        self._sizes: list[float] = []  # of the last residuals that stand
        self._smallest, self._idle, self._floor = np.inf, 0, LEAST_DAMPING
        self._base = self._residual = self._step = self._fall = np.zeros(0)

    def start_near(self) -> None:
        """Trust the linear model more than from anywhere."""
        self._damping = self.settings.near

    def memory(self) -> dict[str, Vector]:
        """Return everything the next step depends on besides the metric, as arrays."""
        return {
            "sizes": np.array(self._sizes),
            "damping": np.array([self._damping, self._floor]),
            "counts": np.array([self._smallest, self._idle, self.rolled_back], dtype=float),
            "base": self._base,
            "residual": self._residual,
            "step": self._step,
            "fall": self._fall,
        }

    def recall(self, memory: Mapping[str, Vector]) -> None:
        """Go on from what `memory` returned."""
        self._sizes = memory["sizes"].tolist()
        self._damping, self._floor = memory["damping"].tolist()
        self._smallest, idle, rolled_back = memory["counts"].tolist()
        self._idle, self.rolled_back = int(idle), int(rolled_back)
        self._base, self._residual = memory["base"], memory["residual"]
        self._step, self._fall = memory["step"], memory["fall"]

    def next_state(self, state: Vector, image: Vector) -> Vector:
        """Return the state to go on from, given the last state and its plain image."""
        residual = image - state
        size = self._size(residual)
        if self._sizes:
            if not size <= self.settings.rollback * max(self._sizes):
                return self._taken_back()
            self._adapt(self._size(residual - (self._residual - self._fall)), self._sizes[-1])
        self._watch(size)
        self._sizes = [*self._sizes, size][-self.settings.recent :]
        self._base, self._residual = state, residual
        self._step, self._fall = self._direction(residual)
        return self._base + self._step

    def _direction(self, residual: Vector) -> tuple[Vector, Vector]:
        """The step, and by how much the residual is expected to fall: (1 − T') d."""
        if self._damping >= MOST_DAMPING:
            return residual, residual
        tangent = self._tangent()
        try:
            step = tangent.step((1 + self._damping) * residual, self._damping)
        except np.linalg.LinAlgError:  # no slopes of a monotone market do that
            return residual, residual
        return step, step - tangent.image(step)

    def _taken_back(self) -> Vector:
        retreat = self.settings.retreat
        self.rolled_back += 1
        self._damping = min(self._damping * retreat, MOST_DAMPING)
        self._step, self._fall = self._step / retreat, self._fall / retreat
        return self._base + self._step

    def _adapt(self, surprise: float, before: float) -> None:
        """Trust the linear model more or less, after a residual that far from the one expected."""
        if surprise <= self.settings.trusted * before:
            self._damping = max(self._damping / self.settings.easing, self._floor)
        elif not surprise <= self.settings.doubted * before:
            self._damping = min(2.0 * self._damping, MOST_DAMPING)

    def _watch(self, size: float) -> None:
        """Raise the floor under λ where no residual gets smaller any more."""
        if size < RECORD * self._smallest:
            self._smallest, self._idle, self._floor = size, 0, LEAST_DAMPING
            return
        self._idle += 1
        if self._idle == self.settings.patience:
            self._damping = self._floor = min(self._damping * self.settings.retreat, MOST_DAMPING)
            self._idle = 0

    def _size(self, residual: Vector) -> float:
        return float(np.linalg.norm(self.metric * residual))
