"""What every key of a case file means and allows, read from the models themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic.fields import FieldInfo

from experiments.case_problems import Where
from experiments.case_schema import Case
from experiments.case_section import Section
from experiments.case_stations import StationDefaults, Waiting
from experiments.case_vehicles import Battery

SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
KINDS = {
    float: "a finite number",
    int: "a whole number",
    str: "text in quotes",
    bool: "true or false",
    Any: "any value",
}
SHARED: dict[str, type[Section]] = {"waiting": Waiting, "station_defaults": StationDefaults, "vehicles": Battery}
"""The tables whose keys the entries of a list may override."""

NAME_RULE = "a name of letters, digits, _, - and ."


class _Row(NamedTuple):
    """One key of the case format, as text for a table."""

    key: str
    meaning: str
    unit: str
    default: str
    allowed: str


def schema_table(root: type[Section] = Case) -> list[dict[str, str]]:
    """Every key of a file whose tables are ``root``, in file order: key, meaning, unit, default, allowed.

    In a key, ``[]`` stands for an entry of a list and NAME for a scenario's name.
    """
    return [row._asdict() for row in _rows(root, "")]


def allowed_at(where: Where, root: type[Section] = Case) -> str:
    """What may stand at a place of a file whose tables are ``root``, as in "a finite number ≥ 0"."""
    return _allowed(_info_at(where, root))


def meaning_at(where: Where, root: type[Section] = Case) -> str:
    """Meaning and unit of a key, empty for a whole table."""
    info = _info_at(where, root)
    unit = _unit(info)
    return (info.description or "") + (f" [{unit}]" if unit else "")


def keys_at(where: Where, root: type[Section] = Case) -> tuple[str, ...]:
    """The keys of the table at a place of a file; none for what is no table of fixed keys."""
    section = _section(_info_at(where, root).annotation)
    return tuple(section.model_fields) if section else ()


def _rows(model: type[Section], prefix: str) -> Iterator[_Row]:
    for name, given in model.model_fields.items():
        info = _without_none(given)
        path, inner, step = prefix + name, *_inside(info)
        if info.description:
            yield _Row(path, info.description, _unit(info), _default(name, given), _allowed(info))
        if inner:
            yield from _rows(inner, path + step)


def _inside(info: FieldInfo) -> tuple[type[Section] | None, str]:
    """The model of the tables in a key, and how a path goes on from the key to their keys."""
    for annotation, step in ((info.annotation, "."), (_entry(info, tuple), "[]."), (_entry(info, dict), ".NAME.")):
        section = _section(annotation)
        if section:
            return section, step
    return None, ""


def _info_at(where: Where, root: type[Section]) -> FieldInfo:
    info = FieldInfo.from_annotation(root)
    for step in where:
        section = _section(info.annotation)
        if section:
            info = _without_none(section.model_fields[str(step)])
        else:
            info = FieldInfo.from_annotation(_entry(info, tuple) or _entry(info, dict))
    return info


def _entry(info: FieldInfo, container: type) -> Any:
    """What a tuple or dict holds; None for anything else."""
    arguments = get_args(info.annotation)
    if get_origin(info.annotation) is not container:
        return None
    return arguments[1] if container is dict else arguments[0]


def _section(annotation: Any) -> type[Section] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, Section) else None


def _without_none(info: FieldInfo) -> FieldInfo:
    """The field of ``X`` for a field of ``X | None``."""
    choices = get_args(info.annotation)
    return FieldInfo.from_annotation(choices[0]) if type(None) in choices else info


def _unit(info: FieldInfo) -> str:
    extra = info.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def _default(name: str, info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.default
    if value is None:
        return next((f"as in [{table}]" for table, model in SHARED.items() if name in model.model_fields), "none")
    if name == "scenarios":
        return "base"
    if isinstance(value, bool):
        return str(value).lower()
    return (f"{value:g}" if isinstance(value, float) else str(value)) if value not in ((), {}, "") else "none"


def _allowed(info: FieldInfo) -> str:
    annotation = info.annotation
    for container, noun in ((tuple, "list"), (dict, "table")):
        entry = _entry(info, container)
        if entry is not None:
            inner = _allowed(FieldInfo.from_annotation(entry))
            filled = " not empty," if _limits(info).get("min_length") else ""
            return f"a {noun},{filled} each entry {inner}"
    if get_origin(annotation) is Literal:
        return " or ".join(f'"{choice}"' for choice in get_args(annotation))
    if _section(annotation):
        return "a table"
    return _allowed_value(annotation, _limits(info))


def _allowed_value(kind: Any, limits: dict[str, Any]) -> str:
    if "pattern" in limits:
        return NAME_RULE
    if limits.get("min_length"):
        return "text in quotes, not empty"
    bounds = " and ".join(f"{sign} {limits[name]:g}" for name, sign in SIGNS.items() if name in limits)
    return f"{KINDS[kind]} {bounds}".rstrip()


def _limits(info: FieldInfo) -> dict[str, Any]:
    """Ranges, shortest length and pattern of a field by name, wherever pydantic keeps them."""
    names = (*SIGNS, "min_length", "pattern")
    found = {name: getattr(rule, name, None) for rule in info.metadata for name in names if hasattr(rule, name)}
    return {name: value for name, value in found.items() if value is not None}
