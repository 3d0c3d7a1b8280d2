"""Which schemes with which settings are compared: names and grids as users write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bestresponse.acceleration import Anderson
from bestresponse.balancing import Balancing
from bestresponse.coordinator import PLAIN, default_acceleration, default_balancing
from bestresponse.errors import DataError, FormulationError
from bestresponse.market import Market
from bestresponse.newton import Newton
from bestresponse.player import Player
from bestresponse.schemes.gauss_seidel import GaussSeidel
from bestresponse.schemes.orders import CYCLIC, MostImbalanced, Order, Shuffled
from bestresponse.schemes.protocol import Scheme
from bestresponse.schemes.registry import SCHEMES
from bestresponse.typing import Vector
from bestresponse.unreliable import Failing, Inexact, Late, exact_market
from experiments.case_problems import nearest

LOWEST, HIGHEST = 0.5, 2.0  # factors of the first prices of a seeded run
METHODS = ("newton", "anderson")  # keys of which `resolved` has the one by which the steps are found


@dataclass(frozen=True)
class Settings:
    """One point of the grid. None leaves a setting to the default for the scheme and the market.

    Raises DataError where some settings ask for Newton's method and others for a run without it.
    """

    sigma: float = 1.0
    newton: int | None = None  # 1 for Newton's method, 0 for the scheme's default without it
    damping: float | None = None  # of Newton's method, to start with
    anderson: int | None = None  # memory; 0 for none
    relaxation: float | None = None
    balancing: int | None = None  # every so many sweeps; 0 for never
    order: str | None = None  # of the players' turns, for a scheme that lets one choose
    seed: int = 0  # 0: the usual first prices; else they are multiplied by random factors between 0.5 and 2
    delay: int = 0  # questions by which the answers of players may be late, at most
    inexact: float = 0.0  # relative error, by standard deviation, of the prices that players hear
    fail: float = 0.0  # share of the questions at which players fail
    bridge: int = 3  # failures in a row of one player for which its last answer stands; 0 to stop at the first

    def __post_init__(self) -> None:
        if self._with_newton and self._without_newton:
            given = {key: getattr(self, key) for key in ("newton", "damping", "anderson", "relaxation")}
            raise DataError(
                f"given {', '.join(f'{key}={value:g}' for key, value in given.items() if value is not None)}: newton=1 "
                "and damping ask for Newton's method; newton=0, anderson and relaxation for a run without it"
            )

    @property
    def _with_newton(self) -> bool:
        """Whether Newton's method is asked for."""
        return self.newton == 1 or self.damping is not None

    @property
    def _without_newton(self) -> bool:
        """Whether a run without Newton's method is asked for."""
        return self.newton == 0 or self.anderson is not None or self.relaxation is not None

    def scheme(self, scheme: Scheme) -> Scheme:
        """Return the scheme with the order. Raises FormulationError for a scheme that has none to choose."""
        if self.order is None:
            return scheme
        if not isinstance(scheme, GaussSeidel):
            raise FormulationError(f"{scheme.name} has no order of turns to choose; gauss_seidel has")
        return replace(scheme, order=_ORDERS[self.order](self.seed))

    def acceleration(self, scheme: Scheme, market: Market) -> Anderson | Newton:
        """Return how the steps of a scheme on a market are found.

        Raises FormulationError for a value outside its range.
        """
        if self._with_newton:
            return Newton() if self.damping is None else Newton(damping=self.damping)
        if not self._without_newton:
            return default_acceleration(scheme, market)
        usual = Anderson() if scheme.accelerates else PLAIN
        memory = usual.memory if self.anderson is None else self.anderson
        relaxation = usual.relaxation if self.relaxation is None else self.relaxation
        return replace(usual, memory=memory, relaxation=relaxation)

    def balances(self, scheme: Scheme, acceleration: Anderson | Newton, market: Market) -> Balancing:
        """Return the balancing of penalties for a scheme on a market whose steps are found like that."""
        usual = default_balancing(scheme, acceleration, market)
        return usual if self.balancing is None else Balancing(every=self.balancing)

    def players(self, market: Market) -> Market:
        """Return the market with its players as unreliable as the settings say, each by draws of its own."""
        wrappers: list[Callable[[Player, tuple[int, int]], Player]] = []
        if self.inexact:
            wrappers.append(lambda player, seed: Inexact(player, self.inexact, seed))
        if self.delay:
            wrappers.append(lambda player, seed: Late(player, self.delay, seed))
        if self.fail:
            wrappers.append(lambda player, seed: Failing(player, self.fail, seed))
        players = list(market.players)
        for wrap in wrappers:
            players = [wrap(player, (self.seed, number)) for number, player in enumerate(players)]
        return Market(market.goods, tuple(players))

    def first_price(self, usual: Vector) -> Vector:
        """Return (n_goods,) the prices to start from."""
        factors = np.random.default_rng(self.seed).uniform(LOWEST, HIGHEST, len(usual))
        return usual * (factors if self.seed else 1.0)

    def resolved(self, scheme: Scheme, market: Market) -> dict[str, float | str]:
        """Return what a run on a market is made with, the defaults filled in."""
        acceleration = self.acceleration(scheme, market)
        steps: dict[str, float] = (
            {"newton": 1, "damping": acceleration.damping}
            if isinstance(acceleration, Newton)
            else {"anderson": acceleration.memory, "relaxation": acceleration.relaxation}
        )
        balancing = self.balances(scheme, acceleration, market).every
        found: dict[str, float | str] = {"sigma": self.sigma, **steps, "balancing": balancing, "seed": self.seed}
        if self.order or isinstance(scheme, GaussSeidel):
            found["order"] = self.order or "cyclic"
        found |= {key: value for key, value in (("delay", self.delay), ("inexact", self.inexact)) if value}
        if self.fail:
            found |= {"fail": self.fail, "bridge": self.bridge}
        return found

    def label(self, scheme: Scheme, market: Market) -> str:
        """Return the scheme's name, and the settings that are not its own defaults with players that answer reliably.

        Where its steps are found by another method than by default, that is named, and the defaults are that method's.
        """
        found, default = self.resolved(scheme, market), Settings().resolved(scheme, exact_market(market))
        usual = Settings(newton=int("newton" in found)).resolved(scheme, market) | {"bridge": Settings.bridge}
        told = [
            f"{key} {_written(value)}"
            for key, value in found.items()
            if value != usual.get(key) or (key in METHODS and key not in default)
        ]
        return ", ".join([scheme.name, *told])


_ORDERS: Mapping[str, Callable[[int], Order]] = {
    "cyclic": lambda seed: CYCLIC,
    "shuffled": Shuffled,
    "most_imbalanced": lambda seed: MostImbalanced(),
}
_ALLOWED: Mapping[str, tuple[type, Callable[[Any], bool], str]] = {
    "sigma": (float, lambda value: 0 < value < np.inf, "numbers > 0"),
    "newton": (int, lambda value: value in (0, 1), "0 or 1"),
    "damping": (float, lambda value: 0 < value < np.inf, "numbers > 0"),
    "anderson": (int, lambda value: value >= 0, "whole numbers ≥ 0"),
    "relaxation": (float, lambda value: 0 < value < 2, "numbers between 0 and 2"),
    "balancing": (int, lambda value: value >= 0, "whole numbers ≥ 0"),
    "delay": (int, lambda value: value >= 0, "whole numbers ≥ 0"),
    "inexact": (float, lambda value: 0 <= value < np.inf, "numbers ≥ 0"),
    "fail": (float, lambda value: 0 <= value < 1, "numbers ≥ 0 and < 1"),
    "bridge": (int, lambda value: value >= 0, "whole numbers ≥ 0"),
    "order": (str, lambda value: value in _ORDERS, ", ".join(_ORDERS)),
}


def chosen(names: str) -> list[Scheme]:
    """Return the schemes in a text like "sharing,pdhg". Raises DataError for an unknown one."""
    found = []
    for name in (part.strip() for part in names.split(",")):
        if name not in SCHEMES:
            raise DataError(f"schemes: no scheme {name!r}{nearest(name, list(SCHEMES))} Schemes: {', '.join(SCHEMES)}")
        found.append(SCHEMES[name])
    return found


def grid(axes: Sequence[str], seeds: int = 1) -> list[Settings]:
    """Return every combination of texts like "sigma=1,3", for every seed. Raises DataError naming what does not fit."""
    if not seeds >= 1:
        raise DataError(f"seeds: given {seeds}, must be at least 1")
    points, seen = [Settings()], set[str]()
    for axis in axes:
        key, _, values = axis.partition("=")
        if key in seen:
            raise DataError(f"{key} is given more than once, at last as {axis!r}; give it once with all its values")
        seen.add(key)
        if key not in _ALLOWED:
            raise DataError(f"no key {key!r} in {axis!r}{nearest(key, list(_ALLOWED))} Keys: {', '.join(_ALLOWED)}")
        chosen_values: list[Any] = [setting(key, text) for text in values.split(",")]
        points = [replace(point, **{key: value}) for point in points for value in chosen_values]
    return [replace(point, seed=seed) for seed in range(seeds) for point in points]


def setting(key: str, text: str) -> float | str:
    """Return the value of one setting. Raises DataError with what is allowed for a text that does not fit."""
    kind, fits, allowed = _ALLOWED[key]
    try:
        value: float | str = kind(text)
    except ValueError:
        value = np.nan
    if not fits(value):
        raise DataError(f"given {key}={text}, allowed: {allowed}")
    return value


def _written(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
