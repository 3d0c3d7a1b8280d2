"""Newton's method on a scheme's fixed-point residual f(z) = T(z) − z, damped and safeguarded.

    (1 + λ − T'(z)) d = (1 + λ) f(z)                 z ← z + d

With λ = 0 the step d is Newton's, for λ → ∞ the plain one, f. Between them it is, with T taken as linear, a proximal
step of the operator 1 − T and a plain step after it; of an error e it leaves T' λ (1 + λ − T')⁻¹ e. The operator is
monotone where the theorem of the scheme holds, so that neither makes the error longer.

T' comes from how every player's trades answer to prices (`KnowsItsSensitivity`). Answers have kinks, where an active
set changes: there T' is that of one side, and the method is semismooth (Qi and Sun 1993; for fixed points of splitting
methods Xiao, Li, Wen and Zhang 2018).

Fixed points need not be isolated: entities with equal costs may share their sales in many ways. A step then goes to the
nearest zero of its linear model, which may lie across a kink, where another model holds. Steps back and forth would
project onto the zeros of one and the other in turn, and be slow where these meet at a small angle. A step from across a
kink therefore, once λ is little, goes to a zero of the mean of its own model and the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from bestresponse.checkpoint import Tree
from bestresponse.errors import FormulationError
from bestresponse.schemes.protocol import Tangent
from bestresponse.typing import Vector

Slopes: TypeAlias = Mapping[str, Vector]  # by player, (n, n) ∂trade/∂price over its own goods

LEAST_DAMPING, MOST_DAMPING = 1e-8, 1e3
LITTLE_DAMPING = 1e-5  # less only after steps that met no kink: where many limits barely bind, half the steps go wrong
RECORD = 0.99  # of the smallest residual so far; what is not below is no progress
RIGHT = 0.1  # distance from the expected residual, relative to the one before, up to which a step met with no kink
TINY = np.finfo(float).tiny


@dataclass(frozen=True)
class Newton:
    """Settings of the damping λ and of the safeguards.

    Where the residual after a step is near the one expected, λ is divided by `factor`; where it is far from it, λ is
    doubled. A residual above `rollback` times the largest of the last `recent` ones takes the step back: it is tried
    again, shorter by `factor`, and λ grows by that; how well the shorter step does then leaves λ alone. Residuals may
    rise a little, so that steps could go round in a circle: where `patience` of them across kinks bring no smallest
    residual, λ grows by `factor` and does not fall below that until one comes. At its upper end steps are plain. Where
    the theorem of the scheme holds, plain steps never raise the residual and bring it to zero from anywhere, so that a
    smallest one always comes.
    """

    damping: float = 0.1  # λ to start with
    near: float = 1e-2  # λ to start with from where another run or method ended
    factor: float = 5.0
    trusted: float = 0.5  # distance from the expected residual, relative to the one before, up to which λ falls
    doubted: float = 0.75  # and from which on it rises
    rollback: float = 2.0
    recent: int = 2
    patience: int = 8

    def __post_init__(self) -> None:
        if not (
            0 < self.damping < np.inf
            and 0 < self.near < np.inf
            and self.factor > 1
            and 0 <= self.trusted <= self.doubted
            and self.rollback >= 1
            and self.recent >= 1
            and self.patience >= 1
        ):
            raise FormulationError(
                "Newton needs damping > 0, near > 0, factor > 1, 0 ≤ trusted ≤ doubted, rollback ≥ 1, recent ≥ 1 "
                f"and patience ≥ 1, given {self}"
            )


@dataclass(frozen=True)
class _Model:
    """What a step takes f for, which is linear."""

    value: Vector  # at the step's base
    fall: Vector  # by which it falls along the step: (1 − T') d
    slopes: Slopes  # behind T'; none where λ is not little, as nobody asks for them then

    @property
    def expected(self) -> Vector:
        """The value after the step."""
        return self.value - self.fall

    def mean_with(self, residual: Vector, slopes: Slopes) -> tuple[Vector, Slopes]:
        """Return the value and the slopes of the mean of this model and another one, at the end of the step."""
        return 0.5 * (residual + self.expected), {name: 0.5 * (slopes[name] + self.slopes[name]) for name in slopes}


class NewtonSteps:
    """The steps of one run; the size of a residual is ‖metric · f‖."""

    clipped = 0  # no step is cut

    def __init__(self, settings: Newton, slopes: Callable[[], Slopes], tangent: Callable[[Slopes], Tangent]) -> None:
        """Begin with the settings; `slopes` gives those of the last answers, and `tangent` the T' that follows."""
        self.settings = settings
        self.rolled_back = 0  # steps taken back so far
        self._slopes, self._tangent = slopes, tangent
        self._damping = settings.damping
        self.restart(np.ones(0))

    def restart(self, metric: Vector) -> None:
        """Forget the last step and all residuals, as after a change of the map; λ stays."""
        self.metric = metric
        self._sizes: list[float] = []  # of the last residuals that stand
        self._smallest, self._idle, self._floor = np.inf, 0, LEAST_DAMPING
        self._shortened = False
        self._base = self._step = np.zeros(0)
        self._model = _Model(np.zeros(0), np.zeros(0), {})

    def start_near(self) -> None:
        """Trust the linear model more than from anywhere."""
        self._damping = self.settings.near

    def memory(self) -> Tree:
        """Return everything the next step depends on besides the metric, as arrays."""
        return {
            "sizes": np.array(self._sizes),
            "damping": np.array([self._damping, self._floor]),
            "counts": np.array([self._smallest, self._idle, self._shortened, self.rolled_back], dtype=float),
            "base": self._base,
            "step": self._step,
            "model": vars(self._model),
        }

    def recall(self, memory: Tree) -> None:
        """Go on from what `memory` returned."""
        self._sizes = memory["sizes"].tolist()
        self._damping, self._floor = memory["damping"].tolist()
        self._smallest, idle, shortened, rolled_back = memory["counts"].tolist()
        self._idle, self._shortened, self.rolled_back = int(idle), bool(shortened), int(rolled_back)
        self._base, self._step = memory["base"], memory["step"]
        self._model = _Model(**{"slopes": {}, **memory["model"]})  # a file does not tell that there are none

    def next_state(self, state: Vector, image: Vector) -> Vector:
        """Return the state to go on from, given the last state and its plain image."""
        residual = image - state
        size, crossed = self._size(residual), False
        if self._sizes:
            if not size <= self.settings.rollback * max(self._sizes):
                return self._taken_back()
            surprise = self._size(residual - self._model.expected) / max(self._sizes[-1], TINY)
            if not self._shortened:
                self._adapt(surprise)
            crossed = surprise > RIGHT
            self._watch(size, crossed)
        else:
            self._smallest = size
        self._shortened = False
        self._sizes = [*self._sizes, size][-self.settings.recent :]
        self._base = state
        self._step, self._model = self._direction(residual, crossed)
        return self._base + self._step

    def unlearned_step(self, state: Vector, image: Vector) -> Vector:
        """Return the image itself, which says nothing of the map; by the next residual no step is judged."""
        self._sizes = []
        return image

    def _direction(self, residual: Vector, crossed: bool) -> tuple[Vector, _Model]:
        """The step d, and the model that it goes to the (damped) zero of."""
        damping, plain = self._damping, (residual, _Model(residual, residual, {}))
        if damping >= MOST_DAMPING:
            return plain
        little = damping <= LITTLE_DAMPING
        value, slopes = residual, self._slopes()
        if crossed and little and self._model.slopes:
            value, slopes = self._model.mean_with(residual, slopes)
        right = (1 + damping) * value
        try:
            step = self._tangent(slopes).step(right, damping)
        except np.linalg.LinAlgError:  # no slopes of a monotone market do that
            return plain
        return step, _Model(value, right - damping * step, slopes if little else {})

    def _taken_back(self) -> Vector:
        self.rolled_back += 1
        self._shortened = True
        self._damping = self._raised()
        self._step = self._step / self.settings.factor
        self._model = replace(self._model, fall=self._model.fall / self.settings.factor)
        return self._base + self._step

    def _adapt(self, surprise: float) -> None:
        """Trust the linear model more or less, after a residual that far from the one expected."""
        if surprise <= (self.settings.trusted if self._damping > LITTLE_DAMPING else RIGHT):
            self._damping = max(self._damping / self.settings.factor, self._floor)
        elif not surprise <= self.settings.doubted:
            self._damping = min(2.0 * self._damping, MOST_DAMPING)

    def _watch(self, size: float, crossed: bool) -> None:
        """Raise the floor under λ where steps from kink to kink bring no smaller residual.

        Where T is the same shift everywhere, as while a price travels, no residual gets smaller either, but every step
        is on its way.
        """
        if size < RECORD * self._smallest:
            self._smallest, self._idle, self._floor = size, 0, LEAST_DAMPING
            return
        self._idle += crossed
        if self._idle == self.settings.patience:
            self._damping = self._floor = self._raised()
            self._idle = 0

    def _raised(self) -> float:
        return min(self._damping * self.settings.factor, MOST_DAMPING)

    def _size(self, residual: Vector) -> float:
        return float(np.linalg.norm(self.metric * residual))
