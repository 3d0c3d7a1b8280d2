"""A player of one's own, put into a market of a case and held against the contract at the prices found there."""

from __future__ import annotations

import json
import tomllib
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bestresponse.conformance import checks
from bestresponse.coordinator import coordinate, default_scheme
from bestresponse.errors import BestResponseError, DataError
from bestresponse.player import HasBlock, KnowsItsSensitivity, KnowsItsSet, Player, Response, Signal
from bestresponse.typing import Vector
from experiments.build import Model, build
from experiments.case_problems import listed, nearest, shown
from experiments.case_schema import Case
from experiments.conformance_words import ANSWERS
from experiments.models.registry import EXTRA, with_model
from networks.errors import NetworkDataError

DRAWS = 12  # prices that the checks try
MOST_SEEN = 3  # ways of one failure that are shown

NEEDS: Mapping[str, tuple[tuple[type, str], ...]] = {
    "sensitivity": ((KnowsItsSensitivity, "sensitivity"),),
    "stays in its set": ((KnowsItsSet, "violation"),),
    "block agrees": ((HasBlock, "block"),),
    "block's set": ((HasBlock, "block"), (KnowsItsSet, "violation")),
    "block's Jacobian": ((HasBlock, "block"),),
    "multipliers": ((HasBlock, "block"),),
}
"""The optional methods that a check is about: nothing is checked without them."""


@dataclass(frozen=True)
class Finding:
    """What one check found of one player."""

    player: str
    check: str
    seen: tuple[str, ...] = ()  # every way in which it fails
    left_out: str | None = None  # why nothing was checked


@dataclass(frozen=True)
class Verdict:
    """What is to be said of the players of one's own."""

    market: str  # a sentence on the market with them
    clears: bool | None  # whether the market was solved and certified; None if it could not be tried
    findings: tuple[Finding, ...]

    @property
    def failures(self) -> list[Finding]:
        """The findings that are failures."""
        return [finding for finding in self.findings if finding.seen]

    @property
    def holds(self) -> bool:
        """Whether no check fails, and the market clears where it could be tried."""
        return not self.failures and self.clears is not False


def check(case: Case, role: str, model: str, options: Mapping[str, Any], scenario: str, v2g: bool) -> Verdict:
    """Return what conformance and the market say of a model in place of a role, or beside the roles (role "extra").

    Raises DataError for a role, model, option or scenario that does not exist, players that lack what the contract
    needs, or goods that do not fit the market.
    """
    built = _built(with_model(case, role, model, options), model, scenario, v2g)
    players = built.extra[-1:] if role == EXTRA else built.players[role]
    _refuse_unknown_goods(case, built, players, scenario, v2g)
    sentence, clears, price, others = _solved(built)
    findings = tuple(found for player in players for found in _findings(player, built, price, others))
    return Verdict(sentence, clears, findings)


def read_options(text: str) -> dict[str, Any]:
    """Return options given as JSON, as TOML, or as the name of a file of either. Raises DataError for anything else."""
    if text.endswith((".json", ".toml")):
        try:
            text = Path(text).read_text(encoding="utf-8")
        except OSError as error:
            raise DataError(f"options: {text} cannot be read ({error.strerror})") from error
    readers: tuple[Callable[[str], Any], ...] = (json.loads, tomllib.loads, _inline_table)
    for read in readers:
        try:
            found = read(text)
        except ValueError:  # of either language
            continue
        if isinstance(found, dict):
            return found
    raise DataError(f'options: given {shown(text)}, must be JSON or TOML, as in \'{{"bus": "5"}}\' or \'bus = "5"\'')


def _inline_table(text: str) -> Any:
    return tomllib.loads(f"options = {text}")["options"]


def _built(case: Case, model: str, scenario: str, v2g: bool) -> Model:
    try:
        return build(case, scenario, v2g)
    except (BestResponseError, NetworkDataError):
        raise
    except Exception as error:  # whatever a constructor under test may raise
        raise DataError(f"{model} could not be made: {_said(error)}") from error


def _said(error: Exception) -> str:
    """What an error says and where it was raised."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({where.filename}, line {where.lineno})"


def _refuse_unknown_goods(case: Case, built: Model, players: tuple[Player, ...], scenario: str, v2g: bool) -> None:
    try:
        _ = built.market
    except DataError as error:
        known = [good.name for good in build(case, scenario, v2g).market.goods]
        unknown = [good for player in players for good in player.goods if good not in known]
        if not unknown:
            raise
        text = f"{shown(unknown[0])} is traded by nobody else in {case.name}{nearest(unknown[0], known)}"
        raise DataError(f"{players[0].name}: {text} Goods: {listed(known)}") from error


def _solved(model: Model) -> tuple[str, bool | None, Vector, Mapping[str, Response]]:
    """A sentence, whether the market clears, and the prices and answers to check at."""
    shy = [player.name for player in model.market if not getattr(player, "accepts_anchor", True)]
    if shy:
        return f"{shy[0]} accepts no anchor, so the market was not solved: usual prices.", None, model.first_price, {}
    try:
        found = coordinate(model.market, model.first_price, scheme=default_scheme(model.market))
    except Exception as error:  # whatever a player under test may raise
        return f"The market broke off: {_said(error)}", False, model.first_price, {}
    price = found.price if found.responses else model.first_price
    return str(found.stop), found.solved, price, found.responses


def _findings(player: Player, model: Model, price: Vector, others: Mapping[str, Response]) -> list[Finding]:
    if (wrong := _no_answer(player, model.market.signal(player, price, others))) is not None:
        return [Finding(player.name, ANSWERS, seen=(wrong,))]
    found = [Finding(player.name, ANSWERS)]
    for check in checks(player, model.market, price, others, draws=DRAWS):
        missing = [method for protocol, method in NEEDS.get(check.name, ()) if not isinstance(player, protocol)]
        if check.excuse is not None:
            found.append(Finding(player.name, check.name, left_out=f"declared: {check.excuse}"))
        elif missing:
            found.append(Finding(player.name, check.name, left_out=f"it has no method `{missing[0]}`"))
        elif check.name == "anchor" and not getattr(player, "accepts_anchor", True):
            found.append(Finding(player.name, check.name, left_out="it accepts no anchor"))
        else:
            details = dict.fromkeys(failure.detail for failure in check.failures())
            found.append(Finding(player.name, check.name, seen=tuple(details)))
    return found


def _no_answer(player: Player, signal: Signal) -> str | None:
    try:
        answer = player.best_response(signal)
    except Exception as error:  # whatever a player under test may raise
        return _said(error)
    return None if isinstance(answer, Response) else f"it answered with a {type(answer).__name__}"
