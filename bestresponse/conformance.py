"""The contract of a player as executable checks.

Prices are drawn from the market's own range, around a given price vector: with prices from nowhere a player sits
in a corner of its set, where most faults do not show. Comparisons are of outlays, never of plans: a linear program
may answer one signal with several plans.

`check_player` runs every check. `checks` yields them by name, each to be called, so that a test suite can show
them one by one:

    @pytest.mark.parametrize("check", [pytest.param(c, marks=skip_if(c.excuse), id=str(c)) for c in checks(...)])
    def test_my_player(check):
        check()

A player may declare exceptions, `conformance_exceptions = {"check name": "reason"}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from bestresponse.checks.bench import Bench
from bestresponse.checks.contract import CHECKS
from bestresponse.errors import FormulationError
from bestresponse.market import Market
from bestresponse.player import Player, Response
from bestresponse.typing import Vector


class ConformanceError(AssertionError):
    """A player does not pass a check."""


@dataclass(frozen=True)
class Failure:
    """One check that a player does not pass, and how one can see it."""

    check: str
    detail: str

    def __str__(self) -> str:
        return f"{self.check}: {self.detail}"


@dataclass(frozen=True)
class Check:
    """One check of one player, to be called; nothing is asked of the player before."""

    name: str  # a key of CHECKS
    player: str
    excuse: str | None  # why it does not apply, if so declared
    _bench: Bench = field(repr=False)

    def __str__(self) -> str:
        return f"{self.player}-{self.name}"

    def __call__(self) -> None:
        """Raise ConformanceError if the player fails. Calls the player even where the check is excused."""
        if found := self.failures():
            raise ConformanceError("; ".join(f"{self.player}, {failure}" for failure in found))

    def failures(self) -> list[Failure]:
        """Return every way in which the player fails this check; an error that it raises is one."""
        try:
            return [Failure(self.name, detail) for detail in CHECKS[self.name](self._bench)]
        except Exception as error:  # whatever a player under test may raise
            return [Failure(self.name, f"{type(error).__name__}: {error}")]


def checks(
    player: Player,
    market: Market,
    price: Vector | None = None,  # (n_goods,) of the market, an equilibrium's or near it; default the usual prices
    others: Mapping[str, Response] | None = None,
    seed: int = 0,
    draws: int = 6,
    exceptions: Mapping[str, str] | None = None,  # check → reason, besides those that the player declares
) -> Iterator[Check]:
    """Yield every check, those that are excused with the reason. Raises FormulationError if one excused is unknown.

    The prices tried are `price` times 0.5 to 2 for every good, plus or minus half the usual price.
    """
    excused = {**getattr(player, "conformance_exceptions", {}), **(exceptions or {})}
    if unknown := [name for name in excused if name not in CHECKS]:
        raise FormulationError(f"{player.name}: no check is called {unknown[0]!r}; there are {', '.join(CHECKS)}")
    rng = np.random.default_rng(seed)
    at = market.positions[player.name]
    scale = market.price_scale[at]
    own = scale if price is None else price[at]
    drawn = [own * rng.uniform(0.5, 2.0, len(at)) + scale * rng.uniform(-0.5, 0.5, len(at)) for _ in range(draws)]
    rivals = {name: answer for name, answer in (others or {}).items() if name != player.name}
    bench = Bench(player, (own, *drawn), scale, market.quantity_scale[at], rivals, seed)
    for name in CHECKS:
        yield Check(name, player.name, excused.get(name), bench)


def check_player(
    player: Player,
    market: Market,
    price: Vector | None = None,
    others: Mapping[str, Response] | None = None,
    seed: int = 0,
    draws: int = 6,
    exceptions: Mapping[str, str] | None = None,
) -> list[Failure]:
    """Return every failure in the checks that are not excused; an empty list means the player conforms.

    Takes what `checks` takes.
    """
    wanted = checks(player, market, price, others, seed, draws, exceptions)
    return [failure for check in wanted if check.excuse is None for failure in check.failures()]
