"""Every model that a case file can choose by name, with what it is and the options it takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bestresponse.errors import DataError
from experiments.case_problems import listed, nearest, shown
from experiments.models.registry import EXTRA, MODELS, find, names, shipped


@dataclass(frozen=True)
class ListedModel:
    """One model of a role, or of the players beside the roles."""

    role: str
    name: str
    default: bool  # whether it plays the role where a case says nothing
    summary: str
    options: tuple[str, ...]  # as in "conduct: float = 1.0"; without "=" one must be given


def listing(role: str | None = None) -> list[ListedModel]:
    """Return the models of a role, or of all and those beside them. Raises DataError for a role that does not exist."""
    roles = [*MODELS, EXTRA]
    if role is not None and role not in roles:
        raise DataError(f"no role {shown(role)}{nearest(role, roles)} Roles: {listed(roles)}")
    return [_listed(each, name) for each in ([role] if role else roles) for name in names(each)]


def ready(role: str) -> list[str]:
    """Return the names of the models of a role that can be made without options. Raises DataError as `listing` does."""
    return [model.name for model in listing(role) if all(" = " in option for option in model.options)]


def _listed(role: str, name: str) -> ListedModel:
    default = name == next(iter(MODELS.get(role, {})), None)
    told = shipped(role)[name].summary if name in shipped(role) else None
    try:
        make = find(role, name)
    except DataError as error:  # announced by a package that is broken
        return ListedModel(role, name, default, str(error), ())
    return ListedModel(role, name, default, told or _first_line(make), options(make, 0 if role == EXTRA else 1))


def options(make: Callable[..., Any], first: int = 0) -> tuple[str, ...]:
    """Return the options of a callable as it states them; the parameters before position `first` are none."""
    return tuple(map(_option, list(inspect.signature(make).parameters.values())[first:]))


def _option(parameter: inspect.Parameter) -> str:
    stated, default = parameter.annotation, parameter.default
    text = parameter.name
    if stated is not parameter.empty:
        text += f": {stated if isinstance(stated, str) else inspect.formatannotation(stated)}"
    if default is not parameter.empty:
        text += f" = {default if default is None else shown(default)}"
    return text


def _first_line(make: Callable[..., Any]) -> str:
    return (inspect.getdoc(make) or "says nothing of itself").splitlines()[0]
