"""Models by role and name, and how one is made from a case."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticUserError

from bestresponse.errors import DataError
from experiments.case_problems import Problem, Where, listed, nearest, raise_data_error, shown
from experiments.case_schema import Case, ExtraPlayer

if TYPE_CHECKING:
    from bestresponse.player import Player
    from experiments.models.setting import Setting

ENTRY_POINTS = "bestresponse.players"
EXTRA = "extra"  # players beside the roles
CONTRACT = {
    "name": "its name, unique in the market",
    "goods": "the names of the goods that it trades",
    "best_response": "a method that takes a bestresponse.player.Signal and returns a Response",
}
"""What a player cannot be without."""

_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class ShippedModel:
    """A model that comes with the project."""

    summary: str
    path: str  # "module:callable"


def _here(module: str, attribute: str, summary: str) -> ShippedModel:
    return ShippedModel(summary, f"experiments.models.{module}:{attribute}")


MODELS: Mapping[str, Mapping[str, ShippedModel]] = {
    "cno": {
        "price_taker": _here("charging", "price_taker", "one operator of all stations that takes prices"),
        "regulated": _here("charging", "regulated", "one operator with a regulated mark-up, `markup_usd_per_kwh`"),
        "competing": _here("charging", "competing", "several operators, each with its own stations, `operators`"),
        "storage": _here("charging", "storage", "one operator with batteries and solar panels at its stations"),
    },
    "dso": {
        "linear": _here("grid", "linear", "LinDistFlow, a linear program"),
        "socp": _here("grid", "socp", "branch flows with losses, a second-order cone program"),
        "three_phase": _here("grid", "three_phase", "LinDistFlow by phase on an unbalanced feeder, a linear program"),
        "copperplate": _here("grid", "copperplate", "no network: one price in every connected part"),
    },
    "households": {
        "affine": _here("households", "affine", "price takers with affine demand curves"),
        "constant_elasticity": _here(
            "households", "constant_elasticity", "price takers, demand of constant elasticity"
        ),
    },
    "traffic": {
        "enumerated": _here("traffic", "enumerated", "user equilibrium on enumerated paths"),
        "generated": _here("traffic", "generated", "user equilibrium on all energy-feasible trips, found as needed"),
        "system_optimum": _here("traffic", "system_optimum", "least total travel cost on enumerated paths"),
        "elastic": _here("traffic", "elastic", "user equilibrium on enumerated paths, trips made as they are worth it"),
        "logit": _here("traffic", "logit", "logit stochastic user equilibrium on enumerated paths"),
    },
    "lse": {
        "conduct": _here("entities", "conduct", "every entity with its own market conduct, 0 to 1"),
        "cournot": _here("entities", "cournot", "Cournot competition of all"),
        "competitive": _here("entities", "competitive", "perfect competition of all"),
        "conjectural": _here("entities", "conjectural", "conjectural variations: one conduct `theta` for all"),
        "monopoly": _here("entities", "monopoly", "all merged into one"),
        "block_bid": _here("entities", "block_bid", "own conduct, generation costs in `blocks` of constant price"),
        "constant_elasticity": _here("entities", "constant_elasticity", "own conduct on demand of constant elasticity"),
    },
}
"""By role, in the order in which players enter a market; the first model of a role is its default."""

BY_PHASE = ("three_phase",)
"""The models of the distribution operator who need the phases of the feeder."""

BALANCE_REACTIVE_POWER = ("linear", "socp", "three_phase")
"""The models of the distribution operator in which every part of the feeder has to."""

GIVE_NO_POWER = ("price_taker", "regulated", "competing")
"""The models of charging operators that have none of their own."""

ALL_TRIPS_ON_STATED_PATHS = ("enumerated", "system_optimum", "logit")
"""The models of drivers who all drive, and on the paths that the case lets them have."""

EXTRAS: Mapping[str, ShippedModel] = {
    "battery": ShippedModel("worked example: a battery, through one hour", "players.battery:Battery"),
    "carbon_generator": ShippedModel(
        "worked example: a generator that pays for its carbon dioxide", "players.carbon_generator:CarbonGenerator"
    ),
    "flexible_loads": ShippedModel(
        "worked example: an aggregator of flexible loads", "players.flexible_loads:FlexibleLoads"
    ),
}
"""The shipped players beside the roles."""


def shipped(role: str) -> Mapping[str, ShippedModel]:
    """Return the shipped models of a role, or of the players beside the roles."""
    return EXTRAS if role == EXTRA else MODELS.get(role, {})


def names(role: str) -> list[str]:
    """Return the names of the models of a role: shipped, then announced by installed packages."""
    announced = (point.name for point in entry_points(group=ENTRY_POINTS))
    return [*shipped(role), *(name.removeprefix(f"{role}.") for name in announced if name.startswith(f"{role}."))]


def model_problems(case: Case) -> list[Problem]:
    """Return what is wrong with the models that a case chooses: names that do not exist, options that do not fit."""
    stated = case.players
    problems: list[Problem] = []
    for role in MODELS:
        at: Where = ("players", "options", role)
        problems += _problems_of(role, getattr(stated, role), ("players", role), stated.options.get(role, {}), at, 1)
    for position, extra in enumerate(stated.extra):
        at = ("players", "extra", position)
        problems += _problems_of(EXTRA, extra.model, (*at, "model"), extra.options, (*at, "options"), 0)
    for role in stated.options:
        if role not in MODELS:
            text = f"no role {shown(role)}{nearest(role, MODELS)} Roles: {listed(MODELS)}"
            problems.append(Problem(("players", "options", role), text))
    return problems


def _problems_of(
    role: str, name: str, where: Where, options: Mapping[str, Any], where_options: Where, first: int
) -> list[Problem]:
    if name in MODELS.get(role, {}) and not options:
        return []  # nothing to doubt, and nothing heavy is imported
    try:
        make = find(role, name)
    except DataError as error:
        return [Problem(where, str(error))]
    return _option_problems(make, options, where_options, first)


def make_role(role: str, setting: Setting) -> tuple[Player, ...]:
    """Return the players of a role, as the case chooses them; an empty tuple where the role has nothing to do.

    Raises DataError naming the key of the case for a model that does not exist, or players that cannot be made.
    """
    stated = setting.case.players
    options = stated.options.get(role, {})
    where: Where = ("players", "options", role) if options else ("players", role)
    with _naming(setting.case, where):
        made = find(role, getattr(stated, role))(setting, **options)
        return _players(made, getattr(stated, role))


def make_extra(case: Case) -> tuple[Player, ...]:
    """Return the players beside the roles. Raises DataError naming the key of the case, as `make_role`."""
    found: list[Player] = []
    for position, extra in enumerate(case.players.extra):
        with _naming(case, ("players", "extra", position)):
            found += _players(find(EXTRA, extra.model)(**extra.options), extra.model)
    return tuple(found)


def _players(made: Any, model: str) -> tuple[Player, ...]:
    players = tuple(made) if isinstance(made, Sequence) else (made,)
    for player in players:
        for member, meaning in CONTRACT.items():
            if not hasattr(player, member):
                text = f"{shown(model)} makes a {type(player).__name__}, which has no `{member}`: {meaning}"
                raise DataError(text)
    return players


@contextmanager
def _naming(case: Case, where: Where) -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise_data_error(case.file, [Problem(where, str(error))], case.model_dump())


def find(role: str, name: str) -> Callable[..., Any]:
    """Return the model with a name. Raises DataError, with the nearest and all names, if there is none."""
    known = names(role)
    if name in shipped(role):
        return load(shipped(role)[name].path)
    for point in entry_points(group=ENTRY_POINTS, name=f"{role}.{name}"):
        return load(point.value)
    if ":" in name:
        return load(name)
    models = listed(known) if known else "none"
    raise DataError(f"no model {shown(name)}{nearest(name, known)} Models: {models}, or module:callable")


def load(path: str) -> Callable[..., Any]:
    """Return what "module:attribute" names; modules in the working directory are found. Raises DataError if nothing."""
    module, _, attribute = path.partition(":")
    if not (module and attribute):
        raise DataError(f"given {shown(path)}, must be module:callable")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        found = getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise DataError(f"{shown(path)} cannot be imported ({error})") from error
    except AttributeError as error:
        raise DataError(f"{shown(path)}: module {module} has no {attribute}") from error
    if not callable(found):
        raise DataError(f"{shown(path)} is no callable")
    return found


def _option_problems(
    make: Callable[..., Any], options: Mapping[str, Any], where: Where, first: int = 0
) -> list[Problem]:
    """Problems of options that a callable has no parameter for, or whose values do not fit its annotations.

    The parameters before position `first` are no options.
    """
    stated = list(inspect.signature(make).parameters.values())[first:]
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in stated):
        return []
    hints = _hints(make)
    fields: dict[str, Any] = {
        p.name: (hints.get(p.name, Any), ... if p.default is p.empty else p.default) for p in stated
    }
    try:
        create_model("Options", __config__=_STRICT, **fields)(**options)
    except ValidationError as error:
        return [_option_problem(found, where, list(fields)) for found in error.errors()]
    return []


def _hints(make: Callable[..., Any]) -> dict[str, Any]:
    """Annotations of a callable's parameters; those that TOML has no type for are left to the callable itself."""
    try:
        hints = get_type_hints(make.__init__ if isinstance(make, type) else make, include_extras=True)  # type: ignore[misc]
    except NameError:  # imported for type checkers only
        return {}
    return {name: hint for name, hint in hints.items() if _is_plain(hint)}


def _is_plain(hint: Any) -> bool:
    try:
        TypeAdapter(hint)
    except PydanticUserError:
        return False
    return True


def _option_problem(error: Any, where: Where, known: Sequence[str]) -> Problem:
    at = (*where, *error["loc"])
    if error["type"] == "missing":
        return Problem(at, "missing, the model needs it")
    if error["type"] == "extra_forbidden":
        return Problem(at, f"unknown option{nearest(at[-1], known)} Options: {listed(known) or 'none'}")
    return Problem(at, f"given {shown(error['input'])}: {error['msg'].lower()}")


def with_model(case: Case, role: str, model: str, options: Mapping[str, Any]) -> Case:
    """Return the case with a model in place of a role, or with one more player if the role is "extra".

    Raises DataError if there is no such role.
    """
    if role not in (*MODELS, EXTRA):
        raise DataError(f"no role {shown(role)}{nearest(role, (*MODELS, EXTRA))} Roles: {listed((*MODELS, EXTRA))}")
    stated = case.players
    if role == EXTRA:
        change: dict[str, Any] = {"extra": (*stated.extra, ExtraPlayer(model=model, options=dict(options)))}
    else:
        change = {role: model, "options": {**stated.options, role: dict(options)}}
    return case.model_copy(update={"players": stated.model_copy(update=change)})
