"""Best-response dynamics: everybody answers what the others last played, together or one after another.

    jacobi        T(x)ᵢ = bestᵢ(x₋ᵢ)                                        all at once
    gauss_seidel  T(x)ᵢ = bestᵢ(T(x)₁, …, T(x)ᵢ₋₁, xᵢ₊₁, …, x_N)            one after another, in the players' order
    damped        x ← x + α (T(x) − x) with T of jacobi and 0 < α < 1

Whether and how fast they converge is a matter of the game: the spectral radius of the linearised map decides near an
equilibrium (`bestresponse.games.diagnostics`). The run stops on the undamped move T(x) − x, never on the step, and only
where a certificate with fresh best responses holds.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bestresponse.acceleration import Accelerator, Anderson
from bestresponse.errors import BestResponseError, DataError
from bestresponse.games.certificate import GameCertificate, GameTolerances, certify_game
from bestresponse.games.game import PLAN, Game
from bestresponse.linear_rate import linear_rate
from bestresponse.player import Response, Signal
from bestresponse.stopping import Limits, Stop, StopReason
from bestresponse.typing import Vector

ORDERS = ("jacobi", "gauss_seidel", "damped")
FAR = 1e9  # times max(1, |start|): a plan beyond has left every range

SENTENCES: Mapping[StopReason, str] = {
    StopReason.CONVERGED: "No player wants to move.",
    StopReason.SWEEP_LIMIT: "The sweep limit was reached while players still wanted to move.",
    StopReason.TIME_LIMIT: "The time limit was reached while players still wanted to move.",
    StopReason.OSCILLATING: "The plans go back and forth without coming to rest.",
    StopReason.STALLED: "The moves have stopped getting smaller.",
    StopReason.DIVERGED: "The plans grow without bound.",
}


@dataclass(frozen=True)
class GameStop(Stop):
    """Why a play ended; the sentence is that of a game instead of a market."""

    def __str__(self) -> str:
        return f"{SENTENCES.get(self.reason, self.reason.value)} {self.evidence}".strip()


@dataclass(frozen=True)
class PlayRecord:
    """What one sweep looked like."""

    sweep: int
    move: float  # largest |T(x) − x|, relative to max(1, |x|)
    mover: str  # the player who wanted to move most
    seconds: float  # since the start


@dataclass(frozen=True)
class PlayResult:
    """Where a play ended, why, and what can be claimed about it."""

    order: str
    x: Vector  # (n,) the joint plan with the smallest move
    responses: Mapping[str, Response]
    stop: GameStop
    certificate: GameCertificate | None  # None if a player failed before anything could be judged
    trace: tuple[PlayRecord, ...]

    @property
    def solved(self) -> bool:
        """Whether the play came to rest and its certificate holds."""
        return self.stop.reason.is_success and self.certificate is not None and self.certificate.holds

    @property
    def moves(self) -> Vector:
        """(n_sweeps,) the relative move of every sweep."""
        return np.array([record.move for record in self.trace])

    @property
    def rate(self) -> float | None:
        """The factor a sweep that the trace shows; only of plain or damped plays it is one of the game."""
        return linear_rate(self.moves)


def play(
    game: Game,
    start: Vector,  # (n,) what everybody has played before the first sweep
    order: str = "gauss_seidel",
    *,
    damping: float = 0.5,  # α of the order "damped"
    acceleration: Anderson | None = None,
    tolerance: float = 1e-10,  # on the relative move
    tolerances: GameTolerances | None = None,
    limits: Limits | None = None,
) -> PlayResult:
    """Return where best responses lead, certified, or the best sweep and why they did not come to rest.

    Raises DataError on an unknown order, a damping outside (0, 1) or a start that does not fit the game.
    """
    if order not in ORDERS:
        raise DataError(f"order {order!r}; allowed: {', '.join(ORDERS)}")
    if not 0 < damping < 1:
        raise DataError(f"damping {damping} must lie between 0 and 1")
    start = np.array(start, dtype=float)
    if start.shape != (game.layout.size,) or not np.isfinite(start).all():
        raise DataError(f"a start of this game is {game.layout.size} finite numbers, given {start}")
    relaxation = damping if order == "damped" else 1.0
    acceleration = acceleration or Anderson(memory=0, relaxation=relaxation)
    run = _Run(game, order, acceleration, tolerance, tolerances, limits or Limits(1000, patience=100))
    return run.from_(start)


@dataclass
class _Run:
    """One play of one game."""

    game: Game
    order: str
    acceleration: Anderson
    tolerance: float
    tolerances: GameTolerances | None
    limits: Limits
    trace: list[PlayRecord] = field(default_factory=list)
    best: Vector | None = None
    best_move: float = np.inf
    best_sweep: int = 0
    progress: tuple[float, int] = (np.inf, 0)  # the last move that was clearly smaller, and its sweep
    certificate: GameCertificate | None = None

    def from_(self, start: Vector) -> PlayResult:
        """Sweep until something says stop."""
        self.started = time.perf_counter()
        try:
            stop = self._sweep_on(start)
        except (BestResponseError, ArithmeticError, np.linalg.LinAlgError) as error:
            stop = GameStop(StopReason.PLAYER_FAILED, f"At sweep {len(self.trace) + 1}: {error}")
        except KeyboardInterrupt:
            stop = GameStop(StopReason.INTERRUPTED, f"It ended after {len(self.trace)} sweeps.")
        x = start if self.best is None else self.best
        if self.certificate is None and self.best is not None:
            self.certificate = certify_game(self.game, x, self.tolerances)
        return PlayResult(self.order, x, self.game.responses(x), stop, self.certificate, tuple(self.trace))

    def _sweep_on(self, x: Vector) -> GameStop:
        accelerator = Accelerator(self.acceleration, np.ones(len(x)))
        far = FAR * max(1.0, float(np.max(np.abs(x))))
        moves: list[Vector] = []
        while True:
            image = sweep(self.game, x, self.order)
            moves = [*moves[-20:], image - x]
            self._record(x, image)
            stop = self._judge(x, moves, far)
            if stop is not None:
                return stop
            x = np.clip(accelerator.next_state(x, image), self.game.lower, self.game.upper)

    def _record(self, x: Vector, image: Vector) -> None:
        move = np.abs(image - x) / max(1.0, float(np.max(np.abs(x))))
        worst = float(np.max(move))
        if not np.isfinite(worst):
            raise ArithmeticError("a best response is not a finite number")
        if worst < self.best_move:
            self.best, self.best_move, self.certificate = x.copy(), worst, None
            self.best_sweep = len(self.trace) + 1
        mover = next(name for name, at in self.game.layout.places.items() if worst in move[at])
        self.trace.append(PlayRecord(len(self.trace) + 1, worst, mover, time.perf_counter() - self.started))

    def _judge(self, x: Vector, moves: list[Vector], far: float) -> GameStop | None:
        record = self.trace[-1]
        if record.move <= self.tolerance:
            self.certificate = certify_game(self.game, x, self.tolerances)
            if self.certificate.holds:
                self.best = x.copy()
                return GameStop(StopReason.CONVERGED, f"It took {record.sweep} sweeps.")
        if record.move < 0.9 * self.progress[0]:
            self.progress = record.move, record.sweep
        state = (
            f"The largest move was {record.move:.1e} of the plan, wanted by {record.mover}, at sweep {record.sweep}."
        )
        if not np.max(np.abs(x)) <= far:
            return GameStop(StopReason.DIVERGED, state)
        if record.sweep - self.progress[1] >= self.limits.patience:
            reason = StopReason.OSCILLATING if _goes_back_and_forth(moves) else StopReason.STALLED
            return GameStop(reason, f"{state} The best sweep was number {self.best_sweep}, with {self.best_move:.1e}.")
        if record.sweep >= self.limits.max_sweeps:
            return GameStop(StopReason.SWEEP_LIMIT, state)
        return GameStop(StopReason.TIME_LIMIT, state) if record.seconds >= self.limits.max_seconds else None


def sweep(game: Game, x: Vector, order: str) -> Vector:
    """Return T(x), (n,): everybody's answers after one sweep."""
    image = x.copy()
    told = game.responses(x)
    for player in game.players:
        others = {name: answer for name, answer in told.items() if name != player.name}
        answer = player.best_response(Signal(np.zeros(0), others))
        image[player.place] = answer.plan[PLAN]
        if order == "gauss_seidel":
            told[player.name] = answer
    return image


def _goes_back_and_forth(moves: list[Vector]) -> bool:
    """Whether the entry that moves most has kept changing its direction."""
    directions = np.array(moves)
    worst = int(np.argmax(np.abs(directions).max(axis=0)))
    signs = np.sign(directions[:, worst])
    return bool(np.sum(signs[1:] * signs[:-1] < 0) >= len(signs) // 3)
